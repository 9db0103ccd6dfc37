'use strict';

/**
 * Replica only: what ends a worker is written to its error log before it ends. PM2 5.3.0 logs
 * it too, but exits before it is written, so that nobody would know why an application does
 * not start. Preloaded (NODE_OPTIONS=--require); does nothing where PM2 did not start us.
 */

const { appendFileSync } = require('node:fs');

if (process.env.pm2_env) {
  const { pm_err_log_path: log } = JSON.parse(process.env.pm2_env);
  process.on('uncaughtExceptionMonitor', (error) => {
    appendFileSync(log, `${error?.stack ?? error}\n`);
  });
}
