'use strict';

const { version } = require('../package.json');

const PING_MS = 30000; // below nginx's proxy_read_timeout of 90 s

/** The live feed at /ws: says hello, then sends back what it gets. */
function webSockets(server, log) {
  let wss; // loaded at the first connection

  function greet(socket, req) {
    log.info('websocket', { path: req.url.split('?', 1)[0], client: req.socket.remoteAddress });
    const timer = setInterval(() => socket.ping(), PING_MS);
    socket.on('close', () => clearInterval(timer));
    socket.on('error', () => {}); // 'close' follows
    socket.on('message', (data) => {
      socket.send(JSON.stringify({ type: 'echo', data: data.toString() }));
    });
    socket.send(JSON.stringify({ type: 'hello', version }));
  }

  server.on('upgrade', (req, socket, head) => {
    if (req.url.split('?', 1)[0] !== '/ws') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    if (!wss) {
      const { WebSocketServer } = require('ws');
      wss = new WebSocketServer({ noServer: true, maxPayload: 16384 });
    }
    wss.handleUpgrade(req, socket, head, (client) => greet(client, req));
  });

  /** Tell every client to go (1001), and cut those that have not after `ms`. */
  function close(ms) {
    for (const client of wss?.clients ?? []) {
      client.close(1001, 'the server restarts');
      setTimeout(() => client.terminate(), ms).unref();
    }
  }

  return { close };
}

module.exports = { webSockets };
