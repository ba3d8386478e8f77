// Pictures and downloads in elements, which cannot show a key themselves. Knows no model.

import { key } from "./key.js";
import { ask } from "./service.js";

const wanted = new WeakMap(); // the path that an image was last asked to show

/** Have an image show what lies at `path`. Resolves once it is told where that is, not when it has come. */
export async function show(image, path) {
  wanted.set(image, path);
  if (key() === null) {
    image.src = path;
    return;
  }
  const blob = await (await ask(path)).blob();
  if (wanted.get(image) !== path) return; // another was asked for meanwhile
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

/** Let links with a file name lead to their file with a key as they do without; `onProblem` takes what goes wrong. */
export function downloadWithKey(onProblem) {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[download]");
    if (!link || key() === null || link.protocol === "blob:") return;
    event.preventDefault();
    try {
      const blob = await (await ask(link.href)).blob();
      const direct = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: link.download });
      direct.click();
      setTimeout(() => URL.revokeObjectURL(direct.href), 60_000); // the browser may ask where to put it
    } catch (problem) {
      onProblem(problem);
    }
  });
}
