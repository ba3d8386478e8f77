// The service's HTTP interface as this page uses it. Knows no element of the page.

import { withKey } from "./key.js";

export const NUM_SEEDS = 2 ** 32;

/** A problem document (RFC 9457), or what stands for one where no answer came. */
export class Problem extends Error {
  constructor(detail, title = "No answer", status = 0) {
    super(`${title}: ${detail}`);
    this.status = status;
  }

  static async of(response) {
    try {
      const { title, detail } = await response.json();
      return new Problem(detail, title, response.status);
    } catch {
      return new Problem(`the service answered ${response.status} ${response.statusText}`);
    }
  }
}

/** The answer to a request; raises Problem in the words of the service, and tells where a key is missing. */
export async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, withKey(options));
  } catch {
    throw new Problem("the service cannot be reached; is it still running?");
  }
  if (response.status === 401) dispatchEvent(new Event("unauthorized"));
  if (!response.ok) throw await Problem.of(response);
  return response;
}

/** Why an image did not come: asked again, for an element tells only that it did not. */
export async function whyNot(path) {
  try {
    await ask(path);
    return new Problem("the image could not be shown; it came when asked for once more", "Try again");
  } catch (problem) {
    return problem;
  }
}

/** NAME@DIGEST: the same model file for ever, whatever is served under the name later. */
export const pinned = (model) => `${model.name}@${model.digest.slice(0, 12)}`;

const fold = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_");

/** The class of an image: the one asked for, or that of its seed; null without classes. */
export function classOf(order, seed) {
  const names = order.model.class_names;
  if (!names.length) return null;
  return order.label ?? names[seed % names.length];
}

/** Path of one image. `order`: model, label (class name or null), truncation (number or null). */
export function imagePath(order, seed) {
  const label = classOf(order, seed);
  return `/generate${label === null ? "" : `/${encodeURIComponent(fold(label))}`}?${query(order, { seed })}`;
}

/** Path of the frames between two seeds; `options` go into the query as they are. */
export function morphPath(order, [from, to], options) {
  const labels = [from, to].map((seed) => classOf(order, seed));
  const classes = labels[0] === null ? {} : labels[0] === labels[1] ? { label: labels[0] } : { labels: labels.map(fold) };
  return `/interpolate?${query(order, { seeds: `${from},${to}`, ...classes, ...options })}`;
}

export const translatePath = (model, keepSize) =>
  `/translate/${pinned(model)}${keepSize ? "?keep_size=true" : ""}`;

function query(order, values) {
  const all = { model: pinned(order.model), ...values };
  if (order.truncation !== null) all.truncation = order.truncation;
  return Object.entries(all)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%40", "@")}`)
    .join("&");
}
