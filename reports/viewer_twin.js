// What people hear who do not see the picture: the heaviest calls of the view as a tree of words.
// The picture itself keeps the focus and says which of them is meant.

const TWINS = 200;
const twinHolder = element("foreignObject", { width: 1, height: 1, class: "screen" }, scene);
const twin = document.createElementNS("http://www.w3.org/1999/xhtml", "div");
twin.setAttribute("role", "tree");
twin.setAttribute("aria-label", "The heaviest calls of the view");
twinHolder.appendChild(twin);
const twins = new Map(); // box: its element

function twinWords(box) {
  const words = [box ? symbols[tree.symbol[box]].name : "all", `${percent(tree.total[box] / tree.total[0])} of all`,
    `self ${percent(tree.own[box] / tree.total[0])}`];
  if (change)
    words.push(becomes(tree.change[box].base, tree.change[box].fresh));
  return words.join(", ");
}

function drawTwin() {
  const shown = drawn.rows.flat().filter(item => item && !item.rest && !item.caller)
    .sort((a, b) => b.width - a.width).slice(0, TWINS).map(item => item.box);
  if (view.focus >= 0 && !shown.includes(view.focus))
    shown.push(view.focus);
  const siblings = new Map();
  for (const box of shown.sort((a, b) => a - b)) {
    const parent = box ? tree.parent[box] : -1;
    siblings.set(parent, [...siblings.get(parent) || [], box]);
  }
  twins.clear();
  twin.textContent = "";
  for (const box of shown) {
    const node = document.createElementNS("http://www.w3.org/1999/xhtml", "div"), all = siblings.get(box ? tree.parent[box] : -1);
    for (const [key, value] of Object.entries({ role: "treeitem", id: "call-" + box, "aria-level": tree.depth[box] + 1,
      "aria-setsize": all.length, "aria-posinset": all.indexOf(box) + 1, "aria-label": twinWords(box) }))
      node.setAttribute(key, value);
    twin.appendChild(node);
    twins.set(box, node);
  }
  pointTwin();
}

function pointTwin() {
  if (view.focus < 0)
    return root.removeAttribute("aria-activedescendant");
  if (!twins.has(view.focus))
    return drawTwin();
  for (const node of twin.querySelectorAll("[aria-selected]"))
    node.removeAttribute("aria-selected");
  twins.get(view.focus).setAttribute("aria-selected", "true");
  root.setAttribute("aria-activedescendant", "call-" + view.focus);
}

