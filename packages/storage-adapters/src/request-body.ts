// SPDX-License-Identifier: Apache-2.0
// The body of a request, chunk by chunk: the next one is asked for when the last has left, so that its owner may reuse it.
import type { ClientRequest } from "node:http";

/** A reply that comes before the body's end ends it: whatever it says, the rest is not wanted. Throws what `chunks` throws. */
export async function sendChunks(
  request: ClientRequest,
  chunks: AsyncIterable<Uint8Array>,
  isAnswered: () => boolean,
): Promise<void> {
  for await (const chunk of chunks) {
    await written(request, chunk);
    if (isAnswered() || request.destroyed) return;
  }
  request.end();
}

/** Resolves when the chunk has left, or never will. */
function written(request: ClientRequest, chunk: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    request.off("close", done);
    request.off("response", done);
    resolve();
  };
  request.once("close", done);
  request.once("response", done);
  request.write(chunk, done);
  return promise;
}
