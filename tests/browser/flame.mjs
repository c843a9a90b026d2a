// SPDX-License-Identifier: GPL-3.0-or-later
// flame: looks at a flame graph in a real browser, uses it, and compares what is on the screen
// with the profile.
//
//     node flame.mjs CASE SVG FOLDED     one case of the table below
//     node flame.mjs screenshot SVG PNG [KEYS]
//     node flame.mjs bench SVG|HTML      milliseconds to open, zoom, reset and search

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { find, layOut, matched, readTree } from "./folded.mjs";
import { Browser, KEY } from "./webdriver.mjs";

const [, , name, svg, second, third] = process.argv;
const address = pathToFileURL(resolve(svg)).href;
const MARGIN = 12, ROW = 17;

// Every box that is drawn, read back from the document: row, x, width. The seams are no boxes.
function drawnBoxes() {
  const paths = [...document.querySelectorAll(".graph > path:not([stroke])")], boxes = [];
  for (const path of paths)
    for (const [, x, y, width, height] of path.getAttribute("d").matchAll(/M([\d.]+) ([\d.]+)h([\d.]+)v(\d+)/g))
      boxes.push({ x: Number(x), bottom: Number(y) + Number(height), width: Number(width) });
  return boxes;
}

async function boxesOnScreen(browser, flame) {
  const boxes = await browser.run(drawnBoxes);
  const bottoms = boxes.map(box => box.bottom);
  const top = Math.min(...bottoms), last = Math.max(...bottoms);
  return boxes.map(box => ({ row: flame ? Math.floor((last - box.bottom) / ROW) : Math.round((box.bottom - top) / ROW),
    x: box.x - MARGIN, width: box.width, y: box.bottom - ROW / 2 }));
}

const byPlace = (a, b) => a.row - b.row || a.x - b.x;

// The boxes on the screen are exactly those of the profile, at their place, with their width.
async function sameAsProfile(browser, zoom) {
  const width = await browser.run(() => innerWidth - 24);
  const shown = (await boxesOnScreen(browser)).sort(byPlace);
  const wanted = layOut(zoom, width).sort(byPlace);
  assert.equal(shown.length, wanted.length, "number of boxes");
  wanted.forEach((box, i) => {
    assert.equal(shown[i].row, box.row, `row of ${box.name}`);
    assert.ok(Math.abs(shown[i].x - box.x) < 0.02, `left edge of ${box.name}: ${shown[i].x}, not ${box.x}`);
    assert.ok(shown[i].width <= box.width + 0.02 && shown[i].width >= box.width - 1.02,
      `width of ${box.name}: ${shown[i].width}, not ${box.width}`);
  });
  return wanted.map((box, i) => ({ ...box, screenX: MARGIN + box.x + box.width / 2, screenY: shown[i].y }));
}

const details = browser => browser.run(() => [...document.querySelectorAll(".details")]
  .map(node => node.textContent).join("\n"));
const crumbs = browser => browser.run(() => [...document.querySelectorAll("text.mono tspan:not(.muted)")]
  .map(node => node.textContent));
const status = browser => browser.run(() => document.querySelector("[role=status]").textContent);
const settle = browser => browser.run(() => undefined).then(() => new Promise(done => setTimeout(done, 60)));
const hash = browser => browser.run(() => location.hash);

async function point(browser, box) {
  await browser.run(y => scrollTo(0, Math.max(0, y - 600)), box.screenY);
  const scrolled = await browser.run(() => scrollY);
  await browser.move(box.screenX, box.screenY - scrolled);
  await settle(browser);
  return details(browser);
}

async function clickBox(browser, box) {
  await browser.run(() => scrollTo(0, 0));
  await browser.click(box.screenX, box.screenY);
  await settle(browser);
}

const percentOf = (part, all) => 100 * part / all;

const cases = {
  async boxes(browser) {
    const tree = readTree(second);
    const boxes = (await sameAsProfile(browser, tree)).filter(box => box.node && box.node.parent);
    const step = Math.max(1, Math.floor(boxes.length / 25));
    for (let i = 0; i < boxes.length; i += step) {
      const box = boxes[i], text = await point(browser, box);
      assert.ok(text.startsWith(box.name), `pointing at ${box.name} says ${text}`);
      assert.ok(text.includes(` n ${box.node.total.toLocaleString("en")} samples`), text);
      const share = Number(/([\d.]+) % of all/.exec(text)[1]);
      assert.ok(Math.abs(share - percentOf(box.node.total, tree.total)) < 0.051, text);
    }
  },

  // The picture of eight and eight runs of `synthetic_profile replicate`.
  async change(browser) {
    const text = [], fills = [];
    for (const node of await browser.run(() => [...document.querySelectorAll(".graph > path[fill]")]
      .filter(path => !path.hasAttribute("stroke")).map(path => path.getAttribute("fill"))))
      fills.push(node);
    assert.ok(fills.includes("url(#moved)") && !fills.includes("url(#gone)"), fills.join(" "));
    for (const box of await boxesOnScreen(browser))
      text.push(await point(browser, { screenX: MARGIN + box.x + box.width / 2, screenY: box.y }));
    const hot = text.find(words => words.startsWith("hot ")), helper = text.find(words => words.startsWith("helper "));
    assert.match(hot, /total per run 300 ms → 360 ms, \+(19|20)\.\d % \(p ≤ 0\.001\)/);
    assert.match(helper, /→ 0 ns, moved/);
    // Width is the cost of one side; what that side has not, has no box.
    const count = (await boxesOnScreen(browser)).length;
    await browser.keys("b");
    await settle(browser);
    assert.equal((await boxesOnScreen(browser)).length, count - 1, "helper is gone in the new runs");
    assert.match(await hash(browser), /w=new/);
    const hotBox = (await boxesOnScreen(browser)).filter(box => box.row === 2).sort((a, b) => b.width - a.width)[0];
    const all = (await boxesOnScreen(browser))[0].width;
    assert.ok(Math.abs(hotBox.width / all - 360 / 1015) < 0.01, `${hotBox.width} of ${all}`);
    assert.match(await point(browser, { screenX: MARGIN + hotBox.x + 5, screenY: hotBox.y }), /300 ms → 360 ms, .*\(p ≤ 0\.001\)/);
    await browser.keys("b");
    await settle(browser);
    assert.equal((await boxesOnScreen(browser)).length, count);
    await browser.keys("0", "c");
    await settle(browser);
    const self = (await boxesOnScreen(browser)).filter(box => box.row === 1).sort((a, b) => b.width - a.width)[0];
    assert.match(await point(browser, { screenX: MARGIN + self.x + 5, screenY: self.y }), /^hot .*300 ms → 360 ms, .*not tested/s);
    assert.ok((await browser.run(() => [...document.querySelectorAll(".graph > path[fill]")].map(path => path.getAttribute("fill"))))
      .some(fill => /^#(?!e4e4e4)/.test(fill)), "changes of callers have colours");
    await browser.keys("c");
    await browser.keys("d");
    assert.match(await hash(browser), /c=component/);
    await browser.keys("?");
    assert.ok(await browser.run(() => [...document.querySelectorAll(".mono")].some(node => node.textContent === "b")), "help tells b");
  },

  async zoom(browser) {
    const tree = readTree(second);
    const boxes = await sameAsProfile(browser, tree);
    const target = find(tree, ["main", "world_step", "environment_observe"]);
    await clickBox(browser, boxes.find(box => box.node === target));
    assert.deepEqual(await crumbs(browser), ["all", "main", "world_step", "environment_observe"]);
    const zoomed = await sameAsProfile(browser, target);
    assert.match(await details(browser), /100 % of view/);
    assert.match(await hash(browser), /^#z=/);
    await clickBox(browser, zoomed.find(box => box.name === "main"));
    await sameAsProfile(browser, find(tree, ["main"]));
    await browser.run(() => history.back());
    await settle(browser);
    await sameAsProfile(browser, target);
    await browser.run(() => [...document.querySelectorAll("tspan.link")].find(part => part.textContent === "world_step")
      .dispatchEvent(new MouseEvent("click", { bubbles: true })));
    await sameAsProfile(browser, find(tree, ["main", "world_step"]));
    await browser.keys("0");
    await sameAsProfile(browser, tree);
    assert.equal(await hash(browser), "");
  },

  async search(browser) {
    const tree = readTree(second);
    for (const text of ["^kd_", "mem|sql", "no such function", "OBSERVE"]) {
      await browser.keys("/", ...text);
      await settle(browser);
      const shares = [...(await status(browser)).matchAll(/([\d.]+) % of/g)].map(found => Number(found[1]));
      const wanted = percentOf(matched(tree, new RegExp(text, "i")), tree.total);
      assert.ok(Math.abs(shares[0] - wanted) < 0.051 && shares[0] === shares[1],
        `${text}: ${await status(browser)}, not ${wanted}`);
      await browser.keys(KEY.escape);
    }
    const target = find(tree, ["main", "world_step", "environment_observe"]);
    await clickBox(browser, (await sameAsProfile(browser, tree)).find(box => box.node === target));
    await browser.keys("/", ..."kd_tree_distance");
    const shown = /([\d.]+) % of view, ([\d.]+) % of all · (\d+)/.exec(await status(browser)).slice(1).map(Number);
    const distance = matched(tree, /kd_tree_distance/);
    assert.ok(Math.abs(shown[0] - percentOf(distance, target.total)) < 0.051, `${shown}`);
    assert.ok(Math.abs(shown[1] - percentOf(distance, tree.total)) < 0.051, `${shown}`);
    assert.equal(shown[2], 1);
    await browser.keys(KEY.escape, "/", "[");
    await settle(browser);
    assert.ok(await browser.run(() => document.querySelector("input").classList.contains("wrong")));
  },

  async walk(browser) {
    const seen = [];
    await browser.keys("/", ..."mem|kernel|mm_|sqlite", KEY.enter);
    const count = Number(/(\d+) \(n\/N\)/.exec(await status(browser))[1]);
    for (let i = 0; i < count; i++) {
      seen.push((await details(browser)).split(" · ")[0]);
      await browser.keys(KEY.enter);
    }
    assert.equal(count, 2);
    assert.deepEqual(seen, ["memcpy", "sqlite3VdbeExec"]);
    assert.equal((await details(browser)).split(" · ")[0], "memcpy");
  },

  async keys(browser) {
    const tree = readTree(second), first = async () => (await details(browser)).split(" · ")[0].split("\n")[0];
    await browser.keys(KEY.down);
    assert.equal(await first(), "all");
    await browser.keys(KEY.down, KEY.down, KEY.down);
    assert.equal(await first(), "environment_observe");
    await browser.keys(KEY.right);
    assert.equal(await first(), "sqlite3VdbeExec");
    await browser.keys(KEY.left, KEY.up);
    assert.equal(await first(), "world_step");
    await browser.keys(KEY.down, KEY.enter);
    await settle(browser);
    await sameAsProfile(browser, find(tree, ["main", "world_step", "environment_observe"]));
    await browser.keys(KEY.backspace);
    await sameAsProfile(browser, find(tree, ["main", "world_step"]));
    await browser.keys("0", "i");
    await settle(browser);
    const upright = layOut(tree, 1).length && await boxesOnScreen(browser, true);
    assert.equal(upright.filter(box => box.row === 0).length, 1, "one box at the bottom");
    await browser.keys("i", "?");
    assert.ok(await browser.run(() => document.documentElement.textContent.includes("heaviest callee")));
  },

  // The picture in words: the call that the keyboard is at is the one that is read.
  async words(browser) {
    const read = () => browser.run(() => {
      const node = document.getElementById(document.documentElement.getAttribute("aria-activedescendant"));
      return node && [node.getAttribute("role"), node.parentNode.getAttribute("role"), node.getAttribute("aria-level"),
        node.getAttribute("aria-setsize"), node.getAttribute("aria-label")];
    });
    assert.equal(await read(), null);
    await browser.keys(KEY.down, KEY.down, KEY.down, KEY.down);
    assert.deepEqual(await read(), ["treeitem", "tree", "4", "2", "environment_observe, 88.0 % of all, self 40.0 %"]);
    await browser.keys(KEY.enter);
    await settle(browser);
    const labels = await browser.run(() => [...document.querySelectorAll("[role=treeitem]")].map(node => node.getAttribute("aria-label")));
    assert.ok(labels.every(label => !label.startsWith("sqlite")), "only what is in view");
    assert.ok(labels.some(label => label.startsWith("memcpy, 28.0 % of all, self 25.0 %")), labels.join("|"));
  },

  async callers(browser) {
    await browser.keys("c");
    await settle(browser);
    const self = new Map(), visit = node => {
      if (node.parent && node.self)
        self.set(node.name, (self.get(node.name) || 0) + node.self);
      node.children.forEach(visit);
    };
    const tree = readTree(second);
    visit(tree);
    const width = await browser.run(() => innerWidth - 24);
    const shown = (await boxesOnScreen(browser)).filter(box => box.row === 1).map(box => box.width);
    const wanted = [...self.values()].sort((a, b) => b - a).map(count => count * width / tree.total);
    assert.equal(shown.length, wanted.length);
    const told = await browser.run(() => [...document.querySelectorAll("[role=treeitem]")]
      .map(node => [Number(node.getAttribute("aria-level")), ...node.getAttribute("aria-label").match(/, ([\d.]+) % of all, self ([\d.]+) %/).slice(1)]));
    assert.ok(told.some(([level]) => level === 2) && told.some(([level]) => level > 2));
    for (const [level, all, own] of told.filter(([level]) => level > 1))
      assert.equal(Number(own), level === 2 ? Number(all) : 0, "the innermost has it all, its callers none");
    shown.sort((a, b) => b - a).forEach((size, i) => assert.ok(Math.abs(size - wanted[i]) < 1.03, `${size} ${wanted[i]}`));
    await browser.keys("c", "t");
    await settle(browser);
    assert.ok(await browser.run(() => document.querySelector(".graph").textContent.includes("environment_observe")));
  },

  async themes(browser) {
    const page = () => browser.run(() => getComputedStyle(document.querySelector(".page")).fill);
    const theme = value => browser.tools("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
    await theme("light");
    assert.equal(await page(), "rgb(255, 255, 255)");
    await theme("dark");
    assert.equal(await page(), "rgb(13, 17, 23)");
    await browser.keys("m");
    assert.equal(await page(), "rgb(255, 255, 255)");
    await theme("light");
    await browser.keys("m");
    assert.equal(await page(), "rgb(13, 17, 23)");
    await browser.tools("Emulation.setEmulatedMedia", { media: "print" });
    assert.equal(await page(), "rgb(255, 255, 255)");
    assert.equal(await browser.run(() => getComputedStyle(document.querySelector("input").closest(".screen")).display), "none");
  },

  async links(browser) {
    const tree = readTree(second), path = ["main", "world_step", "environment_observe"];
    await clickBox(browser, (await sameAsProfile(browser, tree)).find(box => box.node === find(tree, path)));
    await browser.keys("/", ..."kd", KEY.enter);
    const link = await hash(browser);
    assert.match(link, /q=kd/);
    await browser.go("about:blank");
    await browser.go(address + link);
    await sameAsProfile(browser, find(tree, path));
    assert.equal(await browser.run(() => document.querySelector("input").value), "kd");
    await browser.go("about:blank");
    await browser.go(address + link.replace(/\.[^.&]*&/, ".zzzz&"));
    await sameAsProfile(browser, find(tree, path.slice(0, 2)));
    assert.match(await details(browser), /nearest caller/);
    // What is no view is none, though every object has something of that name.
    for (const name of ["constructor", "__proto__", "toString"]) {
      await browser.go("about:blank");
      await browser.go(`${address}#o=${name}&c=${name}&w=${name}&${name}=1`);
      await sameAsProfile(browser, tree);
    }
  },

  // Served as strict servers do: no script runs, and the picture is there.
  async blocked(browser) {
    const policies = ["default-src 'none'; style-src 'unsafe-inline'; sandbox", "default-src 'none'"];
    const server = createServer((request, answer) => {
      answer.writeHead(200, { "Content-Type": "image/svg+xml", "Content-Security-Policy": policies[Number(request.url[1])] });
      answer.end(readFileSync(svg));
    });
    await new Promise(ready => server.listen(0, "127.0.0.1", ready));
    for (const i of policies.keys()) {
      await browser.go(`http://127.0.0.1:${server.address().port}/${i}`);
      const { root } = await browser.tools("DOM.getDocument", { depth: -1 });
      const all = async selector => (await browser.tools("DOM.querySelectorAll", { nodeId: root.nodeId, selector })).nodeIds;
      assert.equal((await all("input")).length, 0, "the script ran");
      const rows = await all(".rows rect");
      assert.equal(rows.length, layOut(readTree(second), 1176).length);
      const { model } = await browser.tools("DOM.getBoxModel", { nodeId: rows[1] });
      assert.ok(model.width > 900, `a box of ${model.width} pixels`);
    }
    server.close();
  },

  // Where scripts run but nothing else is allowed, and a history does not exist.
  async sandboxed(browser) {
    await browser.go("about:blank");
    await browser.go("data:image/svg+xml;base64," + readFileSync(svg).toString("base64"));
    await browser.keys("/", ..."kd_tree");
    await settle(browser);
    assert.match(await status(browser), /matched 20\.0 % of view/);
    await browser.keys(KEY.enter, KEY.enter);
    await browser.run(() => document.querySelector("input").blur());
    await browser.keys("0", KEY.down, KEY.down, KEY.enter);
    assert.deepEqual(await crumbs(browser), ["all", "main"]);
  },

  async hostile(browser) {
    const names = new Set();
    for (const box of (await boxesOnScreen(browser)).filter(shown => shown.row > 0)) {
      const text = await point(browser, { screenX: MARGIN + 20, screenY: box.y });
      names.add(text.split(" · ")[0]);
    }
    for (const wanted of ["</script><script>alert(1)</script>", "]]><x/>", "a&amp;b<c>\"d'", "semi;colon 12",
      "line feed tab\uFFFD\uFFFD", "größe_日本語", "(anonymous namespace)::step(int)", "[no name]"])
      assert.ok(names.has(wanted), `${wanted} is not among ${[...names].join("|")}`);
  },
};

async function bench(browser) {
  const open = [], zoom = [], reset = [], search = [];
  for (let i = 0; i < 5; i++) {
    // From the event to the frame after the one that was painted: what a user waits at most, about
    // two frames more than the work itself.
    const time = (code, ...args) => browser.call("POST", "/execute/async", { args: [code, ...args],
      script: `const [code, ...args] = arguments, done = args.pop(), start = performance.now();
        (0, eval)(code)(...args);
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));` });
    await browser.go("about:blank");
    const start = performance.now();
    await browser.go(address);
    await time("() => document.querySelector('svg.flame').focus()");
    open.push(performance.now() - start);
    const click = `(x, y) => { const graph = document.querySelector(".graph");
      graph.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: x, clientY: y })); }`;
    const key = `key => document.dispatchEvent(new KeyboardEvent("keydown", { key }))`;
    const boxes = (await boxesOnScreen(browser)).filter(box => box.row === 3).sort((a, b) => b.width - a.width);
    zoom.push(await time(click, boxes[0].x + MARGIN + 5, boxes[0].y));
    reset.push(await time(key, "0"));
    search.push(await time(`() => { const input = document.querySelector("input"); input.value = "_1.*";
      input.dispatchEvent(new Event("input")); }`));
  }
  const median = list => list.sort((a, b) => a - b)[list.length >> 1].toFixed(0);
  console.log(median(open), median(zoom), median(reset), median(search));
}

const browser = await Browser.open();
try {
  await browser.go(address);
  if (name === "bench") {
    await bench(browser);
  } else if (name === "screenshot") {
    for (const key of third || "")
      await browser.keys(KEY[{ "⏎": "enter", "↓": "down", "→": "right" }[key]] || key);
    await settle(browser);
    writeFileSync(second, Buffer.from(await browser.screenshot(), "base64"));
  } else {
    assert.ok(cases[name], `no case ${name}`);
    await cases[name](browser);
    const severe = (await browser.log()).filter(entry => entry.level === "SEVERE" && name !== "blocked");
    assert.deepEqual(severe.map(entry => entry.message.slice(-300)), []);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
