// Tells what a cut did to single messages: one line each, its texts once they are asked for.
"use strict";
const cuts = (() => {
  const { make, whole } = plots;
  const LISTED = 100; // messages of a cut that are listed at once
  const LEFT = 2; // numbers of a run of messages that left
  const OTHER = 8; // numbers of any other piece

  // All pieces of a cut: { message, kind, before, after, was: [text, chars], now: [text, chars] }.
  const piecesOf = (data, [, , left, others]) => {
    const found = [];
    for (let at = 0; at < left.length; at += LEFT) {
      for (let message = left[at]; message < left[at] + left[at + 1]; message++) {
        const [kind, before, text, chars] = data.said.get(message);
        found.push({ message, kind: data.kinds[kind], before, after: 0, was: [text, chars], now: [0, 0] });
      }
    }
    for (let at = 0; at < others.length; at += OTHER) {
      const [message, kind, before, after, was, wasChars, now, nowChars] = others.slice(at, at + OTHER);
      found.push({ message, kind: data.kinds[kind], before, after, was: [was, wasChars], now: [now, nowChars] });
    }
    return found.sort((one, other) => one.message - other.message);
  };

  const told = (data, title, [text, chars]) => {
    if (!chars) return [];
    const shown = data.texts[text];
    const rest = chars - [...shown].length;
    const more = rest > 0 ? [make("p", { class: "low" }, `${shown ? "and " : ""}${whole.format(rest)} more characters, which this page does not hold`)] : [];
    return [make("h3", null, title), ...(shown ? [make("pre", { dir: "auto", tabindex: 0 }, shown)] : []), ...more];
  };
  const became = ({ before, after }) =>
    !after ? `${whole.format(before)} tokens left` : !before ? `came, ${whole.format(after)} tokens` : `${whole.format(before)} → ${whole.format(after)} tokens`;
  const open = (data, piece, details) => {
    if (details.children.length > 1) return;
    const was = piece.after ? "Before" : "What left";
    const now = piece.before ? "After" : "What came";
    details.append(make("div", { class: "texts" }, ...told(data, was, piece.was), ...told(data, now, piece.now)));
  };
  const entry = (data, piece) => {
    const name = piece.message < 0 ? piece.kind : `message ${whole.format(piece.message)}, ${piece.kind}`;
    const summary = make("summary", null, make("bdi", null, name), make("span", { class: "n low" }, became(piece)));
    const details = make("details", null, summary);
    details.addEventListener("toggle", () => details.open && open(data, piece, details));
    return make("li", null, details);
  };

  // A list of a cut's messages; long ones grow by a button.
  const list = (data, cut) => {
    const pieces = piecesOf(data, cut);
    const items = make("ul", { class: "pieces" });
    const more = make("button", { type: "button", class: "more" });
    let shown = 0;
    const grow = () => {
      const first = shown;
      items.append(...pieces.slice(shown, shown + LISTED).map((piece) => entry(data, piece)));
      shown = Math.min(pieces.length, shown + LISTED);
      more.textContent = `Show ${whole.format(Math.min(LISTED, pieces.length - shown))} more of ${whole.format(pieces.length)}`;
      more.hidden = shown === pieces.length;
      if (first) items.children[first].querySelector("summary").focus();
    };
    more.addEventListener("click", grow);
    grow();
    if (pieces.length === 1) items.querySelector("details").open = true;
    return make("div", null, ...(pieces.length ? [items, more] : []));
  };
  return { list };
})();
