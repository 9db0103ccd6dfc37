'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { clientOf } = require('../../src/rate-limit');

for (const [address, client] of [
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
]) {
  test(`${address} is counted as ${client}`, () => {
    assert.strictEqual(clientOf(address), client);
  });
}
