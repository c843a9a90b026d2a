// What the user does, and what changes by it.

function update() {
  const present = Math.max(320, root.getBoundingClientRect().width || 1200);
  if (present !== drawn.width) {
    width = drawn.width = present;
    barTop = drawHead();
    drawn.top = barTop + 98;
  }
  placeBar();
  let bottom;
  if (view.table) {
    drawn.rows = [];
    bottom = drawTable();
  } else {
    drawn.rows = layOut(width - 2 * MARGIN, 1);
    bottom = drawn.top + drawn.rows.length * ROW;
    drawGraph();
  }
  drawFoot(bottom);
  drawBreadcrumb();
  drawStatus();
  drawDetails();
  drawOutline();
  drawTwin();
  drawHelp();
  const height = Math.ceil(bottom + 30), box = `0 0 ${width} ${height}`;
  if (root.getAttribute("viewBox") !== box) {
    root.setAttribute("viewBox", box);
    root.setAttribute("height", height);
  }
  stick();
}

// How far the picture's upper end is above what can be seen of the page.
function scrolledBy() {
  const covered = isPart ? document.querySelector("nav")?.offsetHeight || 0 : 0;
  return Math.max(0, covered - root.getBoundingClientRect().top);
}

function stick() {
  const last = Number(root.getAttribute("height")) - 200;
  bar.setAttribute("transform", `translate(0 ${Math.max(barTop, Math.min(scrolledBy(), last))})`);
  drawHelp();
}

// Scrolls so that a place of the picture is at the upper end of the page.
function scrollTo(y) {
  window.scrollTo(0, Math.max(0, window.scrollY + root.getBoundingClientRect().top + y));
}

function scrollToFocus() {
  const at = view.focus >= 0 && find({ box: view.focus });
  if (!at)
    return;
  const y = rowY(at.depth), top = root.getBoundingClientRect().top + y;
  if (top < 100 || top > window.innerHeight - 2 * ROW)
    scrollTo(y - window.innerHeight / 2);
}

function zoomTo(box, focus) {
  view.zoom = box;
  view.focus = focus === undefined ? box : focus;
  hoverBox = null;
  note = "";
  update();
  writeHash(true);
  showRoot();
}

// The root of a flame is at the bottom.
function showRoot() {
  if (view.flame)
    scrollTo(Number(root.getAttribute("height")) - window.innerHeight);
}

function setQuery(query) {
  view.query = input.value = query;
  search();
  update();
  writeHash(false);
}

function toggleOrder(order) {
  setOrder(view.order === order ? "callees" : order);
  search();
  update();
  writeHash(false);
}

const ACTIONS = {
  "0": () => { view.side = "both"; setOrder("callees"); view.table = false; setQuery(""); zoomTo(0); view.focus = -1; update(); },
  "i": () => { view.flame = !view.flame; update(); writeHash(false); scrollTo(0); showRoot(); },
  "c": () => toggleOrder("callers"),
  "r": () => toggleOrder("merged"),
  "d": () => { const names = Object.keys(COLOURS);
    view.colours = names[(names.indexOf(view.colours) + 1) % names.length]; note = "colours: by " + view.colours;
    update(); writeHash(false); },
  "b": () => {
    if (!change)
      return;
    view.side = SIDES[(SIDES.indexOf(view.side) + 1) % SIDES.length];
    setOrder(view.order);
    note = "widths: cost of " + { both: "both together", new: "the new runs", base: "the base" }[view.side];
    search();
    update();
    writeHash(false);
  },
  "t": () => { view.table = !view.table; update(); },
  "a": () => { view.matchCase = !view.matchCase; note = view.matchCase ? "search: case matters" : "search: case does not matter";
    search(); update(); },
  "m": () => { const dark = isDark(); root.classList.toggle("dark", !dark); root.classList.toggle("light", dark); },
  "?": () => { view.help = !view.help; placeBar(); drawHelp(); },
  "/": () => { input.focus(); input.select(); },
  "n": () => walkMatches(1),
  "N": () => walkMatches(-1),
  "Escape": () => { view.help = false; setQuery(""); },
  "Enter": () => { if (view.focus >= 0) zoomTo(view.focus); },
  "Backspace": () => { if (view.zoom) zoomTo(tree.parent[view.zoom], view.zoom); },
  "ArrowUp": () => walk(view.flame ? "in" : "out"),
  "ArrowDown": () => walk(view.flame ? "out" : "in"),
  "ArrowLeft": () => walk("before"),
  "ArrowRight": () => walk("after"),
};

function isDark() {
  return root.classList.contains("dark") ||
    (!root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
}

function act(key) {
  ACTIONS[key]();
}

function walk(way) {
  let box = view.focus < 0 ? view.zoom : view.focus;
  if (view.focus < 0) {
    // the first key shows where we are
  } else if (way === "out") {
    box = tree.parent[box];
  } else if (way === "in") {
    box = box + 1 < tree.end[box] ? box + 1 : box;
  } else if (way === "after") {
    box = tree.end[box] < tree.count && tree.parent[tree.end[box]] === tree.parent[box] && box ? tree.end[box] : box;
  } else if (box) {
    let sibling = tree.parent[box] + 1;
    while (sibling < box && tree.end[sibling] < box)
      sibling = tree.end[sibling];
    box = sibling < box ? sibling : box;
  }
  view.focus = box;
  hoverBox = null;
  if (view.zoom && (box < view.zoom || box >= tree.end[view.zoom])) {
    zoomTo(box, box);
  } else if (!find({ box })) {
    zoomTo(tree.parent[box], box);
  } else {
    drawDetails();
    drawOutline();
    pointTwin();
    drawStatus();
  }
  scrollToFocus();
}

function pointer(event) {
  const box = root.getBoundingClientRect();
  return itemAt(event.clientX - box.left, event.clientY - box.top);
}

function listen() {
  graph.addEventListener("mousemove", event => {
    if (view.table)
      return;
    const item = pointer(event);
    if (item === hoverBox)
      return;
    hoverBox = item;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => { drawDetails(); drawOutline(); });
  });
  graph.addEventListener("mouseleave", () => { hoverBox = null; drawDetails(); drawOutline(); });
  graph.addEventListener("click", event => {
    const item = view.table ? null : pointer(event);
    if (item)
      zoomTo(item.rest ? item.caller : item.box);
  });
  document.addEventListener("keydown", event => {
    // In a page the keys are the picture's while it has the focus.
    if (isPart && !root.contains(document.activeElement))
      return;
    const find = event.ctrlKey && event.key === "f" || event.key === "F3";
    if (!find && (event.ctrlKey || event.altKey || event.metaKey || !ACTIONS[event.key]))
      return;
    event.preventDefault();
    act(find ? "/" : event.key);
  });
  window.addEventListener("scroll", stick);
  window.addEventListener("resize", () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(update); });
  window.addEventListener("hashchange", () => {
    if (!readHash())
      return;
    update();
    if (isPart)
      root.scrollIntoView();
  });
}

function start() {
  if (!tree.total[0])
    return; // nothing to look at: the picture says so
  root.appendChild(scene);
  try {
    const probe = element("text", { class: "mono", "font-size": 12 }, scene, "m".repeat(50));
    letter = textWidth(probe) / 50 || letter;
    probe.remove();
    makeBar();
    readHash();
    update();
    listen();
    root.querySelector(".picture").remove();
    root.setAttribute("role", "application");
    root.setAttribute("aria-label", root.querySelector("desc").textContent + " Arrow keys walk the calls, ? lists the keys.");
    root.setAttribute("tabindex", "0");
  } catch (error) {
    scene.remove();
    throw error;
  }
}

start();
})();
