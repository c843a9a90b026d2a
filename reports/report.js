// The page's own script: light or dark, and tables that are sorted by a click on a column's title.
// Without it everything is there, in the order that the report was written in.
"use strict";
(() => {
const page = document.documentElement;

function isDark() {
  return page.classList.contains("dark") ||
    (!page.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
}

function addTheme() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme";
  button.textContent = "◐ light or dark";
  button.addEventListener("click", () => {
    const dark = isDark();
    for (const node of [page, ...document.querySelectorAll("svg.flame")]) {
      node.classList.toggle("dark", !dark);
      node.classList.toggle("light", dark);
    }
  });
  document.querySelector("nav").append(button);
}

function sort(table, column, head) {
  const body = table.tBodies[0], down = head.getAttribute("aria-sort") !== "descending";
  const value = row => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  const rows = [...body.rows].sort((a, b) => (down ? -1 : 1) * compare(value(a), value(b)));
  for (const other of table.tHead.rows[0].cells)
    other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}

function addSorting() {
  for (const table of document.querySelectorAll("table:not(.tree)"))
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent || table.tBodies[0].rows.length < 3)
        return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, column, head));
      head.replaceChildren(button);
    });
}

addTheme();
addSorting();
})();
