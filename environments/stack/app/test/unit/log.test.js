'use strict';

const assert = require('node:assert');
const path = require('node:path');
const test = require('node:test');
const { spawnSync } = require('node:child_process');

const LOG = path.join(__dirname, '..', '..', 'src', 'log.js');

function run(options, script) {
  const code = `const log = require(${JSON.stringify(LOG)}).createLog(${JSON.stringify(options)}); ${script}`;
  return spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
}

test('one JSON object a line, errors to stderr', () => {
  const { stdout, stderr } = run({}, 'log.info("a\\nb", {n: 1}); log.error("c");');
  const { time, ...entry } = JSON.parse(stdout);
  assert.deepStrictEqual(entry, { level: 'info', msg: 'a\nb', n: 1 });
  assert.ok(Date.parse(time));
  assert.strictEqual(JSON.parse(stderr).msg, 'c');
});

test('nothing below the level', () => {
  const { stdout, stderr } = run({ level: 'error' }, 'log.warn("a"); log.error("b");');
  assert.strictEqual(stdout, '');
  assert.match(stderr, /"b"/);
});

test('no secret', () => {
  const { stderr } = run({ secrets: ['s3cret'] }, 'log.error("auth", {error: "uri x:s3cret@y"});');
  assert.strictEqual(JSON.parse(stderr).error, 'uri x:[redacted]@y');
});

test('the last line is written before the process exits', () => {
  const { status, stderr } = run({}, 'log.exit(3, "bye");');
  assert.strictEqual(status, 3);
  assert.strictEqual(JSON.parse(stderr).msg, 'bye');
});
