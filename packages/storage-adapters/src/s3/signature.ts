// SPDX-License-Identifier: Apache-2.0
// Signature Version 4 by the SDK's own signer, which keeps the day's key, and the text of addresses as it is signed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
import { createHash, createHmac, createSecretKey } from "node:crypto";
import type { Hash, Hmac, KeyObject } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface UnsignedRequest {
  readonly method: string;
  readonly hostname: string;
  /** As it is sent: escaped once, as S3 wants it. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case; `host` and `x-amz-content-sha256` among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers to send: those of the request, the date, the session and the signature. */
export type Signer = (request: UnsignedRequest, at: Date) => Promise<Readonly<Record<string, string>>>;

/** `keys` is asked for each request: they may have been renewed. */
export function createSigner(region: string, keys: () => Promise<SigningKeys>): Signer {
  const signer = new SignatureV4({
    service: "s3",
    region,
    credentials: async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await keys();
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    },
    sha256: createDigestClass(),
    uriEscapePath: false,
    applyChecksum: false,
  });
  return async ({ method, hostname, path, query, headers }, at) => {
    const request = { protocol: "https:", method, hostname, path, query: { ...query }, headers: { ...headers } };
    return (await signer.sign(request, { signingDate: at })).headers;
  };
}

type Secret = string | ArrayBuffer | ArrayBufferView;

/**
 * What the signer wants of a digest. It asks with the same few secrets for every request, and making a key of one takes
 * seven times as long as using it: a day's few are kept, as the signer keeps its own, and forgotten together.
 */
function createDigestClass(): new (secret?: Secret) => Sha256 {
  const keys = new Map<Secret, KeyObject>();
  const keyOf = (secret: Secret): KeyObject => {
    const known = keys.get(secret);
    if (known !== undefined) return known;
    const key = typeof secret === "string" ? createSecretKey(secret, "utf8") : createSecretKey(bytesOf(secret));
    if (keys.size >= KEPT_KEYS) keys.clear();
    keys.set(secret, key);
    return key;
  };
  return class extends Sha256 {
    constructor(secret?: Secret) {
      super(secret === undefined ? createHash("sha256") : createHmac("sha256", keyOf(secret)));
    }
  };
}

/** The steps of a day's key are six. */
const KEPT_KEYS = 12;

class Sha256 {
  readonly #digest: Hash | Hmac;

  constructor(digest: Hash | Hmac) {
    this.#digest = digest;
  }

  update(data: Uint8Array): void {
    this.#digest.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#digest.digest()));
  }

  reset(): never {
    throw new TypeError("a digest of the signer is used once");
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** Sorted, as it is signed and sent. */
export function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => [escaped(name), escaped(value)] as const);
  return [...pairs]
    .sort(byName)
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** RFC 3986: all but the unreserved characters. */
export function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
