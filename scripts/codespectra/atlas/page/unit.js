// The page of a unit or direction.
"use strict";

async function unitPage(run, layer, method, numberText, query) {
  const block = store.blockOf(run, layer, method), number = Number(numberText);
  if (!block || !(Number.isInteger(number) && number >= 0 && number < block.count)) {
    throw new NotHere(`${run.model} on ${run.stimuli} has no unit ${numberText} of ${method} in ${layer}`);
  }
  const [detail, maps, beside] = await Promise.all([store.detail(block), mapsOf(block), twinOf(run, layer, method, number, query.beside)]);
  const unit = { run, block, number, detail, maps, row: (name) => detail[name] && rowOf(detail[name], number) };
  const href = unitAddress(block, number);
  const state = run.states[block.state[number]];
  const step = (by) => unitAddress(block, (number + by + block.count) % block.count, query);
  const title = `${layer} · ${method} · ${number}`;
  return { title, previous: step(-1), next: step(1), up: runAddress(run, { layer, method }), parts: [
    trail(["atlas", "#/"], [`${run.model} on ${run.stimuli}`, runAddress(run)], [layer, address([run.model, run.stimuli, layer])],
      [method, runAddress(run, { layer, method })], [String(number)]),
    unitTitle(title, step(-1), step(1), markOf(unit, href)),
    el("p", { class: "facts" }, factsOf(unit, state)),
    imagesOf(unit), sideBySide(unit, beside, query), pair(scoresOf(unit), histogramOf(unit)), stripsOf(unit),
    pair(classesOf(unit), placeOf(unit)), pair(measuresOf(unit), indexByPart(unit)),
    trialOf(unit), synergyOf(unit), nearestOf(unit), loadingsOf(unit), loadsOf(unit),
    provenance(run.listed, ...beside ? [beside.run.listed] : [], store.catalogue.images.find((set) => set.path === `images/${run.stimuli}`)),
  ] };
}

function factsOf({ block, number, row }, state) {
  const quantiles = row("quantiles");
  return [el("b", { class: `state ${state}` }, state),
    ` · responds above its lowest to ${percent(block.active[number])} of the stimuli · from ${show(quantiles[0])} to ${show(quantiles.at(-1))}, median ${show(quantiles[5])}`,
    block.two_sided ? " · no sign of its own: both ends were scored, and the better one counts" : ""];
}

function markOf({ run, block, number }, address) {
  const numbers = Object.fromEntries(run.columns.map((column) => [column.name, column.of(block)?.[number]])
    .filter(([, value]) => value !== undefined && !Number.isNaN(value)));
  return { address, model: run.model, stimuli: run.stimuli, layer: block.layerName, method: block.methodName, unit: number,
    state: run.states[block.state[number]], numbers };
}

// The name of a unit, with the ways to its neighbours and the button of my list.
const unitTitle = (title, previous, next, mark) => el("div", { class: "title" }, el("h1", {}, title), el("span", { class: "buttons" },
  el("a", { class: "button", href: previous, title: "previous unit ( ← )", rel: "prev" }, "←"),
  el("a", { class: "button", href: next, title: "next unit ( → )", rel: "next" }, "→"), markButton(mark)));

function markButton(mark) {
  const button = el("button", { type: "button", class: "mark", title: "put on my list ( m )", on: { click: () => {
    marks.toggle(mark);
    tell();
  } } });
  const tell = () => {
    button.setAttribute("aria-pressed", String(marks.has(mark.address)));
    button.textContent = marks.has(mark.address) ? "★ on my list" : "☆ my list";
  };
  tell();
  return button;
}

const pair = (...parts) => el("div", { class: "ends" }, parts);

function imagesOf(unit) {
  const { run, block, number, row } = unit;
  const name = unitName(block, number);
  const ends = [["Most exciting images", "top", "top_response"], ["Least exciting images", "bottom", "bottom_response"]];
  return el("div", { class: "ends" }, ends.map(([title, images, responses], end) => {
    const own = [...row(images)], values = row(responses);
    const counted = (at) => end === 0 && at < run.m;
    const drawn = own.map((image, at) => captioned(run.images, image, 96, values[at], { class: counted(at) ? "counted" : "" }));
    const overlay = end === 0 && unit.maps ? overlaySwitch(unit, drawn) : null;
    return section(title, { name: `${name} ${images}`, rows: () => [["rank", "image", "class", "response"], ...own.map((image, at) => [at + 1, image, classOf(run, image), values[at]])],
      note: end === 0 ? `The first ${run.m}, underlined, are those of the II.` : "The weakest responses, the lowest first." },
      overlay, el("div", { class: "gallery" }, drawn));
  }));
}
const classOf = (run, image) => run.images.labels ? run.images.classes[run.images.labels[image]] : "";

// A switch for the maps of a unit over its images; a map is small, and the browser scales it.
function overlaySwitch({ maps, number }, figures) {
  const [height, width] = maps.grid;
  const layers = figures.map((figure, rank) => {
    const canvas = el("canvas", { width, height, class: "map", "aria-hidden": "true" });
    const pixels = new ImageData(width, height);
    mapOf(maps, number, rank).forEach((level, at) => pixels.data.set([128, 128, 128, 14 * (15 - level)], 4 * at));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const inset = `${50 * (1 - maps.covers)}%`;
    Object.assign(canvas.style, { inset, width: `${100 * maps.covers}%`, height: `${100 * maps.covers}%` });
    figure.querySelector(".picture").append(canvas);
    return canvas;
  });
  const tell = (shown) => layers.forEach((canvas) => { canvas.hidden = !shown; });
  const box = el("input", { type: "checkbox", class: "overlay", on: { change: () => { kept.set("maps", box.checked); tell(box.checked); } } });
  box.checked = kept.get("maps", true);
  tell(box.checked);
  return el("label", { class: "note" }, box, ` where it responds, from ${show(maps.low[number], 3)} (veiled) to ${show(maps.high[number], 3)} (clear) ( o )`);
}

function scoresOf({ run, block, number }) {
  const rows = Object.entries(block.scores).map(([metric, own]) => ({ metric, value: own.ii[number], low: own.low[number], high: own.high[number], sign: own.sign[number], ...rankOf(block, metric, number) }));
  if (!rows.length) return null;
  return section("Interpretability Index", { name: `${unitName(block, number)} II`,
    rows: () => [["metric", "ii", "low", "high", "rank", "of"], ...rows.map((row) => [row.metric, row.value, row.low, row.high, row.rank, row.live])],
    note: `Intervals: 95 %, over resampled images. Rank: among the live ones of ${block.methodName} in ${block.layerName}.` },
    plainTable(["metric", "II", "interval", "rank", ""], rows.map((row) => {
      const all = block.scores[row.metric];
      const x = scale(...padded([...all.low, ...all.high, ...all.ii]), 4, 146);
      return [el("span", { title: store.catalogue.backbones[row.metric] }, row.metric, block.two_sided && row.sign < 0 ? " (weak end)" : ""), show(row.value), Number.isNaN(row.low) ? "–" : `${show(row.low, 3)} … ${show(row.high, 3)}`,
        Number.isNaN(row.rank) ? "–" : `${row.rank} of ${row.live}`, intervalChart(row, x, 150)];
    }), { class: "scores" }));
}

function histogramOf({ block, number, row }) {
  const counts = row("histogram"), quantiles = row("quantiles");
  const low = quantiles[0], high = quantiles.at(-1);
  const drawn = histogramChart(counts, low, high, [...quantiles].slice(1, -1));
  return section("Responses", { name: `${unitName(block, number)} responses`, figure: () => drawn, note: "Dashed: tenths of the stimuli.",
    rows: () => [["from", "to", "count"], ...[...counts].map((count, bin) => [low + bin * (high - low) / counts.length, low + (bin + 1) * (high - low) / counts.length, count])] }, drawn);
}

function stripsOf({ run, block, number, row }) {
  const images = row("strips"), quantiles = row("quantiles");
  const each = images.length / (quantiles.length - 1);
  const strips = [...quantiles].slice(1).map((high, at) => ({ low: quantiles[at], high, images: [...images.subarray(at * each, (at + 1) * each)] })).reverse();
  return section("From strong to weak", { name: `${unitName(block, number)} quantiles`, note: "Images evenly spaced over each tenth of the ranking.",
    rows: () => [["from", "to", "image"], ...strips.flatMap((strip) => strip.images.map((image) => [strip.low, strip.high, image]))] },
    el("div", { class: "strips" }, strips.map((strip, at) => el("div", { class: "tenth" },
      el("span", {}, `${100 - 10 * at} % · ${show(strip.high, 3)}`), el("span", { class: "strip" }, strip.images.map((image) => picture(run.images, image, 56)))))));
}

function classesOf({ run, block, number, row }) {
  const classes = row("classes"), means = row("class_means");
  if (!classes || Number.isNaN(means[0])) return null;
  const most = Math.max(...[...means].map(Math.abs));
  const top = [...row("top")].slice(0, run.m).map((image) => classOf(run, image));
  const same = top.filter((name) => name === top[0]).length;
  return section("Classes", { name: `${unitName(block, number)} classes`, note: `Mean response to a class, in standard deviations above the mean; the highest. ${same} of the ${top.length} images of the II share the first one's class.`,
    rows: () => [["class", "mean"], ...[...classes].map((index, at) => [run.images.classes[index], means[at]])] },
    bars([...classes].map((index, at) => [run.images.classes[index], means[at]])));
}

// How much of its responses' variance the layer's principal components explain, by rank.
function placeOf({ block, number }) {
  const of = (key) => block.places[key][number];
  if (Number.isNaN(of("mean_rank"))) return null;
  const bands = Object.entries(PLACES).filter(([key]) => key.startsWith("ranks_")).map(([key, name]) => [name, of(key)]);
  const rest = ["later ranks, or not linear", Math.max(0, 1 - bands.reduce((sum, [, share]) => sum + share, 0))];
  return section("Place in the spectrum", { name: `${unitName(block, number)} spectrum`,
    note: `Share of the variance of its responses that the layer's principal components explain, by rank; mean rank ${show(of("mean_rank"), 3)}. Along its vector lies ${percent(of("variance_share"))} of the layer's variance.`,
    rows: () => [["place", "value"], ...Object.entries(PLACES).map(([key, name]) => [name, of(key)])] }, bars([...bands, rest]));
}

// II by the parts of a metric, such as the layers of its backbone.
function indexByPart({ block, number, detail, row }) {
  const found = Object.entries(detail.parts).map(([metric, { names, ii }]) => ({ metric, rows: names.map((name, at) => [name, rowOf(ii, number)[at]]) }));
  if (!found.length) return null;
  return section("II by part of the metric", { name: `${unitName(block, number)} parts`, note: "What each part, such as a layer of the backbone, adds to the II.",
    rows: () => [["metric", "part", "ii"], ...found.flatMap(({ metric, rows }) => rows.map((one) => [metric, ...one]))] },
    found.map(({ metric, rows }) => [el("h3", { title: store.catalogue.backbones[metric] }, metric), bars(rows)]));
}

function measuresOf({ run, block, number }) {
  const found = Object.entries(block.measures).map(([name, values]) => [name, values[number]]);
  if (!found.length) return null;
  return section("Experiments", { name: `${unitName(block, number)} experiments`, rows: () => [["measure", "value"], ...found] },
    plainTable(["measure", "value"], found.map(([name, value]) => [name, show(value)])));
}

// A trial of psychophysics that shows this unit: guess which query excites it more, then look.
function trialOf({ run, number, detail }) {
  const trials = (detail.trials ?? []).filter((trial) => trial.direction === number);
  if (!trials.length) return null;
  return section("A trial of psychophysics", { name: "trial", note: "Which query excites the unit as the left references do? The metric answers by likeness.",
    rows: () => [["metric", "difficulty", "role", "image", "response", "rank", "chosen"], ...trials.flatMap((trial) => trial.images.map((one) => [trial.metric, trial.difficulty, one.role, one.image, one.response, one.rank, one.chosen]))] },
    [...grouped(trials, (trial) => JSON.stringify([trial.difficulty, trial.images.map((one) => [one.role, one.image])])).values()].map((alike) => {
      const of = (role) => alike[0].images.filter((one) => one.role === role);
      // The place of the right answer follows from the images, so that it gives nothing away.
      const queries = [...of("positive query"), ...of("negative query")].sort((a, b) => a.image - b.image);
      const answer = el("p", { class: "note", "aria-live": "polite" });
      const reveal = () => {
        const right = of("positive query")[0];
        const said = alike.map((trial) => {
          const chosen = trial.images.find((one) => one.role === "positive query").chosen;
          return `${trial.metric} ${chosen === 1 ? "chose it" : chosen === 0 ? "chose the other" : "found both as like"}`;
        });
        answer.textContent = `Right is image ${right.image} (response ${show(right.response, 3)}, rank ${right.rank}); ${said.join(", ")}.`;
      };
      return el("div", { class: "trial" }, el("h3", {}, `difficulty ${show(alike[0].difficulty)}`),
        el("div", { class: "row" }, el("span", { class: "note" }, "excite it"), of("positive reference").map((one) => picture(run.images, one.image, 48)),
          el("span", { class: "note" }, "don't"), of("negative reference").map((one) => picture(run.images, one.image, 48))),
        el("div", { class: "row" }, queries.map((one) => el("button", { type: "button", class: "query", "aria-label": `image ${one.image}`, on: { click: reveal } }, picture(run.images, one.image, 72)))), answer);
    }));
}

function synergyOf({ run, block, number, detail }) {
  const found = Object.entries(detail.partners ?? {}).map(([metric, { units, images }]) => ({ metric, partner: units[number],
    images: [...rowOf(images, number)], value: block.measures[`best synergy (${metric})`]?.[number] })).filter((one) => one.partner >= 0);
  if (!found.length) return null;
  return section("Synergy", { name: `${unitName(block, number)} synergy`, note: "The partner whose addition gains most: II of the sum of z-scores less the better II of the two. Images that excite the partner, then the sum.",
    rows: () => [["metric", "partner", "synergy", "images of the sum"], ...found.map((one) => [one.metric, one.partner, one.value, one.images.join(" ")])] },
    el("ul", { class: "near wide" }, found.map((one) => {
      const item = unitItem(block, one.partner, `${one.metric}: with unit ${one.partner}`, show(one.value, 3));
      item.append(el("span", { class: "strip sum" }, "sum", one.images.map((image) => picture(run.images, image, 32))));
      return item;
    })));
}

function nearestOf(unit) {
  const { run, block, number, row } = unit;
  const layer = (method) => run.blocks.find((other) => other.layer === block.layer && other.method === method);
  const lists = [["In this method", "own", "r"], ["In other methods", "others", "r"], ["By shared images", "sharing", `of ${run.m} images`]].map(([title, name, words]) => {
    const methods = row(`${name}_method`);
    if (!methods) return null;
    const found = [...methods].map((method, at) => ({ other: layer(method), number: row(`${name}_direction`)[at], value: row(`${name}_value`)[at] }))
      .filter((item) => item.other && item.value !== 0);
    return found.length ? { title, words, found } : null;
  }).filter(Boolean);
  if (!lists.length) return null;
  return section("Nearest directions of the layer", { name: `${unitName(block, number)} nearest`, note: "By correlation of responses (r), and by how many of the II's images are the same.",
    rows: () => [["relation", "method", "direction", "value"], ...lists.flatMap((list) => list.found.map((item) => [list.title, item.other.methodName, item.number, item.value]))] },
    el("div", { class: "columns" }, lists.map((list) => el("div", {}, el("h3", {}, list.title),
      el("ul", { class: "near" }, list.found.map((item) => unitItem(item.other, item.number, `${item.other.methodName} · ${item.number}`,
        list.words === "r" ? `r = ${show(item.value, 3)}` : `${item.value} ${list.words}`)))))));
}

function loadingsOf({ run, block, number, row }) {
  const units = row("units"), weights = row("weights");
  if (!units) return null;
  const neurons = run.blocks.find((other) => other.layer === block.layer && other.methodName === "neurons");
  return section("Units that load on it", { name: `${unitName(block, number)} loadings`, note: "The highest weights of its vector, at unit length.",
    rows: () => [["unit", "weight"], ...[...units].map((one, at) => [one, weights[at]])] },
    el("ul", { class: "near wide" }, [...units].map((one, at) => neurons ? unitItem(neurons, one, `unit ${one}`, show(weights[at], 3))
      : el("li", {}, `unit ${one}`, el("span", {}, show(weights[at], 3))))));
}

function loadsOf({ run, block, number, row }) {
  const methods = row("loads_method");
  if (!methods) return null;
  const found = [...methods].map((method, at) => ({ other: run.blocks.find((one) => one.layer === block.layer && one.method === method),
    number: row("loads_direction")[at], weight: row("loads_value")[at] })).filter((one) => one.weight !== 0);
  return section("Directions that it loads on", { name: `${unitName(block, number)} directions`, note: "Those in whose vector, at unit length, it has the highest weight.",
    rows: () => [["method", "direction", "weight"], ...found.map((one) => [one.other.methodName, one.number, one.weight])] },
    el("ul", { class: "near wide" }, found.map((one) => unitItem(one.other, one.number, `${one.other.methodName} · ${one.number}`, show(one.weight, 3)))));
}

// The unit of the same layer, method and number in another network, if the address asks for one.
async function twinOf(run, layer, method, number, path) {
  const other = await store.runAt(path), block = other && store.blockOf(other, layer, method);
  if (!block || number >= block.count) return null;
  const detail = await store.detail(block);
  return { run: other, block, number, detail, row: (name) => detail[name] && rowOf(detail[name], number) };
}

// Two networks side by side: what excites the unit of the same name, and its scores.
function sideBySide({ run, block, number }, twin, query) {
  const others = store.catalogue.runs.filter((one) => one.path !== run.path && one.layers.includes(block.layerName) && one.methods.includes(block.methodName));
  if (!others.length) return null;
  const chooser = el("div", { class: "controls" }, runChoice("beside", "no other network", others, query.beside,
    (path) => { location.hash = unitAddress(block, number, { beside: path }); }));
  if (!twin) return chooser;
  const title = `${unitName(block, number)} of ${runName(twin.run)}`, images = [...twin.row("top")];
  const metrics = Object.keys(block.scores).filter((metric) => metric in twin.block.scores);
  const scores = (one, metric) => show(one.scores[metric].ii[number]);
  return [chooser, section(title, { name: title, rows: () => [["metric", "ii", `ii of ${runName(twin.run)}`], ...metrics.map((metric) => [metric, block.scores[metric].ii[number], twin.block.scores[metric].ii[number]])],
    note: "The same place in the network; nothing says that it codes the same." },
    el("div", { class: "gallery" }, images.map((image, at) => captioned(twin.run.images, image, 96, twin.row("top_response")[at]))),
    plainTable(["II", "here", "there"], metrics.map((metric) => [metric, scores(block, metric), scores(twin.block, metric)])),
    el("p", {}, el("a", { href: unitAddress(twin.block, number, { beside: run.path }) }, "to its page")))];
}
