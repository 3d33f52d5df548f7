// Charts: histograms, intervals, lines as SVG; a scatter of up to 100,000 points on a canvas.
"use strict";

// A scale from numbers to pixels, and round ticks on it.
function scale(low, high, from, to) {
  if (!(high > low)) { low -= 0.5; high = low + 1; }
  const at = (value) => from + (value - low) / (high - low) * (to - from);
  const step = 10 ** Math.floor(Math.log10((high - low) / 3));
  const wide = [1, 2, 5, 10].map((factor) => factor * step).find((size) => (high - low) / size <= 6);
  const ticks = [];
  for (let tick = Math.ceil(low / wide) * wide; tick <= high + wide * 1e-6; tick += wide) ticks.push(Number(tick.toPrecision(12)));
  return Object.assign(at, { low, high, ticks, back: (pixel) => low + (pixel - from) / (to - from) * (high - low) });
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

// Colours that stay apart for those who see few; more than fourteen repeat.
const COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99", "#999933", "#888888", "#7d57c2", "#b5651d", "#5d8a00", "#e377c2"];
const colourOf = (number) => COLOURS[number % COLOURS.length];

const chart = (width, height, words, ...children) =>
  el("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words, class: "chart" }, ...children);

function bottomAxis(x, y, words) {
  return el("g", { class: "axis" },
    el("line", { x1: x(x.low), x2: x(x.high), y1: y, y2: y }),
    x.ticks.map((tick) => [el("line", { x1: x(tick), x2: x(tick), y1: y, y2: y + 4 }),
      el("text", { x: x(tick), y: y + 15, "text-anchor": "middle" }, show(tick))]),
    words ? el("text", { x: (x(x.low) + x(x.high)) / 2, y: y + 30, "text-anchor": "middle", class: "name" }, words) : null);
}

// Counts in equal bins from `low` to `high`, on a logarithmic scale.
function histogramChart(counts, low, high, cuts = []) {
  const width = 420, height = 150, base = 110;
  const x = scale(low, high, 34, width - 8);
  const most = Math.max(...counts, 1);
  const tall = (count) => count ? 4 + Math.log10(count) / Math.max(Math.log10(most), 1e-9) * (base - 16) : 0;
  const step = (width - 42) / counts.length;
  const marks = [1, 10, 100, 1000, 10000, 100000].filter((count) => count <= most);
  return chart(width, height, `Histogram of responses from ${show(low)} to ${show(high)}, ${show(most)} stimuli in the fullest bin`,
    marks.map((count) => [el("line", { class: "grid", x1: 34, x2: width - 8, y1: base - tall(count), y2: base - tall(count) }),
      el("text", { x: 30, y: base - tall(count) + 4, "text-anchor": "end" }, show(count))]),
    [...counts].map((count, bin) => el("rect", { class: "bar", x: 34 + bin * step, y: base - tall(count), width: Math.max(step - 0.5, 0.5), height: tall(count) },
      hint(`${show(count)} stimuli from ${show(low + bin * (high - low) / counts.length)}`))),
    cuts.map((cut) => el("line", { class: "cut", x1: x(cut), x2: x(cut), y1: 8, y2: base })),
    bottomAxis(x, base, "response (count on a logarithmic scale)"));
}

// Estimates with intervals in one column, on one scale; `rows` have value, low, high.
function intervalChart(row, x, width = 200) {
  const middle = 11;
  return chart(width, 22, `${show(row.value)}, interval ${show(row.low)} to ${show(row.high)}`,
    x.low < 0 && x.high > 0 ? el("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: 22 }) : null,
    Number.isNaN(row.low) || row.low === null ? null : el("line", { class: "interval", x1: x(Math.max(row.low, x.low)), x2: x(Math.min(row.high, x.high)), y1: middle, y2: middle }),
    Number.isNaN(row.value) || row.value === null ? null : el("circle", { class: "estimate", cx: x(row.value), cy: middle, r: 4 }));
}

// What colours of a chart stand for: names, of colour 0, 1, … or as told.
const legend = (names, colours = [...names.keys()]) => el("p", { class: "legend" },
  names.map((name, at) => el("span", {}, el("i", { style: { background: colourOf(colours[at]) } }), name)));

// Lines over an ordered axis: `series` have a colour, points {x, y, low, high, href, words}, and may be dashed.
function lineChart(series, names, words) {
  const width = Math.max(360, 150 + 40 * names.length), height = 300, base = 200;
  const all = series.flatMap((one) => one.points).flatMap((point) => [point.y, point.low, point.high]).filter(Number.isFinite);
  const [low, high] = extent(all);
  const y = scale(low, high, base, 12);
  const x = (place) => 46 + (names.length > 1 ? place / (names.length - 1) : 0.5) * (width - 152);
  return chart(width, height, words,
    y.ticks.map((tick) => [el("line", { class: "grid", x1: 40, x2: width - 96, y1: y(tick), y2: y(tick) }),
      el("text", { x: 36, y: y(tick) + 4, "text-anchor": "end" }, show(tick))]),
    names.map((name, place) => el("text", { class: "slanted", transform: `translate(${x(place)} ${base + 12}) rotate(35)` }, name.length > 20 ? `…${name.slice(-19)}` : name, hint(name))),
    series.map((one) => el("g", { style: { color: colourOf(one.colour) } },
      el("path", { class: "line", "stroke-dasharray": one.dashed ? "5 4" : null, d: one.points.map((point, at) => `${at ? "L" : "M"}${x(point.x)} ${y(point.y)}`).join("") }),
      one.points.map((point) => [
        Number.isFinite(point.low) ? el("line", { class: "whisker", x1: x(point.x), x2: x(point.x), y1: y(point.low), y2: y(point.high) }) : null,
        el("circle", { class: point.href ? "point linked" : "point", cx: x(point.x), cy: y(point.y), r: 4,
          on: point.href ? { click: () => { location.hash = point.href; } } : {} }, hint(point.words))]))));
}

// A scatter of units: hover tells one, a click opens it, a dragged frame selects.
// `points` has x, y (nan is left out), colour (a number a point), and perhaps `chosen` (others are
// pale), `ringed`; without names the axes mean nothing. `act` has told, opened, framed.
class Scatter {
  constructor(act) {
    this.act = act;
    this.canvas = el("canvas", { class: "scatter", role: "img", on: {
      pointermove: (event) => this.move(event), pointerdown: (event) => this.press(event),
      pointerup: (event) => this.release(event), pointerleave: () => { this.near = -1; this.act.told(-1); this.draw(); },
      redraw: () => this.draw(),
    } });
    this.near = -1;
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  set(points) {
    this.points = points;
    this.near = -1;
    this.frame = null;
    this.canvas.setAttribute("aria-label", points.words ?? `Scatter of ${points.yName} against ${points.xName}; the table has the same units`);
    this.draw();
  }

  draw() {
    const { canvas, points } = this;
    if (!points) return;
    const width = canvas.clientWidth || 600, height = canvas.clientHeight || 360, dense = window.devicePixelRatio || 1;
    canvas.width = width * dense;
    canvas.height = height * dense;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    pen.scale(dense, dense);
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(0, 0, width, height);
    const kept = [];
    for (let at = 0; at < points.x.length; at++) {
      if (points.shown[at] && !Number.isNaN(points.x[at]) && !Number.isNaN(points.y[at])) kept.push(at);
    }
    this.kept = kept;
    this.x = scale(...padded(kept.map((at) => points.x[at])), 48, width - 12);
    this.y = scale(...padded(kept.map((at) => points.y[at])), height - 40, 10);
    if (points.xName) this.axes(pen, style, width, height);
    const size = kept.length > 5000 ? 1.5 : kept.length > 800 ? 2.5 : 4;
    const plain = kept.length > 5000 ? 0.6 : 0.8;
    for (const at of kept) {
      pen.globalAlpha = points.chosen && !points.chosen.has(at) ? 0.12 : plain;
      pen.fillStyle = colourOf(points.colour[at]);
      pen.beginPath();
      pen.arc(this.x(points.x[at]), this.y(points.y[at]), size, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = style.color;
    for (const at of points.ringed ?? []) if (!Number.isNaN(points.x[at] + points.y[at])) this.ring(pen, at, 7);
    if (this.near >= 0) this.ring(pen, this.near, 6);
    if (this.frame) {
      const [left, top, right, bottom] = this.frame;
      pen.setLineDash([4, 3]);
      pen.strokeRect(left, top, right - left, bottom - top);
    }
  }

  ring(pen, at, size) {
    pen.beginPath();
    pen.lineWidth = 2;
    pen.arc(this.x(this.points.x[at]), this.y(this.points.y[at]), size, 0, 7);
    pen.stroke();
  }

  axes(pen, style, width, height) {
    pen.fillStyle = style.color;
    pen.strokeStyle = style.borderColor;
    pen.font = "12px system-ui, sans-serif";
    pen.lineWidth = 1;
    pen.textAlign = "center";
    for (const tick of this.x.ticks) {
      pen.strokeRect(this.x(tick), 10, 0, height - 50);
      pen.fillText(show(tick), this.x(tick), height - 25);
    }
    pen.fillText(this.points.xName, width / 2, height - 7);
    pen.textAlign = "right";
    for (const tick of this.y.ticks) {
      pen.strokeRect(48, this.y(tick), width - 60, 0);
      pen.fillText(show(tick), 44, this.y(tick) + 4);
    }
    pen.save();
    pen.translate(11, height / 2 - 20);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(this.points.yName, 0, 0);
    pen.restore();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  move(event) {
    const [left, top] = this.place(event);
    if (this.pressed) {
      this.frame = [...this.pressed, left, top];
      this.draw();
      return;
    }
    let best = 12 * 12, near = -1;
    for (const at of this.kept) {
      const across = this.x(this.points.x[at]) - left, down = this.y(this.points.y[at]) - top;
      if (across * across + down * down < best) { best = across * across + down * down; near = at; }
    }
    if (near !== this.near) {
      this.near = near;
      this.canvas.style.cursor = near < 0 ? "crosshair" : "pointer";
      this.draw();
      this.act.told(near);
    }
  }

  press(event) {
    this.pressed = this.place(event);
    this.canvas.setPointerCapture(event.pointerId);
  }

  release(event) {
    const [left, top] = this.place(event), [fromLeft, fromTop] = this.pressed ?? [left, top];
    this.pressed = null;
    if (Math.hypot(left - fromLeft, top - fromTop) < 5) {
      this.frame = null;
      if (this.near >= 0) this.act.opened(this.near); else this.act.framed(null);
      return;
    }
    const within = (value, a, b) => value >= Math.min(a, b) && value <= Math.max(a, b);
    const chosen = this.kept.filter((at) => within(this.x(this.points.x[at]), left, fromLeft) && within(this.y(this.points.y[at]), top, fromTop));
    this.act.framed(chosen);
  }
}

// Lowest and highest of some numbers with room on both sides.
function padded(values) {
  const [low, high] = extent(values);
  const room = (high - low) * 0.04 || 0.5;
  return [low - room, high + room];
}
