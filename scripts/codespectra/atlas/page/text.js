// Explained units of language models: their table, and a page with explanations and contexts.
"use strict";

const textsOf = (model, stimuli) => stimuli === "text" ? store.catalogue.texts.find((one) => one.model === model) : undefined;
const textAddress = (model, unit) => address([model, "text", unit.layer, unit.kind, unit.unit]);
const JUDGED = ["detection", "fuzzing"], SCORES = ["score", ...JUDGED];
const scoreOf = (unit, explainer, score) => unit.explanations.find((one) => one.explainer === explainer)?.[score] ?? NaN;

async function textPage(listed, query) {
  const told = await atlas.load(`${listed.path}/units.js`, `${listed.path}/units`);
  const explainers = [...new Set(told.units.flatMap((unit) => unit.explanations.map((one) => one.explainer)))];
  const scored = explainers.flatMap((name) => SCORES.map((score) => [`${score} (${name})`, (unit) => scoreOf(unit, name, score)]));
  const columns = [["unit", (unit) => unit.unit], ["layer", (unit) => unit.depth], ["kind", (unit) => unit.kind], ["action", (unit) => unit.action],
    ...scored];
  const asked = { q: "", layer: "", kind: "", sort: explainers.length ? `-score (${explainers[0]})` : "unit", ...query };
  const box = el("div"), count = el("p", { class: "note", role: "status" });
  let kept = [];
  const update = (change) => {
    if (change) history.replaceState(null, "", address([listed.model, "text"], Object.assign(asked, change)));
    const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
    const [, of] = columns.find(([name]) => name === asked.sort.replace(/^-/, "")) ?? columns[0];
    const sign = asked.sort.startsWith("-") ? -1 : 1;
    kept = told.units.filter((unit) => (!asked.layer || unit.layer === asked.layer) && (!asked.kind || unit.kind === asked.kind)
      && words.every((word) => /^\d+$/.test(word) ? unit.unit === Number(word) : `${unit.layer} ${unit.explanations.map((one) => one.explanation).join(" ")}`.toLowerCase().includes(word)))
      .sort((a, b) => Number.isNaN(of(a)) - Number.isNaN(of(b)) || (of(a) < of(b) ? -sign : of(a) > of(b) ? sign : 0));
    count.textContent = `${show(kept.length)} of ${show(told.units.length)} units${kept.length > 500 ? "; the first 500 are shown" : ""}`;
    const head = columns.map(([name]) => el("button", { type: "button", on: { click: () => update({ sort: asked.sort === `-${name}` ? name : `-${name}` }) } }, name));
    box.replaceChildren(plainTable([...head, "explanation"], kept.slice(0, 500).map((unit) => [
      el("a", { href: textAddress(listed.model, unit) }, String(unit.unit)), unit.layer, unit.kind, show(unit.action),
      ...scored.map(([, of]) => show(of(unit), 3)), unit.explanations[0]?.explanation ?? ""]), { class: "texts" }));
  };
  update();
  const any = (names) => [["", "all"], ...names.map((name) => [name, name])];
  return [trail(["atlas", "#/"], [`${listed.model} on text`]), el("h1", {}, `${listed.model} on text`),
    el("form", { class: "controls", on: { submit: (event) => event.preventDefault() } },
      choice("layer", any(told.layers), asked.layer, (layer) => update({ layer })),
      choice("kind", any([...new Set(told.units.map((unit) => unit.kind))]), asked.kind, (kind) => update({ kind })),
      el("label", {}, el("span", {}, "words"), el("input", { type: "search", value: asked.q, on: { input: (event) => update({ q: event.target.value }) } }))),
    section("Explained units", { name: `${listed.model}-text-units`, rows: () => [["address", "layer", "kind", "unit", "action", ...scored.map(([name]) => name), "explanation"],
      ...kept.map((unit) => [textAddress(listed.model, unit), unit.layer, unit.kind, unit.unit, unit.action, ...scored.map(([, of]) => of(unit)), unit.explanations[0]?.explanation])] }, count, box),
    provenance(listed)];
}

async function textUnitPage(listed, layer, kind, number) {
  const told = await atlas.load(`${listed.path}/units.js`, `${listed.path}/units`);
  const own = told.units.filter((unit) => unit.layer === layer), place = own.findIndex((unit) => unit.kind === kind && unit.unit === Number(number));
  if (place < 0) throw new NotHere(`${listed.model} has no explained unit ${number} of ${kind} in ${layer}`);
  const key = `${listed.path}/${told.layers.indexOf(layer)}`;
  const excerpts = (await atlas.load(`${key}.js`, key))[place], unit = own[place];
  const step = (by) => textAddress(listed.model, own[(place + by + own.length) % own.length]);
  const title = `${layer} · ${kind} · ${number}`, href = textAddress(listed.model, unit);
  const numbers = Object.fromEntries([["action", unit.action], ...unit.explanations.flatMap((one) => SCORES.map((score) => [`${score} (${one.explainer})`, one[score]]))]);
  const ends = (one, score) => [one[score], one[`${score}_low`], one[`${score}_high`]];
  const mark = { address: href, model: listed.model, stimuli: "text", layer, method: kind, unit: unit.unit, state: "", numbers };
  const most = Math.max(...excerpts.top.flatMap((one) => one.activations), 0);
  return { title, previous: step(-1), next: step(1), up: address([listed.model, "text"], { layer }), parts: [
    trail(["atlas", "#/"], [`${listed.model} on text`, address([listed.model, "text"])], [layer, address([listed.model, "text"], { layer })], [`${kind} ${number}`]),
    unitTitle(title, step(-1), step(1), mark),
    el("p", { class: "facts" }, `mean ${show(excerpts.mean)}, variance ${show(excerpts.variance)}, action ${show(unit.action)}`),
    unit.explanations.length ? section("Explanations", { name: `${title} explanations`,
      rows: () => [["explainer", "score", "tokens", ...JUDGED.flatMap((score) => [score, `${score} low`, `${score} high`]), "explanation"],
        ...unit.explanations.map((one) => [one.explainer, one.score, one.n_tokens, ...JUDGED.flatMap((score) => ends(one, score)), one.explanation])],
      note: "Of excerpts that the explanation wasn't made from. Score: correlation of the activations that it predicts with the true ones. Detection: which excerpts are of the unit's strongest, and fuzzing: which highlighted tokens are right, judged by the explanation; balanced accuracy (chance .5) with its 95 % interval." },
      plainTable(["explainer", "score", "tokens", ...JUDGED, "explanation"], unit.explanations.map((one) => [one.explainer, show(one.score, 3), show(one.n_tokens), ...JUDGED.map((score) => within(...ends(one, score))), one.explanation]), { class: "texts" })) : null,
    contexts("Contexts of highest activation", excerpts.top, most, title), contexts("Random contexts", excerpts.random, most, title),
    provenance(listed)] };
}

const within = (value, low, high) => Number.isFinite(value) ? `${show(value, 3)} [${show(low, 2)}, ${show(high, 2)}]` : show(value);

// Excerpts whose tokens have the strength of their activation as colour.
function contexts(title, excerpts, most, name) {
  return section(title, { name: `${name} ${title}`, rows: () => [["excerpt", "token", "activation"], ...excerpts.flatMap((one, at) => one.tokens.map((token, place) => [at + 1, token, one.activations[place]]))] },
    excerpts.map((one) => el("p", { class: "context" }, one.tokens.map((token, at) => {
      const share = most > 0 ? Math.max(0, one.activations[at] ?? 0) / most : 0;
      return el("span", { title: show(one.activations[at], 3), style: { backgroundColor: `rgba(255, 120, 0, ${0.7 * share})` } }, token.replaceAll("\n", "⏎"));
    }))));
}
