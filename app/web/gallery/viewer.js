// One image of the grid, large, with the lines that make it again. Knows no control.

import { showImageLines } from "./lines.js";
import { byId, showProblem } from "./page.js";
import { show } from "./pictures.js";
import { classOf, imagePath } from "./service.js";

/** Opens images of a grid in a dialog; arrow keys go to the next and the previous one. */
export class Viewer {
  #dialog = byId("viewer");
  #index = 0;

  constructor(grid) {
    this.grid = grid;
    byId("viewer-close").addEventListener("click", () => this.#dialog.close());
    byId("viewer-previous").addEventListener("click", () => this.#step(-1));
    byId("viewer-next").addEventListener("click", () => this.#step(1));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) this.#step(step);
    });
  }

  open(index) {
    this.#show(index);
    this.#dialog.showModal();
  }

  #step(by) {
    const n = this.grid.seeds.length;
    this.#show((this.#index + by + n) % n);
  }

  #show(index) {
    this.#index = index;
    const { order } = this.grid;
    const seed = this.grid.seeds[index];
    const path = imagePath(order, seed);
    const name = this.grid.name(index);
    const file = `${order.model.name}-${seed}.png`;
    const image = byId("viewer-image");
    show(image, path).catch(showProblem);
    image.alt = `${order.model.name}, ${name}`;
    image.style.setProperty("--aspect", order.model.width / order.model.height);
    byId("viewer-heading").textContent = `${name[0].toUpperCase()}${name.slice(1)}`;
    byId("viewer-text").textContent = `${index + 1} of ${this.grid.seeds.length} · ${order.model.name}, version `
      + `${order.model.version} · ${order.model.width}×${order.model.height}`;
    Object.assign(byId("viewer-download"), { href: path, download: file });
    showImageLines(byId("viewer-lines"), path, file, classOf(order, seed) ?? order.model.name);
  }
}
