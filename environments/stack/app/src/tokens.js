'use strict';

const { randomUUID } = require('node:crypto');
const { HttpError } = require('./errors');

// Loaded at the first use: nine processes start on two cores, and this one takes 30 ms.
const jwt = () => require('jsonwebtoken');

const ALGORITHM = 'HS256';

/**
 * Access and refresh tokens. A login starts a session; each refresh uses its token up and
 * gives a new pair of the same session. What is revoked (a used refresh token, a whole
 * session) stands in MongoDB until it would have expired: a cache may evict it.
 */
function createTokens(config, db) {
  const revocations = db.collection('revocations');

  function issue(user, session = randomUUID()) {
    const sign = (secret, expiresIn) => jwt().sign(
      { session }, secret,
      { algorithm: ALGORITHM, expiresIn, subject: user, jwtid: randomUUID() });
    return {
      tokenType: 'Bearer',
      accessToken: sign(config.JWT_SECRET, config.JWT_EXPIRATION),
      expiresIn: config.JWT_EXPIRATION,
      refreshToken: sign(config.JWT_REFRESH_SECRET, config.JWT_REFRESH_EXPIRATION),
      refreshExpiresIn: config.JWT_REFRESH_EXPIRATION,
    };
  }

  async function verify(token, secret) {
    let claims;
    try {
      claims = jwt().verify(token, secret, { algorithms: [ALGORITHM] });
    } catch {
      throw new HttpError(401, 'invalid_token', 'the token is invalid or has expired');
    }
    if (await revocations.findOne({ _id: claims.session })) {
      throw new HttpError(401, 'revoked_token', 'the session has ended');
    }
    return claims;
  }

  const verifyAccess = (token) => verify(token, config.JWT_SECRET);
  const verifyRefresh = (token) => verify(token, config.JWT_REFRESH_SECRET);

  /** End a session: none of its tokens is valid any more. */
  async function revoke({ session }) {
    const expiresAt = new Date(Date.now() + config.JWT_REFRESH_EXPIRATION * 1000);
    await revocations.updateOne({ _id: session }, { $set: { expiresAt } }, { upsert: true });
  }

  /** Use a refresh token up. Used twice it was stolen by someone: the session ends. */
  async function rotate(token) {
    const claims = await verifyRefresh(token);
    try {
      await revocations.insertOne({ _id: claims.jti, expiresAt: new Date(claims.exp * 1000) });
    } catch (error) {
      if (error.code !== 11000) throw error;
      await revoke(claims);
      throw new HttpError(401, 'revoked_token', 'the token was used before; the session has ended');
    }
    return issue(claims.sub, claims.session);
  }

  /** Claims of the request's Bearer token; HttpError 401 without a valid one. */
  async function signedIn(req) {
    const match = /^Bearer ([\w.-]+)$/i.exec(req.get('Authorization') ?? '');
    if (!match) throw new HttpError(401, 'no_token', 'sign in and send Authorization: Bearer');
    return verifyAccess(match[1]);
  }

  return { issue, rotate, revoke, signedIn, verifyRefresh };
}

module.exports = { createTokens };
