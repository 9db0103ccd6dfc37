'use strict';

const cors = require('cors');
const express = require('express');
const { authRoutes } = require('./auth');
const { catalogRoutes } = require('./catalog');
const { docsRoutes } = require('./docs');
const { answerErrors, notFound } = require('./errors');
const { rateLimit } = require('./rate-limit');
const { riderRoutes } = require('./riders');
const { staticFiles } = require('./static-files');
const { statusRoutes } = require('./status');
const { createTokens } = require('./tokens');

/** The Express application, from its settings and stores. Security headers are nginx's. */
function createApp({ config, db, store, metrics, log }) {
  const context = { config, db, store, metrics, tokens: createTokens(config, db) };
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', 1); // nginx, and nobody before it: their headers can be forged
  app.use(cors({ origin: config.CORS_ORIGIN, maxAge: 600, exposedHeaders: ['Retry-After'] }));
  // Not rate limited: Prometheus and balancers ask often, and a page has many files.
  statusRoutes(app, context);
  docsRoutes(app, context);
  app.use(staticFiles());
  app.use(rateLimit(store, config.RATE_LIMIT_WINDOW, config.RATE_LIMIT_MAX, log));
  authRoutes(app, context);
  riderRoutes(app, context);
  catalogRoutes(app, context);
  app.use(notFound);
  app.use(answerErrors(log));
  return app;
}

module.exports = { createApp };
