// What is shown: the view, and its form in the page's address.

let tree = callees;
const view = { zoom: 0, focus: -1, flame: data.view === "flame", order: "callees", query: "",
  side: "both", colours: change ? "change" : "component", table: false, help: false, matchCase: false };
let matches = null; // { is: Uint8Array per symbol, outer: boxes, total, shown }
let drawn = { rows: [], width: 0, top: 0 };
let hoverBox = null;

function pathHash(box) {
  // FNV-1a over the names from the root, so that a link survives a new recording.
  const hashes = [];
  for (let i = box; i; i = tree.parent[i])
    hashes.push(i);
  let hash = 0x811c9dc5;
  return hashes.reverse().map(i => {
    const name = symbols[tree.symbol[i]].name + "\n";
    for (let j = 0; j < name.length; j++)
      hash = Math.imul(hash ^ name.charCodeAt(j), 0x01000193) >>> 0;
    return hash;
  });
}

// Follows a chain of path hashes as far as it leads. Returns [box, reached the end].
function followHashes(chain) {
  let box = 0;
  for (const wanted of chain) {
    let found = 0;
    for (let i = box + 1; i < tree.end[box] && !found; i = tree.end[i])
      if (pathHash(i).pop() === wanted)
        found = i;
    if (!found)
      return [box, false];
    box = found;
  }
  return [box, true];
}

function writeHash(newEntry) {
  const parts = [];
  if (view.zoom)
    parts.push("z=" + pathHash(view.zoom).map(hash => hash.toString(36)).join("."));
  if (view.query)
    parts.push("q=" + encodeURIComponent(view.query));
  if (view.flame !== (data.view === "flame"))
    parts.push("v=" + (view.flame ? "flame" : "icicle"));
  if (view.order !== "callees")
    parts.push("o=" + view.order);
  if (view.side !== "both")
    parts.push("w=" + view.side);
  if (view.colours !== Object.keys(COLOURS)[0])
    parts.push("c=" + view.colours);
  const hash = parts.length ? "#" + parts.join("&") : "";
  lastHash = hash;
  try {
    // A data: page may not navigate, not even to a place in itself.
    if (hash === location.hash || location.protocol === "data:")
      return;
    if (newEntry)
      location.hash = hash;
    else
      history.replaceState(null, "", hash || location.pathname + location.search);
  } catch (error) {
    // A sandboxed page has no history; the view works without.
  }
}
let lastHash = null, note = "";

// Takes over the view that the address names; false when it names none, or the present one.
function readHash() {
  let hash = "";
  try {
    hash = location.hash;
  } catch (error) {
    return false;
  }
  if (hash === lastHash || isPart && hash && !hash.includes("="))
    return false;
  lastHash = hash;
  const state = Object.create(null); // "__proto__" is a key like any other
  for (const part of hash.slice(1).split("&")) {
    const equals = part.indexOf("=");
    if (equals > 0)
      state[part.slice(0, equals)] = part.slice(equals + 1);
  }
  view.flame = state.v ? state.v === "flame" : data.view === "flame";
  view.colours = Object.hasOwn(COLOURS, state.c) ? state.c : Object.keys(COLOURS)[0];
  view.side = change && SIDES.includes(state.w) ? state.w : "both";
  setOrder(Object.hasOwn(TREES, state.o) ? state.o : "callees");
  const chain = (state.z || "").split(".").filter(Boolean).map(text => parseInt(text, 36));
  const [box, exact] = followHashes(chain);
  view.zoom = box;
  note = exact ? "" : "The linked call is not in this profile; this is the nearest caller that is.";
  try {
    view.query = decodeURIComponent(state.q || "");
  } catch (error) {
    view.query = "";
  }
  if (input)
    input.value = view.query;
  search();
  return true;
}

function setOrder(order) {
  const key = order + " " + view.side;
  made[key] ||= TREES[order](view.side);
  tree = made[key];
  view.order = order;
  view.zoom = 0;
  view.focus = -1;
}
