'use strict';

const cluster = require('node:cluster');

// An idle connection is closed only after this time without a request: nginx takes the one
// it used last, so a request that meets the closing is most unlikely.
const IDLE_MS = 1000;

/**
 * Leave the cluster, if we are in one. Its primary then has no connection under way to us: what it
 * had handed over is handed back. A worker that just ends may take one along, unanswered.
 */
function leave() {
  if (!cluster.isWorker || !cluster.worker.isConnected()) return undefined;
  return new Promise((resolve) => {
    cluster.worker.once('disconnect', resolve);
    cluster.worker.disconnect();
  });
}

/**
 * Returns a function that closes the server without losing a request: those in flight are
 * finished, every answer from then on says Connection: close, and idle connections get a
 * last chance to hear it. Add it before the application's own listener.
 */
function drainable(server) {
  const inFlight = new Set();
  let draining = false;
  server.on('request', (req, res) => {
    if (draining) res.shouldKeepAlive = false;
    inFlight.add(res);
    res.once('close', () => inFlight.delete(res));
  });

  return async function drain() {
    draining = true;
    for (const res of inFlight) res.shouldKeepAlive = false;
    let timer;
    const closed = new Promise((resolve) => { server.close(resolve); });
    const grace = setTimeout(() => {
      timer = setInterval(() => server.closeIdleConnections(), 50);
    }, IDLE_MS);
    await closed;
    clearTimeout(grace);
    clearInterval(timer);
    await leave();
  };
}

module.exports = { drainable };
