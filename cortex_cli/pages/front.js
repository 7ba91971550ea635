// Draws strategies by cost and facts kept, with a line through those that no other one beats in both.
"use strict";
const drawFront = (find, strategies, paint, onChoose) => {
  const { make, colour, dollars, percent } = plots;
  const canvas = find("front");
  if (!canvas) return null;
  const HEIGHT = 300;
  const PAPER_WIDTH = 380;
  const RADIUS = 5; // of a point, CSS pixels
  const LINE = 14; // height of a name, CSS pixels
  const priced = strategies.filter((one) => one.cost !== null && !one.failed).sort((one, other) => one.cost - other.cost);
  const xs = priced.map((one) => one.cost);
  const ys = priced.map((one) => one.kept);
  const front = priced.map((one) => (one.front ? one.kept : null));
  const readout = find("front-readout");
  const live = find("front-live");
  let plot = null;
  let now = null;

  const priceOf = (one) => `${one.name}: ${dollars(one.cost)}, ${percent(one.kept)} of the facts`;
  const said = (one) => `${priceOf(one)}${one.front ? ", on the Pareto front" : ""}`;
  const read = (at) => {
    now = at ?? null;
    const text = now === null ? `On the Pareto front: ${priced.filter((one) => one.front).length} of ${priced.length}` : said(priced[now]);
    readout.replaceChildren(...(now === null ? [] : [make("span", { class: "swatch", swatch: paint(priced[now].name) })]), make("span", null, text));
  };

  // Names stand where no other name does: of points that lie together only those of the front are surely named.
  const named = (one) => {
    const { ctx, bbox } = one;
    const scale = devicePixelRatio;
    const taken = [];
    const order = priced.map((_, at) => at).sort((a, b) => priced[b].front - priced[a].front);
    ctx.save();
    ctx.font = `${12 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    for (const at of order) {
      const x = one.valToPos(xs[at], "x", true);
      const y = one.valToPos(ys[at], "y", true);
      ctx.fillStyle = paint(priced[at].name);
      ctx.beginPath();
      ctx.arc(x, y, RADIUS * scale, 0, 2 * Math.PI);
      ctx.fill();
      if (priced[at].front) {
        ctx.strokeStyle = colour("ink");
        ctx.lineWidth = 1.5 * scale;
        ctx.stroke();
      }
    }
    for (const at of order) {
      const x = one.valToPos(xs[at], "x", true);
      const y = one.valToPos(ys[at], "y", true);
      const wide = ctx.measureText(priced[at].name).width;
      const gap = (RADIUS + 4) * scale;
      const beside = [0, 1, -1, 2, -2, 3, -3].flatMap((lines) => [[x + gap, y + lines * LINE * scale], [x - gap - wide, y + lines * LINE * scale]]);
      const places = [...beside.slice(0, 2), [x - wide / 2, y - LINE * scale], [x - wide / 2, y + LINE * scale], ...(priced[at].front ? beside.slice(2) : [])];
      const fits = ([left, middle]) =>
        left >= bbox.left && left + wide <= bbox.left + bbox.width && middle >= bbox.top && middle <= bbox.top + bbox.height &&
        !taken.some(([l, m, w]) => left < l + w && l < left + wide && Math.abs(m - middle) < LINE * scale) &&
        !xs.some((_, other) => other !== at && Math.abs(one.valToPos(ys[other], "y", true) - middle) < gap && one.valToPos(xs[other], "x", true) > left - gap && one.valToPos(xs[other], "x", true) < left + wide + gap);
      const place = places.find(fits);
      if (!place) continue;
      taken.push([...place, wide]);
      ctx.fillStyle = colour(priced[at].front ? "ink" : "soft");
      ctx.fillText(priced[at].name, ...place);
    }
    ctx.restore();
  };

  const draw = (isPaper) => {
    plot?.destroy();
    const hair = colour("hair");
    const axis = { stroke: colour("soft"), grid: { stroke: hair, width: 1 }, ticks: { stroke: hair, width: 1, size: 4 }, font: "12px system-ui, sans-serif" };
    const widest = (low, high, least) => Math.max((high - low) * 0.12, least);
    const range = (_, low, high) => [low - widest(low, high, high * 0.05 || 1), high + widest(low, high, high * 0.05 || 1)];
    const options = {
      width: isPaper ? PAPER_WIDTH : Math.max(260, canvas.clientWidth || 260),
      height: HEIGHT,
      padding: [10, 24, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 4 * RADIUS } },
      scales: { x: { time: false, range }, y: { range: (_, low, high) => [Math.max(0, low - widest(low, high, 0.02)), Math.min(1.03, high + widest(low, high, 0.02))] } },
      axes: [
        { ...axis, size: 32, values: (_, ticks) => ticks.map((tick) => (tick < 0 ? "" : dollars(tick))) },
        { ...axis, size: 54, values: (_, ticks) => ticks.map((tick) => (tick > 1 ? "" : `${Number((100 * tick).toFixed(1))} %`)) },
      ],
      series: [{ label: "cost" }, { label: "facts kept", stroke: "transparent", points: { show: false } }, { label: "front", stroke: colour("accent"), width: 1.5, dash: [5, 4], spanGaps: true, points: { show: false } }],
      hooks: { setCursor: [(one) => read(one.cursor.idx)], draw: [named] },
    };
    plot = new uPlot(options, [xs, ys, front], canvas);
    read(null);
  };
  canvas.setAttribute("aria-label", `Cost against facts kept of ${priced.length} strategies. Pareto front: ${priced.filter((one) => one.front).map(priceOf).join("; ")}.`);
  canvas.addEventListener("click", () => now !== null && onChoose(priced[now].name));
  canvas.addEventListener("keydown", (event) => {
    const last = priced.length - 1;
    const to = { ArrowLeft: (now ?? last + 1) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter" && now !== null) onChoose(priced[now].name);
    if (to === undefined) return;
    event.preventDefault();
    const at = Math.min(last, Math.max(0, to));
    plot.setCursor({ left: plot.valToPos(xs[at], "x"), top: 0 });
    read(at);
    live.textContent = said(priced[at]);
  });

  // The same as a table, once it is asked for.
  const numbers = find("front-numbers");
  numbers.addEventListener("toggle", () => {
    if (!numbers.open) return;
    const row = (one) => make("tr", null, make("th", { scope: "row" }, one.name), make("td", { class: "n" }, dollars(one.cost)), make("td", { class: "n" }, percent(one.kept)), make("td", null, one.front ? "yes" : ""));
    const titles = [["Strategy", ""], ["Cost", "n"], ["Facts kept", "n"], ["Pareto front", ""]].map(([title, kind]) => make("th", { scope: "col", class: kind }, title));
    const whole = make("table", null, make("caption", null, "All strategies with a price, the cheapest first"), make("thead", null, make("tr", null, ...titles)), make("tbody", null, ...priced.map(row)));
    numbers.lastElementChild.replaceChildren(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers" }, whole));
  });
  // As the other charts: `follow` draws it again when the width, the colours or the paper change.
  return { canvas, draw: (width) => draw(width !== undefined) };
};
