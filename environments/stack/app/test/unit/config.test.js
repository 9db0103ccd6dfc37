'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const dotenv = require('dotenv');
const { VARIABLES, load } = require('../../src/config');

const ROOT = path.join(__dirname, '..', '..');
const production = dotenv.parse(fs.readFileSync(path.join(ROOT, '.env.production')));
const filled = Object.fromEntries(Object.entries(production).map(
  ([name, value]) => [name, value.replace(/\[([a-z-]+)\]/g, 'some-$1')]));

test('the production file has every variable, and no other', () => {
  assert.deepStrictEqual(Object.keys(production).sort(), Object.keys(VARIABLES).sort());
});

test('a filled file is read as typed settings', () => {
  const config = load(filled);
  assert.deepStrictEqual(
    config.CORS_ORIGIN, ['https://dashboard-velo.com', 'https://www.dashboard-velo.com']);
  assert.strictEqual(config.PORT, 3000);
  assert.strictEqual(config.JWT_EXPIRATION, 30 * 60);
  assert.strictEqual(config.JWT_REFRESH_EXPIRATION, 7 * 86400);
});

test('one message names all that is missing, a placeholder or unreadable', () => {
  const env = { ...filled, HOST: '', MONGO_URI: production.MONGO_URI, RATE_LIMIT_MAX: '1e3' };
  delete env.REDIS_PASSWORD;
  assert.throws(() => load(env), {
    message: 'configuration refused: HOST is missing; MONGO_URI is still a placeholder; '
      + 'REDIS_PASSWORD is missing; RATE_LIMIT_MAX is not an integer >= 1',
  });
});

test('an IPv6 address is no placeholder', () => {
  const env = { ...filled, MONGO_URI: 'mongodb://[::1]:27017/x' };
  assert.strictEqual(load(env).MONGO_URI, env.MONGO_URI);
});
