'use strict';

// A server whose times are known: each answer waits a time drawn from a lognormal distribution
// (median 20 ms). node load_server.js ADDRESS PORT CERTIFICATE KEY
const fs = require('node:fs');
const https = require('node:https');

const [address, port, cert, key] = process.argv.slice(2);
const body = Buffer.from('{"total":0,"items":[]}');

function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (req, res) => {
  setTimeout(() => {
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    res.end(body);
  }, 20 * Math.exp(0.6 * normal()));
}).listen(Number(port), address, () => console.log('ready'));
