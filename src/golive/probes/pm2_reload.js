'use strict';

// Reload an application as `pm2 reload` does, but start no daemon where none answers.
// Arguments: the pm2 that runs, its rpc.sock, and the application's name.

const [pm2, socket, name] = process.argv.slice(1);
const load = require('node:module').createRequire(require('node:fs').realpathSync(pm2));
const rpc = load('pm2-axon-rpc');

const requester = load('pm2-axon').socket('req');
const client = new rpc.Client(requester);

function end(error) {
  if (error) process.stderr.write(`${socket}: ${error.message}\n`);
  process.exit(error ? 1 : 0);
}

requester.on('socket error', end);
requester.once('connect', () => {
  client.call('getMonitorData', {}, (error, list) => {
    const found = list?.find((each) => each.name === name);
    if (!found) end(error ?? new Error(`no ${name}`));
    client.call('reloadProcessId', { id: found.pm_id, env: {} }, end);
  });
});
requester.connect(socket);
