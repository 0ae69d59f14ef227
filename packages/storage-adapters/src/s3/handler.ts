// SPDX-License-Identifier: Apache-2.0
// The SDK's connections, with a bound on every reply: the SDK reads them whole. The bytes of objects come by direct.ts.
// Some of the addresses are the shared files': tokens and signatures leave this machine encrypted only.
import { globalAgent as httpAgent } from "node:http";
import { globalAgent as httpsAgent } from "node:https";
import { Readable } from "node:stream";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { AdapterError } from "../adapter.ts";
import { unsafeAddressReason } from "../exchange.ts";

const CONNECT_MS = 10_000;
/** A page of 1,000 keys of 1,024 bytes, all of them escaped, has about 8 MiB. */
const REPLY_BYTES = 16_777_216;

/** On the process-wide agents. `idleMs`: without a byte in either direction. */
export class BoundedHandler extends NodeHttpHandler {
  constructor(idleMs: number) {
    super({ httpAgent, httpsAgent, connectionTimeout: CONNECT_MS, socketTimeout: idleMs });
  }

  override async handle(
    ...call: Parameters<NodeHttpHandler["handle"]>
  ): Promise<Awaited<ReturnType<NodeHttpHandler["handle"]>>> {
    const [{ protocol, hostname }] = call;
    const unsafe = unsafeAddressReason(`${protocol}//${hostname}`);
    if (unsafe !== undefined)
      throw new AdapterError("Unsupported", `the address of the service cannot be used: ${unsafe}`);
    const reply = await super.handle(...call);
    const { response } = reply;
    const body: unknown = response.body;
    if (body instanceof Readable) response.body = Readable.from(bounded(body));
    return reply;
  }
}

async function* bounded(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a chunk of the reply is not bytes");
    size += chunk.length;
    if (size > REPLY_BYTES) {
      throw new AdapterError("Unavailable", `the server's reply is longer than ${REPLY_BYTES} bytes`);
    }
    yield chunk;
  }
}
