'use strict';

const fs = require('node:fs');
const path = require('node:path');
const express = require('express');

const ROOT = path.join(__dirname, '..');

/**
 * The page and its files: dist/ where `npm run build` made it, else public/. How long they
 * are kept is nginx's to say (Expires), so there is no Cache-Control here.
 */
function staticFiles() {
  const built = path.join(ROOT, 'dist');
  const directory = fs.existsSync(built) ? built : path.join(ROOT, 'public');
  const serve = express.static(directory, { cacheControl: false });
  // Only for names that exist: looking for a file at every API request would wait for the
  // thread pool, which bcrypt keeps busy.
  const names = new Set(['/', ...fs.readdirSync(directory).map((name) => `/${name}`)]);
  return (req, res, next) => (names.has(req.path) ? serve(req, res, next) : next());
}

module.exports = { staticFiles };
