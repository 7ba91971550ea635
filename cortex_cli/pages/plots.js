// Draws lines and stacks over calls with uPlot: one place for axes, colours, cursors, readouts and tables of numbers.
"use strict";
const plots = (() => {
  const HEIGHT = 260;
  const PAPER_WIDTH = 660; // what a printed page holds, in CSS pixels
  const MAX_ROWS = 400; // of a table of numbers; of more calls every n-th is told
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const whole = new Intl.NumberFormat("en-US");
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
  const dollars = (value) => (value >= 1 || value === 0 ? `$${value.toFixed(2)}` : `$${value.toPrecision(2)}`);
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  const FORMS = {
    tokens: { cell: (value) => whole.format(value), axis: (value) => short.format(value) },
    dollars: { cell: dollars, axis: (value) => `$${short.format(value)}` },
    share: { cell: percent, axis: (value) => `${Math.round(100 * value)} %` },
  };

  // Makes an element; texts come in as text and nothing else.
  const make = (name, attributes, ...contents) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (key === "swatch") made.style.setProperty("--swatch", value);
      else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...contents.map((one) => (one instanceof Node ? one : String(one))));
    return made;
  };
  const cell = (value, form) => (value === null || value === undefined ? "" : FORMS[form].cell(value));

  const steps = uPlot.paths.bars({ size: [1, Infinity], gap: 0 }); // a call is no line: what it sends has no slope

  class Plot {
    // view() gives { series: [{ name, values, colour, dash, fill }], form, top, label, draw, length }.
    // find() gives the element of a name; calls has their times; each session has a key of its own.
    constructor(find, name, calls, key, view) {
      this.calls = calls;
      this.key = key;
      this.view = view;
      this.canvas = find(name);
      this.readout = find(`${name}-readout`);
      this.live = find(`${name}-live`);
      this.numbers = find(`${name}-numbers`);
      this.numbers.addEventListener("toggle", () => this.tell());
      this.canvas.addEventListener("keydown", (event) => this.step(event));
      this.after = () => {};
    }

    draw(width) {
      this.plot?.destroy();
      const shown = this.view();
      this.shown = shown;
      const ink = colour("soft");
      const hair = colour("hair");
      const axis = { stroke: ink, grid: { stroke: hair, width: 1 }, ticks: { stroke: hair, width: 1, size: 4 }, font: "12px system-ui, sans-serif" };
      const xs = Array.from({ length: shown.length }, (_, at) => at + 1);
      const series = shown.series.map((one) => ({
        label: one.name, stroke: one.colour, fill: one.fill, dash: one.dash, width: one.fill ? 0 : one.isChosen ? 3 : 1.5,
        points: { show: shown.length < 2 && !one.fill }, spanGaps: false,
        ...(one.fill ? { paths: steps } : {}),
      }));
      const options = {
        width: width ?? Math.max(280, this.canvas.clientWidth || 280),
        height: HEIGHT,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: this.key }, y: false, points: { size: 7 } },
        scales: { x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] }, y: { range: (_, low, high) => [0, shown.top?.(high) ?? (high > 0 ? high * 1.05 : 1)] } },
        axes: [
          { ...axis, size: 32, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] },
          { ...axis, size: 64, values: (_, ticks) => ticks.map(FORMS[shown.form].axis) },
        ],
        series: [{ label: "call" }, ...series],
        hooks: {
          setCursor: [(plot) => this.read(plot.cursor.idx)],
          draw: [(plot) => { shown.draw?.(plot); this.after(plot); }],
        },
      };
      this.plot = new uPlot(options, [xs, ...shown.series.map((one) => one.values)], this.canvas);
      this.canvas.setAttribute("aria-label", shown.label);
      this.read(null);
      this.tell();
    }

    // What stands at a call; without one at the last.
    read(index) {
      const at = index ?? this.shown.length - 1;
      const told = this.shown.told ?? this.shown.series;
      const items = told.map((one) =>
        make("span", null, make("span", { class: "swatch", swatch: one.swatch ?? one.colour }), `${one.name} ${cell((one.own ?? one.values)[at], this.shown.form)}`),
      );
      this.readout.replaceChildren(make("span", { class: "at" }, index === null || index === undefined ? "last call" : `call ${at + 1}`), ...items);
    }

    step(event) {
      const last = this.shown.length - 1;
      const now = this.plot.cursor.idx ?? this.at ?? (event.key === "ArrowLeft" ? last + 1 : -1);
      const stride = event.shiftKey ? Math.max(1, Math.round(last / 20)) : 1;
      const to = { ArrowLeft: now - stride, ArrowRight: now + stride, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const at = Math.min(last, Math.max(0, to));
      this.at = at; // a chart that is drawn anew forgets its cursor
      this.plot.setCursor({ left: this.plot.valToPos(at + 1, "x"), top: 0 });
      this.read(at);
      this.live.textContent = this.readout.textContent;
    }

    // The same as a table, once it is asked for.
    tell() {
      if (!this.numbers.open) return;
      const { series, told = series, form, length, label } = this.shown;
      const every = Math.ceil(length / MAX_ROWS);
      const rows = [];
      for (let at = 0; at < length; at += every) {
        const values = told.map((one) => make("td", { class: "n" }, cell((one.own ?? one.values)[at], form)));
        const time = this.calls.times[at];
        const when = time ? new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ") : "";
        rows.push(make("tr", null, make("th", { scope: "row", class: "n" }, at + 1), make("td", { class: "low n" }, when), ...values));
      }
      const titles = told.map((one) => make("th", { scope: "col", class: "n" }, one.name));
      const head = make("tr", null, make("th", { scope: "col", class: "n" }, "Call"), make("th", { scope: "col", class: "n" }, "Time (UTC)"), ...titles);
      const caption = make("caption", null, every > 1 ? `${label} One call of ${every} is told.` : label);
      const table = make("table", null, caption, make("thead", null, head), make("tbody", null, ...rows));
      const scroll = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers" }, table);
      this.numbers.lastElementChild.replaceChildren(scroll);
    }
  }

  // Draws all again when the width, the colours or the paper change.
  const follow = (all) => {
    const isPaper = () => document.documentElement.classList.contains("paper");
    const draw = () => all.forEach((plot) => plot.draw(isPaper() ? PAPER_WIDTH : undefined));
    let width = all[0].canvas.parentNode.clientWidth;
    new ResizeObserver(() => {
      const now = all[0].canvas.parentNode.clientWidth;
      if (now === width || isPaper()) return;
      width = now;
      draw();
    }).observe(all[0].canvas.parentNode);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    addEventListener("beforeprint", () => {
      document.documentElement.classList.add("paper");
      draw();
    });
    addEventListener("afterprint", () => {
      document.documentElement.classList.remove("paper");
      draw();
    });
  };

  return { Plot, follow, make, colour, whole, dollars, percent };
})();
