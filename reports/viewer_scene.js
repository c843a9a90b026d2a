// The elements around the graph: title, buttons, breadcrumbs, details.

let letter = 7.2, width = 1200, input = null, frame = 0;
const SANS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const scene = element("g", { "font-family": SANS, "font-size": 12 });
const page = element("rect", { class: "page", width: "100%", height: "100%" }, scene);
const head = element("g", {}, scene);
const graph = element("g", { class: "graph" }, scene);
const outline = element("g", { class: "outline screen" }, scene);
const foot = element("g", {}, scene);
const bar = element("g", { class: "screen" }, scene);
const overlay = element("g", { class: "screen" }, scene);
let barTop = 0, buttons = [], breadcrumb, status, details;

function textWidth(node) {
  return node.getComputedTextLength();
}

// Places pieces of text one after another and breaks lines; returns the y of the last line.
function flow(pieces, y, gap) {
  let x = MARGIN;
  for (const make of pieces) {
    const [node, before] = make();
    const size = textWidth(node) + before;
    if (x > MARGIN && x + size > width - MARGIN) {
      x = MARGIN;
      y += ROW;
    }
    node.setAttribute("x", x + before);
    node.setAttribute("y", y);
    if (node.previousSibling && before)
      for (const [key, value] of [["x", x], ["y", y - 10]])
        node.previousSibling.setAttribute(key, value);
    x += size + gap;
  }
  return y;
}

function drawHead() {
  head.textContent = "";
  element("text", { class: "fg", x: MARGIN, y: 26, "font-size": 18, "font-weight": 600 }, head, data.title);
  element("text", { class: "fg mono", x: MARGIN, y: 46 }, head, data.command.length * letter > width - 24
    ? data.command.slice(0, Math.max(10, Math.floor((width - 24) / letter) - 1)) + "…" : data.command);
  let y = flow(data.trust.map(([text, bad]) => () => [element("text", { class: bad ? "bad" : "muted",
    "font-weight": bad ? "bold" : "normal" }, head, (bad ? "⚠ " : "") + text), 0]), 66, 16);
  if (change)
    y = flow([["#364b9a", "half or less"], ["#6ea6cd", "less"], ["#e4e4e4", "not certain"], ["#f67e4b", "more"],
      ["#a50026", "twice or more"], ["url(#new)", "new"], ["url(#gone)", "gone"], ["url(#moved)", "moved"]].map(([fill, says]) => () => {
      element("rect", { width: 11, height: 11, fill }, head);
      return [element("text", { class: "fg" }, head, says), 16];
    }), y + 21, 20);
  y = flow(data.components.map((component, i) => () => {
    element("rect", { width: 11, height: 11, fill: fillOf(i, 0) }, head);
    return [element("text", { class: "fg" }, head,
      `${component.name} ${(component.tenths / 10).toFixed(1)} %`), 16];
  }), y + 21, 20);
  return y + 10;
}

function button(label, key, hint, action) {
  const group = element("g", { class: "button", role: "button", tabindex: 0, "aria-label": `${label}: ${hint}` }, bar);
  element("title", {}, group, `${hint} (${key})`);
  const box = element("rect", { rx: 4, height: 24 }, group), text = element("text", { y: 16 }, group, label);
  const size = textWidth(text) + 16;
  box.setAttribute("width", size);
  text.setAttribute("x", size / 2);
  group.addEventListener("click", action);
  group.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ")
      return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });
  buttons.push({ group, size, text, box });
  return group;
}

function makeBar() {
  element("rect", { class: "page", width: "100%", height: 92 }, bar);
  element("line", { class: "rule", x1: 0, x2: "100%", y1: 91.5, y2: 91.5 }, bar);
  const holder = element("foreignObject", { x: MARGIN, y: 6, width: 250, height: 26 }, bar);
  input = document.createElementNS("http://www.w3.org/1999/xhtml", "input");
  input.setAttribute("type", "text");
  input.setAttribute("placeholder", "search by regexp  (key /)");
  input.setAttribute("aria-label", "search functions by regular expression");
  input.setAttribute("spellcheck", "false");
  input.value = view.query;
  holder.appendChild(input);
  input.addEventListener("input", () => { view.query = input.value; search(); update(); writeHash(false); });
  input.addEventListener("keydown", event => {
    if (event.key === "Enter") {
      walkMatches(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      setQuery("");
      input.blur();
    } else if (!(event.key === "f" && event.ctrlKey)) {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  button("icicle / flame", "i", "callers above or below", () => act("i"));
  button("callers", "c", "who calls: stacks turned over", () => act("c"));
  button("merge recursion", "r", "count each function once on a path", () => act("r"));
  button("colours", "d", "colour by component, module or name", () => act("d"));
  if (change)
    button("widths", "b", "cost of both, of the new runs, of the base", () => act("b"));
  button("table", "t", "functions as a table", () => act("t"));
  button("reset", "0", "show everything", () => act("0"));
  button("◐", "m", "light or dark", () => act("m"));
  button("?", "?", "keys", () => act("?"));
  status = element("text", { class: "fg", x: MARGIN + 260, y: 23, role: "status", "aria-live": "polite" }, bar);
  breadcrumb = element("text", { class: "mono", x: MARGIN, y: 48 }, bar);
  details = [element("text", { class: "fg details", x: MARGIN, y: 66, "font-weight": 600 }, bar),
    element("text", { class: "fg details", x: MARGIN, y: 83 }, bar)];
}

function placeBar() {
  let x = width - MARGIN;
  for (const { group, size } of buttons.slice().reverse()) {
    x -= size;
    group.setAttribute("transform", `translate(${x} 7)`);
    x -= 6;
  }
  const on = [false, view.order === "callers", view.order === "merged", false, ...(change ? [view.side !== "both"] : []),
    view.table, false, false, view.help];
  buttons.forEach(({ group }, i) => group.classList.toggle("on", on[i]));
  status.setAttribute("x", MARGIN + 260);
  status.dataset.room = x - MARGIN - 260;
}

function setLine(node, text) {
  node.textContent = text;
  const room = width - 2 * MARGIN;
  if (text && textWidth(node) > room) {
    const keep = Math.floor(text.length * room / textWidth(node)) - 2;
    node.textContent = text.slice(0, keep) + "…";
  }
}

function drawDetails() {
  const item = hoverBox || (view.focus >= 0 ? { box: view.focus } : null);
  const [first, second] = describe(item);
  setLine(details[0], first || note);
  setLine(details[1], second || (item || note ? "" : "Point at a box for details, click it to zoom; / searches, ? lists the keys."));
}

function drawStatus() {
  let text = "";
  if (matches && matches.wrong) {
    text = matches.wrong.replace(/^Invalid regular expression: /, "");
  } else if (matches) {
    const unsure = matches.hidden > 0 && data.pruned[0] ? "≥ " : "";
    const at = matches.outer.indexOf(view.focus);
    text = `matched ${unsure}${percent(matchedInView())} of view, ${unsure}${percent(matches.total / tree.total[0])} of all` +
      ` · ${at >= 0 ? at + 1 + "/" : ""}${matches.outer.length} (n/N)`;
  }
  status.textContent = text;
  if (text && textWidth(status) > status.dataset.room)
    status.textContent = text.replace(/ · .*/, "").replace(" of view", " view").replace(" of all", " all");
}

function drawBreadcrumb() {
  breadcrumb.textContent = "";
  const path = [];
  for (let i = view.zoom; ; i = tree.parent[i]) {
    path.unshift(i);
    if (!i)
      break;
  }
  const name = box => box ? symbols[tree.symbol[box]].name : "all";
  const room = Math.floor((width - 2 * MARGIN) / letter), longest = Math.max(12, Math.floor(room / 4));
  let shown = path.map(box => [box, shorten(name(box), longest)]);
  const length = () => shown.reduce((sum, [, text]) => sum + text.length + 3, 0);
  while (shown.length > 2 && length() > room) {
    const gap = shown.findIndex(([box]) => box < 0);
    if (gap < 0)
      shown.splice(1, 1, [-1, "…"]);
    else
      shown.splice(gap + 1, 1);
  }
  shown.forEach(([box, text], i) => {
    if (i)
      element("tspan", { class: "muted" }, breadcrumb, " › ");
    const part = element("tspan", { class: box >= 0 && box !== view.zoom ? "link" : "fg" }, breadcrumb, text);
    if (box >= 0) {
      part.dataset.box = box;
      part.addEventListener("click", () => zoomTo(box));
    }
  });
}

function drawFoot(y) {
  foot.textContent = "";
  const lines = [];
  if (data.pruned[0])
    lines.push(`This file holds the ${tree.count.toLocaleString("en")} heaviest boxes; ` +
      `${data.pruned[0].toLocaleString("en")} lighter ones (${percent(data.pruned[1] / callees.total[0])} of the samples end in or below them) ` +
      "are only counted, in the grey boxes. Search cannot see them.");
  const text = element("text", { class: "muted", x: MARGIN, y: y + 16 }, foot, "");
  setLine(text, lines.join(" "));
}

function drawOutline() {
  outline.textContent = "";
  const mark = (item, stroke) => {
    const at = item && find(item);
    if (at)
      element("rect", { x: MARGIN + at.x - 0.5, y: rowY(at.depth) - 0.5, width: Math.max(1, at.width),
        height: ROW, "stroke-width": stroke }, outline);
  };
  if (matches && matches.is)
    drawn.rows.forEach((row, depth) => row && row.forEach(item => {
      if (!item.rest && item.width >= 5 && matches.is[tree.symbol[item.box]])
        element("rect", { x: MARGIN + item.x + 0.5, y: rowY(depth) + 0.5, width: item.width - 2,
          height: ROW - 2, "stroke-width": 1 }, outline);
    }));
  if (view.focus >= 0)
    mark({ box: view.focus }, 2);
  if (hoverBox)
    mark(hoverBox, 1.5);
}

// Where an item is on the screen, if it is.
function find(item) {
  for (let depth = 0; depth < drawn.rows.length; depth++)
    for (const other of drawn.rows[depth] || [])
      if (item.rest ? other === item : !other.rest && other.box === item.box)
        return { x: other.x, width: other.width, depth };
  return null;
}

function isVisible(box) {
  const at = find({ box });
  return at && at.width >= 3;
}

function itemAt(x, y) {
  const line = Math.floor((y - drawn.top) / ROW);
  const row = drawn.rows[view.flame ? drawn.rows.length - 1 - line : line];
  if (!row || line < 0)
    return null;
  let low = 0, high = row.length - 1;
  x -= MARGIN;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (row[middle].x <= x)
      low = middle;
    else
      high = middle - 1;
  }
  return row[low].x <= x && x < row[low].x + row[low].width ? row[low] : null;
}
