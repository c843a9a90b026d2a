// The viewer: redraws the flame graph from the packed call tree (flame_pack.c says how it is
// packed). Zoom and search work on the whole tree; drawing makes one path for each colour, so no
// view has more than a few hundred elements. The picture that was in the file stays until the
// viewer has drawn its own, so whatever fails here, there is a picture.
//
// All viewer_*.js are one scope, put together in this order: tree, state, search, draw, words,
// scene, twin, table, change. The first opens it and the last closes it.
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
// The characters that neither JSON nor XML escapes.
const DENSE_VALUE = new Uint8Array(128);
for (let i = 32, value = 0; i < 127; i++)
  if (!'"&<>\\'.includes(String.fromCharCode(i)))
    DENSE_VALUE[i] = value++;

// Reads numbers out of a string, one after the other.
function reader(text) {
  let at = 0;
  return {
    more: () => at < text.length,
    number() {
      let number = 0, scale = 1, digit;
      do {
        digit = VALUE[text.charCodeAt(at++)];
        number += (digit & 31) * scale;
        scale *= 32;
      } while (digit & 32);
      return number;
    },
    code() {
      const first = DENSE_VALUE[text.charCodeAt(at++)];
      if (first < 10)
        return first;
      if (first < 82)
        return 10 + (first - 10) * 90 + DENSE_VALUE[text.charCodeAt(at++)];
      if (first < 89)
        return 6490 + (first - 82) * 8100 + DENSE_VALUE[text.charCodeAt(at++)] * 90 +
          DENSE_VALUE[text.charCodeAt(at++)];
      return 63190 + this.number();
    }
  };
}

function unpack(text) {
  const numbers = [], from = reader(text);
  while (from.more())
    numbers.push(from.number());
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
    return { name, component, module: data.modules[module], named: !(flags & 1), note: flags & 2, moved: flags & 4,
      place: data.files[file] ? data.files[file] + (line ? ":" + line : "") : "", shade: hash % 3 };
  });
}

// A tree is columns, one entry per box in preorder: callees follow their caller, heaviest first. Of
// a tree that was rebuilt, "self" is what ends at a box, and "own" what its function took itself.
function makeTree(count) {
  return { count, symbol: new Int32Array(count), inlined: new Uint8Array(count),
    depth: new Int32Array(count), parent: new Int32Array(count), end: new Int32Array(count),
    self: new Float64Array(count), own: new Float64Array(count), total: new Float64Array(count), start: new Float64Array(count),
    selfSamples: new Float64Array(count), samples: new Float64Array(count),
    hidden: new Map(), phi: new Map(), change: [] };
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
  const from = reader(data.tree), samples = data.samples && unpack(data.samples);
  const tree = makeTree(data.boxes), path = [], ranks = unpack(data.ranks);
  for (let i = 0; i < tree.count; i++) {
    const code = from.code(), depth = i ? path.length - (code & 2 ? from.number() : 0) : 0;
    path.length = depth;
    tree.depth[i] = depth;
    tree.parent[i] = depth ? path[depth - 1] : 0;
    tree.symbol[i] = ranks[code >> 3];
    tree.inlined[i] = code >> 2 & 1;
    tree.self[i] = tree.own[i] = code & 1 ? from.number() : 0;
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

// Builds another tree from every path of this one: @turn gets the symbols from the root to a box
// (without the root) and returns the path they become. Of a comparison, @side says whose cost is
// the width: "both", "base" or "new".
function rebuild(from, turn, side) {
  const make = symbol => ({ symbol, children: new Map(), self: 0, own: 0, samples: 0, total: 0, base: 0, both: 0, certainty: -1 });
  const top = make(from.symbol[0]), path = [];
  let count = 1;
  const weigh = (both, base) => side === "base" ? base : side === "new" ? both - base : both;
  function add(symbols, innermost, both, base, samples, hidden) {
    const self = weigh(both, base);
    let node = top, owner = null;
    node.total += self;
    for (const symbol of symbols) {
      let child = node.children.get(symbol);
      if (!child) {
        child = make(symbol);
        node.children.set(symbol, child);
        count++;
      }
      node = child;
      node.total += self;
      node.base += base;
      node.both += both;
      if (symbol === innermost && !(turn && owner))
        owner = node;
    }
    if (!hidden) {
      owner.own += self;
      node.self += self;
      node.samples += samples;
      return node;
    }
    node.hidden = node.hidden || { total: 0, children: 0, nodes: 0, samples: 0 };
    node.hidden.total += self;
    for (const key of ["children", "nodes", "samples"])
      node.hidden[key] += hidden[key];
    return node;
  }
  for (let i = 1; i < from.count; i++) {
    path.length = from.depth[i] - 1;
    path.push(from.symbol[i]);
    const base = change ? change[i].baseSelf : 0, hidden = from.hidden.get(i);
    if (weigh(from.self[i], base) || !turn && change && weigh(from.total[i], change[i].base)) {
      const node = add(turn ? turn(path) : path, from.symbol[i], from.self[i], base, from.selfSamples[i]);
      if (!turn)
        node.certainty = change[i].certainty;
    }
    if (hidden)
      add(turn ? turn(path) : path, from.symbol[i], hidden.total, change ? change[i].hiddenBase : 0, 0, hidden);
  }
  const tree = makeTree(count), waiting = [[top, 0, 0]];
  for (let i = 0; waiting.length; i++) {
    const [node, depth, parent] = waiting.pop();
    tree.symbol[i] = node.symbol;
    tree.depth[i] = depth;
    tree.parent[i] = parent;
    tree.self[i] = node.self;
    tree.own[i] = node.own;
    tree.selfSamples[i] = node.samples;
    if (change)
      tree.change[i] = changeOf(node, i && tree.change[parent].moved);
    if (node.hidden)
      tree.hidden.set(i, node.hidden);
    const children = [...node.children.values()].sort((a, b) => a.total - b.total);
    for (const child of children)
      waiting.push([child, depth + 1, i]);
  }
  tree.self[0] += weigh(from.self[0], change ? change[0].baseSelf : 0);
  tree.selfSamples[0] += from.selfSamples[0];
  if (from.hidden.has(0))
    tree.hidden.set(0, { ...from.hidden.get(0),
      total: weigh(from.hidden.get(0).total, change ? change[0].hiddenBase : 0) });
  if (change)
    tree.change[0] = change[0];
  return finishTree(tree);
}

// The colours of flame_change.c, for boxes of trees that are made here: nothing is tested in those
// that are turned, so their changes are pale.
const SCALE = [[0x36, 0x4b, 0x9a], [0x4a, 0x7b, 0xb7], [0x6e, 0xa6, 0xcd], [0x98, 0xca, 0xe1], [0xc2, 0xe4, 0xef],
  [0xf2, 0xf2, 0xf2], [0xfe, 0xda, 0x8b], [0xfd, 0xb3, 0x66], [0xf6, 0x7e, 0x4b], [0xdd, 0x3d, 0x2d], [0xa5, 0x00, 0x26]];

function changeFill(base, fresh, moved, colour) {
  return moved ? "url(#moved)" : !base ? "url(#new)" : !fresh ? "url(#gone)" : colour;
}

function changeOf({ symbol, base, both, certainty }, isBelowMoved) {
  const fresh = both - base, ratio = Math.log2((fresh + 1) / (base + 1));
  const step = Math.round(Math.max(-1, Math.min(1, ratio)) * 5) || (ratio > 0 ? 1 : -1);
  const sure = certainty < 0 ? 2 : certainty;
  const part = SCALE[5 + step].map(value => Math.trunc(0xe4 + (value - 0xe4) * sure / 4));
  const moved = (!base || !fresh) && Boolean(symbols[symbol].moved || isBelowMoved);
  return { base, fresh, certainty, moved,
    fill: changeFill(base, fresh, moved, "#" + part.map(value => value.toString(16).padStart(2, "0")).join("")) };
}

// What changed, of a comparison: per box of the recorded tree what it was in the base.
function unpackChange() {
  const numbers = unpack(data.change), change = [];
  for (let i = 0; i < numbers.length; i += 4) {
    const [base, baseSelf, certainty, colour] = numbers.slice(i, i + 4);
    const box = i / 4, fresh = callees.total[box] - base;
    const moved = (!base || !fresh) && Boolean(symbols[callees.symbol[box]].moved || box && change[callees.parent[box]].moved);
    change.push({ base, baseSelf, certainty, fresh, freshSelf: callees.self[box] - baseSelf, moved,
      fill: changeFill(base, fresh, moved, colour ? "#" + colour.toString(16).padStart(6, "0") : "#e4e4e4") });
  }
  // What is hidden below a box is what its total has beyond itself and its callees.
  change.forEach((box, i) => { box.hiddenBase = (box.hiddenBase || 0) + box.base - box.baseSelf;
    if (i)
      change[callees.parent[i]].hiddenBase = (change[callees.parent[i]].hiddenBase || 0) - box.base; });
  callees.change = change;
  return change;
}

const symbols = unpackSymbols(), callees = unpackTree();
const change = data.change && unpackChange();
const TREES = {
  callees: side => side === "both" ? callees : rebuild(callees, null, side),
  callers: side => rebuild(callees, path => path.slice().reverse(), side),
  merged: side => rebuild(callees, path => [...new Set(path)], side),
};
const SIDES = ["both", "new", "base"];
const made = {};
