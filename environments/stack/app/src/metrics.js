'use strict';

const { Counter, Histogram, Registry, collectDefaultMetrics } = require('prom-client');

const registry = new Registry(); // what the application counts
const runtime = new Registry(); // what prom-client reads of the process
collectDefaultMetrics({ register: runtime, eventLoopMonitoringPrecision: 50 });

const registers = [registry];
const requests = new Counter({
  name: 'http_requests_total',
  help: 'Requests answered; 499 when the client left first',
  labelNames: ['method', 'route', 'status'],
  registers,
});
const requestDuration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from a request to the end of its answer',
  labelNames: ['method', 'route'],
  registers,
});
const mongoDuration = new Histogram({
  name: 'mongodb_operation_duration_seconds',
  help: 'Time of a MongoDB command',
  labelNames: ['operation'],
  buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  registers,
});
const mongoWait = new Histogram({
  name: 'mongodb_connection_wait_seconds',
  help: 'Time that a MongoDB command waited for a connection of the pool',
  buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  registers,
});
const redisDuration = new Histogram({
  name: 'redis_command_duration_seconds',
  help: 'Time of a Redis command',
  labelNames: ['command'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
  registers,
});
const cacheReads = new Counter({
  name: 'cache_reads_total', help: 'Reads of the cache', labelNames: ['result'], registers,
});
const logins = new Counter({
  name: 'login_attempts_total', help: 'Attempts to log in', labelNames: ['result'], registers,
});
const refused = new Counter({
  name: 'rate_limited_requests_total', help: 'Requests refused by the rate limit', registers,
});
// An alert needs the series before the first failure, or increase() misses that one.
for (const result of ['success', 'failure']) logins.inc({ result }, 0);

/**
 * Count, time and log every request of `server`, also those that no route answers.
 * Add it before the application's own listener.
 */
function observe(server, log) {
  server.on('request', (req, res) => {
    const stop = requestDuration.startTimer();
    const path = req.url.split(/[?#]/, 1)[0];
    const started = process.hrtime.bigint();
    res.once('close', () => {
      const status = res.writableFinished ? res.statusCode : 499;
      // The pattern, never the path: a label must not have endlessly many values.
      const labels = { method: req.method, route: req.route?.path ?? 'unmatched' };
      requests.inc({ ...labels, status });
      stop(labels);
      log[status >= 500 ? 'error' : 'info']('request', {
        method: req.method,
        path,
        status,
        ms: Number(process.hrtime.bigint() - started) / 1e6,
        client: req.ip,
      });
    });
  });
}

module.exports = {
  registry, runtime, observe, mongoDuration, mongoWait, redisDuration, cacheReads, logins, refused,
};
