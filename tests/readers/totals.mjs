// SPDX-License-Identifier: GPL-3.0-or-later
// totals: what a foreign reader finds in an exported file, always in the same form, so that the
// tests can compare all of them:
//
//     node totals.mjs FORMAT FILE [METRIC UNIT]
//                                        JSON: {"samples": n, "amount": n, "self": {NAME: samples}}
//
// The metric is cpu in nanoseconds, unless given. Folded stacks of another hold amounts.
// Readers that know only one of samples and amount leave the other out. Functions of one name count
// together, those without self cost are left out.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const npm = join(process.env.BUILD, "npm"), require = createRequire(join(npm, "/"));
const docs = join(dirname(fileURLToPath(import.meta.url)), "../../docs");

function collect(rows) {
  const self = {};
  for (const [name, samples] of rows)
    if (samples > 0)
      self[name] = (self[name] ?? 0) + samples;
  return self;
}

// Of this program's own command line, not of one that imports it.
const isProgram = process.argv[1] === fileURLToPath(import.meta.url);
const [metric = "cpu", unit = "nanoseconds"] = isProgram ? process.argv.slice(4) : [];
const sum = numbers => numbers.reduce((total, number) => total + Number(number), 0);

// What the suite itself says.
function functions(file) {
  const report = JSON.parse(readFileSync(file));
  return {
    samples: sum(report.functions.map(row => row.self.samples)),
    amount: sum(report.functions.map(row => row.self.amount)),
    self: collect(report.functions.map(row => [row.function, row.self.samples])),
  };
}

function folded(file) {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean).map(line => /^(.*) (\d+)$/.exec(line));
  if (metric !== "cpu")
    return { amount: sum(lines.map(line => line[2])) };
  return {
    samples: sum(lines.map(line => line[2])),
    self: collect(lines.map(line => [line[1].split(";").pop(), Number(line[2])])),
  };
}

// Debian's pprof, the reference.
function goPprof(file) {
  const top = index => execFileSync("go", ["tool", "pprof", "-top", "-nodecount=1000000", "-nodefraction=0",
    "-symbolize=none", `-sample_index=${index}`, `-unit=${unit}`, "-functions", file], { encoding: "utf8",
    maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] }).split("\n")
    .map(line => /^\s*(\d+)(?:ns|nanoseconds|B|bytes)?\s+[\d.]+%\s+[\d.]+%\s+\d+(?:ns|nanoseconds|B|bytes)?\s+[\d.]+%\s+(.*?)( \(inline\)| \(partial-inline\))?$/.exec(line))
    .filter(Boolean).map(found => [found[2], Number(found[1])]);
  const samples = top("samples");
  return { samples: sum(samples.map(row => row[1])), amount: sum(top(metric).map(row => row[1])), self: collect(samples) };
}

export function decodePprof(bytes) {
  const profile = require("pprof-format").Profile.decode(gunzipSync(bytes));
  const text = index => profile.stringTable.strings[Number(index)];
  const functionOf = new Map(profile.function.map(row => [row.id, text(row.name)]));
  const locationOf = new Map(profile.location.map(row => [row.id, functionOf.get(row.line[0].functionId)]));
  const mappings = new Set(profile.mapping.map(row => row.id));
  if (profile.location.some(row => row.mappingId && !mappings.has(row.mappingId)))
    throw new Error("a location without its mapping");
  if (text(profile.sampleType[0].type) !== "samples" || text(profile.sampleType[1].unit) !== unit)
    throw new Error("unexpected types of samples");
  return {
    samples: sum(profile.sample.map(row => row.value[0])),
    amount: sum(profile.sample.map(row => row.value[1])),
    self: collect(profile.sample.map(row => [locationOf.get(row.locationId[0]), Number(row.value[0])])),
  };
}

function validate(schema, file) {
  const Ajv = require("ajv").default, data = JSON.parse(readFileSync(file));
  const check = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(readFileSync(schema)));
  if (!check(data))
    throw new Error(JSON.stringify(check.errors.slice(0, 5), null, 1));
  return data;
}

function speedscope(file) {
  const data = validate(join(npm, "node_modules/speedscope/dist/release/file-format-schema.json"), file);
  for (const profile of data.profiles)
    if (profile.samples.length !== profile.weights.length || profile.endValue !== sum(profile.weights))
      throw new Error("weights and samples do not fit");
  return {
    samples: sum(data.profiles.map(profile => / (\d+) samples$/.exec(profile.name)[1])),
    amount: sum(data.profiles.flatMap(profile => profile.weights)),
  };
}

// The profiler's own reader. It keeps a session for each profile, here in a folder of its own, in a
// process that it gives half a second to start: on a loaded machine that is too little, and it says
// which process to end before the next try.
function loadProfile(cli, file, tries) {
  try {
    cli("load", file);
  } catch (error) {
    const late = /did not become ready[^]*running as pid (\d+)/.exec(error.stderr);
    if (!late || tries === 0)
      throw error;
    try { process.kill(Number(late[1])); } catch { /* it ended by itself */ }
    loadProfile(cli, file, tries - 1);
  }
}

function firefox(file) {
  const sessions = mkdtempSync(join(tmpdir(), "simprof-firefox-"));
  const cli = (...words) => execFileSync(process.execPath, [join(npm,
    "node_modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js"), ...words],
    { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PROFILER_CLI_SESSION_DIR: sessions,
      PROFILER_CLI_NO_SYMBOLICATE: "1" } });
  try {
    loadProfile(cli, file, 20);
    const rows = JSON.parse(cli("thread", "list", "--json")).threads.flatMap(thread => {
      cli("thread", "select", thread.threadHandle);
      return JSON.parse(cli("thread", "functions", "--json")).functions;
    });
    if (metric !== "cpu") // what it calls samples are then weights, of waits milliseconds
      return { amount: Math.round(sum(rows.map(row => row.selfSamples)) * (unit === "nanoseconds" ? 1e6 : 1)) };
    return {
      samples: sum(rows.map(row => row.selfSamples)),
      self: collect(rows.map(row => [row.name, row.selfSamples])),
    };
  } finally {
    try { cli("stop", "--all"); } finally { rmSync(sessions, { recursive: true, force: true }); }
  }
}

function callgrind(file) {
  const output = execFileSync("callgrind_annotate", ["--threshold=100", "--show=Amount,Samples", "--auto=no", file],
    { encoding: "utf8", maxBuffer: 1 << 28 });
  const number = text => Number(text.replaceAll(",", ""));
  const costs = /^\s*([\d,]+)\s+\([^)]*\)\s+([\d,]+)\s+\([^)]*\)\s+(.*)$/;
  const rows = output.split("\n").map(line => costs.exec(line)).filter(Boolean);
  if (/^\.\s+\.\s+PROGRAM TOTALS/m.test(output)) // how it writes zeros
    return { samples: 0, amount: 0, self: {} };
  const total = rows.find(row => row[3] === "PROGRAM TOTALS");
  return {
    samples: number(total[2]), amount: number(total[1]),
    self: collect(rows.filter(row => row !== total)
      .map(row => [row[3].replace(/ \[.*\]$/, "").replace(/^[^:]*:/, ""), number(row[2])])),
  };
}

function csv(file) {
  const rows = JSON.parse(execFileSync("sqlite3", [":memory:", "-cmd", `.import --csv ${file} rows`, "-json",
    "SELECT * FROM rows"], { encoding: "utf8" }) || "[]");
  return {
    samples: sum(rows.map(row => row.self_samples)), amount: sum(rows.map(row => row.self_amount)),
    self: collect(rows.map(row => [row.function.replace(/^'/, ""), Number(row.self_samples)])),
  };
}

function json(file) {
  const data = validate(join(docs, "profile-v1.schema.json"), file);
  const result = {
    samples: sum(data.samples.map(row => row.samples)), amount: sum(data.samples.map(row => row.amount)),
    self: collect(data.samples.map(row =>
      [data.functions[data.frames[data.stacks[row.stack][1]].lines[0][0]].name, row.samples])),
  };
  if (data.total.samples !== result.samples || data.total.amount !== result.amount)
    throw new Error("the stated totals are not those of the samples");
  if (!data.metrics.some(row => row.name === data.metric.name && row.unit === data.metric.unit))
    throw new Error("the metric is none of those that the profile has");
  if (data.points.some(point => !data.series[point[0]]))
    throw new Error("a point in no series");
  if (data.steps.some(step => step.thread >= data.threads.length))
    throw new Error("a step in no thread");
  if (data.stacks.some((stack, id) => stack[0] >= id && stack[0] !== null))
    throw new Error("a caller's stack comes after its callee's");
  return result;
}

// The table of functions has the heaviest only, so it says nothing of the totals beside them.
function report(file) {
  const data = validate(join(docs, "report-v1.schema.json"), file);
  const table = id => data.sections.flatMap(section => section.tables || []).find(found => found.id === id);
  const costs = table("functions");
  return {
    samples: table("counts").rows.find(row => row[0] === "samples")[1],
    self: costs ? collect(costs.rows.map(row => [row[0], row[6]]).filter(row => row[1])) : {},
  };
}

const obeys = file => ({ obeys: Boolean(validate(join(docs, "report-v1.schema.json"), file)) });

const readers = { functions, report, obeys, folded, "firefox-folded": firefox, "go-pprof": goPprof, pprof: file => decodePprof(readFileSync(file)),
  speedscope, firefox, callgrind, csv, json };

if (isProgram) {
  const result = readers[process.argv[2]](process.argv[3]);
  result.self &&= Object.fromEntries(Object.entries(result.self).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  console.log(JSON.stringify(result, null, 1));
}
