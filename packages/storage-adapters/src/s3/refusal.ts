// SPDX-License-Identifier: Apache-2.0
// A reply of S3 that is no success, as the error that the SDK would have thrown: errors.ts reads both alike.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

export type Headers = IncomingHttpHeaders;

const REPLY_BYTES = 65_536;
/** Of replies without a body, as to HEAD. */
const NAMES: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  307: "TemporaryRedirect",
  404: "NotFound",
  412: "PreconditionFailed",
};
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

export async function refusalOf(reply: IncomingMessage, method: string): Promise<Error> {
  const { statusCode: httpStatusCode = 0, headers } = reply;
  const text = method === "HEAD" ? "" : await start(reply);
  reply.resume();
  const error = new Error(decoded(/<Message>([^<]{0,2000})<\/Message>/.exec(text)?.[1] ?? ""));
  error.name = /<Code>([\w.-]{1,80})<\/Code>/.exec(text)?.[1] ?? NAMES[httpStatusCode] ?? "UnknownError";
  return Object.assign(error, { $metadata: { httpStatusCode }, $response: { headers } });
}

/** The first bytes of the body; what fails on the way has said no more than the status. */
async function start(reply: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of reply) {
      if (!(chunk instanceof Uint8Array)) break;
      chunks.push(chunk);
      size += chunk.length;
      if (size >= REPLY_BYTES) break;
    }
  } catch {
    // The status stands without its explanation.
  }
  return Buffer.concat(chunks).toString("utf8", 0, REPLY_BYTES);
}

function decoded(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}
