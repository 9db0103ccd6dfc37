'use strict';

const { handle, within } = require('./errors');
const { registry } = require('./metrics');
const { version } = require('../package.json');

const PING_MS = 1000;

/** The routes for those who watch: /health, /ready, /metrics. None is rate limited. */
function statusRoutes(app, { db, store, metrics }) {
  /** Whether the process answers, and which release; says nothing of what it depends on. */
  app.get('/health', (req, res) => {
    res.json({ status: 'ok', version });
  });

  /** Whether it can do its work now. */
  app.get('/ready', handle(async (req, res) => {
    const pings = {
      mongodb: () => db.command({ ping: 1 }),
      redis: () => store.timed('ping', () => store.redis.ping()),
    };
    const checks = Object.fromEntries(await Promise.all(
      Object.entries(pings).map(async ([name, ping]) => {
        try {
          await within(PING_MS, ping());
          return [name, 'up'];
        } catch {
          return [name, 'down'];
        }
      })));
    const ready = Object.values(checks).every((state) => state === 'up');
    res.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks });
  }));

  app.get('/metrics', handle(async (req, res) => {
    res.type(registry.contentType).send(await metrics.collect());
  }));
}

module.exports = { statusRoutes };
