// SPDX-License-Identifier: GPL-3.0-or-later
// accessible: asks axe what is wrong with a page or picture for people who do not see it, use no
// mouse, or see few colours; in light and in dark.
//
//     node accessible.mjs FILE NPM [KEYS]     NPM: the folder that has node_modules/axe-core; KEYS are
//                                             pressed before it looks

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./webdriver.mjs";

const [, , file, npm, keys = ""] = process.argv;
const axe = readFileSync(join(npm, "node_modules/axe-core/axe.min.js"), "utf8");

const browser = await Browser.open();
try {
  let passes = 0;
  for (const value of ["light", "dark"]) {
    await browser.tools("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
    await browser.go("about:blank");
    await browser.go(pathToFileURL(resolve(file)).href);
    for (const key of keys)
      await browser.keys(key);
    await browser.call("POST", "/execute/sync", { script: axe, args: [] });
    const found = await browser.call("POST", "/execute/async", { args: [], script: `const done = arguments[0];
      axe.run(document, { resultTypes: ["violations"] }).then(done, error => done({ violations: [{ id: String(error), nodes: [] }] }));` });
    assert.deepEqual(found.violations.map(rule => `${value}: ${rule.id}: ${rule.help}: ` +
      rule.nodes.slice(0, 3).map(node => `${node.target} ${node.html.slice(0, 120)} ${node.any.map(any => any.message).join("; ")}`).join(" | ")), []);
    passes += found.passes.length;
  }
  assert.ok(passes > 4, `axe looked at ${passes} rules only`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
