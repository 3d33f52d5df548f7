// A layer: its methods side by side, and the map of its most exciting images.
"use strict";

async function layerPage(run, layer, query) {
  const blocks = run.blocks.filter((block) => block.layerName === layer);
  if (!blocks.length) throw new NotHere(`${run.model} on ${run.stimuli} has no layer ${layer}`);
  const key = `${run.path}/${run.layers.indexOf(layer)}-map`;
  const places = run.listed.mapped ? await atlas.load(`${key}.js`, key) : null;
  return [
    trail(["atlas", "#/"], [`${run.model} on ${run.stimuli}`, runAddress(run)], [layer]),
    el("h1", {}, layer),
    methodsOf(run, layer, blocks, query),
    places ? mapSection(run, layer, blocks, places) : null,
    provenance(run.listed),
  ];
}

// Median and quarters of a block's II by a metric.
function quarters(block, metric) {
  const values = [...(block.scores[metric]?.ii ?? [])].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (share) => values.length ? values[Math.round(share * (values.length - 1))] : NaN;
  return { value: at(0.5), low: at(0.25), high: at(0.75), live: values.length };
}

function methodsOf(run, layer, blocks, query) {
  const table = el("div");
  const metric = run.metrics.includes(query.metric) ? query.metric : run.metrics.at(-1);
  const rows = () => [["method", "directions", "live", ...run.metrics.flatMap((name) => [`${name} median`, `${name} quarter`, `${name} three quarters`])],
    ...blocks.map((block) => [block.methodName, block.count, quarters(block, run.metrics[0]).live,
      ...run.metrics.flatMap((name) => { const own = quarters(block, name); return [own.value, own.low, own.high]; })])];
  const update = (name) => {
    const found = blocks.map((block) => ({ block, ...quarters(block, name) }));
    const x = scale(...padded(found.flatMap((one) => [one.low, one.high]).filter(Number.isFinite)), 4, 196);
    table.replaceChildren(plainTable(["method", "directions", "live", "median II", "quarters", ""], found.map((one) => [
      el("a", { href: runAddress(run, { layer, method: one.block.methodName, sort: `-ii:${name}`, y: `ii:${name}` }) }, one.block.methodName),
      show(one.block.count), show(one.live), show(one.value), `${show(one.low)} … ${show(one.high)}`, intervalChart(one, x)])));
  };
  update(metric);
  return section("Methods side by side", { rows, name: `${layer} methods` },
    el("div", { class: "controls" }, choice("metric", run.metrics.map((name) => [name, name]), metric, update)), table);
}

function mapSection(run, layer, blocks, places) {
  const { images } = run;
  const told = el("div", { class: "told" }), found = el("ul", { class: "near wide" });
  const scatter = new Scatter({
    told: (at) => told.replaceChildren(...(at < 0 ? [] : [picture(images, places.image[at], 64), el("span", {}, `image ${places.image[at]} ${classOf(run, places.image[at])}`)])),
    framed: () => found.replaceChildren(),
    opened: (at) => found.replaceChildren(...unitsWith(blocks, places.image[at]).map(({ block, number }) => el("li", {},
      el("a", { href: unitAddress(block, number) }, `${block.methodName} · ${number}`),
      el("span", { class: "strip" }, [...rowOf(block.first, number)].map((image) => picture(images, image, 32)))))),
  });
  requestAnimationFrame(() => scatter.set({ x: places.x, y: places.y, xName: "", yName: "", words: "Map of images; its CSV has their places", shown: places.x.map(() => 1),
    colour: Array.from(places.image, (image) => images.labels ? images.labels[image] : 0) }));
  const names = images.labels ? [...new Set(Array.from(places.image, (image) => images.labels[image]))].sort((a, b) => a - b) : [];
  return section("Map of its most exciting images", { figure: () => scatter.canvas, name: `${layer} map`,
    note: `t-SNE by ${places.metric}; a point is an image, its colour its class. Click one for the units that have it among their first three.`,
    rows: () => [["image", "class", "x", "y"], ...Array.from(places.image, (image, at) => [image, classOf(run, image), places.x[at], places.y[at]])] },
    el("div", { class: "scatterbox" }, scatter.canvas), told,
    el("p", { class: "legend" }, names.length <= 20 ? names.map((index) => el("span", {}, el("i", { style: { background: colourOf(index) } }), images.classes[index])) : null), found);
}

// Units of some blocks that have an image among their first three.
function unitsWith(blocks, image) {
  const found = [];
  for (const block of blocks) {
    for (let number = 0; number < block.count; number++) if (rowOf(block.first, number).includes(image)) found.push({ block, number });
  }
  return found;
}

// Median II by layer, a line a method.
function layersSection(run, metric) {
  const box = el("div", { class: "scroll" });
  let drawn;
  const update = (name) => {
    const series = run.methods.map((method) => ({ name: method, points: run.blocks.filter((block) => block.methodName === method).map((block) => {
      const own = quarters(block, name);
      return { x: block.layer, y: own.value, low: NaN, high: NaN, href: address([run.model, run.stimuli, block.layerName], { metric: name }), words: `${method}, ${block.layerName}: ${show(own.value)}` };
    }).filter((point) => !Number.isNaN(point.y)) }));
    drawn = lineChart(series, run.layers, `Median II (${name}) by layer`);
    box.replaceChildren(drawn);
  };
  update(metric);
  return section("Layers side by side", { figure: () => drawn, name: `${run.model}-${run.stimuli}-layers`, note: "Median II of a method's live directions; a point leads to its layer.",
    rows: () => [["layer", "method", ...run.metrics], ...run.blocks.map((block) => [block.layerName, block.methodName, ...run.metrics.map((name) => quarters(block, name).value)])] },
    el("div", { class: "controls" }, choice("metric", run.metrics.map((name) => [name, name]), metric, update)), box,
    el("p", { class: "legend" }, run.methods.map((name, at) => el("span", {}, el("i", { style: { background: colourOf(at) } }), name))));
}

// Exponents over depth, a chart a network; a point leads to its layer where the atlas has it.
function depthPage() {
  const { exponents, runs } = store.catalogue;
  const groups = grouped(exponents, (row) => `${row.model} on ${row.stimuli} (${row.reduction})`);
  return [trail(["atlas", "#/"], ["exponents"]), el("h1", {}, "Exponents over depth"),
    el("p", { class: "note" }, "The power-law exponent of each layer's eigenspectrum, with its 95 % interval."),
    [...groups].map(([name, rows]) => {
      const points = rows.map((row, at) => {
        const run = runs.find((one) => one.model === row.model && one.layers.includes(row.layer));
        return { x: at, y: row.alpha ?? NaN, low: row.alpha_low ?? NaN, high: row.alpha_high ?? NaN, href: run && address([run.model, run.stimuli, row.layer]), words: `${row.layer}: ${show(row.alpha)}` };
      });
      const drawn = lineChart([{ name, points }], rows.map((row) => row.layer), `Exponents of ${name}`);
      return section(name, { figure: () => drawn, name: `exponents ${name}`, rows: () => [Object.keys(rows[0]), ...rows.map((row) => Object.values(row))] }, el("div", { class: "scroll" }, drawn));
    }), provenance()];
}
