// SPDX-License-Identifier: GPL-3.0-or-later
// report: looks at a report page in a real browser.
//
//     node report.mjs numbers HTML JSON MARKDOWN    the three say the same, number by number
//     node report.mjs downloads HTML FOLDER         the links' files, saved to an empty folder
//     node report.mjs CASE HTML                     another case of the table below

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser, KEY } from "./webdriver.mjs";

const [, , name, html, json, markdown] = process.argv;
const address = pathToFileURL(resolve(html)).href;
const settle = () => new Promise(done => setTimeout(done, 80));
const squeeze = text => text.replace(/\s+/g, " ").trim();

// What the page shows: sentences, and the cells of all tables.
function readPage() {
  const all = (node, selector) => [...node.querySelectorAll(selector)];
  const text = node => node.textContent;
  return {
    title: text(document.querySelector("h1")),
    verdict: text(document.querySelector(".verdict")),
    why: all(document, ".why li").map(item => item.firstChild.textContent),
    trust: all(document, ".trust li").map(text),
    sections: all(document, "section:not(#downloads)").map(section => ({
      title: text(section.querySelector("h2")),
      sentences: all(section, ":scope > p").map(text),
      tables: all(section, "table").map(table => ({
        caption: text(table.querySelector("caption")),
        rows: all(table, "tr").map(row => all(row, "th, td").map(text)),
      })),
    })),
    data: text(document.getElementById("report")),
  };
}

// The same of Markdown.
function readMarkdown(text) {
  const decode = line => squeeze(line.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)));
  const lines = text.split("\n"), page = { why: [], sections: [] };
  let section = null, before = "";
  for (const line of lines) {
    if (line.startsWith("# "))
      page.title = decode(line.slice(2));
    else if (line.startsWith("**"))
      page.verdict = decode(line.slice(2, -2));
    else if (/^\d+\. /.test(line) && !section)
      page.why.push(decode(line.replace(/^\d+\. /, "")));
    else if (line.startsWith("Trust: "))
      page.trust = decode(line.slice(7).replaceAll("**", ""));
    else if (line.startsWith("## "))
      page.sections.push(section = { title: line.slice(3), sentences: [], tables: [] });
    else if (line.startsWith("| :--") || line.startsWith("| --:"))
      section.tables.at(-1).caption = section.sentences.pop();
    else if (line.startsWith("|")) {
      if (before === "")
        section.tables.push({ rows: [] });
      section.tables.at(-1).rows.push(line.slice(1, -1).split(" | ").map(decode));
    } else if (line && section)
      section.sentences.push(decode(line));
    before = line;
  }
  return page;
}

const UNITS = { ns: 1, "µs": 1e3, ms: 1e6, s: 1e9, bytes: 1, KiB: 1024, MiB: 2 ** 20, GiB: 2 ** 30, k: 1e3, M: 1e6,
  G: 1e9, "%": 0.01 };

// The first number of a cell, and what half of its last digit is worth.
function readNumber(text) {
  const [, sign, digits, unit] = /^([−+-]?)([\d.]+(?:e[+-]?\d+)?) ?([^\s\d(]*)/.exec(text) || [];
  assert.ok(digits, `no number in "${text}"`);
  const scale = UNITS[unit] || 1, decimals = (/\.(\d+)/.exec(digits) || ["", ""])[1].length;
  return [(sign === "−" || sign === "-" ? -1 : 1) * Number(digits) * scale, 0.5001 * 10 ** -decimals * scale];
}

// A cell says what the data has, to the last digit that it shows.
function sameNumber(column, cell, text) {
  if (cell === null)
    return assert.equal(text, "");
  if (typeof cell === "string")
    return assert.equal(squeeze(text), squeeze(cell));
  const wanted = Array.isArray(cell) ? cell : [cell];
  const shown = text.split(/[()–…]/).map(part => part.trim()).filter(Boolean);
  wanted.forEach((value, i) => {
    if (value === null)
      return;
    if (/^×/.test(shown[i]))
      return assert.ok(Math.abs(Number(shown[i].slice(1)) - value - 1) <= 0.5, text);
    const [number, half] = readNumber(shown[i] + (column.kind === "share" && !shown[i].includes("%") ? " %" : ""));
    const rounding = column.kind === "number" ? Math.abs(value) * 5e-4 : half;
    assert.ok(Math.abs(number - value) <= rounding, `${column.id}: "${text}" is not ${value}`);
  });
}

const cases = {
  async numbers(browser) {
    const page = await browser.run(readPage), data = JSON.parse(page.data), other = readMarkdown(readFileSync(markdown, "utf8"));
    assert.deepEqual(data, JSON.parse(readFileSync(json, "utf8")), "the data in the page is what --json writes");
    assert.equal(squeeze(page.title), squeeze(data.title));
    assert.equal(squeeze(other.title), squeeze(data.title));
    for (const rendering of [page, other]) {
      assert.equal(squeeze(rendering.verdict), squeeze(data.verdict.text));
      assert.deepEqual(rendering.why.map(squeeze), data.why.map(item => squeeze(item.text)));
    }
    assert.deepEqual(page.trust.map(squeeze), data.trust.map(item => squeeze((item.bad ? "⚠ " : "") + item.text)));
    assert.equal(other.trust, page.trust.map(squeeze).join(" · "));
    let numbers = 0;
    data.sections.forEach((section, i) => {
      const sentences = [...(section.missing ? ["not measured: " + section.missing] : []),
        ...(section.text || []), ...(section.notes || [])].map(squeeze);
      for (const rendering of [page, other]) {
        const shown = rendering.sections[i];
        assert.equal(shown.title, section.title);
        assert.deepEqual(shown.sentences.map(squeeze), sentences);
        (section.tables || []).forEach((table, j) => {
          const [head, ...rows] = shown.tables[j].rows;
          assert.equal(shown.tables[j].caption, table.caption);
          assert.deepEqual(head.map(squeeze), table.columns.map(column => column.title));
          assert.equal(rows.length, table.rows.length, table.id);
          table.rows.forEach((row, k) => row.forEach((cell, column) => {
            sameNumber(table.columns[column], cell, squeeze(rows[k][column]));
            numbers += typeof cell !== "string";
          }));
        });
      }
    });
    assert.ok(numbers > 40, `${numbers} numbers`);
  },

  // Nothing is asked of a network, nothing that comes later may run, and nothing is missing without script.
  async policy(browser) {
    const fetched = await browser.run(() => performance.getEntriesByType("resource").length);
    assert.equal(fetched, 0);
    await browser.run(() => {
      const script = document.createElement("script");
      script.textContent = "window.intruder = true";
      document.body.append(script);
      document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:1/x' onerror='window.intruder = true'>");
    });
    await settle();
    assert.equal(await browser.run(() => window.intruder), null);
    const server = createServer((request, answer) => {
      answer.writeHead(200, { "Content-Type": "text/html", "Content-Security-Policy": "default-src 'none'; sandbox" });
      answer.end(readFileSync(html));
    });
    await new Promise(ready => server.listen(0, "127.0.0.1", ready));
    await browser.go(`http://127.0.0.1:${server.address().port}/`);
    const { root } = await browser.tools("DOM.getDocument", { depth: -1 });
    const count = async selector => (await browser.tools("DOM.querySelectorAll", { nodeId: root.nodeId, selector })).nodeIds.length;
    assert.equal(await count("button"), 0, "the script ran");
    assert.ok(await count(".rows rect") > 4, "the picture is there");
    assert.ok(await count("tbody tr") > 10, "the tables are there");
    server.close();
  },

  async use(browser) {
    const found = () => browser.run(() => document.querySelector("svg.flame [role=status]").textContent);
    await browser.run(() => document.querySelector(".why a").click());
    await settle();
    assert.match(await found(), /^matched [1-9]/);
    assert.ok(await browser.run(() => document.querySelector("svg.flame").getBoundingClientRect().top < 60));
    // Keys belong to the page until the picture has the focus.
    await browser.keys("t");
    const table = () => browser.run(() => document.querySelector("svg.flame .graph").textContent.includes("click to search"));
    assert.equal(await table(), false);
    await browser.run(() => document.querySelector("svg.flame").focus());
    await browser.keys(KEY.escape, "t");
    assert.equal(await table(), true);
    await browser.keys("t");
    const samples = () => browser.run(() => [...document.querySelectorAll("#table-functions td:nth-child(7)")].map(cell => Number(cell.textContent)));
    const before = await samples();
    await browser.run(() => document.querySelectorAll("#table-functions thead button")[6].click());
    const after = await samples();
    assert.deepEqual(after, [...before].sort((a, b) => b - a));
    await browser.run(() => document.querySelectorAll("#table-functions thead button")[6].click());
    assert.deepEqual(await samples(), [...before].sort((a, b) => a - b));
    assert.equal(await browser.run(() => document.querySelectorAll("#table-functions th")[6].getAttribute("aria-sort")), "ascending");
    await browser.run(() => { location.hash = "#method"; });
    await settle();
    assert.ok(await browser.run(() => document.querySelector("#method").getBoundingClientRect().top < innerHeight));
  },

  // A click on each link leaves the file: into the folder that the third word names.
  async downloads(browser) {
    const folder = resolve(json);
    await browser.tools("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
    const names = await browser.run(() => [...document.querySelectorAll("#downloads a")].map(link => link.download));
    assert.equal(names.length, 7);
    for (const name of names) {
      await browser.run(wanted => [...document.querySelectorAll("#downloads a")].find(link => link.download === wanted).click(), name);
      for (let tries = 0; !existsSync(join(folder, name)); tries++) {
        assert.ok(tries < 200, `${name} does not come`);
        await settle();
      }
    }
  },

  async themes(browser) {
    const page = () => browser.run(() => getComputedStyle(document.body).backgroundColor);
    const theme = value => browser.tools("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
    await theme("light");
    assert.equal(await page(), "rgb(255, 255, 255)");
    await theme("dark");
    assert.equal(await page(), "rgb(13, 17, 23)");
    await browser.run(() => document.querySelector("button.theme").click());
    assert.equal(await page(), "rgb(255, 255, 255)");
    await theme("light");
    await browser.run(() => document.querySelector("button.theme").click());
    assert.equal(await page(), "rgb(13, 17, 23)");
    await browser.tools("Emulation.setEmulatedMedia", { media: "print" });
    assert.equal(await page(), "rgb(255, 255, 255)");
    assert.equal(await browser.run(() => getComputedStyle(document.querySelector("nav")).display), "none");
  },

  // Nothing that a name contains runs or becomes an element; a dialog would have failed this already.
  async hostile(browser) {
    await settle();
    assert.equal(await browser.run(() => document.querySelectorAll("x, img, iframe, object").length), 0);
    assert.equal(await browser.run(() => [...document.querySelectorAll("script")].filter(script =>
      script.textContent.startsWith("alert")).length), 0);
    const text = await browser.run(() => document.body.innerText + document.body.textContent);
    for (const wanted of ["</script><script>alert(1)</script>", "]]><x/>", "a&amp;b<c>\"d'"])
      assert.ok(text.includes(wanted), wanted);
  },
};

const browser = await Browser.open();
try {
  await browser.go(address);
  assert.ok(cases[name], `no case ${name}`);
  await cases[name](browser);
  const severe = (await browser.log()).filter(entry => entry.level === "SEVERE" && name !== "policy");
  assert.deepEqual(severe.map(entry => entry.message.slice(-300)), []);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
