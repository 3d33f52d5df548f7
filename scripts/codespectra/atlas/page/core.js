// Shards in, elements out. All text of the data becomes text nodes: nothing is ever parsed as HTML.
"use strict";

const atlas = { shards: new Map(), waiting: new Map(), loading: new Map() };

// What an address leads to isn't in this atlas.
class NotHere extends Error {}

// Called by each shard.
atlas.data = (key, content) => {
  const found = unpack(content);
  atlas.shards.set(key, found);
  atlas.waiting.get(key)?.(found);
};

// The content of a shard, whose script is read once.
atlas.load = (path, key) => {
  if (atlas.shards.has(key)) return Promise.resolve(atlas.shards.get(key));
  if (!atlas.loading.has(key)) {
    atlas.loading.set(key, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      atlas.waiting.set(key, resolve);
      script.src = path;
      script.onload = () => script.remove();
      script.onerror = () => reject(new NotHere(`${path} is missing: copy the atlas' whole folder`));
      document.head.append(script);
    }).finally(() => { atlas.waiting.delete(key); atlas.loading.delete(key); }));
  }
  return atlas.loading.get(key);
};

const TYPES = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, float32: Float32Array };

// Arrays out of base64, wherever they are in a shard; `width` is the number of entries of a row.
function unpack(content) {
  if (content === null || typeof content !== "object") return content;
  if ("base64" in content) {
    const bytes = bytesOf(content.base64);
    const array = new TYPES[content.type](bytes.buffer);
    array.width = content.shape.slice(1).reduce((a, b) => a * b, 1);
    return array;
  }
  for (const name of Object.keys(content)) content[name] = unpack(content[name]);
  return content;
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

// Row `number` of an array with rows.
const rowOf = (array, number) => array.subarray(number * array.width, (number + 1) * array.width);

// An element: el("a", {href, class, on: {click}}, "text", child, [children]).
function el(tag, attributes = {}, ...children) {
  const svg = SVG_TAGS.has(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (name === "style") Object.assign(made.style, value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}
const SVG_TAGS = new Set(["svg", "g", "rect", "line", "circle", "path", "text"]);
// `title` of an SVG element is a child of it.
const hint = (words) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "title");
  made.textContent = words;
  return made;
};

// Numbers as they are read: four significant digits, a true minus.
function show(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0 || Number.isInteger(value)) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-4 ? value.toExponential(digits - 2) : Number(value.toPrecision(digits)).toString();
  return text.replace("-", "−");
}
const percent = (share) => `${show(100 * share, 3)} %`;

// Hand a file to the browser's downloads.
function download(name, content, type = "text/csv") {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Rows of values as CSV; of a float32 as many digits as tell it from its neighbours.
function csv(rows) {
  const field = (value) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    const text = typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(8))) : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(field).join(",") + "\n").join("");
}

// What the browser keeps between visits, where it keeps anything.
const kept = {
  get(name, otherwise) {
    try { return JSON.parse(localStorage.getItem(`codespectra-atlas/${name}`)) ?? otherwise; }
    catch { return otherwise; }
  },
  set(name, value) {
    try { localStorage.setItem(`codespectra-atlas/${name}`, JSON.stringify(value)); } catch { /* private window */ }
  },
};
