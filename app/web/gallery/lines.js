// The lines with which others get the same: curl, Python, <img>. Knows no model.

import { copy, element } from "./page.js";

/** Show how to get what lies at `path`; `file` is what curl would call it. */
export function showImageLines(container, path, file, alt) {
  const url = new URL(path, location.href).href;
  show(container, {
    curl: `curl '${url}' -o ${file}`,
    Python: `import httpx\n\nimage = httpx.get("${url}").content`,
    HTML: `<img src="${url.replaceAll("&", "&amp;")}" alt="${alt}">`,
  });
}

/** Show how to send an image to `path`. */
export function showUploadLines(container, path, type) {
  const url = new URL(path, location.href).href;
  show(container, {
    curl: `curl -H 'Content-Type: ${type}' --data-binary @image '${url}' -o translated.png`,
    Python: `import httpx\n\nsource = open("image", "rb").read()\n`
      + `image = httpx.post("${url}", content=source, headers={"Content-Type": "${type}"}).content`,
  });
}

function show(container, lines) {
  container.replaceChildren(...Object.entries(lines).map(([name, text]) => {
    const button = element("button", { type: "button", textContent: "Copy", ariaLabel: `Copy the ${name} line` });
    button.addEventListener("click", () => copy(text, button));
    return element("div", { className: "line" },
      element("div", {}, element("span", { textContent: name }), button),
      element("pre", { tabIndex: 0, textContent: text, ariaLabel: name }));
  }));
}
