'use strict';

/**
 * The environment, as typed settings. Every variable is required and none has a default:
 * what the file leaves out must be noticed at the start, not at the first login.
 */

const TEXT = (value) => value;
const PLACEHOLDER = /\[[a-z0-9_-]+\]/i;

function number(least) {
  return (value) => {
    if (!/^\d+$/.test(value) || Number(value) < least) throw new Error(`not an integer >= ${least}`);
    return Number(value);
  };
}

function oneOf(...words) {
  return (value) => {
    if (!words.includes(value)) throw new Error(`not one of ${words.join(', ')}`);
    return value;
  };
}

/** "30m", "7d": seconds. */
function duration(value) {
  const match = /^(\d+)([smhd])$/.exec(value);
  if (!match) throw new Error('not a duration such as 30m or 7d');
  return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86400 }[match[2]];
}

function list(value) {
  return value.split(',').map((item) => item.trim()).filter(Boolean);
}

const VARIABLES = {
  NODE_ENV: TEXT,
  HOST: TEXT,
  PORT: number(1),
  API_VERSION: TEXT,
  CORS_ORIGIN: list,
  MONGO_URI: TEXT,
  MONGO_DB_NAME: TEXT,
  REDIS_HOST: TEXT,
  REDIS_PORT: number(1),
  REDIS_PASSWORD: TEXT,
  REDIS_DB: number(0),
  REDIS_PREFIX: TEXT,
  JWT_SECRET: TEXT,
  JWT_REFRESH_SECRET: TEXT,
  JWT_EXPIRATION: duration,
  JWT_REFRESH_EXPIRATION: duration,
  OPENAI_API_KEY: TEXT,
  OPENAI_ORGANIZATION_ID: TEXT,
  LOG_LEVEL: oneOf('error', 'warn', 'info', 'debug'),
  LOG_FORMAT: oneOf('json', 'text'),
  RATE_LIMIT_WINDOW: number(1),
  RATE_LIMIT_MAX: number(1),
  BCRYPT_SALT_ROUNDS: number(4),
  STRAVA_CLIENT_ID: TEXT,
  STRAVA_CLIENT_SECRET: TEXT,
  MAPBOX_ACCESS_TOKEN: TEXT,
  OPENWEATHERMAP_API_KEY: TEXT,
};

const SECRETS = Object.keys(VARIABLES).filter((name) => /URI|PASSWORD|SECRET|KEY|TOKEN/.test(name));

/**
 * Read the settings from `env`. Throws one Error that names every variable that is missing,
 * still a placeholder, or unreadable; never with its value.
 */
function load(env) {
  const config = {};
  const wrong = [];
  for (const [name, read] of Object.entries(VARIABLES)) {
    const value = env[name];
    if (value === undefined || value.trim() === '') wrong.push(`${name} is missing`);
    else if (PLACEHOLDER.test(value)) wrong.push(`${name} is still a placeholder`);
    else {
      try {
        config[name] = read(value);
      } catch (error) {
        wrong.push(`${name} is ${error.message}`);
      }
    }
  }
  if (wrong.length) throw new Error(`configuration refused: ${wrong.join('; ')}`);
  return Object.freeze(config);
}

module.exports = { load, SECRETS, VARIABLES };
