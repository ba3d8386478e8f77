// The gallery page: its parts, and what one tells another.

import { readAddress, writeAddress } from "./address.js";
import { Controls } from "./controls.js";
import { Grid } from "./grid.js";
import { key, keepKey } from "./key.js";
import { showChosen, showModels } from "./models.js";
import { Morph } from "./morph.js";
import { byId, clearProblem, copy, showProblem, tell } from "./page.js";
import { downloadWithKey } from "./pictures.js";
import { ask, pinned } from "./service.js";
import { Translate } from "./translate.js";
import { Viewer } from "./viewer.js";

let model = null;
let morphed = []; // seeds of the two images between which the morph runs
let isLoading = false;
let isStale = false; // something was changed while images were loading

const controls = new Controls({ onChange: refresh, onGenerate: generate });
const grid = new Grid({ onOpen: (index) => viewer.open(index), onPick: pick });
const viewer = new Viewer(grid);
const morph = new Morph({ onClose: () => grid.pick([]) });
const translate = new Translate();

byId("share").addEventListener("click", (event) => copy(location.href, event.target));
byId("access").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey(byId("key").value.trim());
  location.reload();
});
addEventListener("unauthorized", () => {
  byId("access").hidden = false;
  document.documentElement.classList.add("keyed"); // hides links that lead nowhere without a header field
});
document.documentElement.classList.toggle("keyed", key() !== null);
downloadWithKey(showProblem);
start().catch((problem) => {
  if (problem.status !== 401 || key() !== null) showProblem(problem); // else the form says it
});

async function start() {
  const [{ models, failed }, readiness] = await Promise.all([
    ask("/models").then((answer) => answer.json()),
    fetch("/health/ready").then((answer) => answer.json()),
  ]);
  showProvider(readiness, failed);
  const best = newestOf(models);
  showModels(best, (chosen) => choose(chosen));
  const given = readAddress();
  const first = best.find((each) => each.class_names.length) ?? best[0];
  if (!first) return;
  if (given.model === undefined) await choose(first, given);
  else await chooseNamed(given, best, first);
}

/** The model of the address: it may be an older version, or none that is served here. */
async function chooseNamed(given, best, first) {
  const shown = best.find((each) => [each.name, pinned(each)].includes(given.model));
  if (shown) return choose(shown, given);
  try {
    const answer = await ask(`/models/${encodeURIComponent(given.model)}`);
    await choose(await answer.json(), given);
  } catch (problem) {
    await choose(first);
    showProblem(problem);
  }
}

async function choose(chosen, given = controls.kept) {
  model = chosen;
  clearProblem();
  showChosen(model);
  const isTranslator = model.kind === "translator";
  byId("controls").hidden = byId("hint").hidden = isTranslator;
  if (isTranslator) {
    grid.hide();
    tell("");
    translate.show(model);
    writeAddress({ model: pinned(model) });
    return;
  }
  translate.hide();
  controls.showClasses(model.class_names);
  controls.set(given);
  await refresh();
  const seeds = (given.morph ?? "").split(",").map(Number);
  if (seeds.length === 2) grid.pick(seeds);
}

async function generate() {
  await refresh();
  const { top } = byId("results").getBoundingClientRect();
  if (top > innerHeight - 100) byId("results").scrollIntoView(); // a phone: the form fills it
}

/** Show the images that the form describes; while some are loading, only the last wish counts. */
async function refresh() {
  if (isLoading) {
    isStale = true;
    return;
  }
  isLoading = true;
  do {
    isStale = false;
    const { seed, n, label, truncation } = controls;
    const order = { model, label, truncation };
    await grid.show(order, seed, n);
    if (grid.seeds.length) keepAddress(); // else a translator was chosen meanwhile
  } while (isStale && model.kind === "generator");
  isLoading = false;
}

function pick(seeds) {
  morphed = seeds.length === 2 ? seeds : [];
  if (morphed.length) morph.show(grid.order, morphed);
  else morph.hide();
  tell(seeds.length === 1 ? "Choose a second image to morph to." : whatIsShown());
  if (grid.seeds.length) keepAddress();
}

function whatIsShown() {
  const [first] = grid.seeds;
  const count = grid.seeds.length;
  return count ? `${count} ${count === 1 ? "image" : "images"} of ${model.name}, from seed ${first} on` : "";
}

function keepAddress() {
  const { seed, n, label, truncation } = controls;
  writeAddress({ model: pinned(model), label, seed, n, truncation, morph: morphed.length ? morphed.join(",") : null });
}

function showProvider({ status, execution_providers: providers }, failed) {
  const badge = byId("provider");
  const where = providers.map((name) => name.replace("ExecutionProvider", "")).join(" and ");
  badge.textContent = status === "ready" ? `runs on ${where}` : status;
  badge.title = providers.join(", ");
  badge.classList.toggle("wrong", status !== "ready");
  if (failed.length) {
    const reasons = failed.map(({ name, reason }) => `${name} (${reason})`);
    showProblem(new Error(`Not served: ${reasons.join("; ")}`));
  }
}

/** One entry a name: /models lists every version. */
function newestOf(models) {
  const newest = new Map();
  for (const each of models) {
    if (!(newest.get(each.name)?.version > each.version)) newest.set(each.name, each);
  }
  return [...newest.values()];
}
