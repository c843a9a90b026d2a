// Numbers and boxes in words.

function percent(share) {
  const value = 100 * share;
  return (value === 0 || value >= 99.995 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)) + " %";
}

function amount(value) {
  let number = value * data.period;
  const scales = data.unit === "ns" ? [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]]
    : data.unit === "bytes" ? [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"], [1, "bytes"]]
    : [[1e9, "G " + data.unit], [1e6, "M " + data.unit], [1e3, "k " + data.unit], [1, data.unit]];
  const [factor, unit] = scales.find(([size]) => number >= size) || scales[3];
  number /= factor;
  return number.toFixed(factor === 1 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2) + " " + unit;
}

// Dispersion was measured for the boxes of the recording only, not for rebuilt trees.
function interval(box) {
  if (tree !== callees || change)
    return "";
  const share = tree.total[box] / tree.total[0], z = 1.959964;
  const n = data.equal_samples / (tree.phi.get(box) || 1);
  const scale = 1 + z * z / n, centre = (share + z * z / (2 * n)) / scale;
  const half = z / scale * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return ` · 95 % interval ${percent(Math.max(0, centre - half)).slice(0, -2)}–${percent(Math.min(1, centre + half))} of all (this run only)`;
}

const CERTAINTIES = ["not certain, or not tested", "p ≤ 0.2", "p ≤ 0.05", "p ≤ 0.01", "p ≤ 0.001"];

function becomes(base, fresh, moved) {
  const grown = 100 * (fresh / base - 1);
  return `${amount(base)} → ${amount(fresh)}` + (base && fresh ? `, ${grown < 0 ? "" : "+"}${grown.toFixed(1)} %`
    : !base && !fresh ? "" : moved ? ", moved" : base ? ", gone" : ", new");
}

function describe(item) {
  if (!item)
    return ["", ""];
  if (item.rest) {
    const share = `${percent(item.total / tree.total[0])} of all · ${percent(item.total / tree.total[view.zoom])} of view`;
    const hidden = tree.hidden.get(item.caller);
    return [item.levels ? `${item.levels} more levels below: ${item.nodes} boxes`
                        : `${item.children} callees too narrow to draw (${item.nodes} boxes with what they call)`,
            `${share} · zoom in to see them${hidden ? "; the smallest are not in this file" : ""}`];
  }
  const box = item.box, symbol = symbols[tree.symbol[box]];
  if (!box && change)
    return ["all", becomes(change[0].base, change[0].fresh)];
  if (!box)
    return ["all", `${amount(tree.total[0])} · ${tree.samples[0].toLocaleString("en")} samples`];
  const words = [symbol.name];
  if (tree.inlined[box])
    words.push("inlined into " + symbols[tree.symbol[tree.parent[box]]].name);
  words.push(data.components[symbol.component].name, symbol.module);
  if (symbol.place)
    words.push(symbol.place);
  if (change) {
    const now = tree.change[box];
    return [words.join(" · "), `total per ${data.per} ${becomes(now.base, now.fresh, now.moved)} ` +
      `(${CERTAINTIES[now.certainty] || "not tested in this view"})` +
      (tree !== callees || tree.hidden.has(box) ? "" : ` · self ${becomes(now.baseSelf, now.freshSelf, now.moved)}`)];
  }
  return [words.join(" · "),
    `total ${amount(tree.total[box])}, ${percent(tree.total[box] / tree.total[0])} of all, ` +
    `${percent(Math.min(1, tree.total[box] / tree.total[view.zoom]))} of view · ` +
    `self ${amount(tree.own[box])}, ${percent(tree.own[box] / tree.total[0])} · ` +
    `n ${tree.samples[box].toLocaleString("en")} samples${interval(box)}`];
}
