'use strict';

/**
 * The API as its users reach it, at $E2E_URL. It writes nothing. $E2E_ADDRESS and $E2E_SOURCE, where
 * they are set, are what to connect to instead of what DNS says, and from where.
 */

const assert = require('node:assert');
const https = require('node:https');
const test = require('node:test');
const { once } = require('node:events');
const { version } = require('../../package.json');

const site = new URL(process.env.E2E_URL);
const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
test.after(() => agent.destroy());

/** The answer to a request: {status, headers, body}. */
async function ask(path, { method = 'GET', body } = {}) {
  const request = https.request({
    agent,
    host: process.env.E2E_ADDRESS || site.hostname,
    port: site.port || 443,
    localAddress: process.env.E2E_SOURCE || undefined,
    servername: site.hostname,
    headers: { Host: site.hostname, ...(body && { 'Content-Type': 'application/json' }) },
    method,
    path,
  });
  request.end(body && JSON.stringify(body));
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const json = /json/.test(response.headers['content-type']);
  return { status: response.statusCode, headers: response.headers, body: json ? JSON.parse(text) : text };
}

test('it is ready, with its stores', async () => {
  const { status, body } = await ask('/ready');
  assert.strictEqual(status, 200);
  assert.strictEqual(body.status, 'ready');
});

test('its documentation is of this version', async () => {
  const { status, body } = await ask('/api/docs/openapi.json');
  assert.strictEqual(status, 200);
  assert.strictEqual(body.info.version, version);
});

test('a cyclist finds a route, and the weather there', async () => {
  const { body: { items } } = await ask('/api/v1/routes');
  assert.ok(items.length > 0);
  const { status, body } = await ask(`/api/v1/routes/${encodeURIComponent(items[0]._id)}`);
  assert.strictEqual(status, 200);
  assert.strictEqual(body.name, items[0].name);
  const weather = await ask('/api/v1/weather?city=lyon');
  assert.strictEqual(weather.status, 200);
});

test('what is personal is not shown without a sign-in', async () => {
  const { status } = await ask('/api/v1/riders/me/statistics');
  assert.strictEqual(status, 401);
});

test('what is not a sign-in is refused in words', async () => {
  const { status, body } = await ask('/api/auth/login', { method: 'POST', body: {} });
  assert.strictEqual(status, 400);
  assert.match(body.message, /e-mail/);
});

test('what is not there is a JSON answer too', async () => {
  const { status, body } = await ask('/api/v1/absent');
  assert.strictEqual(status, 404);
  assert.strictEqual(body.error, 'not_found');
});
