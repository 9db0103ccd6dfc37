'use strict';

const net = require('node:net');
const { HttpError } = require('./errors');
const { refused } = require('./metrics');

// Count and start the window in one step: a key must never be left without its TTL.
const COUNT = `
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('PTTL', KEYS[1])}`;

/** Who is counted: an IPv4 address, or the /64 that an IPv6 customer has to himself. */
function clientOf(address) {
  const ip = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!net.isIPv6(ip)) return ip;
  const [head, tail] = ip.split('::');
  const groups = head ? head.split(':') : [];
  if (tail !== undefined) {
    const rest = tail ? tail.split(':').length : 0;
    groups.push(...Array(8 - groups.length - rest).fill('0'));
    groups.push(...(tail ? tail.split(':') : []));
  }
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/**
 * At most `max` requests of a client in `windowMin` minutes, counted in Redis by all workers
 * and servers together. Without Redis requests pass: nginx limits them too, and an outage
 * of the cache must not be one of the API.
 */
function rateLimit({ redis, timed }, windowMin, max, log) {
  redis.defineCommand('countRequest', { numberOfKeys: 1, lua: COUNT });
  return async (req, res, next) => {
    try {
      const key = `rate:${clientOf(req.ip)}`;
      const [count, ttlMs] = await timed(
        'countRequest', () => redis.countRequest(key, windowMin * 60000));
      if (count <= max) return next();
      refused.inc();
      res.set('Retry-After', String(Math.ceil(ttlMs / 1000)));
      return next(new HttpError(429, 'rate_limited', `more than ${max} requests in ${windowMin} min`));
    } catch (error) {
      log.debug('rate limit without Redis', { error: error.message });
      return next();
    }
  };
}

module.exports = { clientOf, rateLimit };
