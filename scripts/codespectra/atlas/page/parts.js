// Pieces that several pages are built of.
"use strict";

// One image of a set, `size` pixels wide. It is cut out of its sheet once it comes into sight, and
// drawn on a canvas: of sheets that stand behind elements a browser keeps hundreds of megabytes.
function picture(images, number, size) {
  const label = images.labels ? images.classes[images.labels[number]] : undefined;
  const words = `image ${number}${label === undefined ? "" : `, ${label}`}`;
  const canvas = el("canvas", { width: images.side, height: images.side });
  const made = el("div", { class: "picture", role: "img", "aria-label": words, title: words, "data-image": number,
    style: { width: `${size}px`, height: `${size}px` } }, canvas);
  undrawn.set(canvas, { images, number });
  inSight.observe(canvas);
  return made;
}
const undrawn = new WeakMap();
const inSight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    inSight.unobserve(target);
    cutOut(target, undrawn.get(target));
  }
}, { rootMargin: "200px" });

function cutOut(canvas, { images: { across, side, path }, number }) {
  const place = number % (across * across), sheet = new Image();
  sheet.onload = async () => {
    const cut = await createImageBitmap(sheet, (place % across) * side, Math.floor(place / across) * side, side, side);
    canvas.getContext("bitmaprenderer").transferFromImageBitmap(cut);
    canvas.parentElement.dataset.drawn = "";
  };
  sheet.src = `${path}/${Math.floor(number / (across * across))}.webp`;
}

// An image with words under it: a response, its class.
function captioned(images, number, size, value, more = {}) {
  const label = images.labels ? images.classes[images.labels[number]] : null;
  return el("figure", { class: `captioned ${more.class ?? ""}`, style: { width: `${size}px` } },
    picture(images, number, size),
    el("figcaption", {}, value === undefined ? null : el("b", {}, show(value, 3)), label === null ? null : el("span", { title: label }, label)));
}

// A titled part of a page; `rows` are what its CSV button downloads, `figure` what its SVG button does.
function section(title, { note, rows, figure, name = title } = {}, ...children) {
  const buttons = [];
  if (rows) buttons.push(el("button", { type: "button", title: `Download ${name} as CSV`, on: { click: () => download(`${fileName(name)}.csv`, csv(rows())) } }, "CSV"));
  if (figure) buttons.push(el("button", { type: "button", title: `Download ${name} as a figure`, on: { click: () => saveFigure(figure(), name) } }, figure().tagName === "CANVAS" ? "PNG" : "SVG"));
  return el("section", {},
    el("header", {}, el("h2", {}, title), el("span", { class: "buttons" }, buttons)),
    note ? el("p", { class: "note" }, note) : null, ...children);
}
const fileName = (name) => name.replace(/[^A-Za-z0-9_.-]+/g, "-");

// Save a chart: SVG with the colours that it has on the page, or a canvas as PNG.
function saveFigure(figure, name) {
  if (figure.tagName === "CANVAS") {
    figure.toBlob((blob) => download(`${fileName(name)}.png`, blob));
    return;
  }
  const copy = figure.cloneNode(true);
  const drawn = [...figure.querySelectorAll("*")], copies = [...copy.querySelectorAll("*")];
  drawn.forEach((item, at) => {
    const style = getComputedStyle(item);
    for (const name of ["fill", "stroke", "stroke-width", "font-size", "font-family", "text-anchor"]) {
      copies[at].style.setProperty(name, style.getPropertyValue(name));
    }
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  download(`${fileName(name)}.svg`, new XMLSerializer().serializeToString(copy), "image/svg+xml");
}

// A plain table: names of columns, and rows of texts or elements.
function plainTable(columns, rows, attributes = {}) {
  return el("div", { class: "scroll" }, el("table", attributes,
    el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))))));
}

// A labelled choice; an option is [key, words], or { label, options } of a group.
function choice(label, options, value, act) {
  const made = (option) => Array.isArray(option) ? el("option", { value: option[0], selected: option[0] === value }, option[1])
    : el("optgroup", { label: option.label }, option.options.map(made));
  return el("label", {}, el("span", {}, label), el("select", { on: { change: (event) => act(event.target.value) } }, options.map(made)));
}

// Names with bars and numbers; `rows` are [name, value].
function bars(rows) {
  const most = Math.max(...rows.map(([, value]) => Math.abs(value) || 0)) || 1;
  return el("ul", { class: "bars" }, rows.map(([name, value]) => el("li", {}, el("span", { title: name }, name),
    el("i", { style: { width: `${40 * (Math.abs(value) || 0) / most}%` }, class: value < 0 ? "below" : "" }), el("b", {}, show(value, 3)))));
}

// A unit as an item of a list: its link, words, its first images.
const unitItem = (block, number, name, words) => el("li", {}, el("a", { href: unitAddress(block, number) }, name), el("span", {}, words),
  el("span", { class: "strip" }, [...rowOf(block.first, number)].map((image) => picture(block.run.images, image, 32))));

// Runs of one network that differ by seed, such as small-s0 and small-s1, are a family.
const familyOf = (run) => `${run.model.replace(/-s\d+$/, "")} on ${run.stimuli}`;
const families = (runs) => [...grouped(runs, familyOf)];
const runName = (run) => `${run.model} on ${run.stimuli}`;

// A choice of one of some runs, those of a family together.
function runChoice(label, none, runs, value, act) {
  const option = (run) => [run.path, runName(run)];
  return choice(label, [["", none], ...families(runs).flatMap(([label, own]) => own.length > 1 ? [{ label, options: own.map(option) }] : [option(own[0])])], value, act);
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

// Where on the way to a page one is: links, the last one the page itself.
const trail = (...steps) => el("nav", { class: "trail", "aria-label": "Where this is" },
  steps.map(([words, href], at) => [at ? el("span", { "aria-hidden": "true" }, " / ") : null,
    href ? el("a", { href }, words) : el("span", { "aria-current": "page" }, words)]));

// What made a page's numbers, folded.
function provenance(...parts) {
  const { catalogue } = store;
  const facts = [
    ["study", catalogue.study],
    ...parts.flatMap((part) => [
      [part.path, `sha256 ${part.sha256}`],
      ["made by", part.made_by ? `${part.made_by.rule}: ${part.made_by.params.join(", ")}` : "–"],
      ...Object.entries(part.made_of ?? {}).map(([name, sha256]) => [`of ${name}`, `sha256 ${sha256}`]),
    ]),
    ["versions", Object.entries(catalogue.versions).map(([name, version]) => `${name} ${version}`).join(", ")],
    ["cite", catalogue.citation],
    ["address", location.href],
  ];
  return el("details", { class: "provenance" }, el("summary", {}, "Where these numbers come from, and how to cite them"),
    el("dl", {}, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}

// Units that the reader marked, each with its address and its numbers.
const marks = {
  name: () => `marks/${store.catalogue.study}`,
  all: () => kept.get(marks.name(), []),
  has: (href) => marks.all().some((mark) => mark.address === href),
  toggle(mark) {
    const others = marks.all().filter((other) => other.address !== mark.address);
    kept.set(marks.name(), marks.has(mark.address) ? others : [...others, mark]);
  },
};
