'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { once } = require('node:events');
const test = require('node:test');
const { drainable } = require('../../src/drain');

const HOST = '127.0.0.1';

/** A server that answers when `release` is called, and its drain. */
async function slowServer() {
  const server = http.createServer();
  const drain = drainable(server);
  const arrived = new Promise((resolve) => {
    server.on('request', (req, res) => resolve(() => res.end('done')));
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return { port: server.address().port, drain, arrived };
}

test('a request in flight is finished, and its connection closed', async () => {
  const { port, drain, arrived } = await slowServer();
  const agent = new http.Agent({ keepAlive: true });
  const response = once(http.get({ host: HOST, port, agent }), 'response');
  const release = await arrived;
  const drained = drain();
  release();
  const [res] = await response;
  assert.strictEqual(res.statusCode, 200);
  assert.strictEqual(res.headers.connection, 'close');
  res.resume();
  await drained;
  agent.destroy();
});

test('no new connection is taken, and an idle one is closed', async () => {
  const { port, drain, arrived } = await slowServer();
  const agent = new http.Agent({ keepAlive: true });
  const response = once(http.get({ host: HOST, port, agent }), 'response');
  (await arrived)();
  const [res] = await response;
  assert.strictEqual(res.headers.connection, 'keep-alive');
  res.resume();
  await once(res, 'end');
  await drain();
  const [error] = await once(http.get({ host: HOST, port }), 'error');
  assert.strictEqual(error.code, 'ECONNREFUSED');
  agent.destroy();
});
