'use strict';

/**
 * One answer for all workers of a cluster. Prometheus reaches a worker at random, and
 * counters that differ between workers look like resets to it. prom-client's own sum needs
 * code in the cluster's primary, which is PM2. So the workers ask each other: each listens
 * on a Unix socket and gives its own metrics. Before it answers it keeps a snapshot, so that
 * what was once scraped is never lost, even by kill -9, and the sum never falls.
 */

const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { AggregatorRegistry } = require('prom-client');
const { Snapshots } = require('./snapshots');

const ANSWER_MS = 1000;
const SNAPSHOT_MS = 1000;
const LONGEST_SOCKET_PATH = 107; // sun_path of unix(7), less its final zero

/** Workers that share a listening address are one target, so its name is their directory. */
function directoryOf({ HOST, PORT }) {
  return path.join(os.tmpdir(), `dashboard-velo-api-${HOST}-${PORT}`);
}

/** What the worker behind the socket counts, or null where it does not answer in time. */
function ask(socketPath) {
  return new Promise((resolve) => {
    const chunks = [];
    const socket = net.connect(socketPath);
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(Buffer.concat(chunks)));
      } catch {
        resolve(null); // cut short, or nothing at all
      }
    });
  });
}

/**
 * Take part in the cluster's metrics: resolves to {collect, leave}. `runtime` is only read
 * when a scrape asks, for reading it resets its event loop lag.
 */
async function join(registry, runtime, directory) {
  const id = `${process.pid}-${Date.now()}`;
  const socketOf = (worker) => path.join(directory, `${worker}.sock`);
  if (Buffer.byteLength(socketOf(id)) > LONGEST_SOCKET_PATH) {
    throw new Error(`${socketOf(id)} is too long for a Unix socket; set TMPDIR to a shorter path`);
  }
  const snapshots = new Snapshots(directory);
  await snapshots.mergeDead();

  let ofRuntime = [];
  async function keep() {
    const metrics = [...await registry.getMetricsAsJSON(), ...ofRuntime];
    snapshots.write(id, metrics);
    return metrics;
  }

  async function own() {
    ofRuntime = await runtime.getMetricsAsJSON();
    return keep();
  }

  async function collect() {
    const mine = await own();
    const others = snapshots.ids().filter((other) => other !== id);
    const answers = await Promise.all(others.map((other) => ask(socketOf(other))));
    const retired = snapshots.retired();
    const sums = [mine, retired.metrics];
    for (const [index, other] of others.entries()) {
      if (retired.ids.includes(other)) continue;
      try {
        sums.push(answers[index] ?? snapshots.counters(other));
      } catch (error) {
        if (error.code === 'ENOENT') return collect(); // merged since: the new sum has it
        throw error;
      }
    }
    return AggregatorRegistry.aggregate(sums).metrics();
  }

  const server = net.createServer((socket) => {
    socket.on('error', () => {}); // the one who asked has gone
    own().then((metrics) => socket.end(JSON.stringify(metrics)), () => socket.destroy());
  });
  // Exclusive: a cluster worker would else share this socket through PM2.
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: socketOf(id), exclusive: true }, resolve);
  });
  server.unref();
  await keep();
  const timer = setInterval(() => keep().catch(() => {}), SNAPSHOT_MS);
  timer.unref();

  /** Keep the last counts. The socket answers until the process ends. */
  async function leave() {
    clearInterval(timer);
    await keep();
  }

  return { collect, leave };
}

module.exports = { directoryOf, join };
