// api.samlResponse: setters of what the table of triggers names.

module.exports = ({ api, command, names }) => {
  const setters = {};
  for (let i = 0; i < names.length; i++) {
    const method = names[i];
    setters[method] = (...args) => {
      if (args.length === 0) throw new TypeError(`samlResponse.${method} needs a value`);
      command(`samlResponse.${method}`, { __proto__: null, args });
      return api;
    };
  }
  return setters;
};
