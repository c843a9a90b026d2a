// SPDX-License-Identifier: GPL-3.0-or-later
// push_server: takes pushed profiles as Pyroscope does, on the loopback interface, and decodes them
// with pprof-format, which knows nothing of this suite.
//
//     node push_server.mjs FOLDER STATUS…
//
// Answers the requests with the STATUSes one after the other, then with the last; 0 closes the
// connection without an answer. Leaves in FOLDER: port (when it listens), and request-N.json for
// each request {"path", "headers", "labels", "id", "totals"}. Ends after a minute.

import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { decodePprof } from "./totals.mjs";

const [folder, ...statuses] = process.argv.slice(2);
let requests = 0;

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", part => parts.push(part));
  request.on("end", () => {
    const status = Number(statuses[Math.min(requests, statuses.length - 1)]);
    const body = JSON.parse(Buffer.concat(parts)), series = body.series[0];
    writeFileSync(join(folder, `request-${++requests}.json`), JSON.stringify({
      path: request.url, method: request.method, headers: request.headers, id: series.samples[0].ID,
      labels: Object.fromEntries(series.labels.map(label => [label.name, label.value])),
      totals: decodePprof(Buffer.from(series.samples[0].rawProfile, "base64")),
    }));
    if (!status) {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, { "Content-Type": "application/json", "Retry-After": "1",
      Location: "http://127.0.0.1:1/elsewhere" });
    response.end(status === 200 ? "{}" : '{"message":"not <b>now</b>\\u001b[31m"}');
  });
});

server.listen(0, "127.0.0.1", () => writeFileSync(join(folder, "port"), String(server.address().port)));
setTimeout(() => process.exit(0), 60000);
