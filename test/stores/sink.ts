// SPDX-License-Identifier: Apache-2.0
// Azure Blob Storage and Artifactory as far as one upload needs them, keeping nothing: for objects larger than memory.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Sink {
  readonly url: string;
  /** Bytes received. */
  received: number;
  close(): Promise<void>;
}

type Answer = (sink: Sink, request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function start(answer: Answer): Promise<Sink> {
  const server = createServer({ requestTimeout: 0 });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const sink: Sink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  server.on("request", (request, response) => void answer(sink, request, response).catch(() => response.destroy()));
  return sink;
}

async function digest(sink: Sink, request: IncomingMessage): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  sink.received += size;
  return { size, sha256: hash.digest("hex") };
}

export function startAzureSink(): Promise<Sink> {
  return start(async (sink, request, response) => {
    await digest(sink, request);
    if (request.method === "PUT") {
      response.writeHead(201, { etag: '"0x1"' }).end();
      return;
    }
    response.writeHead(404, { "x-ms-error-code": "BlobNotFound", "content-type": "application/xml" });
    response.end(request.method === "HEAD" ? undefined : "<Error><Code>BlobNotFound</Code></Error>");
  });
}

export function startArtifactorySink(): Promise<Sink> {
  const json = { "content-type": "application/json" };
  return start(async (sink, request, response) => {
    const { size, sha256 } = await digest(sink, request);
    const isRepository = request.url === "/artifactory/api/storage/generic";
    if (request.url?.endsWith("/uploads/config") === true) response.writeHead(200, json).end('{"supported":false}');
    else if (isRepository) response.writeHead(200, json).end('{"children":[]}');
    else if (request.method === "PUT" && request.headers["x-checksum-deploy"] === undefined) {
      response.writeHead(201, json).end(JSON.stringify({ size: String(size), checksums: { sha256 } }));
    } else response.writeHead(404, json).end('{"errors":[{"status":404,"message":"Unable to find item"}]}');
  });
}
