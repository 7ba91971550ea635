// Draws replayed sessions: what is shown, what is looked into, and what was cut when.
"use strict";
const drawSession = (data, key) => {
  const { follow, make, colour, whole } = plots;
  const find = (name) => document.getElementById(`${key}-${name}`);
  const plotOf = (name, view) => new plots.Plot(find, name, data, key, view);
  const COLOURS = 9;
  const DASHES = [undefined, [6, 3], [2, 3], [9, 3, 2, 3]];
  const DRAWN_AT_FIRST = 12; // a sweep has many more, and a chart of them all shows nothing
  const MAX_DOTS = 300; // compactions that are drawn as dots; all are listed
  const strategies = data.strategies;
  const byName = new Map(strategies.map((one) => [one.name, one]));
  const shown = new Set(strategies.slice(0, DRAWN_AT_FIRST).map((one) => one.name));
  const table = find("strategies");
  const select = find("chosen");
  if (!strategies.length || !data.times.length) return;

  const paint = (name) => colour(`s${strategies.findIndex((one) => one.name === name) % COLOURS}`);
  const dash = (name) => DASHES[Math.floor(strategies.findIndex((one) => one.name === name) / COLOURS) % DASHES.length];
  const hasCuts = (one) => one?.cuts.length;
  const firstChoice = () => (hasCuts(byName.get("classic")) ? "classic" : (strategies.find(hasCuts) ?? strategies[0]).name);
  let chosen = firstChoice();
  const looked = () => byName.get(chosen);

  const isListed = (name) => !rows.get(name).hidden;
  const visible = () => strategies.filter((one) => shown.has(one.name) && isListed(one.name));
  // The one looked into lies over the others: strategies that did the same have the same line.
  const lines = (draw) => {
    const drawn = visible().map(draw);
    return { series: [...drawn].sort((one, other) => one.isChosen - other.isChosen), told: drawn };
  };
  const padded = (values) => values.concat(Array(data.times.length - values.length).fill(null));
  const line = (one, values) => ({ name: one.name, values: padded(values), colour: paint(one.name), dash: dash(one.name), isChosen: one.name === chosen });
  const highest = (one) => Math.max(...one.tokens);

  const dashed = (plot, value, text) => {
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(value, "y", true));
    if (y < bbox.top) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("bad");
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText(text, bbox.left + 4 * devicePixelRatio, y - 2 * devicePixelRatio);
    ctx.restore();
  };
  const triangles = (plot, at, values) => {
    const { ctx } = plot;
    const size = 4 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = colour("bad");
    for (const index of at) {
      const x = plot.valToPos(index + 1, "x", true);
      const y = plot.valToPos(values[index], "y", true) - 3 * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x - size, y - 1.7 * size);
      ctx.lineTo(x + size, y - 1.7 * size);
      ctx.lineTo(x, y);
      ctx.fill();
    }
    ctx.restore();
  };

  // Layers, lowest first, as areas: the highest sum is drawn first, the others over it.
  const stack = (layers) => {
    let below = layers[0].values.map(() => 0);
    const summed = layers.map((layer) => {
      below = layer.values.map((value, at) => value + below[at]);
      return { name: layer.name, values: padded(below), own: layer.values, fill: colour(layer.colour), swatch: colour(layer.colour), colour: colour(layer.colour) };
    });
    return { series: [...summed].reverse(), told: summed };
  };

  const length = data.times.length;
  const context = plotOf("context", () => {
    const all = visible();
    const most = all.reduce((best, one) => (highest(one) > highest(best) ? one : best), all[0]);
    return {
      length, form: "tokens", ...lines((one) => line(one, one.tokens)),
      top: (high) => (high > data.window * 0.6 ? Math.max(high, data.window) * 1.06 : high * 1.05 || 1),
      label: most ? `Tokens of each request over ${whole.format(length)} calls; the most, ${whole.format(highest(most))}, under ${most.name}.` : "No strategy is drawn.",
      draw: (plot) => dashed(plot, data.window, `window ${whole.format(data.window)}`),
    };
  });
  const roles = plotOf("roles", () => ({
    length, form: "tokens",
    ...stack(data.roles.filter((role) => looked().roles[role].some(Boolean)).map((role) => ({ name: role, values: looked().roles[role], colour: role }))),
    label: `Tokens of each request under ${chosen}, by role.`,
  }));
  const isPriced = (one) => one.spent !== null;
  const cost = plotOf("cost", () => ({
    length, form: "dollars", ...lines((one) => line(one, one.spent ?? [])),
    label: visible().some(isPriced) ? "Cost so far, in US dollars." : "No price is known.",
  }));
  const facts = plotOf("facts", () => ({
    length, form: "share", top: () => 1.03,
    ...lines((one) => line(one, one.facts_kept.map((kept, at) => (one.facts_known[at] ? kept / one.facts_known[at] : 1)))),
    label: "Share of the facts said by then that the request still holds.",
  }));
  const cache = plotOf("cache", () => ({
    length, form: "tokens",
    ...stack([{ name: "from the cache", values: looked().cached, colour: "cached" }, { name: "new", values: looked().tokens.map((tokens, at) => tokens - looked().cached[at]), colour: "new" }]),
    top: (high) => high * 1.1 || 1,
    label: `Tokens read from the cache and new ones under ${chosen}; ${whole.format(looked().breaks.length)} breaks.`,
    draw: (plot) => triangles(plot, looked().breaks, looked().tokens),
  }));
  const front = drawFront(find, strategies, paint, (name) => choose(name));
  const all = [context, roles, cost, facts, cache, ...(front ? [front] : [])];

  // The compactions of the strategy looked into: one stop of the tab key, arrows go from one to the next.
  const marks = find("context-marks");
  const said = find("context-said");
  const whenOf = (at) => (data.times[at] ? `, ${new Date(data.times[at] * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC` : "");
  const say = (cut, button) => {
    const [at, text] = cut;
    for (const one of marks.children) one.setAttribute("aria-expanded", one === button);
    const head = make("div", { role: "status" });
    const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => {
      unsay();
      button.focus();
    });
    said.replaceChildren(close, head, cuts.list(data, cut));
    said.hidden = false;
    head.append(make("p", { class: "where" }, `${chosen}, before call ${at + 1}${whenOf(at)}`), make("p", { dir: "auto" }, text));
  };
  const unsay = () => {
    said.hidden = true;
    for (const one of marks.children) one.setAttribute("aria-expanded", "false");
  };
  said.addEventListener("keydown", (event) => event.key === "Escape" && said.querySelector(".close").click());
  const mark = (cut) => {
    const call = `call ${cut[0] + 1}`;
    const button = make("button", { type: "button", class: "mark", tabindex: -1, "aria-expanded": false, "aria-controls": said.id, "aria-label": `Compaction before ${call}`, title: call });
    button.addEventListener("click", () => (button.getAttribute("aria-expanded") === "true" ? unsay() : say(cut, button)));
    button.dataset.at = cut[0];
    return button;
  };
  // The line of a cut; opened, its messages.
  const lineOf = (cut) => {
    const details = make("details", null, make("summary", { dir: "auto" }, cut[1]));
    details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(cuts.list(data, cut)));
    return details;
  };
  const list = () => {
    unsay();
    const found = looked().cuts;
    const every = Math.ceil(found.length / MAX_DOTS);
    marks.replaceChildren(...found.filter((_, at) => at % every === 0).map(mark));
    marks.firstElementChild?.setAttribute("tabindex", "0");
    marks.setAttribute("aria-label", `Compactions of ${chosen}`);
    const told = found.map((cut) => {
      const at = cut[0];
      const sizes = [at ? whole.format(looked().tokens[at - 1]) : "", whole.format(looked().tokens[at])];
      return make("tr", null, make("th", { scope: "row", class: "n" }, at + 1), make("td", { class: "n low" }, data.messages[at]), ...sizes.map((size) => make("td", { class: "n" }, size)), make("td", { class: "path" }, lineOf(cut)));
    });
    const titles = ["Call", "Message", "Tokens of the call before", "Of this one"].map((title) => make("th", { scope: "col", class: "n" }, title));
    const head = make("thead", null, make("tr", null, ...titles, make("th", { scope: "col" }, "What was cut")));
    const caption = make("caption", null, found.length ? `Compactions of ${chosen}: ${whole.format(found.length)}` : `${chosen} cut nothing.`);
    find("cuts").replaceChildren(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "What was cut when" }, make("table", null, caption, ...(found.length ? [head, make("tbody", null, ...told)] : []))));
  };
  context.after = (plot) => {
    const isDrawn = shown.has(chosen) && isListed(chosen);
    const left = plot.bbox.left / devicePixelRatio;
    const top = plot.bbox.top / devicePixelRatio;
    for (const button of marks.children) {
      const at = Number(button.dataset.at);
      const x = plot.valToPos(at + 1, "x");
      button.hidden = !isDrawn || x < 0 || x > plot.bbox.width / devicePixelRatio;
      button.style.left = `${left + x}px`;
      button.style.top = `${top + plot.valToPos(looked().tokens[at], "y")}px`;
      button.style.background = button.getAttribute("aria-expanded") === "true" ? "" : paint(chosen);
    }
  };
  marks.addEventListener("keydown", (event) => {
    const stops = [...marks.children].filter((one) => !one.hidden);
    const now = stops.indexOf(document.activeElement);
    const to = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (event.key === "Escape") unsay();
    if (to === undefined || now < 0) return;
    event.preventDefault();
    const next = stops[Math.min(stops.length - 1, Math.max(0, to))];
    for (const one of marks.children) one.setAttribute("tabindex", one === next ? "0" : "-1");
    next.focus();
  });

  // The table says what is drawn and what is looked into.
  const rows = new Map([...table.tBodies[0].rows].map((row) => [row.dataset.name, row]));
  const boxes = new Map();
  const picks = new Map();
  const choose = (name) => {
    chosen = name;
    select.value = name;
    for (const [other, pick] of picks) {
      pick.setAttribute("aria-pressed", other === name);
      rows.get(other).classList.toggle("chosen", other === name);
    }
    list();
    all.forEach((plot) => plot.draw());
  };
  const redraw = () => {
    for (const [name, box] of boxes) box.checked = shown.has(name);
    [context, cost, facts].forEach((plot) => plot.draw());
  };
  const show = (names, isShown) => {
    for (const name of names) isShown ? shown.add(name) : shown.delete(name);
    redraw();
  };
  const swatches = () => {
    for (const [name, row] of rows) row.querySelector(".swatch").style.setProperty("--swatch", paint(name));
  };
  for (const [name, row] of rows) {
    const box = make("input", { type: "checkbox", "aria-label": `Draw ${name}` });
    const pick = make("button", { type: "button", class: "pick", "aria-pressed": false }, name);
    box.addEventListener("change", () => show([name], box.checked));
    pick.addEventListener("click", () => choose(name));
    boxes.set(name, box);
    picks.set(name, pick);
    row.cells[0].replaceChildren(box, make("span", { class: "swatch" }), pick);
  }
  swatches();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", swatches);
  const listed = () => [...rows.keys()].filter(isListed);
  find("all").addEventListener("click", () => show(listed(), true));
  find("none").addEventListener("click", () => show(listed(), false));
  find("tools").addEventListener("filtered", redraw);
  select.addEventListener("change", () => choose(select.value));
  for (const name of ["tools", "choice"]) find(name).hidden = false;
  for (const [name, box] of boxes) box.checked = shown.has(name);
  choose(chosen);
  follow(all);
};

// Values were written as steps from one to the next, dollars in millionths.
const expand = (session) => {
  const sums = (steps) => {
    let sum = 0;
    return steps.map((step) => (sum += step));
  };
  const strategies = session.strategies.map((one) => {
    const roles = Object.fromEntries(Object.entries(one.roles).map(([role, steps]) => [role, sums(steps)]));
    const tokens = one.cached.map((_, at) => Object.values(roles).reduce((sum, values) => sum + values[at], 0));
    const known = sums(one.facts_known);
    const lost = sums(one.facts_lost);
    return {
      ...one,
      roles,
      tokens,
      cached: one.cached.map((more, at) => (at ? tokens[at - 1] : 0) + more),
      facts_known: known,
      facts_kept: known.map((count, at) => count - lost[at]),
      spent: one.spent && sums(one.spent).map((micro) => micro / 1e6),
    };
  });
  const [places = [], ...said] = session.said.map(sums);
  const recorded = new Map(places.map((place, at) => [place, said.map((column) => column[at])]));
  return { ...session, messages: sums(session.messages), times: sums(session.times), strategies, said: recorded };
};
const read = async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("data").textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
};

// A session is drawn once it is opened.
const drawAll = async () => {
  const { sessions } = await read();
  sessions.forEach((packed, at) => {
    const details = document.getElementById(`s${at}`);
    const draw = () => {
      if (details && !details.open) return;
      details?.removeEventListener("toggle", draw);
      drawSession(expand(packed), `s${at}`);
    };
    details?.addEventListener("toggle", draw);
    draw();
  });
  document.documentElement.classList.add("drawn");
};
if (globalThis.DecompressionStream) drawAll();
else document.getElementById("unread").hidden = false;
