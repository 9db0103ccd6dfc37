'use strict';

const { HttpError, handle, isText } = require('./errors');

/** What everybody may read: cycling routes, the search in them, the weather. */
function catalogRoutes(app, { config, db, store }) {
  const base = `/api/${config.API_VERSION}`;
  const routes = db.collection('routes');
  const weather = db.collection('weather');
  const summary = { projection: { points: 0 } };

  app.get(`${base}/routes`, handle(async (req, res) => {
    const items = await store.cached('routes', 600, () => routes
      .find({}, summary).sort({ _id: 1 }).limit(100).toArray());
    res.json({ total: items.length, items });
  }));

  app.get(`${base}/routes/:routeId`, handle(async (req, res) => {
    const { routeId } = req.params;
    const route = await store.cached(`route:${routeId}`, 600, () => routes.findOne({ _id: routeId }));
    if (route === null) throw new HttpError(404, 'not_found', 'no such route');
    res.json(route);
  }));

  app.get(`${base}/search`, handle(async (req, res) => {
    const { q } = req.query;
    // MongoDB refuses an expression with a NUL in it.
    if (!isText(q, 2, 64) || q.includes('\0')) {
      throw new HttpError(400, 'invalid_query', 'q: 2 to 64 characters are needed, and no NUL');
    }
    const words = q.toLowerCase();
    const items = await store.cached(`search:${words}`, 60, () => {
      const match = { $regex: words.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), $options: 'i' };
      return routes.find({ $or: [{ name: match }, { city: match }] }, summary).limit(20).toArray();
    });
    res.json({ total: items.length, items });
  }));

  app.get(`${base}/weather`, handle(async (req, res) => {
    const { city } = req.query;
    if (!isText(city, 1, 64)) {
      throw new HttpError(400, 'invalid_city', 'city: a name is needed, such as paris');
    }
    const id = city.toLowerCase();
    const observation = await store.cached(`weather:${id}`, 600, () => weather.findOne({ _id: id }));
    if (observation === null) throw new HttpError(404, 'not_found', 'no weather of this city');
    res.json(observation);
  }));
}

module.exports = { catalogRoutes };
