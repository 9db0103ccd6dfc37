'use strict';

/**
 * Replica only: switches under /__replica/ that show a request as the application saw it, or
 * make the application misbehave. Preloaded into the workers (NODE_OPTIONS=--require), so
 * that the production application holds none of it. Does nothing in a process that never
 * loads Express (npm, the PM2 daemon).
 *
 * The switches are the first middleware of the application: its own rate limit does not
 * count them. Its metrics and its log do.
 */

const Module = require('node:module');

const load = Module._load;
Module._load = function loadAndWatch(request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request !== 'express') return loaded;
  wrapped ??= new Proxy(loaded, {
    apply(express) {
      const app = express();
      app.use('/__replica', answer);
      app.use(show);
      return app;
    },
  });
  return wrapped;
};
let wrapped;

const grown = []; // memory that is never given back

/** What each switch does: (request, response, number given by its query parameter). */
const SWITCHES = {
  /** The request as Express sees it behind its proxy. */
  request(req, res) {
    const { method, originalUrl: url, httpVersion, headers, rawHeaders, ip } = req;
    const { localAddress, localPort, remoteAddress } = req.socket;
    res.json({
      method, url, httpVersion, headers, rawHeaders, ip,
      localAddress, localPort, remoteAddress, pid: process.pid,
    });
  },
  /** A page, for the headers of one. */
  page(req, res) {
    res.type('html').send('<!doctype html>\n<title>Replica</title>\n<p>A page of the replica.</p>\n');
  },
  /** The routes that the application has registered with Express, as it writes them. */
  routes(req, res) {
    res.json(req.app._router.stack.filter(({ route }) => route).flatMap(({ route }) => Object
      .keys(route.methods).map((method) => ({ method, path: route.path }))));
  },
  /** ?type=, ?bytes=: a body of this media type and length; body.jpg and the like are it too. */
  body(req, res) {
    res.setHeader('Content-Type', String(req.query.type));
    res.end(Buffer.alloc(number(req, 'bytes'), 'a body of the replica. '));
  },
  /** ?bytes=: set a cookie of this length. */
  cookie(req, res) {
    res.cookie('replica', 'c'.repeat(number(req, 'bytes'))).json({});
  },
  /** ?code=: answer with this status. */
  status(req, res) {
    res.status(number(req, 'code')).json({ status: number(req, 'code') });
  },
  /** ?ms=: answer after this time. */
  slow(req, res) {
    setTimeout(() => res.json({ waited_ms: number(req, 'ms') }), number(req, 'ms'));
  },
  /** ?ms=: keep the event loop busy for this time; the worker answers nobody. */
  block(req, res) {
    const until = Date.now() + number(req, 'ms');
    while (Date.now() < until);
    res.json({ blocked_ms: number(req, 'ms') });
  },
  /** ?mb=: take so many MiB of memory, and keep them until the worker ends. */
  grow(req, res) {
    grown.push(Buffer.alloc(number(req, 'mb') * 2 ** 20, 1));
    res.json({ rss_bytes: process.memoryUsage.rss(), pid: process.pid });
  },
  /** Cut the connection without an answer; nginx makes 502 of it. */
  abort(req) {
    req.socket.destroy();
  },
  /** End the worker at once, as a crash does. */
  crash() {
    process.exit(1);
  },
};

function number(req, name) {
  return Number.parseInt(req.query[name], 10);
}

/** Any path, asked with this header, shows the request instead of answering it. */
function show(req, res, next) {
  if (req.headers['x-golive-show'] === 'request') SWITCHES.request(req, res);
  else next();
}

function answer(req, res, next) {
  const name = req.path.slice(1).split('.', 1)[0];
  if (!Object.hasOwn(SWITCHES, name)) {
    next();
    return;
  }
  const wanted = {
    body: 'bytes', cookie: 'bytes', status: 'code', slow: 'ms', block: 'ms', grow: 'mb',
  }[name];
  if (wanted && !(number(req, wanted) >= 0)) {
    res.status(400).json({ error: `?${wanted}= needs a number` });
    return;
  }
  SWITCHES[name](req, res);
}
