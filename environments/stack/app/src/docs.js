'use strict';

const path = require('node:path');
const express = require('express');
const { version } = require('../package.json');

const UI_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-16x16.png', 'favicon-32x32.png'];

/** The OpenAPI document, with this application's version and the API's own. */
function openapi(config) {
  const text = JSON.stringify(require('../openapi.json'));
  const document = JSON.parse(text.replaceAll('/api/v1/', `/api/${config.API_VERSION}/`));
  document.info.version = version;
  return document;
}

/**
 * Swagger UI with all its files from here, and neither script nor style within the page:
 * the site's Content-Security-Policy allows 'self' only.
 */
function docsRoutes(app, { config }) {
  const root = path.join(__dirname, '..', 'docs');
  const own = express.static(root, { cacheControl: false });
  let ui;
  app.get('/api/docs', (req, res, next) => {
    if (req.path.endsWith('/')) next();
    else res.redirect(301, '/api/docs/');
  });
  app.get('/api/docs/openapi.json', (req, res) => {
    res.json(openapi(config));
  });
  app.use('/api/docs', (req, res, next) => {
    if (!UI_FILES.includes(req.path.slice(1))) return own(req, res, next);
    ui ??= express.static(require('swagger-ui-dist').getAbsoluteFSPath(), { cacheControl: false });
    return ui(req, res, next);
  });
}

module.exports = { docsRoutes, openapi };
