// The way between two images: a strip of frames, moved through by hand or played. Knows no grid.

import { showImageLines } from "./lines.js";
import { byId, clearProblem, showProblem } from "./page.js";
import { show } from "./pictures.js";
import { morphPath, whyNot } from "./service.js";

const MAX_FRAMES = 48;
const MAX_STRIP_WIDTH = 16383; // pixels on a side of one image, the service's limit
const FRAME_MS = 50;

export class Morph {
  #panel = byId("morph");
  #position = byId("morph-position");
  #play = byId("morph-play");
  #strip = null;
  #timer = null;
  #direction = 1;

  constructor({ onClose }) {
    this.#position.addEventListener("input", () => this.#draw());
    this.#play.addEventListener("click", () => (this.#timer ? this.#stop() : this.#start()));
    byId("morph-close").addEventListener("click", onClose);
  }

  /** Show the way from the one seed to the other. */
  async show(order, seeds) {
    this.hide();
    const frames = Math.min(MAX_FRAMES, Math.floor(MAX_STRIP_WIDTH / order.model.width));
    const path = morphPath(order, seeds, { frames, loop: false, layout: "strip" });
    const strip = new Image();
    this.#strip = strip;
    try {
      await show(strip, path);
      await strip.decode();
    } catch {
      if (strip === this.#strip) showProblem(await whyNot(path));
      return;
    }
    if (strip !== this.#strip) return; // another was asked for meanwhile
    clearProblem();
    this.frames = frames;
    this.name = `between seeds ${seeds[0]} and ${seeds[1]}`;
    this.#position.max = frames - 1;
    this.#position.value = 0;
    const animation = morphPath(order, seeds, { frames: 2 * frames - 2 });
    const file = `${order.model.name}-${seeds[0]}-${seeds[1]}.png`;
    Object.assign(byId("morph-download"), { href: animation, download: file });
    showImageLines(byId("morph-lines"), animation, file, this.name);
    this.#panel.hidden = false;
    this.#draw();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.#start();
  }

  hide() {
    this.#stop();
    this.#strip = null;
    this.#panel.hidden = true;
  }

  #start() {
    this.#play.textContent = "Pause";
    this.#timer = setInterval(() => this.#step(), FRAME_MS);
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#play.textContent = "Play";
  }

  #step() {
    const at = Number(this.#position.value);
    if (at === this.frames - 1) this.#direction = -1;
    if (at === 0) this.#direction = 1;
    this.#position.value = at + this.#direction;
    this.#draw();
  }

  #draw() {
    const canvas = byId("morph-canvas");
    const width = this.#strip.naturalWidth / this.frames;
    Object.assign(canvas, { width, height: this.#strip.naturalHeight });
    const at = Number(this.#position.value);
    canvas.getContext("2d").drawImage(this.#strip, -at * width, 0);
    canvas.ariaLabel = `frame ${at + 1} of ${this.frames} ${this.name}`;
  }
}
