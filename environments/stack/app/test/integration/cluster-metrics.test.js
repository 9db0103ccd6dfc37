'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { fork } = require('node:child_process');
const { once } = require('node:events');

/** A worker: counts what it is told, and answers a scrape. */
async function worker() {
  const { Counter, Gauge, Registry } = require('prom-client');
  const { join } = require('../../src/cluster-metrics');
  const registry = new Registry();
  const counter = new Counter({ name: 'requests_total', help: 'x', registers: [registry] });
  new Gauge({ name: 'workers', help: 'x', registers: [registry] }).set(1);
  const metrics = await join(registry, new Registry(), process.argv[3]);
  process.on('message', async ({ count, scrape, leave }) => {
    if (count) counter.inc(count);
    if (leave) await metrics.leave();
    process.send(scrape ? await metrics.collect() : 'done');
  });
  process.send('joined');
}

if (process.argv[2] === 'worker') worker();
else {
  const start = async (directory) => {
    const child = fork(__filename, ['worker', directory]);
    await once(child, 'message');
    const ask = async (message) => {
      child.send(message);
      return (await once(child, 'message'))[0];
    };
    const kill = async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    const scrape = async () => {
      const text = await ask({ scrape: true });
      return ['requests_total', 'workers']
        .map((name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1]));
    };
    return { ask, kill, scrape };
  };

  test('workers are summed, and what a dead one counted is kept', async (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'dv-'));
    const started = [];
    t.after(async () => {
      await Promise.all(started.map((each) => each.kill()));
      fs.rmSync(directory, { recursive: true });
    });
    const add = async () => {
      started.push(await start(directory));
      return started.at(-1);
    };
    const [a, b] = [await add(), await add()];
    await a.ask({ count: 3 });
    await b.ask({ count: 4 });
    assert.deepStrictEqual(await a.scrape(), [7, 2]);
    assert.deepStrictEqual(await b.scrape(), [7, 2]);

    await started.shift().kill(); // scraped before: nothing is lost, not even by kill -9
    assert.deepStrictEqual(await b.scrape(), [7, 1]);

    const c = await add(); // merges a's snapshot
    assert.ok(fs.existsSync(path.join(directory, 'retired.json')));
    await c.ask({ count: 5 });
    assert.deepStrictEqual(await c.scrape(), [12, 2]);

    await b.ask({ count: 1, leave: true }); // counted after the last scrape, then left
    await started.shift().kill();
    assert.deepStrictEqual(await c.scrape(), [13, 1]);
    await add();
    assert.deepStrictEqual(await c.scrape(), [13, 2]);
  });

  test('a path too long for a socket is refused with the way out', async () => {
    const { join } = require('../../src/cluster-metrics');
    await assert.rejects(join(null, null, `/tmp/${'x'.repeat(120)}`), /set TMPDIR/);
  });
}
