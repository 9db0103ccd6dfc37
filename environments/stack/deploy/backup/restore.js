'use strict';

/**
 * Put a backup into an empty server: MONGO_URI="mongodb://..." node restore.js BACKUP
 *
 * The URI stands in the environment, since everybody on a machine sees a command's words.
 * Nothing is written unless every file is as it was written, and the server has no data. In the
 * end the server itself says (dbHash) that it has what was backed up.
 * Exit status: 0 restored, 1 not.
 */

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { BSON, MongoClient } = require('mongodb');
const { verified } = require('./archive');

const BATCH_DOCUMENTS = 1000;
const BATCH_BYTES = 8 * 2 ** 20; // a message has 48 MB at most
// Every value keeps its type: 1 as Int32 and 1.0 as Double are different bytes.
const EXACT = { promoteValues: false, promoteBuffers: false, bsonRegExp: true };

/** The documents of a .bson.gz file, in batches. */
async function* batches(file) {
  let rest = Buffer.alloc(0);
  let [batch, bytes] = [[], 0];
  for await (const chunk of fs.createReadStream(file).pipe(zlib.createGunzip())) {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4 && rest.length - at >= rest.readInt32LE(at)) {
      const length = rest.readInt32LE(at);
      batch.push(BSON.deserialize(rest.subarray(at, at + length), EXACT));
      at += length;
      bytes += length;
      if (batch.length >= BATCH_DOCUMENTS || bytes >= BATCH_BYTES) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
    }
    rest = rest.subarray(at);
  }
  if (rest.length) throw new Error(`${file}: ends within a document`);
  if (batch.length) yield batch;
}

function metadataOf(file) {
  return BSON.EJSON.parse(zlib.gunzipSync(fs.readFileSync(file)).toString(), { relaxed: false });
}

async function requireEmpty(client) {
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  const names = databases.map(({ name }) => name)
    .filter((name) => !['admin', 'config', 'local'].includes(name));
  if (names.length) throw new Error(`the server has data already: ${names.join(', ')}`);
}

async function fill(collection, file) {
  for await (const batch of batches(file)) await collection.insertMany(batch, { ordered: true });
}

/** Users and roles, as mongorestore does it: written aside, then merged by the server. */
async function restoreAccounts(client, directory) {
  const admin = client.db('admin');
  const aside = { 'system.users': 'tempusers', 'system.roles': 'temproles' };
  for (const [name, temporary] of Object.entries(aside)) {
    await fill(admin.collection(temporary), path.join(directory, 'admin', `${name}.bson.gz`));
  }
  await admin.command({
    _mergeAuthzCollections: 1,
    tempUsersCollection: 'admin.tempusers',
    tempRolesCollection: 'admin.temproles',
    db: '',
    drop: false,
  });
  for (const temporary of Object.values(aside)) {
    await admin.collection(temporary).drop().catch(ignoreMissing);
  }
}

function ignoreMissing(error) {
  if (error.codeName !== 'NamespaceNotFound') throw error;
}

/** Throws where a database has other documents than were backed up. */
async function requireEqual(client, contents) {
  for (const database of new Set(contents.map((each) => each.database))) {
    const { collections } = await client.db(database).command({ dbHash: 1 });
    const wrong = contents
      .filter((each) => each.database === database && collections[each.name] !== each.md5)
      .map((each) => `${database}.${each.name}`);
    if (wrong.length) throw new Error(`other documents than were backed up: ${wrong.join(', ')}`);
  }
}

async function restore(client, directory, manifest) {
  await requireEmpty(client);
  const contents = manifest.collections.filter((each) => each.database !== 'admin');
  const indexes = [];
  for (const { database, name } of contents) {
    const file = path.join(directory, database, name);
    const metadata = metadataOf(`${file}.metadata.json.gz`);
    const collection = await client.db(database).createCollection(name, metadata.options);
    await fill(collection, `${file}.bson.gz`);
    indexes.push([collection, metadata.indexes.filter((index) => index.name !== '_id_')]);
  }
  await restoreAccounts(client, directory);
  await requireEqual(client, contents);
  // Last: an index with a TTL begins to delete.
  for (const [collection, specifications] of indexes) {
    if (specifications.length) await collection.createIndexes(specifications);
  }
  const documents = contents.reduce((sum, each) => sum + each.documents, 0);
  console.log(`restored ${documents} documents in ${contents.length} collections`);
}

async function main(directory, uri) {
  if (!directory || !uri) throw new Error('usage: MONGO_URI=mongodb://... node restore.js BACKUP');
  const manifest = await verified(directory);
  const client = new MongoClient(uri, { appName: 'restore', serverSelectionTimeoutMS: 10000 });
  try {
    await restore(client, directory, manifest);
  } finally {
    await client.close();
  }
}

main(process.argv[2], process.env.MONGO_URI).catch((error) => {
  console.error(`not restored: ${error.message}`);
  process.exitCode = 1;
});
