// SPDX-License-Identifier: GPL-3.0-or-later
// folded: what a flame graph must look like, computed from the exported folded stacks and from
// nothing else: the viewer's own code is not used.

import { readFileSync } from "node:fs";

export function readTree(path) {
  const root = { name: "all", total: 0, self: 0, children: new Map(), parent: null, depth: 0 };
  for (const line of readFileSync(path, "utf8").split("\n").filter(Boolean)) {
    const space = line.lastIndexOf(" "), count = Number(line.slice(space + 1));
    let node = root;
    node.total += count;
    for (const name of line.slice(0, space).split(";")) {
      if (!node.children.has(name))
        node.children.set(name, { name, total: 0, self: 0, children: new Map(), parent: node, depth: node.depth + 1 });
      node = node.children.get(name);
      node.total += count;
    }
    node.self += count;
  }
  return root;
}

export function find(root, path) {
  return path.reduce((node, name) => node.children.get(name), root);
}

function heaviestFirst(node) {
  return [...node.children.values()].sort((a, b) => b.total - a.total ||
    Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

// Boxes of at least @smallest pixels when @zoom fills @width: { row, x, width, name, node }; the
// callees of one caller that are narrower are one box without a node. More than 4,000 boxes are
// never drawn: then the smallest width grows by half until they fit.
export function layOut(zoom, width, smallest = 1) {
  const boxes = [], scale = width / zoom.total, waiting = [[zoom, 0]];
  for (let node = zoom.parent; node; node = node.parent)
    boxes.push({ row: node.depth, x: 0, width, name: node.name, node });
  while (waiting.length) {
    const [node, x] = waiting.pop();
    boxes.push({ row: node.depth, x, width: node.total * scale, name: node.name, node });
    let at = x;
    const children = heaviestFirst(node);
    while (children.length && children[0].total * scale >= smallest) {
      waiting.push([children[0], at]);
      at += children.shift().total * scale;
    }
    const rest = children.reduce((sum, child) => sum + child.total, 0) * scale;
    if (rest >= smallest)
      boxes.push({ row: node.depth + 1, x: at, width: rest, name: "" });
  }
  return boxes.length > 4000 ? layOut(zoom, width, smallest * 1.5) : boxes;
}

// Samples below boxes whose name matches, each counted once.
export function matched(node, expression) {
  if (node.parent && expression.test(node.name))
    return node.total;
  return [...node.children.values()].reduce((sum, child) => sum + matched(child, expression), 0);
}
