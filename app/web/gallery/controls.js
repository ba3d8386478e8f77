// The form: class, seed, number of images, truncation. Knows no image.

import { byId, element } from "./page.js";
import { NUM_SEEDS } from "./service.js";

const ANY_CLASS = "";

/** Reads and sets the form; `onChange` is called when something was moved or typed. */
export class Controls {
  constructor({ onChange, onGenerate }) {
    const [seed, slider] = [byId("seed"), byId("seed-slider")];
    seed.addEventListener("input", () => {
      slider.value = seed.value;
      if (seed.checkValidity()) onChange();
    });
    slider.addEventListener("input", () => {
      seed.value = slider.value;
      onChange();
    });
    for (const id of ["n", "truncation"]) {
      byId(id).addEventListener("input", () => {
        this.#tell();
        onChange();
      });
    }
    byId("classes").addEventListener("change", onChange);
    byId("controls").addEventListener("submit", (event) => {
      event.preventDefault();
      if (byId("fresh").checked) this.seed = Math.floor(Math.random() * NUM_SEEDS);
      onGenerate();
    });
  }

  get seed() {
    return Number(byId("seed").value);
  }

  set seed(value) {
    byId("seed").value = byId("seed-slider").value = value;
  }

  get n() {
    return Number(byId("n").value);
  }

  /** Null: none, at the end of the slider. */
  get truncation() {
    const { value, max } = byId("truncation");
    return value === max ? null : Number(value);
  }

  /** The name of the chosen class; null: all of them in turn, or a model without classes. */
  get label() {
    return byId("classes").querySelector(":checked")?.value || null;
  }

  /** What stays when another model is chosen. */
  get kept() {
    return { seed: byId("seed").value, n: this.n, truncation: this.truncation };
  }

  /** Set what the address gave, as far as the model and the form can take it. */
  set({ seed, n, truncation, label }) {
    this.seed = isSeed(seed) ? Number(seed) : Math.floor(Math.random() * NUM_SEEDS);
    byId("n").value = n ?? 24;
    byId("truncation").value = truncation ?? byId("truncation").max;
    const radios = [...byId("classes").querySelectorAll("input")];
    const chosen = radios.find((radio) => radio.value === (label ?? ANY_CLASS)) ?? radios[0];
    if (chosen) chosen.checked = true;
    this.#tell();
  }

  showClasses(names) {
    const chips = [["all in turn", ANY_CLASS], ...names.map((name) => [name, name])].map(([words, value]) =>
      element("label", { className: "chip" }, element("input", { type: "radio", name: "class", value }), words));
    byId("classes").hidden = !names.length;
    byId("classes").replaceChildren(byId("classes").querySelector("legend"), ...(names.length ? chips : []));
    const first = byId("classes").querySelector("input");
    if (first) first.checked = true;
  }

  #tell() {
    byId("n-told").textContent = byId("n").value;
    byId("truncation-told").textContent = this.truncation ?? "none";
  }
}

const isSeed = (text) => /^\d{1,10}$/.test(text ?? "") && Number(text) < NUM_SEEDS;
