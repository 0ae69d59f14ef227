// SPDX-License-Identifier: Apache-2.0
// All signing services on one loopback server, each scripted by a handler; unless told otherwise they answer as they should.
import { createPublicKey, verify } from "node:crypto";
import type { Statement } from "@kiteseal/in-toto-attestation";
import { readClaims } from "../buildkite/claims.ts";
import type { TokenSource } from "../buildkite/token-source.ts";
import type { Context } from "../context.ts";
import { context, IMPATIENT, json, NOW, serve, tokenOf, type Reply, type Seen } from "../loopback.testkit.ts";
import { certificatePem, readTimestampQuery, timestampReply } from "./der.testkit.ts";
import { guardPayload, type SignablePayload } from "./guard.ts";
import type { SigningServices } from "./services.ts";
import { sign, type SignedBundleParts } from "./sign.ts";
import { createSigningIdentity, type SigningIdentity } from "./signer.ts";

export const MINUTE = 60_000;
export const PAGE: Reply = { headers: { "content-type": "text/html" }, body: "<html>sign in</html>" };
const STATEMENT: Statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "app.tgz", digest: { sha256: "ab".repeat(32) } }],
  predicateType: "https://example.com/p/v1",
  predicate: {},
};
export const payload = (): SignablePayload =>
  guardPayload(STATEMENT, { values: [], skipped: [] }, { allow: [] }).payload;

export function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not an object");
  return { ...value };
}

export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => record(inner)[key], value);
}

export const bodyOf = (seen: Seen): unknown => JSON.parse(seen.body.toString());

/** An authority that certifies any key and checks the proof of possession. */
export function fulcio(seen: Seen, options: { notBefore?: Date; minutes?: number; kind?: string } = {}): Reply {
  const { notBefore = NOW, minutes = 10, kind = "signedCertificateEmbeddedSct" } = options;
  const body = bodyOf(seen);
  const key = createPublicKey(String(at(body, "publicKeyRequest", "publicKey", "content")));
  const token = String(at(body, "credentials", "oidcIdentityToken"));
  const proof = Buffer.from(String(at(body, "publicKeyRequest", "proofOfPossession")), "base64");
  if (!verify("sha256", Buffer.from(readClaims(token).subject), key, proof)) return json(400, { message: "proof" });
  const pem = certificatePem(key, { notBefore, notAfter: new Date(notBefore.getTime() + minutes * MINUTE) });
  return json(200, { [kind]: { chain: { certificates: [pem, pem] } } });
}

export function timestamp(seen: Seen): Reply {
  const { imprint, nonce } = readTimestampQuery(seen.body);
  const headers = { "content-type": "application/timestamp-reply" };
  return { status: 201, headers, body: timestampReply({ imprint, nonce, time: NOW }) };
}

export const HASH = "ab".repeat(32);
const BASE64_HASH = Buffer.from(HASH, "hex").toString("base64");

export function entryV1(body: unknown): Record<string, unknown> {
  return {
    [`24296fb24b8ad77a${HASH}`]: {
      body: Buffer.from(JSON.stringify(body)).toString("base64"),
      integratedTime: 1_772_600_000,
      logID: HASH,
      logIndex: 12,
      attestation: {},
      verification: {
        inclusionProof: { checkpoint: "note", hashes: [HASH], logIndex: 5, rootHash: HASH, treeSize: 6 },
        signedEntryTimestamp: "c2V0",
      },
    },
  };
}

export const rekorV1 = (): Reply => json(201, entryV1({ apiVersion: "0.0.1", kind: "dsse", spec: {} }));

export const rekorV2 = (): Reply =>
  json(201, {
    logIndex: "7",
    logId: { keyId: BASE64_HASH },
    kindVersion: { kind: "hashedrekord", version: "0.0.2" },
    integratedTime: "0",
    inclusionPromise: null,
    inclusionProof: {
      logIndex: "7",
      rootHash: BASE64_HASH,
      treeSize: "8",
      hashes: [BASE64_HASH],
      checkpoint: { envelope: "note" },
    },
    canonicalizedBody: "e30=",
  });

export type Handler = (seen: Seen, count: number) => Reply;

export interface World {
  readonly fulcio?: Handler;
  readonly v1?: Handler;
  readonly v2?: Handler;
  readonly tsa?: Handler;
  readonly tokens?: TokenSource;
}

export interface Running {
  readonly identity: SigningIdentity;
  readonly seen: Seen[];
  calls(prefix: string): Seen[];
}

/** All services on one server; each handler counts its own calls. */
export async function world(handlers: World, services: Partial<SigningServices> = {}): Promise<Running> {
  const counts = new Map<string, number>();
  const server = await serve((seen) => {
    const name = seen.path.split("/")[1] ?? "";
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (name === "fulcio") return (handlers.fulcio ?? fulcio)(seen, count);
    if (name === "v1") return (handlers.v1 ?? rekorV1)(seen, count);
    if (name === "v2") return (handlers.v2 ?? rekorV2)(seen, count);
    return (handlers.tsa ?? timestamp)(seen, count);
  });
  const tokens = handlers.tokens ?? (() => Promise.resolve(tokenOf()));
  const identity = createSigningIdentity({
    tokens,
    services: {
      certificateAuthority: `${server.url}/fulcio`,
      logs: [{ url: `${server.url}/v2`, version: 2 }],
      timestampAuthorities: [`${server.url}/tsa/api/v1/timestamp`],
      public: false,
      publicServices: [],
      pace: services.pace ?? IMPATIENT,
      ...(services.logs !== undefined && {
        logs: services.logs.map((log) => ({ ...log, url: `${server.url}${log.url}` })),
      }),
      ...(services.timestampAuthorities !== undefined && { timestampAuthorities: services.timestampAuthorities }),
    },
  });
  return {
    identity,
    seen: server.seen,
    calls: (prefix) => server.seen.filter((one) => one.path.startsWith(`/${prefix}/`)),
  };
}

export const V1 = { logs: [{ url: "/v1", version: 1 as const }] };
export const signed = (running: Running, ctx: Context = context()): Promise<SignedBundleParts> =>
  sign(payload(), running.identity, ctx);

export function never(): never {
  throw new Error("nothing was sent");
}
