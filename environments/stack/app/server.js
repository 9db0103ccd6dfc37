'use strict';

const path = require('node:path');
require('dotenv').config({ path: path.join(__dirname, '.env') });
const { SECRETS, load } = require('./src/config');
const { createLog } = require('./src/log');

// PM2 kills after 5 s (kill_timeout); better to say what was left than to be killed.
const SHUTDOWN_MS = 4500;
// Longer than nginx keeps its connections (60 s): who closes first must be the one who asks.
const KEEP_ALIVE_MS = 75000;

async function start(config, log) {
  const http = require('node:http');
  const { connectMongo } = require('./src/mongo');
  const { connectRedis } = require('./src/redis');
  const mongoConnected = connectMongo(config, log); // connects while the rest is loaded
  const store = connectRedis(config, log);
  const clusterMetrics = require('./src/cluster-metrics');
  const { observe, registry, runtime } = require('./src/metrics');
  const { createApp } = require('./src/app');
  const { drainable } = require('./src/drain');
  const { webSockets } = require('./src/websocket');

  const metrics = await clusterMetrics.join(
    registry, runtime, clusterMetrics.directoryOf(config));
  const [{ client, db }] = await Promise.all([mongoConnected, store.whenReady]);
  const server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  server.headersTimeout = KEEP_ALIVE_MS + 5000; // else Node would cut a kept connection
  observe(server, log);
  const drain = drainable(server);
  server.on('request', createApp({ config, db, store, metrics, log }));
  const sockets = webSockets(server, log);

  let stopping = false;
  async function stop(reason, status) {
    if (stopping) return;
    stopping = true;
    log.info('stopping', { reason });
    setTimeout(() => log.exit(1, 'stopped with requests unfinished'), SHUTDOWN_MS).unref();
    sockets.close(1000);
    await drain();
    await metrics.leave();
    await client.close();
    store.redis.disconnect();
    log.exit(status, 'stopped');
  }
  process.on('SIGINT', () => stop('SIGINT', 0)); // PM2's stop and reload
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('uncaughtException', (error) => {
    log.error('uncaught', { error: error.message, stack: error.stack });
    stop('uncaught exception', 1);
  });

  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.PORT, config.HOST, resolve);
  });
  log.info('listening', { host: config.HOST, port: config.PORT, node: process.version });
  if (process.send) process.send('ready'); // PM2's wait_ready
}

try {
  const config = load(process.env);
  const log = createLog({
    level: config.LOG_LEVEL,
    format: config.LOG_FORMAT,
    secrets: SECRETS.map((name) => config[name]),
  });
  start(config, log).catch((error) => {
    log.exit(1, 'cannot start', { error: error.message, stack: error.stack });
  });
} catch (error) {
  createLog().exit(1, error.message);
}
