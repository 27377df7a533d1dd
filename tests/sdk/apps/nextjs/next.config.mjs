/** Built once, started with another environment for each database. */
export default {
  // The folder above has a lock file of its own; this one is the root.
  turbopack: { root: import.meta.dirname },
  // The error overlay and the indicator of the framework are no part of what is tested.
  devIndicators: false,
};
