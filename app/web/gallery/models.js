// The models to choose from, and what is known of the chosen one. Knows no image.

import { byId, element, figure } from "./page.js";
import { show } from "./pictures.js";

// The figures worth a place on the page, best known first: how each is told.
const FIGURES = {
  frechet_distance: "Frechet distance",
  coverage: "coverage",
  recall: "recall",
  label_accuracy: "label accuracy",
  cas: "classification accuracy score",
  psnr: "PSNR, dB",
  ssim: "SSIM",
};

/** Lay out one card a model; `onChoice` is called with the entry of the one chosen. */
export function showModels(models, onChoice) {
  for (const model of models) {
    const radio = element("input", { type: "radio", name: "model", value: model.name });
    radio.addEventListener("change", () => onChoice(model));
    const preview = element("img", { alt: "", loading: "lazy" });
    show(preview, `/models/${model.name}/preview.png`).catch(() => {}); // not every model has one
    byId("models").append(element("label", { className: "model" },
      radio,
      preview,
      element("span", {}, model.name, element("small", { textContent: kindOf(model) }))));
  }
}

/** Mark one model as chosen, and say what it is and how good it measured. */
export function showChosen(model) {
  const radio = document.querySelector(`#models input[value="${CSS.escape(model.name)}"]`);
  if (radio) {
    radio.checked = true;
    radio.closest("label").scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  byId("about-name").textContent = `${model.name}, version ${model.version}`;
  byId("about-text").textContent = [
    `${kindOf(model)}, ${model.width}×${model.height}, trained on ${model.dataset} `
      + `(${Math.round(model.kimg).toLocaleString("en")} thousand images shown)`,
    model.data_licence && `data: ${model.data_licence}`,
    `file ${model.digest.slice(0, 12)}`,
  ].filter(Boolean).join(" · ");
  byId("about-metrics").replaceChildren(...Object.entries(FIGURES)
    .filter(([name]) => name in model.metrics)
    .map(([name, words]) => metric(words, model.metrics[name])));
}

function metric(words, { value, floor, protocol }) {
  const beside = floor === null ? "" : ` real images: ${figure(floor)}`;
  return element("div", { title: protocol },
    element("dt", { textContent: words }),
    element("dd", {}, figure(value), element("small", { textContent: beside })));
}

function kindOf(model) {
  const classes = model.class_names.length ? `, ${model.class_names.length} classes` : "";
  return `${model.system}${classes}${model.parent ? ", quantised" : ""}`;
}
