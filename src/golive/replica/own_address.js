'use strict';

/**
 * Replica only: this host's programs connect from its own address, as on a network, so that
 * whoever is asked sees which host asks, and the network between two hosts can be cut.
 * Preloaded (NODE_OPTIONS=--require).
 */

const { Socket } = require('node:net');

const { connect } = Socket.prototype;
Socket.prototype.connect = function connectFromOwn(...args) {
  // net.connect() hands its normalized arguments on: [options, callback].
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options?.host?.startsWith?.('127.')) {
    options.localAddress ??= process.env.GOLIVE_ADDRESS;
  }
  return connect.apply(this, args);
};
