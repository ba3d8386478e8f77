// What is shown, as the query of the page's address: a link shows the same to whoever opens it.

const NAMES = ["model", "label", "seed", "n", "truncation", "morph"];

/** The values in the address, as texts; what is missing there is missing here. */
export function readAddress() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.filter((name) => given.has(name)).map((name) => [name, given.get(name)]));
}

/** Put the values into the address; null and undefined are left out. */
export function writeAddress(values) {
  const kept = NAMES.filter((name) => values[name] !== null && values[name] !== undefined);
  const query = new URLSearchParams(kept.map((name) => [name, values[name]]));
  history.replaceState(null, "", `?${query.toString().replaceAll("%40", "@").replaceAll("%2C", ",")}`);
}
