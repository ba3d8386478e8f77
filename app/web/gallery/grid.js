// The images as a grid of tiles, loaded together and replaced together. Knows no control.

import { byId, clearProblem, element, showProblem } from "./page.js";
import { show } from "./pictures.js";
import { classOf, imagePath, NUM_SEEDS, whyNot } from "./service.js";

/** A seed as neighbours differ in it: by its end. */
const ending = (seed) => (seed > 999_999 ? `…${String(seed).slice(-3)}` : String(seed));

/** A grid; `onOpen(index)` when a tile is clicked, `onPick(seeds)` when two were picked, or fewer. */
export class Grid {
  #list = byId("results");
  #picked = [];

  constructor({ onOpen, onPick }) {
    this.onOpen = onOpen;
    this.onPick = onPick;
    this.seeds = [];
  }

  /** Show n images from a seed on. Resolves when all have come, or one could not. */
  show(order, seed, n) {
    this.order = order;
    this.seeds = Array.from({ length: n }, (_, index) => (seed + index) % NUM_SEEDS);
    while (this.#list.children.length > n) this.#list.lastChild.remove();
    while (this.#list.children.length < n) this.#list.append(this.#tile(this.#list.children.length));
    this.#list.style.setProperty("--aspect", order.model.width / order.model.height);
    this.#pick([]);
    return this.#load();
  }

  hide() {
    this.seeds = [];
    this.#list.ariaBusy = "false";
    this.#list.replaceChildren();
    this.#pick([]);
  }

  /** Pick the tiles of these seeds, as far as they are shown. */
  pick(seeds) {
    this.#pick(seeds.map((seed) => this.seeds.indexOf(seed)).filter((index) => index >= 0));
  }

  name(index) {
    const label = classOf(this.order, this.seeds[index]);
    return `${label === null ? "" : `class ${label}, `}seed ${this.seeds[index]}`;
  }

  async #load() {
    const { order, seeds } = this;
    this.#list.ariaBusy = "true";
    const paths = seeds.map((seed) => imagePath(order, seed));
    const came = await Promise.all(paths.map((path, index) => this.#loadTile(index, path)));
    if (seeds !== this.seeds) return; // others were asked for meanwhile
    this.#list.ariaBusy = "false";
    const failed = came.indexOf(false);
    if (failed < 0) clearProblem();
    else showProblem(await whyNot(paths[failed]));
  }

  #loadTile(index, path) {
    const tile = this.#list.children[index];
    const label = classOf(this.order, this.seeds[index]);
    const image = tile.querySelector("img");
    const caption = tile.querySelector(".caption");
    const seed = ending(this.seeds[index]);
    caption.textContent = label === null ? seed : `${seed} · ${label}`;
    caption.title = this.name(index);
    tile.querySelector("input").ariaLabel = `Morph with ${this.name(index)}`;
    image.alt = `${this.order.model.name}, ${this.name(index)}`;
    image.classList.add("waiting");
    return new Promise((resolve) => {
      image.onload = image.onerror = (event) => {
        image.classList.toggle("waiting", event.type === "error");
        resolve(event.type === "load");
      };
      show(image, path).catch(() => resolve(false));
    });
  }

  #tile(index) {
    const open = element("button", { type: "button", className: "open" }, element("img"));
    open.addEventListener("click", () => this.onOpen(index));
    const box = element("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      const others = this.#picked.filter((other) => other !== index);
      this.#pick(box.checked ? [...others, index].slice(-2) : others);
    });
    const pick = element("label", { className: "pick", title: "morph" }, box);
    const under = element("div", { className: "under" }, element("span", { className: "caption" }), pick);
    return element("li", { className: "tile" }, open, under);
  }

  #pick(indices) {
    this.#picked = indices;
    [...this.#list.children].forEach((tile, index) => (tile.querySelector("input").checked = indices.includes(index)));
    this.onPick(indices.map((index) => this.seeds[index]));
  }
}
