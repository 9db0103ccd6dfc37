'use strict';

const { randomUUID } = require('node:crypto');
const express = require('express');
const { HttpError, handle } = require('./errors');
const { logins } = require('./metrics');

const bcrypt = () => require('bcrypt'); // loaded at the first use

/** {email, password} of the body, checked: text only, never an object for a query. */
function credentials({ email, password } = {}) {
  if (typeof email !== 'string' || !/^[^@\s]{1,64}@[^@\s]{1,190}$/.test(email)) {
    throw new HttpError(400, 'invalid_email', 'email: an e-mail address is needed');
  }
  // bcrypt reads 72 bytes and ignores the rest.
  if (typeof password !== 'string' || password.length < 8 || Buffer.byteLength(password) > 72) {
    throw new HttpError(400, 'invalid_password', 'password: 8 characters to 72 bytes are needed');
  }
  return { email: email.toLowerCase(), password };
}

function refreshTokenOf(body) {
  if (typeof body?.refreshToken !== 'string') {
    throw new HttpError(400, 'invalid_request', 'refreshToken: a token is needed');
  }
  return body.refreshToken;
}

/** register, login, refresh, logout, at /api/auth and at /api/VERSION/auth. */
function authRoutes(app, { config, db, tokens }) {
  const users = db.collection('users');
  const json = express.json({ limit: '16kb' });
  let decoy; // compared with when the address is unknown, so that the time tells nothing

  async function register(req, res) {
    const { email, password } = credentials(req.body);
    const passwordHash = await bcrypt().hash(password, config.BCRYPT_SALT_ROUNDS);
    const user = { _id: randomUUID(), email, passwordHash, createdAt: new Date() };
    try {
      await users.insertOne(user);
    } catch (error) {
      if (error.code === 11000) throw new HttpError(409, 'email_taken', 'this address is taken');
      throw error;
    }
    res.status(201).json({ id: user._id, email, ...tokens.issue(user._id) });
  }

  async function login(req, res) {
    const { email, password } = credentials(req.body);
    const user = await users.findOne({ email });
    decoy ??= bcrypt().hash(randomUUID(), config.BCRYPT_SALT_ROUNDS);
    const matches = await bcrypt().compare(password, user ? user.passwordHash : await decoy);
    if (!user || !matches) {
      logins.inc({ result: 'failure' });
      throw new HttpError(401, 'invalid_credentials', 'address or password is wrong');
    }
    logins.inc({ result: 'success' });
    res.json(tokens.issue(user._id));
  }

  async function refresh(req, res) {
    res.json(await tokens.rotate(refreshTokenOf(req.body)));
  }

  async function logout(req, res) {
    const given = req.body?.refreshToken !== undefined;
    const claims = given
      ? await tokens.verifyRefresh(refreshTokenOf(req.body))
      : await tokens.signedIn(req);
    await tokens.revoke(claims);
    res.status(204).end();
  }

  for (const base of ['/api/auth', `/api/${config.API_VERSION}/auth`]) {
    for (const answer of [register, login, refresh, logout]) {
      app.post(`${base}/${answer.name}`, json, handle(answer));
    }
  }
}

module.exports = { authRoutes };
