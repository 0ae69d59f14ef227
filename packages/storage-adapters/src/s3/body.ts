// SPDX-License-Identifier: Apache-2.0
// A body that may fail: the SDK's handler pipes it and does not listen for its errors, so they are caught here, the
// request is torn down (its Content-Length is never reached, the server keeps nothing), and the error comes out as it is.
import { Readable } from "node:stream";
import type { Context } from "@kiteseal/core/store";

/** Up to this size a body is collected: sent at once, without a stream. */
const COLLECTED_BYTES = 262_144;
const AHEAD_BYTES = 1_048_576;

/** What `send` makes of the body; the signal fires when the context's does or when the body fails. */
export async function sendBody<T>(
  body: { readonly size: number; open(): AsyncIterable<Uint8Array> },
  ctx: Context,
  send: (content: Readable | Uint8Array, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const signal = ctx.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, ctx.signal]);
  if (body.size <= COLLECTED_BYTES) return send(await collect(body.open()), signal);
  const failures: unknown[] = [];
  const stream = Readable.from(copies(body.open()), { objectMode: false, highWaterMark: AHEAD_BYTES });
  stream.on("error", (error) => {
    failures.push(error);
    stop.abort();
  });
  try {
    return await send(stream, signal);
  } catch (error) {
    if (failures.length > 0) throw failures[0];
    throw error;
  } finally {
    // Answered before the body was sent: the rest is not, and the connection is of no more use.
    if (!stream.readableEnded) stop.abort();
    stream.destroy();
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** The stream reads ahead, and a chunk belongs to its reader only until the next is asked for. */
async function* copies(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) yield Buffer.from(chunk);
}
