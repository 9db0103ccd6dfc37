'use strict';

const { randomUUID } = require('node:crypto');
const express = require('express');
const { HttpError, handle, isText } = require('./errors');
const { DEMO } = require('./seed');

const LIST_MOST = 100;
const POINTS_MOST = 20000;

// Sums of these stay finite, and JSON knows no other numbers.
const MOST = { distanceKm: 10_000, durationS: 8_640_000, elevationM: 100_000 };

const isWithin = (value, most) => typeof value === 'number' && value >= 0 && value <= most;
const isPoint = (point) => Array.isArray(point) && point.length === 3 && point.every(Number.isFinite);

/** A whole number of the query, or `otherwise` where it is not given: HttpError 400 if it is none. */
function whole(query, name, otherwise, least, most) {
  const text = query[name];
  if (text === undefined) return otherwise;
  const number = typeof text === 'string' && /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (!(number >= least && number <= most)) {
    throw new HttpError(400, 'invalid_query', `${name}: a whole number from ${least} to ${most}`);
  }
  return number;
}

/** A new activity from a request's body, and its track: HttpError 400 with what is wrong. */
function newActivity(body, riderId) {
  const { name, startedAt, distanceKm, durationS, elevationM, track = [] } = body ?? {};
  const wrong = [];
  if (!isText(name, 1, 100)) wrong.push('name');
  if (typeof startedAt !== 'string' || Number.isNaN(Date.parse(startedAt))) wrong.push('startedAt');
  if (!isWithin(distanceKm, MOST.distanceKm)) wrong.push('distanceKm');
  if (!isWithin(durationS, MOST.durationS)) wrong.push('durationS');
  if (!isWithin(elevationM, MOST.elevationM)) wrong.push('elevationM');
  if (!Array.isArray(track) || track.length > POINTS_MOST || !track.every(isPoint)) wrong.push('track');
  if (wrong.length) throw new HttpError(400, 'invalid_activity', `missing or wrong: ${wrong.join(', ')}`);
  const _id = randomUUID();
  const started = new Date(startedAt);
  return {
    activity: { _id, riderId, name, startedAt: started, distanceKm, durationS, elevationM },
    track: { _id, riderId, points: track },
  };
}

/** Activities and statistics of a rider. A rider sees himself ("me") and the demo rider. */
function riderRoutes(app, { config, db, store, tokens }) {
  const base = `/api/${config.API_VERSION}/riders/:riderId`;
  const activities = db.collection('activities');
  const tracks = db.collection('tracks');

  async function riderOf(req) {
    const { sub } = await tokens.signedIn(req);
    const rider = req.params.riderId === 'me' ? sub : req.params.riderId;
    if (rider !== sub && rider !== DEMO) {
      throw new HttpError(403, 'forbidden', 'these are the data of another rider');
    }
    return { rider, sub };
  }

  function found(value) {
    if (value === null) throw new HttpError(404, 'not_found', 'no such activity');
    return value;
  }

  app.get(`${base}/activities`, handle(async (req, res) => {
    const { rider } = await riderOf(req);
    const list = await store.cached(`activities:${rider}`, 60, () => activities
      .find({ riderId: rider }).sort({ startedAt: -1 }).limit(LIST_MOST).toArray());
    const limit = whole(req.query, 'limit', 20, 1, LIST_MOST);
    const offset = whole(req.query, 'offset', 0, 0, Number.MAX_SAFE_INTEGER);
    res.json({ total: list.length, items: list.slice(offset, offset + limit) });
  }));

  app.post(`${base}/activities`, express.json({ limit: '2mb' }), handle(async (req, res) => {
    const { rider, sub } = await riderOf(req);
    if (rider !== sub) throw new HttpError(403, 'forbidden', 'the demo rider is for reading');
    const { activity, track } = newActivity(req.body, rider);
    await tracks.insertOne(track);
    await activities.insertOne(activity);
    await store.forget(`activities:${rider}`, `statistics:${rider}`);
    res.status(201).location(`${req.path}/${activity._id}`).json(activity);
  }));

  app.get(`${base}/activities/:activityId`, handle(async (req, res) => {
    const { rider } = await riderOf(req);
    const id = req.params.activityId;
    res.json(found(await store.cached(`activity:${rider}:${id}`, 300, () => activities
      .findOne({ _id: id, riderId: rider }))));
  }));

  app.get(`${base}/activities/:activityId/track`, handle(async (req, res) => {
    const { rider } = await riderOf(req);
    const id = req.params.activityId;
    const { points } = found(await store.cached(`track:${rider}:${id}`, 300, () => tracks
      .findOne({ _id: id, riderId: rider })));
    res.json({ activityId: id, points });
  }));

  app.get(`${base}/statistics`, handle(async (req, res) => {
    const { rider } = await riderOf(req);
    const none = { activities: 0, distanceKm: 0, durationS: 0, elevationM: 0 };
    res.json(await store.cached(`statistics:${rider}`, 60, async () => {
      const [sums] = await activities.aggregate([
        { $match: { riderId: rider } },
        {
          $group: {
            _id: null,
            activities: { $sum: 1 },
            distanceKm: { $sum: '$distanceKm' },
            durationS: { $sum: '$durationS' },
            elevationM: { $sum: '$elevationM' },
          },
        },
        { $project: { _id: 0 } },
      ]).toArray();
      return sums ?? none;
    }));
  }));
}

module.exports = { newActivity, riderRoutes };
