// BullMQ on Redis; every command is appended and flushed to disk before it is answered.

import { Queue, Worker } from "bullmq";

const name = "noop";
const connection = { path: process.env.BENCH_SOCKET, maxRetriesPerRequest: null };
// History costs: completed jobs are removed, as graphile-worker removes them.
const opts = { removeOnComplete: true };

export async function producer() {
  const queue = new Queue(name, { connection });
  await queue.obliterate({ force: true });
  return {
    submit: (first, count) =>
      count === 1
        ? queue.add(name, { id: first }, opts)
        : queue.addBulk(Array.from({ length: count }, (_, i) => ({ name, data: { id: first + i }, opts }))),
    drained: async () => {
      const counts = await queue.getJobCounts("wait", "active", "prioritized", "delayed");
      return Object.values(counts).every((count) => count === 0);
    },
    close: () => queue.close(),
  };
}

export async function work({ concurrency }, onDone) {
  const worker = new Worker(name, async () => {}, { connection, concurrency });
  // Said after the completion is stored.
  worker.on("completed", onDone);
  await worker.waitUntilReady();
  return () => worker.close();
}
