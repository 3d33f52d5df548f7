// The catalogue, runs, blocks and units: what is loaded, and where everything is.
"use strict";

// A block is a method in a layer of a run; a unit is one of its directions.
const store = {
  recent: new Map(),

  async open() {
    this.catalogue = await atlas.load("page/catalogue.js", "catalogue");
  },

  // A run with its blocks, its images, and all its units in a row: `start` is a block's first one.
  async run(model, stimuli) {
    const listed = this.catalogue.runs.find((run) => run.path === `runs/${model}/${stimuli}`);
    if (!listed) throw new NotHere(`this atlas has no run ${model} on ${stimuli}`);
    const [run, images] = await Promise.all([
      atlas.load(`${listed.path}/run.js`, `${listed.path}/run`),
      atlas.load(`images/${stimuli}/images.js`, `images/${stimuli}`),
    ]);
    if (!run.units) this.prepare(run, images, listed);
    return run;
  },

  prepare(run, images, listed) {
    images.path = `images/${run.stimuli}`;
    Object.assign(run, { images, listed, path: listed.path, units: 0, metrics: [], measures: [] });
    const names = { metrics: new Set(), measures: new Set() };
    for (const block of run.blocks) {
      Object.assign(block, { run, start: run.units, layerName: run.layers[block.layer], methodName: run.methods[block.method] });
      run.units += block.count;
      Object.keys(block.scores).forEach((name) => names.metrics.add(name));
      Object.keys(block.measures).forEach((name) => names.measures.add(name));
    }
    run.metrics = [...names.metrics];
    run.measures = [...names.measures];
    run.columns = columnsOf(run);
  },

  // A run of the catalogue, by its path; nothing if there is none.
  async runAt(path) {
    const listed = this.catalogue.runs.find((one) => one.path === path);
    return listed && this.run(listed.model, listed.stimuli);
  },

  blockOf(run, layer, method) {
    return run.blocks.find((block) => block.layerName === layer && block.methodName === method);
  },

  // The block that the run's unit `at` is in.
  blockAt(run, at) {
    let low = 0, high = run.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (run.blocks[middle].start <= at) low = middle; else high = middle - 1;
    }
    return run.blocks[low];
  },

  // What a unit's page shows of its block, and maps; the last few of both stay in memory.
  detail(block) {
    return this.recently(`${block.run.path}/${block.layer}-${block.method}`);
  },

  async recently(key) {
    const found = this.recent.get(key) ?? await atlas.load(`${key}.js`, key);
    atlas.shards.delete(key);
    this.recent.delete(key);
    this.recent.set(key, found);
    if (this.recent.size > 40) this.recent.delete(this.recent.keys().next().value);
    return found;
  },
};

// Maps of a block over its most exciting images, null where its layer has no places.
async function mapsOf(block) {
  const listed = store.catalogue.maps.find((maps) => maps.path === block.run.path.replace(/^runs/, "maps"));
  if (!listed?.layers.includes(block.layer)) return null;
  return { ...await store.recently(`${listed.path}/${block.layer}-${block.method}`), covers: listed.covers };
}

// The map of a unit over its image of that rank: places from 0 to 15, row by row.
function mapOf(maps, number, rank) {
  const bytes = rowOf(maps.levels, number), size = maps.grid[0] * maps.grid[1];
  return Array.from({ length: size }, (_, at) => {
    const place = rank * size + at;
    return place % 2 ? bytes[place >> 1] & 15 : bytes[place >> 1] >> 4;
  });
}

// Address of a page: parts of a path, and of a query.
function address(parts, query = {}) {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== undefined));
  const path = parts.map(encodeURIComponent).join("/");
  return `#/${path}${asked.size ? `?${asked}` : ""}`;
}
const runAddress = (run, query) => address([run.model, run.stimuli], query);
const unitAddress = (block, number, query) =>
  address([block.run.model, block.run.stimuli, block.layerName, block.methodName, number], query);
const unitName = (block, number) => `${block.layerName} · ${block.methodName} · ${number}`;

// What a place in the spectrum says, by the names in shards: shares of a layer's variance along a
// direction, and of the variance of its responses that the layer's components of these ranks explain.
const PLACES = { variance_share: "variance share", ranks_1_10: "ranks 1–10", ranks_11_50: "ranks 11–50",
  ranks_51_200: "ranks 51–200", mean_rank: "mean rank" };

// Columns of the table of units, and axes of the scatter: `of(block)` has a number a unit.
function columnsOf(run) {
  const columns = [
    { key: "active", name: "active", of: (block) => block.active, words: "share of stimuli that respond above the lowest response" },
    { key: "highest", name: "highest", of: (block) => block.highest, words: "highest response" },
  ];
  for (const metric of run.metrics) {
    columns.push({ key: `ii:${metric}`, name: `II ${metric}`, metric, of: (block) => block.scores[metric]?.ii,
      words: `Interpretability Index, ${metric}` });
  }
  if (run.images.classes.length && run.blocks.some((block) => block.selectivity)) {
    columns.push({ key: "selectivity", name: "selectivity", of: (block) => block.selectivity,
      words: "mean response to the favourite class, in standard deviations above the mean" });
  }
  for (const [key, name] of Object.entries(PLACES)) {
    columns.push({ key, name, of: (block) => block.places[key], words: `place in the spectrum: ${name}` });
  }
  for (const measure of run.measures) {
    columns.push({ key: measure, name: measure, of: (block) => block.measures[measure], words: measure });
  }
  return columns;
}

// A column's numbers of all units of a run, nan where there is none.
function valuesOf(run, column) {
  if (!column.values) {
    column.values = new Float32Array(run.units).fill(NaN);
    for (const block of run.blocks) {
      const own = column.of(block);
      if (own) column.values.set(own, block.start);
    }
  }
  return column.values;
}

// Place of a unit among the live ones of its block by a metric, 1 is the highest; and how many they are.
function rankOf(block, metric, number) {
  const all = block.scores[metric].ii, own = all[number];
  let above = 0, live = 0;
  for (const value of all) {
    if (!Number.isNaN(value)) live++;
    if (value > own) above++;
  }
  return { rank: Number.isNaN(own) ? NaN : above + 1, live };
}
