// From the tree to boxes: what is visible, in which colour, under which label.

// The first is what the picture has.
const COLOURS = {
  ...(change && { change: (symbol, box) => tree.change[box].fill }),
  component: symbol => fillOf(symbol.component, symbol.shade),
  module: symbol => PALETTE[moduleRank(symbol.module) % PALETTE.length],
  name: symbol => PALETTE[(symbol.shade + symbol.name.length) % PALETTE.length],
};
const PALETTE = ["#77aadd", "#44bb99", "#ee8866", "#eedd88", "#ffaabb", "#bbcc33"];

function fillOf(component, shade) {
  const row = data.components[component];
  return row.pattern ? `url(#c${component})` : row.fill[shade];
}

let moduleRanks = null;
function moduleRank(module) {
  if (!moduleRanks) {
    const cost = new Map();
    for (let i = 1; i < callees.count; i++) {
      const name = symbols[callees.symbol[i]].module;
      cost.set(name, (cost.get(name) || 0) + callees.self[i]);
    }
    moduleRanks = new Map([...cost].sort((a, b) => b[1] - a[1]).map(([name], rank) => [name, rank]));
  }
  return moduleRanks.get(module) || 0;
}

function element(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes)
    made.setAttribute(key, attributes[key]);
  if (text !== undefined)
    made.textContent = text;
  if (parent)
    parent.appendChild(made);
  return made;
}

// Chooses what is visible: rows of { box, x, width }, and merged boxes { rest, ... }.
function layOut(width, smallest) {
  const rows = [], scale = width / tree.total[view.zoom], zoom = view.zoom;
  const base = tree.start[zoom], zoomDepth = tree.depth[zoom];
  let count = 0;
  const put = (depth, item) => {
    (rows[depth] = rows[depth] || []).push(item);
    count++;
  };
  for (let i = zoom; ; i = tree.parent[i]) {
    put(tree.depth[i], { box: i, x: 0, width, caller: i !== zoom });
    if (!i)
      break;
  }
  // What is left of a caller's callees from @from on becomes one box.
  const putRest = (caller, from) => {
    const hidden = tree.hidden.get(caller) || { total: 0, children: 0, nodes: 0 };
    let total = hidden.total, children = hidden.children, nodes = hidden.nodes;
    const right = tree.start[caller] + tree.total[caller] - tree.self[caller];
    for (let i = from; i < tree.end[caller]; i = tree.end[i]) {
      total += tree.total[i];
      children++;
    }
    nodes += tree.end[caller] - from;
    if (total * scale >= smallest)
      put(tree.depth[caller] + 1, { rest: true, caller, total, children, nodes,
        x: (right - total - base) * scale, width: total * scale });
  };
  const open = [zoom];
  for (let i = zoom + 1; ;) {
    while (open.length && i >= tree.end[open[open.length - 1]]) {
      const caller = open.pop();
      putRest(caller, tree.end[caller]);
    }
    if (!open.length)
      break;
    if (tree.total[i] * scale < smallest) {
      const caller = open.pop();
      putRest(caller, i);
      i = tree.end[caller];
      continue;
    }
    const depth = tree.depth[i];
    put(depth, { box: i, x: (tree.start[i] - base) * scale, width: tree.total[i] * scale });
    if (depth - zoomDepth === LEVELS - 1) {
      const total = tree.total[i] - tree.self[i];
      let levels = 0;
      for (let j = i + 1; j < tree.end[i]; j++)
        levels = Math.max(levels, tree.depth[j] - depth);
      if (levels)
        put(depth + 1, { rest: true, levels, total, caller: i, nodes: tree.end[i] - i - 1,
          x: (tree.start[i] - base) * scale, width: total * scale });
      i = tree.end[i];
      continue;
    }
    open.push(i++);
  }
  return count > BOXES ? layOut(width, smallest * 1.5) : rows;
}

// The longest form of a name that fits: whole, without parameters, without namespaces, its head.
function shorten(name, room) {
  if (name.length <= room)
    return name;
  let depth = 0, end = name.length, begin = 0;
  for (let i = 0; i < name.length; i++) {
    if (name[i] === "<")
      depth++;
    else if (name[i] === ">" && depth)
      depth--;
    else if (name[i] === "(" && i && !depth && !name.startsWith("(anonymous namespace)", i) &&
             name.slice(Math.max(0, i - 8), i) !== "operator") {
      end = i;
      break;
    }
  }
  if (end <= room)
    return name.slice(0, end);
  depth = 0;
  for (let i = 0; i + 2 < end; i++) {
    if (name[i] === "<")
      depth++;
    else if (name[i] === ">" && depth)
      depth--;
    else if (!depth && name[i] === ":" && name[i + 1] === ":")
      begin = i + 2;
  }
  return end - begin <= room ? name.slice(begin, end) : name.slice(begin, begin + room - 1) + "…";
}

function rowY(depth) {
  return view.flame ? drawn.top + (drawn.rows.length - 1 - depth) * ROW : drawn.top + depth * ROW;
}

function drawGraph() {
  const paths = new Map(), labels = [], seams = [];
  const add = (fill, faded, x, y, width, height) => {
    const key = (faded ? "f" : "s") + fill;
    const gap = width > 3 ? 1 : width > 1.5 ? 0.4 : 0;
    const list = paths.get(key) || paths.set(key, []).get(key);
    list.push(`M${(MARGIN + x).toFixed(2)} ${y}h${(width - gap).toFixed(2)}v${height}h${(gap - width).toFixed(2)}z`);
  };
  for (let depth = 0; depth < drawn.rows.length; depth++) {
    const y = rowY(depth);
    for (const item of drawn.rows[depth] || []) {
      let text;
      if (item.rest) {
        add("#eeeeee", false, item.x, y, item.width, ROW - 1);
        text = item.levels ? `+ ${item.levels} levels` : `… ${item.children} more`;
        text = text.length * letter <= item.width - 4 ? text : "";
      } else {
        const symbol = symbols[tree.symbol[item.box]], joined = tree.inlined[item.box];
        const match = matches && matches.is && matches.is[tree.symbol[item.box]];
        const fill = match ? "match" : item.box ? COLOURS[view.colours](symbol, item.box) : "#e4e4e4";
        add(fill, item.caller, item.x, joined && !view.flame ? y - 1 : y, item.width, ROW - 1 + joined);
        if (joined)
          seams.push(`M${(MARGIN + item.x).toFixed(2)} ${view.flame ? y + ROW - 0.5 : y - 0.5}h${item.width.toFixed(2)}`);
        const room = Math.floor((item.width - 6) / letter);
        text = room >= 3 ? shorten(item.box ? symbol.name : "all", room) : "";
      }
      if (text)
        labels.push([item.x, y, text, item.caller]);
    }
  }
  graph.textContent = "";
  for (const [key, list] of paths) {
    const path = element("path", { d: list.join("") }, graph);
    if (key.slice(1) === "match")
      path.setAttribute("class", "match");
    else
      path.setAttribute("fill", key.slice(1));
    if (key[0] === "f")
      path.setAttribute("opacity", "0.6");
  }
  // An inlined function touches its caller; a dotted seam says where one ends.
  element("path", { d: seams.join(""), stroke: "#111", "stroke-opacity": 0.55, "stroke-dasharray": "2 2",
    "pointer-events": "none" }, graph);
  const texts = element("g", { class: "mono", "font-size": 12, fill: "#111", "pointer-events": "none" }, graph);
  for (const [x, y, text] of labels)
    element("text", { x: (MARGIN + x + 3).toFixed(1), y: y + 12 }, texts, text);
}
