// SPDX-License-Identifier: Apache-2.0
// Server-side copy inside the container: pinned by the source's ETag, create-only at the destination, and checked by
// the service against the MD5 that it keeps of the source. Without that MD5, or above 256 MiB, the bytes are streamed.
import { quote } from "@kiteseal/core/store";
import type { Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Written } from "../adapter.ts";
import { blobClient, blobOptions, call } from "./container.ts";
import type { AzureContainer } from "./container.ts";
import { etagFromPin, pinFromEtag } from "./pin.ts";

/** What the service copies in one request. */
const MAX_BYTES = 268_435_456;
/** The copy takes the source's headers and metadata, and is kept as new blobs are. */
const AS_SOURCE = { ifAbsent: true, contentType: undefined, metadata: {} };

/** undefined: not possible for this blob. Throws AlreadyExists, PinChanged, NotFound. */
export async function copyBlob(
  container: AzureContainer,
  request: { from: StoredObject; to: Key },
  ctx: Context,
): Promise<Written | undefined> {
  const { from, to } = request;
  if (from.size > MAX_BYTES) return undefined;
  const ifMatch = etagFromPin(from.pin, from.key);
  const source = await blobClient(container, from.key);
  const pinned = { action: "looking at", subject: from.key, condition: "PinChanged", ctx } as const;
  // Seen first: a failed condition on the source is told apart from one on the destination, and from its absence.
  const properties = await call(container, pinned, (signal) =>
    source.getProperties({ conditions: { ifMatch }, ...signal }),
  );
  const readable = await (await container.access()).copySource(source, ctx);
  if (properties.contentMD5 === undefined || readable === undefined) return undefined;
  if (properties.contentLength !== from.size) {
    throw new AdapterError(
      "PinChanged",
      `${quote(from.key)} has ${properties.contentLength} bytes: expected ${from.size}`,
    );
  }
  const { url, ...authorization } = readable;
  const { blobHTTPHeaders: _headers, metadata: _metadata, ...kept } = blobOptions(AS_SOURCE, container.write, ctx);
  const destination = await blobClient(container, to);
  const told = { action: `copying ${quote(from.key)} to`, subject: to, condition: "AlreadyExists", ctx } as const;
  const response = await call(container, told, (signal) =>
    destination.syncCopyFromURL(url, {
      ...kept,
      sourceConditions: { ifMatch },
      sourceContentMD5: properties.contentMD5 ?? new Uint8Array(),
      ...authorization,
      ...signal,
    }),
  );
  const pin = pinFromEtag(response.etag, to);
  return { object: { key: to, size: from.size, pin }, verifiedBy: "server-other" };
}
