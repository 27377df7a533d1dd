// How Actions are called: a CommonJS module whose export gets `(event, api)`.

module.exports = function actions(setting) {
  const { exportName } = setting;
  const api = lib('api')(setting);

  return {
    open(flow) { Object.assign(setting, flow); },
    begin(factory, index, name, event, require) {
      api.prepare(event);
      const module = { exports: {}, id: name, filename: name, loaded: false, children: [], paths: [] };
      factory.call(module.exports, module.exports, require, module, name, '.');
      const { resumeName } = setting;
      const wanted = index === 0 && resumeName !== undefined ? resumeName : exportName;
      const { exports } = module;
      const handler = exports === null || exports === undefined ? undefined : exports[wanted];
      if (typeof handler !== 'function') return machine.native('invalid')(missing(wanted, exports));
      return handler.call(exports, event, api.make(event));
    },
  };
};

function missing(wanted, exports) {
  const names = exports !== null && typeof exports === 'object' ? Object.keys(exports) : [];
  const others = names.length > 0 ? `It exports ${names.join(', ')}.` : 'It exports nothing.';
  return `The script has no export ${wanted} that is a function. ${others}`;
}
