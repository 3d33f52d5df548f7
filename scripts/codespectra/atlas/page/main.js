// From an address to its page; keys, search, dark and light.
"use strict";

let page = {};

// Path and query of an address such as #/model/stimuli?layer=x.
function partsOf(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(query)) };
}

async function pageOf({ path, query }) {
  if (path.length === 0) return { title: "", parts: homePage() };
  if (path.length === 1 && path[0] in PAGES) return { title: path[0], parts: PAGES[path[0]](query) };
  const text = textsOf(...path);
  if (text && path.length === 2) return { title: `${text.model} on text`, parts: await textPage(text, query) };
  if (text && path.length === 5) return textUnitPage(text, ...path.slice(2));
  if (path.length === 2) {
    const run = await store.run(...path);
    return { title: `${run.model} on ${run.stimuli}`, parts: new RunPage(run, query).build() };
  }
  if (path.length === 3) {
    const [model, stimuli, layer] = path;
    return { title: layer, parts: await layerPage(await store.run(model, stimuli), layer, query) };
  }
  if (path.length === 5) {
    const [model, stimuli, ...unit] = path;
    return unitPage(await store.run(model, stimuli), ...unit, query);
  }
  throw new NotHere("there is no such page");
}
const PAGES = { claims: claimsPage, exponents: depthPage, marks: marksPage, help: helpPage };

let asked = 0;
async function route() {
  const mine = ++asked, from = performance.now();
  const main = document.getElementById("main");
  try {
    const found = await pageOf(partsOf(location.hash));
    if (mine !== asked) return;
    page = found;
    main.replaceChildren(...found.parts.flat(Infinity).filter(Boolean));
  } catch (error) {
    if (mine !== asked) return;
    page = { title: "not found" };
    main.replaceChildren(el("h1", {}, "Not here"), el("p", { role: "alert" }, error.message), el("p", {}, el("a", { href: "#/" }, "To the first page")));
    if (!(error instanceof NotHere)) console.error(error);
  }
  document.title = [page.title, "codespectra atlas"].filter(Boolean).join(" · ");
  for (const link of document.querySelectorAll("#pages a")) {
    if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  atlas.took = performance.now() - from;
  main.dataset.address = location.hash;
  window.scrollTo(0, 0);
}

function search(text) {
  const { path } = partsOf(location.hash);
  if (/^\d+$/.test(text) && path.length === 5) {
    location.hash = address([...path.slice(0, 4), text]);
    return;
  }
  const run = store.catalogue.runs.find((one) => one.model === path[0] && one.stimuli === path[1]) ?? store.catalogue.runs[0];
  if (run) location.hash = address([run.model, run.stimuli], { q: text });
}

const KEYS = {
  ArrowLeft: () => page.previous && (location.hash = page.previous),
  ArrowRight: () => page.next && (location.hash = page.next),
  u: () => page.up && (location.hash = page.up),
  m: () => document.querySelector("button.mark")?.click(),
  o: () => document.querySelector("input.overlay")?.click(),
  d: () => document.getElementById("theme").click(),
  "?": () => { location.hash = "#/help"; },
  "/": () => document.querySelector("#search input").focus(),
};

function theme(name) {
  if (name) document.documentElement.dataset.theme = name;
  for (const canvas of document.querySelectorAll("canvas.scatter")) canvas.dispatchEvent(new Event("redraw"));
}

async function start() {
  theme(kept.get("theme", null));
  document.getElementById("theme").addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    theme(dark ? "light" : "dark");
    kept.set("theme", dark ? "light" : "dark");
  });
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search(event.target.q.value.trim());
    event.target.q.blur();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
    if (event.target.classList?.contains("units") && event.key.startsWith("Arrow")) return;
    if (event.key in KEYS) {
      KEYS[event.key]();
      if (event.key === "/") event.preventDefault();
    }
  });
  window.addEventListener("hashchange", route);
  await store.open();
  document.getElementById("pages").append(...[["atlas", "#/"], ["claims", "#/claims"], ...(store.catalogue.exponents.length ? [["exponents", "#/exponents"]] : []), ["my list", "#/marks"], ["help", "#/help"]].map(([words, href]) => el("a", { href }, words)));
  await route();
}
start();
