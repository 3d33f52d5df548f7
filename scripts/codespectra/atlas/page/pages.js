// The first page, claims, marks and help.
"use strict";

function homePage() {
  const { catalogue } = store;
  return [el("h1", {}, `Atlas of ${catalogue.study}`),
    el("p", { class: "note" }, "Every unit and direction of these networks: its images, its responses, its scores with their intervals. Everything here is in this folder; nothing is fetched from elsewhere."),
    catalogue.runs.length ? section("Networks", {}, el("div", { class: "cards" }, families(catalogue.runs).map(familyCard))) : null,
    catalogue.texts.length ? section("Language models", {}, el("div", { class: "cards" }, catalogue.texts.map((text) => el("article", { class: "card" },
      el("h3", {}, el("a", { href: address([text.model, "text"]) }, text.model)), el("p", { class: "note" }, `weights: ${text.weights} · ${show(text.units)} explained units`),
      el("ul", { class: "layers" }, text.layers.map((layer) => el("li", {}, el("a", { href: address([text.model, "text"], { layer }) }, layer)))))))) : null,
    claimsSummary(), provenance(...catalogue.runs)];
}

// A network, or runs of it that differ by seed; the layers are those of the first one.
function familyCard([name, runs]) {
  const [first] = runs;
  return el("article", { class: "card" },
    el("h3", {}, runs.length > 1 ? name : el("a", { href: runAddress(first) }, runName(first))),
    runs.length > 1 ? el("ul", { class: "layers" }, runs.map((run) => el("li", {}, el("a", { href: runAddress(run) }, run.model)))) : null,
    el("p", { class: "note" }, `weights: ${first.weights} · ${show(first.directions)} units and directions${runs.length > 1 ? ` each; layers of ${first.model}:` : ""}`),
    el("ul", { class: "layers" }, first.layers.map((layer) => el("li", {}, el("a", { href: address([first.model, first.stimuli, layer]) }, layer)))));
}

function claimsSummary() {
  const counts = new Map();
  for (const claim of store.catalogue.claims) counts.set(claim.verdict, (counts.get(claim.verdict) ?? 0) + 1);
  if (!counts.size) return null;
  return section("Claims", {}, el("p", {}, [...counts].sort().reverse().map(([verdict, count]) => [el("span", { class: `verdict ${verdict}` }, `${count} ${verdict}`), " "]),
    el("a", { href: "#/claims" }, "scopes of all claims, with their intervals")));
}

// Claims as a forest plot: a panel a claim and statistic, a row a scope, on one scale a panel.
function claimsPage(query) {
  const { claims } = store.catalogue;
  const verdicts = [...new Set(claims.map((claim) => claim.verdict))].sort();
  const list = el("div");
  const asked = { verdict: query.verdict ?? "", q: query.q ?? "" };
  const update = (change) => {
    if (change) history.replaceState(null, "", address(["claims"], Object.assign(asked, change)));
    const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = claims.filter((claim) => (!asked.verdict || claim.verdict === asked.verdict)
      && words.every((word) => `${claim.id} ${claim.claim} ${claim.scope} ${claim.statistic}`.toLowerCase().includes(word)));
    const groups = grouped(kept, groupOf);
    list.replaceChildren(...[...groups.values()].map(forest));
  };
  const groupOf = (claim) => `${claim.id}\n${claim.statistic}`;
  const page = [trail(["atlas", "#/"], ["claims"]), el("h1", {}, "Claims"),
    el("p", { class: "note" }, "Estimates with 95 % intervals, a row a scope: supported where the interval, as long as the number of the claim's scopes asks, is on the claim's side, contradicted where it is on the other. A scope leads to its units. One verdict a claim stands in results/claims.csv."),
    el("form", { class: "controls", on: { submit: (event) => event.preventDefault() } },
      choice("verdict", [["", "all"], ...verdicts.map((verdict) => [verdict, verdict])], asked.verdict, (verdict) => update({ verdict })),
      el("label", {}, el("span", {}, "words"), el("input", { type: "search", value: asked.q, on: { input: (event) => update({ q: event.target.value }) } })),
      el("button", { type: "button", on: { click: () => download("claims.csv", csv([Object.keys(claims[0] ?? {}), ...claims.map((claim) => Object.values(claim))])) } }, "CSV")),
    list, provenance()];
  update();
  return page;
}

function forest(claims) {
  const { id, claim, figure, statistic } = claims[0];
  const numbers = claims.flatMap((row) => [row.estimate, row.low, row.high]).filter(Number.isFinite);
  const x = scale(...padded([0, ...numbers]), 6, 214);
  return el("section", { class: "forest" }, el("header", {}, el("h2", {}, `${id}: ${claim}`)),
    el("p", { class: "note" }, `${figure} · ${statistic}`),
    plainTable(["scope", "estimate and interval", "", "n", "verdict"], claims.map((row) => {
      const href = addressOfScope(row.scope);
      return [href ? el("a", { href }, row.scope) : row.scope,
        intervalChart({ value: row.estimate ?? NaN, low: row.low ?? NaN, high: row.high ?? NaN }, x, 220),
        row.estimate === null ? row.reason || "–" : `${show(row.estimate, 3)} (${show(row.low, 3)} … ${show(row.high, 3)})`,
        show(row.n), el("span", { class: `verdict ${row.verdict}` }, row.verdict)];
    })));
}

// The units behind a claim: its scope names a run, and perhaps a layer, a method and a metric.
function addressOfScope(scope) {
  const [first, ...rest] = scope.split(", ");
  const run = store.catalogue.runs.find((one) => `${one.model} on ${one.stimuli}` === first);
  if (!run) return null;
  const words = rest.flatMap((word) => word.split(" against "));
  const query = { layer: words.find((word) => run.layers.includes(word)), method: words.find((word) => run.methods.includes(word)) };
  const metric = words.find((word) => run.metrics.includes(word)) ?? run.metrics.find((name) => words.some((word) => word.startsWith(`${name} (`)));
  if (metric) Object.assign(query, { sort: `-ii:${metric}`, y: `ii:${metric}` });
  return address([run.model, run.stimuli], query);
}

function marksPage() {
  const all = marks.all();
  const names = [...new Set(all.flatMap((mark) => Object.keys(mark.numbers)))];
  const keys = ["model", "stimuli", "layer", "method", "unit", "state"];
  const rows = () => [["address", ...keys, ...names], ...all.map((mark) => [mark.address, ...keys.map((key) => mark[key]), ...names.map((name) => mark.numbers[name])])];
  return [trail(["atlas", "#/"], ["my list"]), el("h1", {}, "My list"),
    section("Marked units", { rows, name: "marked-units", note: "Kept in this browser alone. The CSV has addresses and numbers." },
      all.length ? plainTable(["unit", ...names, ""], all.map((mark) => [
        el("a", { href: mark.address }, `${mark.model} on ${mark.stimuli} · ${mark.layer} · ${mark.method} · ${mark.unit}`),
        ...names.map((name) => show(mark.numbers[name])),
        el("button", { type: "button", on: { click: () => { marks.toggle(mark); route(); } } }, "remove")]))
        : el("p", {}, "Nothing yet: open a unit and press m.")), provenance()];
}

function helpPage() {
  const keys = [["← →", "previous, next unit"], ["u", "up: from a unit to the table of its layer and method"], ["/", "search: numbers, layers, methods, classes; a number alone goes to that unit of the page's method"],
    ["m", "put the unit on my list, or take it off"], ["o", "maps over images on or off"], ["d", "dark or light"], ["?", "this page"]];
  return [trail(["atlas", "#/"], ["help"]), el("h1", {}, "Help"), section("Keys", {}, plainTable(["key", "does"], keys.map(([key, words]) => [el("kbd", {}, key), words]))),
    section("Words", {}, plainTable(["word", "meaning"], [
      ["unit, direction", "a unit of a layer (method neurons), or a direction in its space that a method found; both are scored alike"],
      ["II", "Interpretability Index: how alike the most exciting images of a unit are, by a metric, less how alike images are on the whole"],
      ["live, rare, dead", "dead: the same response to every stimulus; rare: fewer stimuli than the II counts rise above the lowest response; live: all others"],
      ["interval", "95 %, over resampled images"],
      ["ranks 1–10, …, mean rank", "place in the spectrum: the share of the variance of a direction's responses that the layer's principal components of these ranks explain, and the rank that they have on average"],
      ["variance share", "of the layer's variance, along the direction"],
      ["loads on", "a unit's weight in a direction's vector at unit length"],
    ])), provenance()];
}
