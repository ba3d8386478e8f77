// Small things that every part of the page needs: elements, numbers, messages.

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; what begins with a capital is no property we set. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function showProblem(problem) {
  byId("problem").textContent = problem.message;
  byId("problem").hidden = false;
}

export function clearProblem() {
  byId("problem").hidden = true;
}

export function tell(text) {
  byId("status").textContent = text;
}

/** A figure as people write it: three digits that count. */
export const figure = (value) => Number(value.toPrecision(3)).toLocaleString("en");

/** Put a text on the clipboard and say so on the button for a moment. */
export async function copy(text, button) {
  const name = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Could not copy"; // no clipboard without https, but on localhost
  }
  setTimeout(() => (button.textContent = name), 1500);
}
