'use strict';

/**
 * A backup as files: mongodump's layout (DATABASE/COLLECTION.bson.gz and .metadata.json.gz), so
 * that `mongorestore --gzip` reads it too; manifest.json, what is in it; and SHA256SUMS, for
 * `sha256sum --check`. All files are for their owner alone.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const zlib = require('node:zlib');

const MANIFEST = 'manifest.json';
const SUMS = 'SHA256SUMS';

/** The directory's name of a backup made at `time` (a Date): mongodb-2026-11-22T02-30-00Z. */
function nameOf(time) {
  return `mongodb-${time.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

/** When a backup of this name was made (a Date); null where it is no name of one. */
function timeOf(name) {
  const match = /^mongodb-(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\dZ)(\.making)?$/.exec(name);
  const time = match && new Date(`${match[1]}${match[2]}:${match[3]}:${match[4]}`);
  return time && !Number.isNaN(time.getTime()) ? time : null;
}

/** Which of `names` are older than the `days` calendar days (UTC) that end with `now`'s. */
function expired(names, now, days) {
  const oldest = new Date(now);
  oldest.setUTCHours(0, 0, 0, 0);
  oldest.setUTCDate(oldest.getUTCDate() - (days - 1));
  return names.filter((name) => timeOf(name) !== null && timeOf(name) < oldest);
}

/** Write a file from chunks, gzipped where its name says so. */
async function write(file, chunks) {
  await fs.promises.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const zip = file.endsWith('.gz') ? [zlib.createGzip()] : [];
  await pipeline(chunks, ...zip, fs.createWriteStream(file, { flags: 'wx', mode: 0o600 }));
}

/** Return when a file, or a directory's entries, are on the disk itself. */
async function sync(file) {
  const handle = await fs.promises.open(file);
  await handle.sync().finally(() => handle.close());
}

/** The files of a backup, SHA256SUMS left out; relative, in order. */
function filesOf(directory, below = '') {
  return fs.readdirSync(path.join(directory, below), { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.join(below, entry.name);
      return entry.isDirectory() ? filesOf(directory, file) : [file];
    })
    .filter((file) => file !== SUMS)
    .sort();
}

async function sumOf(file) {
  const hash = crypto.createHash('sha256');
  await pipeline(fs.createReadStream(file), hash);
  return hash.digest('hex');
}

/** Write manifest.json, then SHA256SUMS of all files; all of it to the disk. */
async function seal(directory, manifest) {
  await write(path.join(directory, MANIFEST), [`${JSON.stringify(manifest, null, 1)}\n`]);
  const lines = [];
  for (const file of filesOf(directory)) {
    lines.push(`${await sumOf(path.join(directory, file))}  ${file}\n`);
  }
  await write(path.join(directory, SUMS), lines);
  const files = [...filesOf(directory), SUMS].map((file) => path.join(directory, file));
  await Promise.all([...new Set(files.map(path.dirname)), ...files].map(sync));
}

/** The manifest of a backup, every file of which is as it was written. Throws one Error that
 * names all that is damaged, missing or not listed. */
async function verified(directory) {
  const listed = new Map();
  for (const line of fs.readFileSync(path.join(directory, SUMS), 'utf8').split('\n')) {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    if (match) listed.set(match[2], match[1]);
  }
  const files = filesOf(directory);
  const wrong = files.filter((file) => !listed.has(file)).map((file) => `${file} is not listed`);
  if (!listed.has(MANIFEST)) wrong.push(`${SUMS} lists no ${MANIFEST}`);
  for (const [file, sum] of listed) {
    if (!files.includes(file)) wrong.push(`${file} is missing`);
    else if (await sumOf(path.join(directory, file)) !== sum) wrong.push(`${file} is damaged`);
  }
  if (wrong.length) throw new Error(`${directory}: ${wrong.join('; ')}`);
  return JSON.parse(fs.readFileSync(path.join(directory, MANIFEST), 'utf8'));
}

module.exports = { expired, nameOf, seal, timeOf, verified, write };
