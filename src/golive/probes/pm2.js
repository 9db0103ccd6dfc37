'use strict';

// What a running PM2 daemon says, and what /proc says of its workers, as one JSON object.
// `pm2 jlist` asks the same question, but starts a daemon where none runs, and tells every
// secret of the workers' environment. Here nothing is started, and only what is asked for is
// told. Arguments: the pm2 that runs, its rpc.sock, and the names of environment variables.

const fs = require('node:fs');
const [pm2, socket, ...variables] = process.argv.slice(1);
const load = require('node:module').createRequire(fs.realpathSync(pm2));
const axon = load('pm2-axon');
const rpc = load('pm2-axon-rpc');

const ANSWER_MS = 5000;
const SETTINGS = [
  'name', 'pm_id', 'pm_exec_path', 'exec_mode', 'watch', 'status', 'restart_time', 'node_version',
  'pm_out_log_path', 'pm_err_log_path', 'merge_logs', 'log_date_format', 'max_memory_restart',
  'max_restarts', 'min_uptime', 'restart_delay', 'wait_ready', 'listen_timeout', 'kill_timeout',
];

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function pick(from, names) {
  return Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
}

/** The environment that a worker was started with: PM2 hands its own part over as JSON. */
function environment(pid) {
  const all = Object.fromEntries(fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  return pick({ ...all, ...JSON.parse(all.pm2_env ?? '{}') }, variables);
}

function openFiles(pid) {
  return fs.readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed since it was listed
    }
  }).filter((file) => file.endsWith('.log'));
}

function worker({ pid, pm2_env: env }) {
  const running = pid > 0 && fs.existsSync(`/proc/${pid}`);
  return {
    pid,
    settings: pick(env, SETTINGS),
    environment: running ? environment(pid) : {},
    logs: running ? openFiles(pid) : [],
  };
}

const requester = axon.socket('req');
const client = new rpc.Client(requester);
setTimeout(() => fail(`${socket}: no answer within ${ANSWER_MS} ms`), ANSWER_MS).unref();
requester.on('socket error', (error) => fail(`${socket}: ${error.message}`));
requester.once('connect', () => {
  client.call('getVersion', {}, (noVersion, version) => {
    client.call('getMonitorData', {}, (noData, list) => {
      if (noVersion || noData) fail(`${socket}: ${(noVersion ?? noData).message}`);
      const found = { version, node: process.version, workers: list.map(worker) };
      process.stdout.write(JSON.stringify(found), () => process.exit(0));
    });
  });
});
requester.connect(socket);
