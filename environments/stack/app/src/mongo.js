'use strict';

const { MongoClient } = require('mongodb');
const { mongoDuration, mongoWait } = require('./metrics');
const { seed } = require('./seed');

/** Connect, however long it takes, make the indexes and the first data: {client, db}. */
async function connectMongo(config, log) {
  const client = new MongoClient(config.MONGO_URI, {
    appName: 'dashboard-velo-api',
    // A request must not wait for a store that is gone: all of these are far below the
    // drivers' defaults of 10 to 30 s.
    serverSelectionTimeoutMS: 2000,
    connectTimeoutMS: 2000,
    socketTimeoutMS: 10000,
    waitQueueTimeoutMS: 2000,
    heartbeatFrequencyMS: 2000,
    // Without wtimeout a write waits for frozen secondaries without end.
    writeConcern: { w: 'majority', wtimeoutMS: 3000 },
    monitorCommands: true,
  });
  for (const event of ['commandSucceeded', 'commandFailed']) {
    client.on(event, ({ commandName, duration }) => {
      mongoDuration.observe({ operation: commandName }, duration / 1000);
    });
  }
  // Of a command's time its driver does not count what it has waited for a connection.
  for (const event of ['connectionCheckedOut', 'connectionCheckOutFailed']) {
    client.on(event, ({ durationMS }) => mongoWait.observe(durationMS / 1000));
  }
  const db = client.db(config.MONGO_DB_NAME);
  for (;;) {
    try {
      await client.connect();
      await prepare(db);
      return { client, db };
    } catch (error) {
      log.warn('waiting for MongoDB', { error: error.message });
      // Server selection waits 2 s by itself; an error that comes at once must not spin.
      await new Promise((resolve) => { setTimeout(resolve, 250); });
    }
  }
}

/** Indexes and first data. Several workers on several servers may do this at once. */
async function prepare(db) {
  await Promise.all([
    db.collection('users').createIndex({ email: 1 }, { unique: true }),
    db.collection('activities').createIndex({ riderId: 1, startedAt: -1 }),
    db.collection('revocations').createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 }),
  ]);
  await seed(db);
}

module.exports = { connectMongo };
