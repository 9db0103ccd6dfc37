'use strict';

// What a rehearsal of PM2 runs instead of the application. It listens at once and says that it
// is ready later, so that the two can be told apart; it notes what happens to it in a file.

const cluster = require('node:cluster');
const fs = require('node:fs');
const http = require('node:http');

const { EVENTS, ADDRESS, PORT, READY_AFTER_MS, CRASH } = process.env;
const held = []; // requests that are to end so long after the order to stop
const grown = []; // memory that is never given back

function note(event) {
  fs.appendFileSync(EVENTS, `${JSON.stringify({ event, pid: process.pid, ms: Date.now() })}\n`);
}

function end(res) {
  res.end(String(process.pid));
}

const ANSWERS = {
  '/pid': end,
  '/hold': (res, ms) => held.push(() => setTimeout(end, ms, res)),
  '/grow': (res, mb) => {
    grown.push(Buffer.alloc(mb * 2 ** 20, 1));
    end(res);
  },
};

note('started');
process.once('exit', () => note('ended'));
if (CRASH) process.exit(1);

const server = http.createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url, 'http://rehearsal');
  res.setHeader('Connection', 'close');
  ANSWERS[pathname](res, Number(searchParams.get('n')));
});
server.listen(Number(PORT), ADDRESS, () => {
  note('listening');
  setTimeout(() => {
    note('ready');
    process.send('ready');
  }, Number(READY_AFTER_MS));
});

process.once('disconnect', () => process.exit(0));
process.once('SIGINT', () => {
  note('told to stop');
  // Only the cluster's own way tells its primary first: a connection that it has handed over
  // meanwhile is handed back. A worker that ends by itself would take it along.
  if (cluster.isWorker) cluster.worker.disconnect();
  server.close(() => !cluster.isWorker && process.exit(0));
  held.forEach((finish) => finish());
});
