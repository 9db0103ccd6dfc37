'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { createApp } = require('../../src/app');
const { openapi } = require('../../src/docs');
const { version } = require('../../package.json');

const config = { API_VERSION: 'v1', CORS_ORIGIN: [], RATE_LIMIT_WINDOW: 1, RATE_LIMIT_MAX: 1 };

// Served without an Express route of their own: files, and the WebSocket.
const NOT_ROUTES = ['get /', 'get /api/docs/', 'get /ws'];

function servedRoutes() {
  const app = createApp({
    config, db: { collection: () => ({}) }, store: { redis: { defineCommand() {} } }, log: {},
  });
  return app._router.stack.filter(({ route }) => route).flatMap(({ route }) => Object
    .keys(route.methods)
    .map((method) => `${method} ${route.path.replace(/:(\w+)/g, '{$1}')}`));
}

test('the document has every route, and no other', () => {
  const documented = Object.entries(openapi(config).paths).flatMap(([path, operations]) => Object
    .keys(operations).filter((key) => key !== 'parameters').map((method) => `${method} ${path}`));
  assert.deepStrictEqual(documented.sort(), [...servedRoutes(), ...NOT_ROUTES].sort());
});

test('the document has the version of the application and of the API', () => {
  assert.strictEqual(openapi(config).info.version, version);
  assert.ok(openapi({ API_VERSION: 'v2' }).paths['/api/v2/routes']);
});
