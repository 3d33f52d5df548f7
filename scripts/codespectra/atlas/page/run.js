// The overview of a run: all its units in a table and a scatter that show the same selection.
"use strict";

const ROW = 46; // Pixels of a table's row.

class RunPage {
  constructor(run, query) {
    this.run = run;
    this.chosen = null; // Units inside the scatter's frame.
    const metric = run.columns.find((column) => column.metric);
    const metrics = run.columns.filter((column) => column.metric);
    this.asked = { q: "", layer: "", method: "", state: "", sort: `-${(metrics.at(-1) ?? run.columns[0]).key}`,
      other: "", x: (run.columns.find((column) => column.key === "selectivity") ?? metric ?? run.columns[0]).key, y: (metrics.at(-1) ?? run.columns[1]).key, colour: "method", metric: "", least: "", ...query };
  }

  build() {
    const { run } = this;
    this.count = el("p", { class: "note", role: "status" });
    this.told = el("div", { class: "told", "aria-hidden": "true" });
    this.scatter = new Scatter({
      told: (at) => this.tell(at),
      opened: (at) => { location.hash = this.unitAt(at).href; },
      framed: (chosen) => { this.chosen = chosen && new Set(chosen); this.update(); },
    });
    this.body = el("tbody");
    this.heads = new Map();
    this.wrap = el("div", { class: "scroll units", tabindex: "0", "aria-label": "Table of units, which scrolls", on: { scroll: () => this.showRows() } },
      this.table = el("table", { class: "virtual" }, el("thead", {}, el("tr", {}, this.headers())), this.body));
    const page = [
      trail(["atlas", "#/"], [runName(run)]),
      el("h1", {}, runName(run)), familyLinks(run),
      el("p", { class: "note" }, `${show(run.units)} units and directions in ${run.layers.length} layers, weights: ${run.weights}; responses to ${show(run.images.count)} images, reduction ${run.reduction}; II of ${run.m} images (${run.normalisation}).`),
      this.filters(),
      section("Any number against any other", { name: `${run.model}-${run.stimuli}-scatter`, figure: () => this.scatter.canvas,
        note: "A point is a unit: click to open it, drag a frame to select; the table shows the selection." },
        el("div", { class: "controls" }, this.axisChoice("x"), this.axisChoice("y"),
          choice("colour", [["method", "method"], ["layer", "layer"], ["state", "state"]], this.asked.colour, (value) => this.ask({ colour: value }))),
        el("div", { class: "scatterbox" }, this.scatter.canvas, this.told), this.legend = el("p", { class: "legend" })),
      section("All units", { rows: () => this.rows(), name: `${run.model}-${run.stimuli}-units` }, this.count, this.wrap),
      run.metrics.length ? this.layers = el("div") : null,
      provenance(run.listed, store.catalogue.images.find((set) => set.path === `images/${run.stimuli}`)),
    ];
    requestAnimationFrame(() => this.update());
    new ResizeObserver(() => { this.first = -1; this.showRows(); }).observe(this.wrap);
    return page;
  }

  headers() {
    const named = [["number", "unit"], ["", "images"], ["layer", "layer"], ["method", "method"], ["state", "state"],
      ...this.run.columns.map((column) => [column.key, column.name, column.words])];
    if (this.run.images.classes.length) named.splice(5, 0, ["class", "class"]);
    return named.map(([key, words, hintWords]) => {
      if (!key) return el("th", { scope: "col" }, words);
      const head = el("th", { scope: "col", title: hintWords }, el("button", { type: "button", on: { click: () => this.sortBy(key) } }, words));
      this.heads.set(key, head);
      return head;
    });
  }

  filters() {
    const { run, asked } = this;
    const any = (names) => [["", "all"], ...names.map((name) => [name, name])];
    const metrics = run.columns.map((column) => [column.key, column.name]);
    const others = store.catalogue.runs.filter((one) => one.path !== run.path);
    return el("form", { class: "controls", on: { submit: (event) => event.preventDefault() } },
      choice("layer", any(run.layers), asked.layer, (value) => this.ask({ layer: value })),
      choice("method", any(run.methods), asked.method, (value) => this.ask({ method: value })),
      choice("state", any(run.states), asked.state, (value) => this.ask({ state: value })),
      choice("where", [["", "any number"], ...metrics], asked.metric, (value) => this.ask({ metric: value })),
      el("label", {}, el("span", {}, "is at least"), el("input", { type: "number", step: "any", value: asked.least, on: { input: (event) => this.ask({ least: event.target.value }) } })),
      el("label", {}, el("span", {}, "words"), el("input", { type: "search", value: asked.q, placeholder: "number, layer, class", on: { input: (event) => this.ask({ q: event.target.value }) } })),
      others.length ? runChoice("beside", "no other network", others, asked.other, (value) => this.ask({ other: value })) : null);
  }

  // Values of the x axis: of this run, or of the other one's units of the same names.
  across(column, other) {
    if (!other) return { values: valuesOf(this.run, column), name: column.name };
    const values = new Float32Array(this.run.units).fill(NaN);
    const same = other.columns.find((one) => one.key === column.key);
    for (const block of same ? this.run.blocks : []) {
      const its = store.blockOf(other, block.layerName, block.methodName), own = its && same.of(its);
      if (own) values.set(own.subarray(0, block.count), block.start);
    }
    return { values, name: `${column.name}, ${runName(other)}` };
  }

  axisChoice(axis) {
    return choice(axis, this.run.columns.map((column) => [column.key, column.name]), this.asked[axis], (value) => this.ask({ [axis]: value }));
  }

  // A changed filter, sort or axis: it goes into the address too.
  ask(change) {
    Object.assign(this.asked, change);
    if (!("sort" in change)) this.chosen = null;
    history.replaceState(null, "", runAddress(this.run, this.asked));
    this.update();
  }

  sortBy(key) {
    const down = this.asked.sort === `-${key}`;
    const texts = ["number", "layer", "method", "state", "class"].includes(key);
    this.ask({ sort: down || (texts && this.asked.sort !== key) ? key : `-${key}` });
    this.wrap.scrollTop = 0;
  }

  column(key) {
    return this.run.columns.find((column) => column.key === key) ?? this.run.columns[0];
  }

  unitAt(at) {
    const block = store.blockAt(this.run, at), number = at - block.start;
    return { at, block, number, href: unitAddress(block, number) };
  }

  classOf(block, number) {
    return block.favourite && this.run.images.classes[block.favourite[number]];
  }

  // Units that the filters keep, in any order.
  kept() {
    const { run, asked } = this;
    const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
    const limits = asked.metric && asked.least !== "" ? valuesOf(run, this.column(asked.metric)) : null;
    const state = run.states.indexOf(asked.state);
    const found = [];
    for (const block of run.blocks) {
      if ((asked.layer && block.layerName !== asked.layer) || (asked.method && block.methodName !== asked.method)) continue;
      const names = `${block.layerName} ${block.methodName}`.toLowerCase();
      for (let number = 0; number < block.count; number++) {
        const at = block.start + number;
        if (state >= 0 && block.state[number] !== state) continue;
        if (limits && !(limits[at] >= Number(asked.least))) continue;
        if (words.length && !words.every((word) => /^\d+$/.test(word) ? number === Number(word)
          : names.includes(word) || (this.classOf(block, number) ?? "").toLowerCase().includes(word))) continue;
        found.push(at);
      }
    }
    return found;
  }

  sorted(units) {
    const { run } = this;
    const down = this.asked.sort.startsWith("-"), key = this.asked.sort.replace(/^-/, "");
    const sign = down ? -1 : 1;
    const texts = {
      number: (at) => at - store.blockAt(run, at).start, layer: (at) => store.blockAt(run, at).layer,
      method: (at) => store.blockAt(run, at).method, state: (at) => { const unit = this.unitAt(at); return unit.block.state[unit.number]; },
      class: (at) => { const unit = this.unitAt(at); return this.classOf(unit.block, unit.number) ?? ""; },
    };
    let values = texts[key] && new Map(units.map((at) => [at, texts[key](at)]));
    if (values) {
      const of = values;
      return units.sort((a, b) => sign * (of.get(a) < of.get(b) ? -1 : of.get(a) > of.get(b) ? 1 : 0) || a - b);
    }
    values = valuesOf(run, this.column(key));
    const none = (at) => Number.isNaN(values[at]);
    return units.sort((a, b) => none(a) - none(b) || sign * (values[a] - values[b]) || a - b);
  }

  update() {
    const { run, asked } = this;
    const kept = this.kept();
    const shown = new Uint8Array(run.units);
    for (const at of kept) shown[at] = 1;
    this.draw(shown);
    this.units = this.sorted(this.chosen ? kept.filter((at) => this.chosen.has(at)) : kept);
    this.count.textContent = `${show(this.units.length)} of ${show(run.units)} units${this.chosen ? " inside the frame (click beside the points to drop it)" : ""}`;
    for (const [key, head] of this.heads) {
      const order = asked.sort === key ? "ascending" : asked.sort === `-${key}` ? "descending" : null;
      if (order) head.setAttribute("aria-sort", order); else head.removeAttribute("aria-sort");
    }
    this.table.setAttribute("aria-rowcount", this.units.length + 1);
    this.first = -1;
    this.showRows();
  }

  async draw(shown) {
    const { run, asked } = this;
    const other = await store.runAt(asked.other);
    const y = this.column(asked.y), x = this.across(this.column(asked.x), other);
    if (this.layers && this.compared !== asked.other) {
      this.compared = asked.other;
      this.layers.replaceChildren(layersSection(run, other, run.metrics.at(-1)));
    }
    if (!this.colours || this.coloured !== asked.colour) {
      this.coloured = asked.colour;
      this.colours = new Uint8Array(run.units);
      for (const block of run.blocks) {
        const own = { method: block.method, layer: block.layer }[asked.colour];
        if (own === undefined) this.colours.set(block.state, block.start);
        else this.colours.fill(own, block.start, block.start + block.count);
      }
      const names = { method: run.methods, layer: run.layers, state: run.states }[asked.colour];
      this.legend.replaceChildren(...names.map((name, at) => el("span", {}, el("i", { style: { background: colourOf(at) } }), name)));
    }
    const ringed = marks.all().map((mark) => this.atAddress(mark.address)).filter((at) => at >= 0);
    this.scatter.set({ x: x.values, y: valuesOf(run, y), xName: x.name, yName: y.name, shown, colour: this.colours, ringed });
  }

  atAddress(href) {
    const [model, stimuli, layer, method, number] = partsOf(href).path;
    if (model !== this.run.model || stimuli !== this.run.stimuli) return -1;
    const block = store.blockOf(this.run, layer, method);
    return block ? block.start + Number(number) : -1;
  }

  tell(at) {
    if (at < 0) { this.told.replaceChildren(); return; }
    const { block, number } = this.unitAt(at);
    this.told.replaceChildren(el("b", {}, unitName(block, number)),
      el("span", {}, ` ${this.scatter.points.xName} ${show(this.scatter.points.x[at])}, ${this.scatter.points.yName} ${show(this.scatter.points.y[at])}`),
      el("span", { class: "strip" }, [...rowOf(block.first, number)].map((image) => picture(this.run.images, image, 40))));
  }

  // The rows that are in sight, and room for the others.
  showRows() {
    const { wrap, units } = this;
    if (!units) return;
    const first = Math.max(0, Math.floor(wrap.scrollTop / ROW) - 4);
    if (first === this.first) return;
    this.first = first;
    const last = Math.min(units.length, first + Math.ceil((wrap.clientHeight || 500) / ROW) + 10);
    const room = (count) => el("tr", { "aria-hidden": "true", style: { height: `${count * ROW}px` } });
    this.body.replaceChildren(room(first), ...units.slice(first, last).map((at) => this.row(at)), room(units.length - last));
  }

  row(at) {
    const { block, number, href } = this.unitAt(at);
    const own = this.classOf(block, number);
    return el("tr", { style: { height: `${ROW}px` } },
      el("td", {}, el("a", { href, "aria-label": unitName(block, number) }, String(number))),
      el("td", {}, el("a", { class: "strip", href, tabindex: "-1", "aria-hidden": "true" }, [...rowOf(block.first, number)].map((image) => picture(this.run.images, image, 38)))),
      el("td", {}, block.layerName), el("td", {}, block.methodName), el("td", {}, this.run.states[block.state[number]]),
      this.run.images.classes.length ? el("td", {}, own ?? "") : null,
      this.run.columns.map((column) => el("td", { class: "number" }, column.key === "active" ? percent(block.active[number]) : show(column.of(block)?.[number]))));
  }

  // What the CSV of the table holds: the rows that it shows, with intervals.
  rows() {
    const { run } = this;
    const head = ["address", "layer", "method", "unit", "state", ...(run.images.classes.length ? ["class"] : []),
      ...run.columns.flatMap((column) => column.metric ? [column.name, `${column.name} low`, `${column.name} high`] : [column.name])];
    return [head, ...this.units.map((at) => {
      const { block, number, href } = this.unitAt(at);
      return [href, block.layerName, block.methodName, number, run.states[block.state[number]],
        ...(run.images.classes.length ? [this.classOf(block, number) ?? ""] : []),
        ...run.columns.flatMap((column) => column.metric
          ? ["ii", "low", "high"].map((part) => block.scores[column.metric]?.[part][number]) : [column.of(block)?.[number]])];
    })];
  }
}

// The other runs of the same network, by seed.
function familyLinks(run) {
  const others = store.catalogue.runs.filter((one) => one.path !== run.path && familyOf(one) === familyOf(run));
  return others.length ? el("p", { class: "note" }, "other seeds: ", others.map((one) => [el("a", { href: runAddress(one) }, one.model), " "])) : null;
}
