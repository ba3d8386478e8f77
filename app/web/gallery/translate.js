// An image of the visitor through a translator, before and after. Knows no generator.

import { showUploadLines } from "./lines.js";
import { byId, clearProblem, showProblem } from "./page.js";
import { show } from "./pictures.js";
import { ask, Problem, translatePath } from "./service.js";

export class Translate {
  #panel = byId("translate");
  #model = null;
  #wish = null; // the last wish: only its answer is shown

  constructor() {
    const drop = byId("drop");
    byId("file").addEventListener("change", (event) => this.#send(event.target.files[0]));
    for (const type of ["dragenter", "dragover"]) {
      drop.addEventListener(type, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#send(event.dataTransfer.files[0]);
    });
    document.addEventListener("paste", (event) => {
      if (this.#model && event.clipboardData.files.length) this.#send(event.clipboardData.files[0]);
    });
    byId("keep-size").addEventListener("change", () => this.#send(this.#wish?.file));
    byId("example").addEventListener("click", () => this.#sendExample());
    byId("wipe").addEventListener("input", (event) => this.#wipe(event.target.value));
  }

  show(model) {
    this.#model = model;
    this.#wish = null;
    this.#panel.hidden = false;
    byId("compare").hidden = true;
  }

  hide() {
    this.#model = this.#wish = null;
    this.#panel.hidden = true;
  }

  async #send(file) {
    if (!file) return;
    const path = translatePath(this.#model, byId("keep-size").checked);
    const wish = (this.#wish = { file });
    try {
      const answer = await ask(path, { method: "POST", body: file, headers: { "Content-Type": file.type } });
      const translated = await answer.blob();
      if (wish !== this.#wish) return;
      clearProblem();
      this.#compare(file, translated, path);
    } catch (problem) {
      if (wish === this.#wish) showProblem(problem);
    }
  }

  #compare(file, translated, path) {
    for (const id of ["before", "after"]) URL.revokeObjectURL(byId(id).src);
    byId("before").src = URL.createObjectURL(file);
    byId("after").src = URL.createObjectURL(translated);
    Object.assign(byId("translated"), { href: byId("after").src, download: `${this.#model.name}.png` });
    showUploadLines(byId("translate-lines"), path, file.type);
    byId("compare").hidden = false;
    this.#wipe(byId("wipe").value);
  }

  /** A source from the model's preview: its columns are sources and translations in turn. */
  async #sendExample() {
    const { name, width, height } = this.#model;
    const wish = (this.#wish = {});
    const preview = new Image();
    try {
      await show(preview, `/models/${name}/preview.png`);
      await preview.decode();
    } catch {
      if (wish !== this.#wish) return;
      showProblem(new Problem(`model '${name}' has no preview to take an example from`, "No example"));
      return;
    }
    const pairs = Math.floor(preview.naturalWidth / (2 * width)) || 1;
    const rows = Math.floor(preview.naturalHeight / height) || 1;
    const at = Math.floor(Math.random() * pairs * rows);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(preview, -(at % pairs) * 2 * width, -Math.floor(at / pairs) * height);
    canvas.toBlob((tile) => wish === this.#wish && this.#send(tile), "image/png");
  }

  #wipe(percent) {
    byId("compare").style.setProperty("--wipe", `${percent}%`);
  }
}
