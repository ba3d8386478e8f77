// The lines with which others get the same: curl, Python, <img>. Knows no model.

import { key } from "./key.js";
import { copy, element } from "./page.js";

/** Show how to get what lies at `path`; `file` is what curl would call it. */
export function showImageLines(container, path, file, alt) {
  const url = new URL(path, location.href).href;
  const lines = {
    curl: `curl ${keyField()}'${url}' -o ${file}`,
    Python: `${imports()}\n\nimage = httpx.get("${url}"${keyArgument()}).content`,
  };
  // A page that others see would have to tell them the key.
  if (key() === null) lines.HTML = `<img src="${url.replaceAll("&", "&amp;")}" alt="${alt}">`;
  show(container, lines);
}

/** Show how to send an image to `path`. */
export function showUploadLines(container, path, type) {
  const url = new URL(path, location.href).href;
  show(container, {
    curl: `curl ${keyField()}-H 'Content-Type: ${type}' --data-binary @image '${url}' -o translated.png`,
    Python: `${imports()}\n\nsource = open("image", "rb").read()\n`
      + `image = httpx.post("${url}", content=source, headers={"Content-Type": "${type}"${keyEntry(", ")}}).content`,
  });
}

// The lines name a variable: they are copied into files that others read.
const keyField = () => (key() === null ? "" : '-H "Authorization: Bearer $API_KEY" ');
const keyEntry = (before) => (key() === null ? "" : `${before}"Authorization": "Bearer " + os.environ["API_KEY"]`);
const keyArgument = () => (key() === null ? "" : `, headers={${keyEntry("")}}`);
const imports = () => (key() === null ? "import httpx" : "import os\n\nimport httpx");

function show(container, lines) {
  container.replaceChildren(...Object.entries(lines).map(([name, text]) => {
    const button = element("button", { type: "button", textContent: "Copy", ariaLabel: `Copy the ${name} line` });
    button.addEventListener("click", () => copy(text, button));
    return element("div", { className: "line" },
      element("div", {}, element("span", { textContent: name }), button),
      element("pre", { tabIndex: 0, textContent: text, ariaLabel: name }));
  }));
}
