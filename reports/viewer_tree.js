// The viewer: redraws the flame graph from the packed call tree (flame_pack.c says how it is
// packed). Zoom and search work on the whole tree; drawing makes one path for each colour, so no
// view has more than a few hundred elements. The picture that was in the file stays until the
// viewer has drawn its own, so whatever fails here, there is a picture.
//
// All viewer_*.js are one scope, put together in this order: tree, state, search, draw, words,
// scene, table, change. The first opens it and the last closes it.
"use strict";
(() => {
const script = document.currentScript;
const root = script && script.ownerSVGElement || document.documentElement;
const data = JSON.parse(root.querySelector("#profile").textContent);
const isPart = root !== document.documentElement; // of a page, beside which it is not alone
const MARGIN = 12, ROW = 17, LEVELS = 250, BOXES = 4000, SVG = root.namespaceURI;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const VALUE = new Uint8Array(128);
for (let i = 0; i < 64; i++)
  VALUE[DIGITS.charCodeAt(i)] = i;

function unpack(text) {
  const numbers = [];
  for (let i = 0; i < text.length;) {
    let number = 0, scale = 1, digit;
    do {
      digit = VALUE[text.charCodeAt(i++)];
      number += (digit & 31) * scale;
      scale *= 32;
    } while (digit & 32);
    numbers.push(number);
  }
  return numbers;
}

function unpackNames(text) {
  let before = "";
  return text.split("\n").map(line => before = before.slice(0, VALUE[line.charCodeAt(0)]) + line.slice(1));
}

function unpackSymbols() {
  const names = unpackNames(data.names), numbers = unpack(data.symbols);
  return names.map((name, i) => {
    const [component, module, file, line, flags] = numbers.slice(5 * i, 5 * i + 5);
    let hash = 0;
    for (let j = 0; j < name.length; j++)
      if (name.charCodeAt(j) < 128)
        hash = (hash * 31 + name.charCodeAt(j)) & 0xffff;
    return { name, component, module: data.modules[module], named: !(flags & 1), note: flags & 2,
      place: data.files[file] ? data.files[file] + (line ? ":" + line : "") : "", shade: hash % 3 };
  });
}

// A tree is columns, one entry per box in preorder: callees follow their caller, heaviest first.
function makeTree(count) {
  return { count, symbol: new Int32Array(count), inlined: new Uint8Array(count),
    depth: new Int32Array(count), parent: new Int32Array(count), end: new Int32Array(count),
    self: new Float64Array(count), total: new Float64Array(count), start: new Float64Array(count),
    selfSamples: new Float64Array(count), samples: new Float64Array(count),
    hidden: new Map(), phi: new Map() };
}

// Sums up totals and finds where each subtree ends and each box starts.
function finishTree(tree) {
  tree.total.set(tree.self);
  tree.samples.set(tree.selfSamples);
  for (const [i, hidden] of tree.hidden) {
    tree.total[i] += hidden.total;
    tree.samples[i] += hidden.samples;
  }
  for (let i = tree.count - 1; i >= 0; i--) {
    tree.end[i] = Math.max(tree.end[i], i + 1);
    if (i) {
      const parent = tree.parent[i];
      tree.total[parent] += tree.total[i];
      tree.samples[parent] += tree.samples[i];
      tree.end[parent] = Math.max(tree.end[parent], tree.end[i]);
    }
  }
  const next = new Float64Array(tree.count);
  for (let i = 1; i < tree.count; i++) {
    const parent = tree.parent[i];
    next[i] = tree.start[i] = next[parent];
    next[parent] += tree.total[i];
  }
  return tree;
}

function unpackTree() {
  const numbers = unpack(data.tree), samples = data.samples && unpack(data.samples);
  const tree = makeTree(numbers.length / 3), path = [];
  for (let i = 0; i < tree.count; i++) {
    const depth = i ? path.length - numbers[3 * i] : 0;
    path.length = depth;
    tree.depth[i] = depth;
    tree.parent[i] = depth ? path[depth - 1] : 0;
    tree.symbol[i] = numbers[3 * i + 1] >> 1;
    tree.inlined[i] = numbers[3 * i + 1] & 1;
    tree.self[i] = numbers[3 * i + 2];
    tree.selfSamples[i] = samples ? samples[i] : tree.self[i];
    path.push(i);
  }
  const hidden = unpack(data.hidden), phi = unpack(data.phi);
  for (let i = 0, at = 0; i < hidden.length; i += 5)
    tree.hidden.set(at += hidden[i], { total: hidden[i + 1], children: hidden[i + 2],
      nodes: hidden[i + 3], samples: hidden[i + 4] });
  for (let i = 0, at = 0; i < phi.length; i += 2)
    tree.phi.set(at += phi[i], phi[i + 1] / 10);
  return finishTree(tree);
}

// Builds another tree from every path of this one: @change gets the symbols from the root to a
// box (without the root) and returns the path they become.
function rebuild(from, change) {
  const top = { children: new Map(), self: 0, samples: 0, total: 0 }, path = [];
  let count = 1;
  function add(symbols, self, samples, hidden) {
    let node = top;
    node.total += self;
    for (const symbol of symbols) {
      let child = node.children.get(symbol);
      if (!child) {
        child = { symbol, children: new Map(), self: 0, samples: 0, total: 0 };
        node.children.set(symbol, child);
        count++;
      }
      node = child;
      node.total += self;
    }
    if (!hidden) {
      node.self += self;
      node.samples += samples;
      return;
    }
    node.hidden = node.hidden || { total: 0, children: 0, nodes: 0, samples: 0 };
    for (const key in node.hidden)
      node.hidden[key] += hidden[key];
  }
  for (let i = 1; i < from.count; i++) {
    path.length = from.depth[i] - 1;
    path.push(from.symbol[i]);
    if (from.self[i])
      add(change(path), from.self[i], from.selfSamples[i]);
    if (from.hidden.has(i))
      add(change(path), from.hidden.get(i).total, 0, from.hidden.get(i));
  }
  top.symbol = from.symbol[0];
  const tree = makeTree(count), waiting = [[top, 0, 0]];
  for (let i = 0; waiting.length; i++) {
    const [node, depth, parent] = waiting.pop();
    tree.symbol[i] = node.symbol;
    tree.depth[i] = depth;
    tree.parent[i] = parent;
    tree.self[i] = node.self;
    tree.selfSamples[i] = node.samples;
    if (node.hidden)
      tree.hidden.set(i, node.hidden);
    const children = [...node.children.values()].sort((a, b) => a.total - b.total);
    for (const child of children)
      waiting.push([child, depth + 1, i]);
  }
  tree.self[0] += from.self[0];
  tree.selfSamples[0] += from.selfSamples[0];
  if (from.hidden.has(0))
    tree.hidden.set(0, from.hidden.get(0));
  return finishTree(tree);
}

// What changed, of a comparison: per box of the recorded tree what it was in the base.
function unpackChange() {
  const numbers = unpack(data.change), change = [];
  for (let i = 0; i < numbers.length; i += 4) {
    const [base, baseSelf, certainty, colour] = numbers.slice(i, i + 4);
    const box = i / 4, fresh = callees.total[box] - base;
    change.push({ base, baseSelf, certainty, fresh, freshSelf: callees.self[box] - baseSelf,
      fill: !base ? "url(#new)" : !fresh ? "url(#gone)" : colour ? "#" + colour.toString(16).padStart(6, "0") : "#e4e4e4" });
  }
  return change;
}

const symbols = unpackSymbols(), callees = unpackTree();
const change = data.change && unpackChange();
const TREES = {
  callees: () => callees,
  callers: () => rebuild(callees, path => path.slice().reverse()),
  merged: () => rebuild(callees, path => [...new Set(path)]),
};
const made = {};
