// SPDX-License-Identifier: GPL-3.0-or-later
// webdriver: drives Debian's Chromium through chromedriver, with nothing but node's own library.
// Everything is on this machine: the driver listens on the loopback interface, on a free port.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--hide-scrollbars", "--window-size=1300,1000"];

// chromedriver says which port it chose; 30 seconds are plenty on a loaded machine.
function startDriver() {
  const driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => driver.kill());
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("chromedriver does not start")), 30000);
    let said = "";
    driver.stdout.on("data", text => {
      said += text;
      const port = /successfully on port (\d+)/.exec(said);
      if (port) {
        clearTimeout(timer);
        resolve([driver, `http://127.0.0.1:${port[1]}`]);
      }
    });
    driver.on("error", reject);
  });
}

export class Browser {
  static async open() {
    const browser = new Browser();
    [browser.driver, browser.base] = await startDriver();
    browser.folder = mkdtempSync(join(tmpdir(), "simprof-browser-"));
    const session = await browser.call("POST", "/session", { capabilities: { alwaysMatch: {
      browserName: "chrome",
      "goog:loggingPrefs": { browser: "ALL" },
      "goog:chromeOptions": { args: [...ARGUMENTS, `--user-data-dir=${browser.folder}`] },
    } } });
    browser.base += `/session/${session.sessionId}`;
    return browser;
  }

  async call(method, path, body) {
    const answer = await fetch(this.base + path,
      { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const { value } = await answer.json();
    if (value && value.error)
      throw new Error(`${method} ${path}: ${value.message}`);
    return value;
  }

  go(address) {
    return this.call("POST", "/url", { url: address });
  }

  // Runs a function in the page.
  run(code, ...args) {
    return this.call("POST", "/execute/sync", { script: `return (${code})(...arguments)`, args });
  }

  // A command of the DevTools protocol.
  tools(cmd, params = {}) {
    return this.call("POST", "/goog/cdp/execute", { cmd, params });
  }

  async move(x, y, click) {
    const actions = [{ type: "pointerMove", duration: 0, x: Math.round(x), y: Math.round(y) }];
    if (click)
      actions.push({ type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 });
    await this.call("POST", "/actions", { actions: [{ type: "pointer", id: "mouse",
      parameters: { pointerType: "mouse" }, actions }] });
  }

  click(x, y) {
    return this.move(x, y, true);
  }

  // Presses keys one after another; the names of special keys are WebDriver's code points.
  async keys(...keys) {
    const actions = keys.flatMap(value => [{ type: "keyDown", value }, { type: "keyUp", value }]);
    await this.call("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  log() {
    return this.call("POST", "/se/log", { type: "browser" });
  }

  screenshot() {
    return this.call("GET", "/screenshot");
  }

  async close() {
    await this.call("DELETE", "").catch(() => {});
    const ended = new Promise(resolve => this.driver.on("exit", resolve));
    this.driver.kill();
    await ended;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export const KEY = { enter: "\uE007", escape: "\uE00C", backspace: "\uE003", left: "\uE012",
  up: "\uE013", right: "\uE014", down: "\uE015" };
