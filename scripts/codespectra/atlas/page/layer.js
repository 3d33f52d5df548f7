// A layer: its methods side by side, and how exponents and scores change over layers.
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
    new LayerMaps(run, layer, blocks, places).build(),
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
      show(one.block.count), show(one.live), show(one.value), `${show(one.low)} … ${show(one.high)}`, intervalChart(one, x)]), { class: "scores" }));
  };
  update(metric);
  return section("Methods side by side", { rows, name: `${layer} methods` },
    el("div", { class: "controls" }, choice("metric", run.metrics.map((name) => [name, name]), metric, update)), table);
}

// Median II by layer, a line a method; of another network too, in the same colours.
function layersSection(run, other, metric) {
  const box = el("div", { class: "scroll" });
  const runs = [run, other].filter(Boolean), layers = [...new Set(runs.flatMap((one) => one.layers))];
  const methods = [...new Set(runs.flatMap((one) => one.methods))];
  let drawn;
  const pointsOf = (one, method, name) => one.blocks.filter((block) => block.methodName === method).map((block) => {
    const { value } = quarters(block, name);
    return { x: layers.indexOf(block.layerName), y: value, href: address([one.model, one.stimuli, block.layerName], { metric: name }), words: `${runName(one)}, ${method}, ${block.layerName}: ${show(value)}` };
  }).filter((point) => !Number.isNaN(point.y));
  const update = (name) => {
    const series = methods.flatMap((method, colour) => runs.map((one) => ({ colour, dashed: one === other, points: pointsOf(one, method, name) })));
    drawn = lineChart(series, layers, `Median II (${name}) by layer`);
    box.replaceChildren(drawn);
  };
  update(metric);
  return section("Layers side by side", { figure: () => drawn, name: `${run.model}-${run.stimuli}-layers`, note: `Median II of a method's live directions; a point leads to its layer.${other ? ` Dashed: ${runName(other)}.` : ""}`,
    rows: () => [["model", "stimuli", "layer", "method", ...run.metrics], ...runs.flatMap((one) => one.blocks.map((block) => [one.model, one.stimuli, block.layerName, block.methodName, ...run.metrics.map((name) => quarters(block, name).value)]))] },
    el("div", { class: "controls" }, choice("metric", run.metrics.map((name) => [name, name]), metric, update)), box, legend(methods));
}

// Exponents over depth, a chart a network, a line a seed; a point leads to its layer where the atlas has it.
function depthPage() {
  const { exponents, runs } = store.catalogue;
  const groups = grouped(exponents, (row) => `${familyOf(row)} (${row.reduction})`);
  return [trail(["atlas", "#/"], ["exponents"]), el("h1", {}, "Exponents over depth"),
    el("p", { class: "note" }, "The power-law exponent of each layer's eigenspectrum, with its 95 % interval."),
    [...groups].map(([name, rows]) => {
      const layers = [...new Set(rows.map((row) => row.layer))], models = [...grouped(rows, (row) => row.model)];
      const series = models.map(([model, own], colour) => ({ colour, points: own.map((row) => {
        const run = runs.find((one) => one.model === model && one.layers.includes(row.layer));
        return { x: layers.indexOf(row.layer), y: row.alpha ?? NaN, low: row.alpha_low ?? NaN, high: row.alpha_high ?? NaN, href: run && address([run.model, run.stimuli, row.layer]), words: `${model}, ${row.layer}: ${show(row.alpha)}` };
      }) }));
      const drawn = lineChart(series, layers, `Exponents of ${name}`);
      return section(name, { figure: () => drawn, name: `exponents ${name}`, rows: () => [Object.keys(rows[0]), ...rows.map((row) => Object.values(row))] }, el("div", { class: "scroll" }, drawn),
        models.length > 1 ? legend(models.map(([model]) => model)) : null);
    }), provenance()];
}
