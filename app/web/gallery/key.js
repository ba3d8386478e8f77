// The visitor's API key, where the service wants one. Knows no request and no element.

const NAME = "ganserve-api-key"; // where /docs keeps it, too

/** Null without one. The browser forgets it when the tab is closed. */
export const key = () => sessionStorage.getItem(NAME) || null;

export const keepKey = (given) => sessionStorage.setItem(NAME, given);

/** Options of fetch that show the key. */
export const withKey = (options = {}) =>
  key() === null ? options : { ...options, headers: { ...options.headers, Authorization: `Bearer ${key()}` } };
