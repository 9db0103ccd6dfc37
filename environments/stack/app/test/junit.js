'use strict';

const fs = require('node:fs');

/**
 * `node --test --test-reporter=./test/junit.js`: JUnit's XML, which node 18.16 cannot write itself.
 * Its properties say what was tested: the commit ($COMMIT), and against what ($E2E_URL).
 */

const MARKS = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '&#10;' };
// XML 1.0 has no other control characters.
const text = (value) => String(value).replace(/[^\t\n\x20-\ud7ff\ue000-\ufffd]/g, '�')
  .replace(/[&<>"\n]/g, (mark) => MARKS[mark]);

function testcase(suite, { name, file, details, skip, todo, error }) {
  const where = file ? file.replace(/^.*\/test\//, '') : suite;
  const seconds = ((details?.duration_ms ?? 0) / 1000).toFixed(3);
  const head = `    <testcase classname="${text(where)}" name="${text(name)}" time="${seconds}"`;
  const why = skip ?? todo;
  if (why !== undefined) return `${head}><skipped message="${text(why === true ? '' : why)}"/></testcase>`;
  if (!error) return `${head}/>`;
  const said = error.cause?.message ?? error.message;
  return `${head}><failure message="${text(said)}">${text(error.cause?.stack ?? said)}</failure></testcase>`;
}

module.exports = async function* junit(events) {
  const suite = process.env.SUITE ?? 'test';
  const began = new Date().toISOString();
  const ended = []; // tests that have ended, without those that only hold others
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const error = type === 'test:fail' ? data.details.error : undefined;
    const inner = ended.filter(({ nesting }) => nesting > data.nesting);
    const own = !inner.length || (error && !inner.some((each) => each.error));
    // A file is a test too, as far as the runner is concerned: it counts only when it breaks.
    if (own && (error || !fs.existsSync(data.name))) ended.push({ ...data, error });
    for (const each of inner) each.nesting = data.nesting;
  }
  const failed = ended.filter(({ error, todo }) => error && todo === undefined).length;
  const skipped = ended.filter(({ skip, todo }) => (skip ?? todo) !== undefined).length;
  const properties = [['commit', process.env.COMMIT], ['target', process.env.E2E_URL]]
    .filter(([, value]) => value)
    .map(([name, value]) => `      <property name="${name}" value="${text(value)}"/>`);
  yield `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="${ended.length}" failures="${failed}" skipped="${skipped}">
  <testsuite name="${text(suite)}" tests="${ended.length}" failures="${failed}" skipped="${skipped}" timestamp="${began}">
    <properties>
${[...properties, `      <property name="node" value="${process.version}"/>`].join('\n')}
    </properties>
${ended.map((each) => testcase(suite, each)).join('\n')}
  </testsuite>
</testsuites>
`;
};
