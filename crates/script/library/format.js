// How values look in the console: as in Node, on bounded effort. `util.inspect` and `util.format` too.

const { getPrototypeOf, getOwnPropertyDescriptor, getOwnPropertyNames } = Object;
// A flow whose scripts name none of these has none.
class Nothing { static isView() { return false; } }
const { ArrayBuffer = Nothing, DataView = Nothing, Map = Nothing, Set = Nothing } = globalThis;
const MAX_ITEMS = 100;
const MAX_TEXT = 10000;
const CUSTOM = Symbol.for('nodejs.util.inspect.custom');
const IDENTIFIER = /^[a-zA-Z_$][a-zA-Z0-9_$]*$/;

function quote(text) {
  const cut = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  const mark = !cut.includes("'") ? "'" : !cut.includes('"') ? '"' : !cut.includes('`') ? '`' : "'";
  const body = cut.replace(/[\\\n\r\t\b\f\v\0]/g, (c) => JSON.stringify(c).slice(1, -1))
    .replace(mark === "'" ? /'/g : /(?!)/g, "\\'");
  return mark + body + mark + (cut === text ? '' : `... ${text.length - MAX_TEXT} more characters`);
}

function key(name) {
  if (typeof name === 'symbol') return `[${String(name)}]`;
  return IDENTIFIER.test(name) ? name : quote(name);
}

function constructorName(value) {
  for (let at = value; at !== null; at = getPrototypeOf(at)) {
    const own = getOwnPropertyDescriptor(at, 'constructor');
    if (own !== undefined && typeof own.value === 'function' && own.value.name !== '') return own.value.name;
  }
  return null;
}

function primitive(value) {
  switch (typeof value) {
    case 'string': return quote(value);
    case 'bigint': return `${value}n`;
    case 'symbol': return String(value);
    case 'number': return Object.is(value, -0) ? '-0' : String(value);
    default: return String(value);
  }
}

function functionLabel(value) {
  const source = Function.prototype.toString.call(value);
  const kind = source.startsWith('class') ? 'class' : source.startsWith('async') ? 'AsyncFunction' : 'Function';
  if (kind === 'class') return `[class ${value.name || '(anonymous)'}]`;
  return value.name ? `[${kind}: ${value.name}]` : `[${kind} (anonymous)]`;
}

function errorLabel(error) {
  const name = String(error.name ?? 'Error');
  const message = String(error.message ?? '');
  const head = message ? `${name}: ${message}` : name;
  const stack = typeof error.stack === 'string' ? error.stack.replace(/\s+$/, '') : '';
  const frames = stack.split('\n').filter((line) => !line.includes('gatewright:') && !line.includes('(native)'));
  const shown = frames.join('\n');
  return shown === '' ? head : shown.includes(head) ? shown : `${head}\n${shown}`;
}

class Inspector {
  constructor(options) {
    const depth = options?.depth;
    this.maxDepth = depth === null || depth === Infinity ? 50 : depth ?? 2;
    this.showHidden = options?.showHidden === true;
    this.seen = [];
    this.budget = MAX_TEXT * 10;
  }

  show(value, depth) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return primitive(value);
    if (this.seen.includes(value)) return '[Circular *1]';
    if (this.budget <= 0) return '...';
    this.seen.push(value);
    try {
      const text = this.object(value, depth);
      this.budget -= text.length;
      return text;
    } finally {
      this.seen.pop();
    }
  }

  object(value, depth) {
    const custom = value[CUSTOM];
    if (typeof custom === 'function') {
      const shown = custom.call(value, this.maxDepth - depth, {}, inspect);
      return typeof shown === 'string' ? shown : this.show(shown, depth + 1);
    }
    const name = constructorName(value);
    const isArray = Array.isArray(value);
    const typed = ArrayBuffer.isView(value) && !(value instanceof DataView);
    let label = '';
    let items = [];
    let more = 0;
    const deeper = () => depth > this.maxDepth;

    if (isArray || typed) {
      if (typed || (name !== 'Array' && name !== null)) label = `${name}(${value.length}) `;
      if (deeper()) return isArray ? '[Array]' : `[${name}]`;
      const shown = Math.min(value.length, MAX_ITEMS);
      for (let i = 0; i < shown; i++) items.push(i in value ? this.show(value[i], depth + 1) : '<empty>');
      more = value.length - shown;
    } else if (typeof value === 'function') {
      label = functionLabel(value);
    } else if (value instanceof Error) {
      label = errorLabel(value);
    } else if (value instanceof Date) {
      label = Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    } else if (value instanceof RegExp) {
      label = RegExp.prototype.toString.call(value);
    } else if (value instanceof Promise) {
      label = 'Promise {}';
      return label;
    } else if (value instanceof Map) {
      if (deeper()) return '[Map]';
      label = `Map(${value.size}) `;
      for (const [k, v] of value) {
        if (items.length >= MAX_ITEMS) { more++; continue; }
        items.push(`${this.show(k, depth + 1)} => ${this.show(v, depth + 1)}`);
      }
    } else if (value instanceof Set) {
      if (deeper()) return '[Set]';
      label = `Set(${value.size}) `;
      for (const v of value) {
        if (items.length >= MAX_ITEMS) { more++; continue; }
        items.push(this.show(v, depth + 1));
      }
    } else if (value instanceof ArrayBuffer) {
      label = `ArrayBuffer { byteLength: ${value.byteLength} }`;
      return label;
    } else if (value instanceof String || value instanceof Number || value instanceof Boolean) {
      label = `[${name}: ${primitive(value.valueOf())}]`;
    } else if (deeper()) {
      return `[${name ?? 'Object: null prototype'}]`;
    } else if (name === null) {
      label = '[Object: null prototype] ';
    } else if (name !== 'Object') {
      label = `${name} `;
    }

    const plain = label === '' || label.endsWith(' ');
    const keys = this.keys(value, isArray || typed);
    for (const k of keys.slice(0, MAX_ITEMS)) items.push(`${key(k)}: ${this.property(value, k, depth)}`);
    more += Math.max(0, keys.length - MAX_ITEMS);
    if (more > 0) items.push(`... ${more} more item${more > 1 ? 's' : ''}`);
    if (!plain && items.length === 0) return label;
    const [open, close] = isArray || typed ? ['[', ']'] : ['{', '}'];
    return (plain ? label : `${label} `) + this.wrap(items, open, close);
  }

  keys(value, isList) {
    let names = this.showHidden ? getOwnPropertyNames(value) : Object.keys(value);
    if (isList) names = names.filter((name) => !/^\d+$/.test(name) && name !== 'length');
    if (value instanceof Error) names = names.filter((name) => !['stack', 'message'].includes(name));
    const symbols = Object.getOwnPropertySymbols(value);
    return [...names, ...symbols.filter((s) => getOwnPropertyDescriptor(value, s)?.enumerable)];
  }

  property(value, name, depth) {
    const descriptor = getOwnPropertyDescriptor(value, name);
    if (descriptor === undefined || 'value' in descriptor) {
      return this.show(descriptor === undefined ? value[name] : descriptor.value, depth + 1);
    }
    if (descriptor.get === undefined) return '[Setter]';
    return descriptor.set === undefined ? '[Getter]' : '[Getter/Setter]';
  }

  wrap(items, open, close) {
    if (items.length === 0) return open + close;
    const length = items.reduce((sum, item) => sum + item.length + 2, 0);
    if (length <= 72 && !items.some((item) => item.includes('\n'))) return `${open} ${items.join(', ')} ${close}`;
    const indented = items.map((item) => `  ${item.replace(/\n/g, '\n  ')}`);
    return `${open}\n${indented.join(',\n')}\n${close}`;
  }
}

function inspect(value, options) {
  try {
    return new Inspector(options).show(value, 0);
  } catch {
    return '[an object that cannot be shown]';
  }
}
inspect.custom = CUSTOM;
inspect.defaultOptions = {};

function placeholder(mark, value) {
  switch (mark) {
    case 's': return typeof value === 'string' ? value : typeof value === 'object' && value !== null
      ? inspect(value, { depth: 0 }) : primitive(value).replace(/^'|'$/g, '');
    case 'd': return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : String(Number(value));
    case 'i': return typeof value === 'symbol' ? 'NaN' : String(parseInt(value, 10));
    case 'f': return typeof value === 'symbol' ? 'NaN' : String(parseFloat(value));
    case 'j': try { return JSON.stringify(value); } catch { return '[Circular]'; }
    case 'o': case 'O': return inspect(value);
    default: return '';
  }
}

function format(...args) {
  let text = '';
  let next = 0;
  if (typeof args[0] === 'string') {
    next = 1;
    text = args[0].replace(/%[sdifjoOc%]/g, (match) => {
      if (match === '%%') return '%';
      return next < args.length ? placeholder(match[1], args[next++]) : match;
    });
  }
  for (; next < args.length; next++) {
    const value = args[next];
    text += (next > 0 ? ' ' : '') + (typeof value === 'string' ? value : inspect(value));
  }
  return text;
}

module.exports = { format, inspect };
