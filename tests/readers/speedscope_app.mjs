// SPDX-License-Identifier: GPL-3.0-or-later
// speedscope_app: opens an exported file in speedscope itself, in Chromium, and prints its sandwich
// table as JSON: {"title": …, "profile": …, "self": {NAME: "400.00ms (40%)"}}.
//
//     node speedscope_app.mjs FILE
//
// The file is handed over as speedscope's own command line does: as a script beside the page.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "../browser/webdriver.mjs";

const folder = mkdtempSync(join(tmpdir(), "simprof-speedscope-")), script = join(folder, "load.js");
const page = pathToFileURL(join(process.env.BUILD, "npm/node_modules/speedscope/dist/release/index.html"));
const browser = await Browser.open();

// Waits for what the page shows, a loaded machine included.
async function shown(question, ...args) {
  for (let i = 0; i < 300; i++) {
    const answer = await browser.run(question, ...args);
    if (answer)
      return answer;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error("the page never shows it: " + await browser.run(() => document.body.innerText));
}

try {
  const content = readFileSync(process.argv[2]).toString("base64");
  writeFileSync(script, `speedscope.loadFileFromBase64("profile.json", ${JSON.stringify(content)})`);
  await browser.go(`${page}#localProfilePath=${script}`);
  await shown(() => document.body.innerText.includes("Sandwich"));
  await browser.keys("3");
  const table = await shown(() => document.querySelector("table tr td") &&
    [...document.querySelectorAll("table tr")].map(row => [...row.children].map(cell => cell.innerText.trim())));
  const head = await browser.run(() => document.body.innerText.split("\n"));
  const errors = (await browser.log()).filter(entry => entry.level === "SEVERE");
  if (errors.length)
    throw new Error(JSON.stringify(errors));
  console.log(JSON.stringify({
    title: await browser.run(() => document.title),
    profile: head.find(line => / samples$/.test(line)),
    self: Object.fromEntries(table.filter(row => row.length === 3 && row[2] !== "Symbol Name").map(row => [row[2], row[1]])),
  }, null, 1));
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
