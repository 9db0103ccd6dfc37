'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { AggregatorRegistry } = require('prom-client');

const RETIRED = 'retired.json';

/**
 * What each worker counted, as files of one directory: ID.json of a worker (ID is its
 * process id and start), and retired.json, the sum of workers that are long gone.
 */
class Snapshots {
  constructor(directory) {
    this.directory = directory;
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (fs.lstatSync(directory).uid !== process.getuid()) {
      throw new Error(`${directory} belongs to another user; remove it`);
    }
  }

  /** Keep the metrics under a name. Atomic: a reader sees the old file or the new one. */
  write(name, content) {
    const file = path.join(this.directory, `${name}.json`);
    fs.writeFileSync(`${file}.${process.pid}`, JSON.stringify(content), { mode: 0o600 });
    fs.renameSync(`${file}.${process.pid}`, file);
  }

  /** Ids of the workers that left a snapshot. */
  ids() {
    return fs.readdirSync(this.directory)
      .filter((name) => /^\d+-\d+\.json$/.test(name))
      .map((name) => name.slice(0, -'.json'.length));
  }

  /**
   * Counters and histograms of a worker that answers no more (its gauges died with it).
   * Throws ENOENT where the snapshot has just been merged into retired.json.
   */
  counters(id) {
    const metrics = JSON.parse(fs.readFileSync(path.join(this.directory, `${id}.json`), 'utf8'));
    return metrics.filter(({ type }) => type === 'counter' || type === 'histogram');
  }

  /** {ids, metrics}: which of the latest workers are in the sum already, and the sum. */
  retired() {
    try {
      return JSON.parse(fs.readFileSync(path.join(this.directory, RETIRED), 'utf8'));
    } catch (error) {
      if (error.code === 'ENOENT') return { ids: [], metrics: [] };
      throw error;
    }
  }

  /**
   * Merge the snapshots of dead workers, or a process that restarts for days would leave
   * thousands. One worker at a time, by a directory as lock. A worker that is killed in
   * these milliseconds leaves the lock behind, and then nothing is merged any more: slower,
   * never wrong.
   */
  async mergeDead() {
    const lock = path.join(this.directory, 'lock');
    try {
      fs.mkdirSync(lock);
    } catch (error) {
      if (error.code === 'EEXIST') return;
      throw error;
    }
    try {
      const before = this.retired();
      const dead = this.ids().filter((id) => !isAlive(id));
      const added = dead.filter((id) => !before.ids.includes(id));
      if (added.length) {
        const sums = [before.metrics, ...added.map((id) => this.counters(id))];
        const metrics = await AggregatorRegistry.aggregate(sums).getMetricsAsJSON();
        this.write('retired', { ids: [...before.ids, ...added].slice(-1000), metrics });
      }
      for (const id of dead) {
        fs.rmSync(path.join(this.directory, `${id}.json`));
        fs.rmSync(path.join(this.directory, `${id}.sock`), { force: true });
      }
    } finally {
      fs.rmdirSync(lock);
    }
  }
}

/** Whether the worker's process runs (a reused process id only delays its merging). */
function isAlive(id) {
  try {
    process.kill(Number(id.split('-')[0]), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

module.exports = { Snapshots };
