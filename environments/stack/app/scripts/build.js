'use strict';

/** `npm run build`: public/ into dist/, with manifest.json, the SHA-256 digest of each file. */

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const source = path.join(root, 'public');
const target = path.join(root, 'dist');

fs.rmSync(target, { recursive: true, force: true });
fs.mkdirSync(target);
const manifest = {};
for (const name of fs.readdirSync(source).sort()) {
  const content = fs.readFileSync(path.join(source, name));
  fs.writeFileSync(path.join(target, name), content);
  manifest[name] = createHash('sha256').update(content).digest('hex');
}
fs.writeFileSync(path.join(target, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
process.stdout.write(`built ${Object.keys(manifest).length} files into ${target}\n`);
