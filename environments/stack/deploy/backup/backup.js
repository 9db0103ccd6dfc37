'use strict';

/**
 * Back MongoDB up, then remove the backups of more than KEEP_DAYS days: node backup.js
 *
 * All collections are read as they were at one moment, while writes go on (read concern
 * snapshot); a member keeps that moment for minSnapshotHistoryWindowInSeconds (mongod.conf).
 * A backup is a directory of its own, which has its name only once it is whole. Settings are in
 * backup.env beside this file; what the environment has already goes before.
 * Exit status: 0 made, 1 not made (and then nothing is removed).
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
require('dotenv').config({ path: path.join(__dirname, 'backup.env'), quiet: true });
const { BSON, MongoClient } = require('mongodb');
const { expired, nameOf, seal, write } = require('./archive');

const ACCOUNTS = ['system.users', 'system.roles', 'system.version']; // of the database admin

/** What is to be backed up: {database, name, options}. Throws for what restore.js cannot do. */
async function collections(client) {
  const found = [];
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  for (const { name: database } of databases) {
    if (['admin', 'config', 'local'].includes(database)) continue;
    for (const { name, type, options } of await client.db(database).listCollections().toArray()) {
      if (name.startsWith('system.')) continue;
      const kind = options.capped ? 'capped collection' : type;
      if (kind !== 'collection') throw new Error(`${database}.${name}: a ${kind} is not backed up`);
      found.push({ database, name, options });
    }
  }
  return [...found, ...ACCOUNTS.map((name) => ({ database: 'admin', name, options: {} }))]
    .sort((one, other) => (`${one.database}.${one.name}` < `${other.database}.${other.name}` ? -1 : 1));
}

/** Write one collection; what the manifest says of it. `md5` is what dbHash would say. */
async function dump(client, session, directory, { database, name, options }) {
  const collection = client.db(database).collection(name);
  const md5 = crypto.createHash('md5');
  let [documents, bytes] = [0, 0];
  async function* content() {
    for await (const document of collection.find({}, { session, raw: true, sort: { _id: 1 } })) {
      md5.update(document);
      documents += 1;
      bytes += document.length;
      yield document;
    }
  }
  const file = path.join(directory, database, name);
  await write(`${file}.bson.gz`, content());
  const indexes = database === 'admin' ? [] : await collection.listIndexes().toArray();
  const metadata = { options, indexes, collectionName: name, type: 'collection' };
  await write(`${file}.metadata.json.gz`, [BSON.EJSON.stringify(metadata, { relaxed: false })]);
  return { database, name, documents, bytes, indexes: indexes.length, md5: md5.digest('hex') };
}

async function backUp(client, directory) {
  const started = new Date();
  const listed = await collections(client);
  const session = client.startSession({ snapshot: true });
  const contents = [];
  for (const each of listed) contents.push(await dump(client, session, directory, each));
  const { snapshotTime } = session;
  await session.endSession();
  await seal(directory, {
    format: 1,
    started,
    finished: new Date(),
    snapshot: { seconds: snapshotTime.getHighBits(), increment: snapshotTime.getLowBits() },
    collections: contents,
  });
}

async function main({ MONGO_URI: uri, DIRECTORY: place, KEEP_DAYS: days }) {
  if (!uri || !place || !/^[1-9]\d*$/.test(days)) {
    throw new Error('MONGO_URI, DIRECTORY and KEEP_DAYS (a number) are needed: see backup.env');
  }
  process.umask(0o077);
  fs.mkdirSync(place, { recursive: true, mode: 0o700 });
  const now = new Date();
  const name = nameOf(now);
  const making = path.join(place, `${name}.making`);
  fs.mkdirSync(making);
  const client = new MongoClient(uri, { appName: 'backup', serverSelectionTimeoutMS: 30000 });
  try {
    await backUp(client, making);
  } catch (error) {
    fs.rmSync(making, { recursive: true });
    throw error;
  } finally {
    await client.close();
  }
  fs.renameSync(making, path.join(place, name));
  for (const old of expired(fs.readdirSync(place), now, Number(days))) {
    fs.rmSync(path.join(place, old), { recursive: true });
  }
  console.log(path.join(place, name));
}

main(process.env).catch((error) => {
  console.error(`no backup was made: ${error.message}`);
  process.exitCode = 1;
});
