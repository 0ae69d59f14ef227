// SPDX-License-Identifier: Apache-2.0
// A Compute over worker threads. The first authentications run inline, because a thread costs more to start than they do;
// from then on each worker is given one bundle at a time.
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { inlineCompute, type AskedKinds, type Compute } from "./compute.ts";
import type { Trust } from "./sigstore/trust.ts";
import { revivedError } from "./thread-errors.ts";
import type { Authentication } from "./verification/authenticate.ts";
import type { WorkerReply, WorkerRequest, WorkerStart } from "./worker.ts";

export interface PoolOptions {
  /** Threads; at least one. */
  readonly workers: number;
  /** How many are authenticated inline before a thread is started. */
  readonly inlineFirst: number;
}

interface Job {
  readonly request: WorkerRequest;
  readonly resolve: (result: Authentication) => void;
  readonly reject: (error: Error) => void;
}

/** Throws ERR_TRUST_ROOT_INVALID. A worker that dies is a bug and fails what it was given. */
export async function pooledCompute(trust: Trust, asked: AskedKinds, options: PoolOptions): Promise<Compute> {
  const inline = await inlineCompute(trust, asked);
  const pool = new Pool({ rootBytes: trust.rootBytes, asked }, options.workers);
  let served = 0;
  return {
    authenticate: (bytes, digest) =>
      ++served <= options.inlineFirst ? inline.authenticate(bytes, digest) : pool.run(bytes, digest),
    close: () => pool.close(),
  };
}

class Pool {
  readonly #start: WorkerStart;
  readonly #size: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: Job[] = [];
  readonly #running = new Map<Worker, Job>();
  #next = 0;
  #closed = false;

  constructor(start: WorkerStart, size: number) {
    this.#start = start;
    this.#size = size;
  }

  run(bytes: Uint8Array, digest: string): Promise<Authentication> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request: { id: this.#next++, bytes, digest }, resolve, reject });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#all.size < this.#size ? this.#spawn() : undefined);
      const job = worker === undefined ? undefined : this.#waiting.shift();
      if (worker === undefined || job === undefined) return;
      this.#running.set(worker, job);
      worker.ref();
      worker.postMessage(job.request);
    }
  }

  #spawn(): Worker {
    // Beside this file under whatever name it has by now: source, compiled or bundled.
    const name = `./worker${extname(new URL(import.meta.url).pathname)}`;
    const worker = new Worker(new URL(name, import.meta.url), { workerData: this.#start });
    this.#all.add(worker);
    worker.on("message", (reply: WorkerReply) => this.#finish(worker, reply));
    worker.on("error", (error: Error) => this.#fail(worker, error));
    worker.on("exit", () => this.#fail(worker, new Error("a worker ended")));
    worker.unref();
    return worker;
  }

  #finish(worker: Worker, reply: WorkerReply): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    worker.unref();
    this.#idle.push(worker);
    if (job?.request.id === reply.id) {
      if ("result" in reply) job.resolve(reply.result);
      else job.reject(revivedError(reply.error));
    }
    this.#dispatch();
  }

  #fail(worker: Worker, error: Error): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    this.#all.delete(worker);
    const idle = this.#idle.indexOf(worker);
    if (idle !== -1) this.#idle.splice(idle, 1);
    job?.reject(error);
    if (!this.#closed) this.#dispatch();
    // Nobody is left to take them.
    else for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
