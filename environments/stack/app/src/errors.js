'use strict';

/** An answer that is not a success, with a code for programs and a sentence for people. */
class HttpError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// Every request is answered within this time, so that PM2's kill_timeout (5 s) is longer
// than the longest request, whatever a store does.
const DEADLINE_MS = 4000;

/** The promise's result, or an HttpError 503 after `ms` milliseconds. */
function within(ms, promise) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(
      () => reject(new HttpError(503, 'unavailable', `no answer from a store within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Express 4 does not wait for promises: pass their errors on. */
function handle(answer) {
  return (req, res, next) => {
    within(DEADLINE_MS, answer(req, res)).catch(next);
  };
}

/** Whether it is a text of so many characters, counted as OpenAPI does: code points. */
function isText(value, least, most) {
  if (typeof value !== 'string') return false;
  const { length } = [...value];
  return length >= least && length <= most;
}

function notFound(req, res, next) {
  next(new HttpError(404, 'not_found', 'no such resource'));
}

/** The last middleware: every error becomes JSON; nothing of the inside is shown. */
function answerErrors(log) {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line no-unused-vars
  return (error, req, res, next) => {
    const store = /^Mongo/.test(error.name);
    const status = store ? 503 : error.status || 500;
    if (status >= 500) log.error(error.message, { error: error.name, stack: error.stack });
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (status === 503) res.set('Retry-After', '5');
    if (store) res.status(503).json({ error: 'unavailable', message: 'the database does not answer' });
    else if (status >= 500 && !(error instanceof HttpError)) {
      res.status(status).json({ error: 'internal', message: 'internal error' });
    } else res.status(status).json({ error: error.code || error.type || 'refused', message: error.message });
  };
}

module.exports = { HttpError, answerErrors, handle, isText, notFound, within };
