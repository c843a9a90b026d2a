// The table of functions, and the list of keys.

function functionCosts() {
  const self = new Map(), total = new Map(), path = [];
  const onPath = new Int32Array(symbols.length);
  for (let i = 0; i < callees.count; i++) {
    while (path.length > callees.depth[i])
      onPath[callees.symbol[path.pop()]]--;
    const symbol = callees.symbol[i];
    if (!onPath[symbol]++ && i)
      total.set(symbol, (total.get(symbol) || 0) + callees.total[i]);
    if (i && callees.self[i])
      self.set(symbol, (self.get(symbol) || 0) + callees.self[i]);
    path.push(i);
  }
  return [...total].map(([symbol, cost]) => ({ symbol, total: cost, self: self.get(symbol) || 0 }))
    .sort((a, b) => b.self - a.self || b.total - a.total);
}

function drawTable() {
  const rows = functionCosts(), all = callees.total[0];
  const columns = [[MARGIN + 70, "self", "end"], [MARGIN + 150, "total", "end"], [MARGIN + 170, "component", "start"],
    [MARGIN + 300, "function (click to search for it)", "start"]];
  const line = (y, texts, style, click) => texts.forEach((text, i) => {
    const cell = element("text", { x: columns[i][0], y, "text-anchor": columns[i][2], class: style + (i === 3 ? " mono" : "") }, graph, text);
    if (click)
      cell.addEventListener("click", click);
  });
  graph.textContent = "";
  line(drawn.top + 14, columns.map(column => column[1]), "muted");
  rows.slice(0, 200).forEach((row, i) => {
    const symbol = symbols[row.symbol], y = drawn.top + 36 + i * ROW;
    element("rect", { x: MARGIN, y: y - 12, height: 14, width: Math.max(0, 70 * row.self / (rows[0].self || 1)),
      fill: fillOf(symbol.component, 1) }, graph);
    line(y, [percent(row.self / all), percent(row.total / all), data.components[symbol.component].name,
      shorten(symbol.name, Math.floor((width - 324) / letter)) ], "fg", () => {
      view.table = false;
      setQuery("^" + symbol.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "$");
    });
  });
  return drawn.top + 36 + Math.min(rows.length, 200) * ROW;
}

const KEYS = [["/ or Ctrl-F", "search by regular expression"], ["n  N", "next, previous match"],
  ["Esc", "clear the search, close this"], ["↑ ↓ ← →", "walk: caller, heaviest callee, siblings"],
  ["Enter or click", "zoom in"], ["Backspace", "zoom out to the caller"], ["0", "show everything"],
  ["i", "icicle or flame"], ["c", "callers: stacks turned over"], ["r", "merge recursion"],
  ["d", "colour by component, module, name"],
  ...(change ? [["b", "widths: both together, the new runs, the base"]] : []), ["t", "table of functions"], ["a", "case matters in searches, or not"],
  ["m", "light, dark"]];

function drawHelp() {
  overlay.textContent = "";
  if (!view.help)
    return;
  const y = Math.max(barTop, scrolledBy()) + 100, x = Math.max(MARGIN, width - 420 - MARGIN);
  element("rect", { class: "page", x, y, width: 420, height: 20 + KEYS.length * 18, rx: 6, stroke: "#888" }, overlay);
  KEYS.forEach(([key, does], i) => {
    element("text", { class: "fg mono", x: x + 14, y: y + 24 + i * 18 }, overlay, key);
    element("text", { class: "fg", x: x + 140, y: y + 24 + i * 18 }, overlay, does);
  });
}
