'use strict';

const LEVELS = ['error', 'warn', 'info', 'debug'];

/**
 * One object a line: errors to stderr, the rest to stdout. `secrets` are texts that must
 * never be written; a driver's error may quote the address that it was given.
 */
function createLog({ level = 'info', format = 'json', secrets = [] } = {}) {
  const most = LEVELS.indexOf(level);

  function line(name, msg, fields) {
    const entry = { time: new Date().toISOString(), level: name, msg, ...fields };
    const text = format === 'json'
      ? JSON.stringify(entry)
      : Object.values(entry).map((value) => JSON.stringify(value)).join(' ');
    return `${secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)}\n`;
  }

  function write(name, msg, fields) {
    if (LEVELS.indexOf(name) > most) return;
    (name === 'error' ? process.stderr : process.stdout).write(line(name, msg, fields));
  }

  const log = Object.fromEntries(LEVELS.map((name) => [
    name, (msg, fields) => write(name, msg, fields),
  ]));

  /** Write a last line and exit: PM2 writes logs asynchronously, and exit() would lose it. */
  log.exit = (status, msg, fields) => {
    const [stream, name] = status ? [process.stderr, 'error'] : [process.stdout, 'info'];
    stream.write(line(name, msg, fields), 'utf8', () => process.exit(status));
  };
  return log;
}

module.exports = { createLog };
