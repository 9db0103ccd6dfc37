'use strict';

const Redis = require('ioredis');
const { cacheReads, redisDuration } = require('./metrics');

/** Connect to Redis; `whenReady` resolves at the first connection, however long it takes. */
function connectRedis(config, log) {
  const redis = new Redis({
    host: config.REDIS_HOST,
    port: config.REDIS_PORT,
    password: config.REDIS_PASSWORD,
    db: config.REDIS_DB,
    keyPrefix: config.REDIS_PREFIX,
    connectTimeout: 1000,
    commandTimeout: 500,
    socketTimeout: 1000, // a connection that was cut without a word is not waited for
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false, // without a connection a command fails at once
    retryStrategy: (times) => Math.min(100 * times, 1000),
    // After a failover the old primary answers so: look the name up again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let last;
  redis.on('error', (error) => {
    if (error.message !== last) log.warn('Redis', { error: error.message });
    last = error.message;
  });
  const whenReady = new Promise((resolve) => { redis.once('ready', resolve); });

  /** Run a command and time it, also when it fails. */
  async function timed(command, run) {
    const stop = redisDuration.startTimer({ command });
    try {
      return await run();
    } finally {
      stop();
    }
  }

  /**
   * The value under `key`, else what `load` gives, kept for `ttlS` seconds. Redis is only a
   * cache: when it does not answer, `load` does. Nothing is kept where load gives null.
   */
  async function cached(key, ttlS, load) {
    const name = `cache:${key}`;
    let found = null;
    try {
      found = await timed('get', () => redis.get(name));
      cacheReads.inc({ result: found === null ? 'miss' : 'hit' });
    } catch {
      cacheReads.inc({ result: 'error' });
    }
    if (found !== null) return JSON.parse(found);
    const value = await load();
    if (value !== null) {
      timed('set', () => redis.set(name, JSON.stringify(value), 'EX', ttlS)).catch(() => {});
    }
    return value;
  }

  /** Forget cached values. */
  async function forget(...keys) {
    await timed('del', () => redis.del(keys.map((key) => `cache:${key}`))).catch(() => {});
  }

  return { redis, whenReady, timed, cached, forget };
}

module.exports = { connectRedis };
