// Search by regular expression, on the whole tree.

// Finds the outermost matching boxes: what lies below a match is part of it and not counted again.
function search() {
  matches = null;
  if (input)
    input.classList.remove("wrong");
  if (!view.query)
    return;
  let expression;
  try {
    expression = new RegExp(view.query, view.matchCase ? "" : "i");
  } catch (error) {
    if (input)
      input.classList.add("wrong");
    matches = { wrong: error.message };
    return;
  }
  const is = Uint8Array.from(symbols, symbol => expression.test(symbol.name));
  is[tree.symbol[0]] = 0;
  const outer = [];
  let total = 0, samples = 0, hidden = tree.hidden.has(0) ? tree.hidden.get(0).total : 0;
  for (let i = 1; i < tree.count;) {
    if (is[tree.symbol[i]]) {
      outer.push(i);
      total += tree.total[i];
      samples += tree.samples[i];
      i = tree.end[i];
    } else {
      if (tree.hidden.has(i))
        hidden += tree.hidden.get(i).total;
      i++;
    }
  }
  matches = { is, outer, total, samples, hidden };
}

// Share of the zoomed box that matches.
function matchedInView() {
  for (let i = view.zoom; i; i = tree.parent[i])
    if (matches.is[tree.symbol[i]])
      return 1;
  let total = 0;
  for (const box of matches.outer)
    if (box > view.zoom && box < tree.end[view.zoom])
      total += tree.total[box];
  return total / tree.total[view.zoom];
}

function walkMatches(step) {
  if (!matches || !matches.outer || !matches.outer.length)
    return;
  const list = matches.outer;
  let at = list.indexOf(view.focus);
  at = at < 0 ? (step > 0 ? 0 : list.length - 1) : (at + step + list.length) % list.length;
  view.focus = list[at];
  if (!isVisible(view.focus))
    zoomTo(tree.parent[view.focus], view.focus);
  else
    update();
  scrollToFocus();
}
