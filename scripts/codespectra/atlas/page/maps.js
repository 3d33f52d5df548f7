// Two maps of a layer that show one selection: its directions, and their most exciting images.
"use strict";

const LISTED = 60; // Units of a selection that are listed.

class LayerMaps {
  // `places` are the images' (image, x, y, metric), null where the study makes no such map.
  constructor(run, layer, blocks, places) {
    Object.assign(this, { run, layer, places, names: blocks.map((block) => block.methodName) });
    this.units = blocks.flatMap((block) => Array.from({ length: block.count }, (_, number) => ({ block, number })));
    this.told = el("div", { class: "told", "aria-hidden": "true" });
    this.found = el("ul", { class: "near wide" });
    this.count = el("p", { class: "note", role: "status" });
  }

  build() {
    const { run, layer, units } = this;
    const mapped = units.some(({ block, number }) => !Number.isNaN(block.map.x[number]));
    if (!mapped && !this.places) return null;
    requestAnimationFrame(() => this.choose(null, null));
    return [el("div", { class: "ends" }, mapped ? this.directionsSection() : null, this.places ? this.imagesSection() : null),
      this.told, this.count, this.found];
  }

  directionsSection() {
    const { run, layer, units } = this;
    this.directions = new Scatter({
      told: (at) => this.told.replaceChildren(...(at < 0 ? [] : [el("b", {}, `${units[at].block.methodName} · ${units[at].number}`), this.strip(units[at])])),
      opened: (at) => { location.hash = unitAddress(units[at].block, units[at].number); },
      framed: (framed) => this.choose(framed && new Set(framed), null),
    });
    return section("Map of its directions", { figure: () => this.directions.canvas, name: `${layer} directions`,
      note: "t-SNE by correlation of responses, whatever its sign; a point is a unit or direction: click to open it, drag a frame to select.",
      rows: () => [["method", "direction", "x", "y"], ...units.map(({ block, number }) => [block.methodName, number, block.map.x[number], block.map.y[number]])] },
      el("div", { class: "scatterbox" }, this.directions.canvas), legend(this.names));
  }

  imagesSection() {
    const { run: { images }, run, layer, places } = this;
    const names = images.labels ? [...new Set(Array.from(places.image, (image) => images.labels[image]))].sort((a, b) => a - b) : [];
    this.images = new Scatter({
      told: (at) => this.told.replaceChildren(...(at < 0 ? [] : [picture(images, places.image[at], 64), el("span", {}, `image ${places.image[at]} ${classOf(run, places.image[at])}`)])),
      opened: (at) => this.choose(null, new Set([at])),
      framed: (framed) => this.choose(null, framed && new Set(framed)),
    });
    return section("Map of its most exciting images", { figure: () => this.images.canvas, name: `${layer} map`,
      note: `t-SNE by ${places.metric}; a point is an image: click one or drag a frame for the units that have it among their first three.`,
      rows: () => [["image", "class", "x", "y"], ...Array.from(places.image, (image, at) => [image, classOf(run, image), places.x[at], places.y[at]])] },
      el("div", { class: "scatterbox" }, this.images.canvas), legend(names.length <= 20 ? names.map((index) => images.classes[index]) : [], names));
  }

  strip({ block, number }) {
    return el("span", { class: "strip" }, [...rowOf(block.first, number)].map((image) => picture(this.run.images, image, 40)));
  }

  // Select units, or images (places on the map); each brings the others with it, null is none.
  choose(units, images) {
    const firsts = (at) => rowOf(this.units[at].block.first, this.units[at].number);
    if (units && this.places) {
      const shown = new Set([...units].flatMap((at) => [...firsts(at)]));
      images = new Set([...this.places.image.keys()].filter((at) => shown.has(this.places.image[at])));
    } else if (images) {
      const shown = new Set([...images].map((at) => this.places.image[at]));
      units = new Set([...this.units.keys()].filter((at) => firsts(at).some((image) => shown.has(image))));
    }
    this.draw(units, images);
    const listed = [...units ?? []].slice(0, LISTED).map((at) => this.units[at]);
    this.count.textContent = units ? `${show(units.size)} selected${units.size > LISTED ? `; the first ${LISTED} are shown` : ""} (click beside the points to drop the selection)` : "";
    this.found.replaceChildren(...listed.map(({ block, number }) => unitItem(block, number, `${block.methodName} · ${number}`, "")));
  }

  draw(units, images) {
    const { run, places } = this, all = (count) => new Uint8Array(count).fill(1);
    const of = (axis) => Float32Array.from(this.units, ({ block, number }) => block.map[axis][number]);
    this.directions?.set({ x: of("x"), y: of("y"), words: "Map of directions; its CSV has their places", shown: all(this.units.length), chosen: units,
      colour: this.units.map(({ block }) => this.names.indexOf(block.methodName)) });
    this.images?.set({ x: places.x, y: places.y, words: "Map of images; its CSV has their places", shown: all(places.image.length), chosen: images,
      colour: Array.from(places.image, (image) => run.images.labels ? run.images.labels[image] : 0) });
  }
}
