'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { spawnSync } = require('node:child_process');
const dotenv = require('dotenv');
const { SECRETS } = require('../../src/config');

const ROOT = path.join(__dirname, '..', '..');
const production = dotenv.parse(fs.readFileSync(path.join(ROOT, '.env.production')));

test('the server refuses to start with the production file as it is', () => {
  const { status, stderr } = spawnSync(
    process.execPath, [path.join(ROOT, 'server.js')], {
      // and where modules are, if they are elsewhere
      env: { ...production, NODE_PATH: process.env.NODE_PATH ?? '' },
      encoding: 'utf8',
    });
  assert.strictEqual(status, 1);
  const { level, msg } = JSON.parse(stderr);
  assert.strictEqual(level, 'error');
  for (const name of SECRETS) assert.match(msg, new RegExp(`\\b${name} is still a placeholder`));
});
