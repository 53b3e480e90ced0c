// graphile-worker on Postgres, tuned as its performance page says; every commit is flushed to disk.

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const quiet = new Logger(() => () => {});
const connection = { host: process.env.BENCH_SOCKET, user: "postgres", database: "postgres" };
const fatal = (error) => {
  throw error;
};
const pool = (max) =>
  new pg.Pool({ ...connection, max }).on("error", fatal).on("connect", (client) => client.on("error", fatal));

export async function producer({ producers }) {
  const pgPool = pool(producers + 1);
  const utils = await makeWorkerUtils({ pgPool, logger: quiet });
  await utils.migrate();
  await pgPool.query("truncate graphile_worker._private_jobs");
  return {
    submit: (first, count) =>
      count === 1
        ? utils.addJob("noop", { id: first })
        : utils.addJobs(Array.from({ length: count }, (_, i) => ({ identifier: "noop", payload: { id: first + i } }))),
    // A completed job is deleted: an empty table says that every completion is stored.
    drained: async () => {
      const { rows } = await pgPool.query("select exists (select from graphile_worker._private_jobs) as waiting");
      return !rows[0].waiting;
    },
    close: async () => {
      await utils.release();
      await pgPool.end();
    },
  };
}

export async function work({ concurrency }, onDone) {
  const pgPool = pool(concurrency + 1);
  const runner = await run({
    pgPool,
    logger: quiet,
    noHandleSignals: true,
    taskList: { noop: () => onDone() },
    preset: {
      worker: {
        concurrentJobs: concurrency,
        // Jobs are locked and fetched, and completed, in batches; a crash leaves them locked, it loses none.
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  });
  return async () => {
    await runner.stop();
    await pgPool.end();
  };
}
