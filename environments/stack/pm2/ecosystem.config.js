'use strict';

/**
 * PM2 merges the environment of whoever runs it, with all his secrets, into the workers and
 * into its dump. `filter_env` is a list of texts: each variable whose name contains one is
 * left out. Every name contains the empty text, so nothing passes but what `env` names.
 * (`filter_env: true`, which PM2's documentation offers, filters nothing in 5.3.0.)
 * A worker also inherits what the PM2 daemon was started with, and no setting here changes
 * that: start the daemon with a clean environment (its service does, `env -i` does).
 */
const KEPT = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'TMPDIR', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];

const inherited = Object.fromEntries(
  KEPT.filter((name) => name in process.env).map((name) => [name, process.env[name]]));

// The address of a slot of deploy/deploy.sh. Without it the application reads HOST in its .env.
const slot = process.env.SLOT_ADDRESS ? { HOST: process.env.SLOT_ADDRESS } : {};

module.exports = {
  apps: [
    {
      name: 'dashboard-velo-api',
      script: 'server.js',
      instances: 'max',
      exec_mode: 'cluster',
      watch: false,
      max_memory_restart: '1G',
      filter_env: [''],
      env: { ...inherited, ...slot, NODE_ENV: 'production', PORT: 3000 },
      env_production: { NODE_ENV: 'production', PORT: 3000 },
      env_staging: { NODE_ENV: 'staging', PORT: 3000 },
      error_file: '/var/log/dashboard-velo/error.log',
      out_file: '/var/log/dashboard-velo/out.log',
      merge_logs: true,
      log_date_format: 'YYYY-MM-DD HH:mm:ss Z',
      max_restarts: 10,
      // PM2 counts crashes only during the first min_uptime x max_restarts: 10 s by default,
      // and with restart_delay ten crashes take 45 s, so max_restarts was never reached.
      min_uptime: '10s',
      restart_delay: 4000,
      wait_ready: true,
      listen_timeout: 50000,
      kill_timeout: 5000,
    },
  ],
};
