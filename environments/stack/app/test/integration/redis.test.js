'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const express = require('express');
const { answerErrors } = require('../../src/errors');
const { rateLimit } = require('../../src/rate-limit');
const { connectRedis } = require('../../src/redis');

const HOST = '127.0.0.1';
const log = { warn() {}, debug() {}, error() {} };

/** A real Redis on a Unix socket, reached through a port that the kernel chose. */
async function redisServer(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'dv-'));
  const socket = path.join(directory, 'redis.sock');
  // setpriv: it ends with us, however we end.
  const server = spawn('setpriv', [
    '--pdeathsig', 'KILL', 'redis-server', '--port', '0', '--unixsocket', socket,
    '--requirepass', 'test', '--save', '', '--dir', directory,
  ]);
  let said = '';
  for await (const line of server.stdout) {
    said += line;
    if (/ready to accept/i.test(said)) break;
  }
  const relay = net.createServer((client) => {
    const redis = net.connect(socket);
    client.on('error', () => redis.destroy()).on('close', () => redis.destroy());
    redis.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(redis).pipe(client);
  }).listen(0, HOST);
  await once(relay, 'listening');
  const store = connectRedis({
    REDIS_HOST: HOST,
    REDIS_PORT: relay.address().port,
    REDIS_PASSWORD: 'test', // pragma: allowlist secret
    REDIS_DB: 0,
    REDIS_PREFIX: 'dv:',
  }, log);
  await store.whenReady;
  t.after(async () => {
    store.redis.disconnect();
    relay.close();
    server.kill('SIGKILL');
    await once(server, 'exit');
    fs.rmSync(directory, { recursive: true });
  });
  return store;
}

test('a value is loaded once, then read from the cache, under the prefix', async (t) => {
  const store = await redisServer(t);
  let loaded = 0;
  const load = async () => { loaded += 1; return { city: 'lyon' }; };
  assert.deepStrictEqual(await store.cached('weather:lyon', 60, load), { city: 'lyon' });
  // The value is put there without being waited for, but on the same connection.
  assert.deepStrictEqual(await store.cached('weather:lyon', 60, load), { city: 'lyon' });
  assert.strictEqual(loaded, 1);
  assert.deepStrictEqual(await store.redis.keys('*'), ['dv:cache:weather:lyon']);
  assert.ok(await store.redis.ttl('cache:weather:lyon') > 0);
});

test('the 4th request of 3 is refused until the window ends', async (t) => {
  const store = await redisServer(t);
  const app = express().use(rateLimit(store, 1, 3, log));
  app.get('/', (req, res) => res.send('ok'));
  app.use(answerErrors(log));
  const server = app.listen(0, HOST);
  await once(server, 'listening');
  t.after(() => server.close());
  const statuses = [];
  let last;
  for (let i = 0; i < 4; i += 1) {
    const request = http.get({ host: HOST, port: server.address().port, agent: false });
    [last] = await once(request, 'response');
    last.resume();
    statuses.push(last.statusCode);
  }
  assert.deepStrictEqual(statuses, [200, 200, 200, 429]);
  assert.ok(Number(last.headers['retry-after']) > 0);
});
