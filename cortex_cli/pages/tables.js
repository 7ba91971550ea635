// Sorts tables and filters lists. Without it the page is whole, in the order it was made.
"use strict";
(() => {
  const orderOf = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.order ?? cell.textContent.replace(/[,$%]/g, "").trim();
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  const compare = (one, other) => {
    if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
    return typeof one === "number" ? 1 : -1;
  };
  const sort = (table, title) => {
    const falls = title.getAttribute("aria-sort") !== "descending";
    for (const other of title.parentNode.cells) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", falls ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((one, other) => compare(orderOf(one, title.cellIndex), orderOf(other, title.cellIndex)) * (falls ? -1 : 1));
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const title of table.tHead.rows[0].cells) {
      if (!title.textContent) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title.textContent;
      button.addEventListener("click", () => sort(table, title));
      title.replaceChildren(button);
    }
  }

  for (const search of document.querySelectorAll("input[type=search]")) {
    const tools = search.closest(".tools");
    const list = document.getElementById(search.getAttribute("aria-controls"));
    const items = [...(list.tBodies ? list.tBodies[0].rows : list.children)];
    const words = new Map(items.map((item) => [item, (item.querySelector("summary") ?? item).textContent.toLowerCase()]));
    const filter = () => {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const item of items) item.hidden = !wanted.every((word) => words.get(item).includes(word));
      const shown = items.filter((item) => !item.hidden).length;
      tools.querySelector(".count").textContent = wanted.length ? `${shown} of ${items.length}` : "";
      search.dispatchEvent(new CustomEvent("filtered", { bubbles: true }));
    };
    tools.hidden = false;
    search.addEventListener("input", filter);
    const open = tools.querySelector(".open");
    open?.addEventListener("click", () => {
      const opens = open.textContent === "Open all";
      for (const item of items) {
        const details = item.querySelector("details");
        if (details && !item.hidden) details.open = opens;
      }
      open.textContent = opens ? "Close all" : "Open all";
    });
  }
})();
