// SPDX-License-Identifier: Apache-2.0
import { createHash, verify, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  context,
  everythingIn,
  failure,
  IMPATIENT,
  json,
  leaksOf,
  NOW,
  tokenOf,
  type Reply,
  type Seen,
} from "../loopback.testkit.ts";
import { preAuthEncoding } from "../sigstore/envelope.ts";
import { readTimestampQuery, sha256, timestampReply } from "./der.testkit.ts";
import {
  at,
  bodyOf,
  entryV1,
  fulcio,
  HASH,
  never,
  PAGE,
  payload,
  record,
  rekorV1,
  rekorV2,
  signed,
  timestamp,
  V1,
  world,
  type Handler,
} from "./world.testkit.ts";

describe("sign", () => {
  it("makes a signature that the certificate's key verifies over the PAE, logged and stamped", async () => {
    const running = await world({});
    const parts = await signed(running);
    const key = new X509Certificate(parts.certificate).publicKey;
    const pae = preAuthEncoding("application/vnd.in-toto+json", payload());
    expect(Buffer.from(pae).toString()).toBe(
      `DSSEv1 28 application/vnd.in-toto+json ${payload().length} ${Buffer.from(payload()).toString()}`,
    );
    expect(verify("sha256", pae, key, parts.envelope.signature)).toBe(true);
    expect(parts.envelope).toMatchObject({ payloadType: "application/vnd.in-toto+json", keyid: "" });
    expect(parts.logEntries).toMatchObject([
      { kind: "hashedrekord", version: "0.0.2", logIndex: 7n, integratedTime: 0n },
    ]);
    expect(parts.timestamps).toHaveLength(1);
    expect(parts.unverifiedTimes).toEqual([NOW]);
    expect(running.seen.map(({ path }) => path).sort()).toEqual([
      "/fulcio/api/v2/signingCert",
      "/tsa/api/v1/timestamp",
      "/v2/api/v2/log/entries",
    ]);
  });

  it("sends a Rekor v2 log the digest of the PAE, the signature and the certificate, and no payload", async () => {
    const running = await world({});
    const parts = await signed(running);
    const request = at(bodyOf(running.calls("v2")[0] ?? never()), "hashedRekordRequestV002");
    const pae = preAuthEncoding("application/vnd.in-toto+json", payload());
    expect(request).toEqual({
      digest: createHash("sha256").update(pae).digest("base64"),
      signature: {
        content: Buffer.from(parts.envelope.signature).toString("base64"),
        verifier: {
          x509Certificate: { rawBytes: Buffer.from(parts.certificate).toString("base64") },
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      },
    });
  });

  it("sends a Rekor v1 log the envelope and the certificate, and reads its entry", async () => {
    const running = await world({}, V1);
    const parts = await signed(running);
    const request = bodyOf(running.calls("v1")[0] ?? never());
    const content = at(request, "spec", "proposedContent");
    expect(request).toMatchObject({ apiVersion: "0.0.1", kind: "dsse" });
    expect(JSON.parse(String(at(content, "envelope")))).toEqual({
      payloadType: "application/vnd.in-toto+json",
      payload: Buffer.from(payload()).toString("base64"),
      signatures: [{ sig: Buffer.from(parts.envelope.signature).toString("base64") }],
    });
    expect(at(content, "verifiers")).toEqual([Buffer.from(parts.signingCertificate.pem).toString("base64")]);
    expect(new X509Certificate(parts.signingCertificate.pem).raw.equals(parts.certificate)).toBe(true);
    expect(parts.logEntries).toMatchObject([
      {
        logIndex: 12n,
        kind: "dsse",
        version: "0.0.1",
        integratedTime: 1_772_600_000n,
        inclusionProof: { logIndex: 5n, treeSize: 6n, checkpoint: "note" },
      },
    ]);
  });

  it("stamps the signature", async () => {
    const running = await world({});
    const parts = await signed(running);
    const { imprint } = readTimestampQuery(running.calls("tsa")[0]?.body ?? Buffer.of());
    expect(imprint.equals(sha256(parts.envelope.signature))).toBe(true);
  });

  it("uses every log and needs all of them", async () => {
    const both = { logs: [...V1.logs, { url: "/v2", version: 2 as const }] };
    expect((await signed(await world({}, both))).logEntries.map(({ kind }) => kind)).toEqual(["dsse", "hashedrekord"]);
    const broken = await world({ v1: () => json(400, { message: "no" }) }, both);
    expect((await failure(signed(broken))).code).toBe("ERR_SERVICE_REFUSED");
  });

  it("lets go of the others when one has failed", async () => {
    let isStamping = false;
    const running = await world(
      {
        v2: () => (isStamping ? json(400, { message: "no" }) : { status: 503 }),
        tsa: () => {
          isStamping = true;
          return { instead: "hang" };
        },
      },
      { pace: { attempts: 10_000, baseMs: 1, maxWaitMs: 5 } },
    );
    expect((await failure(signed(running))).code).toBe("ERR_SERVICE_REFUSED");
    await running.calls("tsa")[0]?.closed;
    expect(running.calls("tsa")).toHaveLength(1);
  });
});

describe("a lost reply", () => {
  it("of a Rekor v1 log ends in the entry that is there", async () => {
    const running = await world(
      {
        v1: ({ method }, count) => {
          if (count === 1) return { instead: "reset" };
          if (method === "POST")
            return json(409, { code: 409 }, { location: `/api/v1/log/entries/24296fb24b8ad77a${HASH}` });
          return count === 3 ? { status: 404 } : rekorV1();
        },
      },
      V1,
    );
    expect((await signed(running)).logEntries).toHaveLength(1);
    expect(running.calls("v1").map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /v1/api/v1/log/entries",
      "POST /v1/api/v1/log/entries",
      `GET /v1/api/v1/log/entries/24296fb24b8ad77a${HASH}`,
      `GET /v1/api/v1/log/entries/24296fb24b8ad77a${HASH}`,
    ]);
  });

  it.each([undefined, "https://evil.example/api/v1/log/entries/x", "/api/v1/log/entries/../../x"])(
    "of a Rekor v1 log that names the entry %s is an outage, and nobody else is asked",
    async (location) => {
      const running = await world({ v1: () => json(409, {}, location === undefined ? {} : { location }) }, V1);
      expect((await failure(signed(running))).code).toBe("ERR_SERVICE_UNAVAILABLE");
      expect(running.calls("v1").every(({ method }) => method === "POST")).toBe(true);
    },
  );

  it("of a Rekor v2 log ends in another entry, with a fresh signature that is stamped too", async () => {
    const running = await world({
      v2: (_seen, count) => {
        if (count === 1) return { instead: "reset" };
        return count === 2 ? json(409, { code: 6, message: "exists" }, { "x-log-index": "7" }) : rekorV2();
      },
    });
    const parts = await signed(running);
    const contents = running
      .calls("v2")
      .map((seen) => at(bodyOf(seen), "hashedRekordRequestV002", "signature", "content"));
    const signature = Buffer.from(parts.envelope.signature).toString("base64");
    expect([contents[0] === contents[1], contents[1] === contents[2], contents[2]]).toEqual([true, false, signature]);
    const stamps = running.calls("tsa").map(({ body }) => readTimestampQuery(body).imprint);
    expect(stamps.at(-1)?.equals(sha256(parts.envelope.signature))).toBe(true);
  });

  it("of a Rekor v2 log, over and over, is an outage", async () => {
    const running = await world({ v2: () => json(409, {}) });
    expect((await failure(signed(running))).code).toBe("ERR_SERVICE_UNAVAILABLE");
    expect(running.calls("v2")).toHaveLength(3);
  });

  it.each(["fulcio", "tsa"] as const)("of %s is asked for again", async (name) => {
    const answer = name === "fulcio" ? fulcio : timestamp;
    const handler: Handler = (seen, count) => (count === 1 ? { instead: "reset" } : answer(seen));
    const running = await world({ [name]: handler });
    expect((await signed(running)).timestamps).toHaveLength(1);
    expect(running.calls(name)).toHaveLength(2);
  });
});

describe.each(["fulcio", "v1", "v2", "tsa"] as const)("%s", (name) => {
  const services = name === "v1" ? V1 : {};
  const answer = { fulcio, v1: rekorV1, v2: rekorV2, tsa: timestamp }[name];

  it.each([408, 429, 500, 502, 503])("answering %i is asked again", async (status) => {
    const handler: Handler = (seen, count) =>
      count === 1 ? { status, headers: { "retry-after": "0" } } : answer(seen);
    const running = await world({ [name]: handler }, services);
    expect((await signed(running)).envelope.signature.length).toBeGreaterThan(0);
  });

  it("answering 503 for good is an outage", async () => {
    const running = await world({ [name]: () => ({ status: 503, body: "down" }) }, services);
    expect((await failure(signed(running))).code).toBe("ERR_SERVICE_UNAVAILABLE");
    expect(running.calls(name)).toHaveLength(IMPATIENT.attempts);
  });

  it.each([400, 401, 403, 404, 422])("answering %i refuses, and is quoted without the token", async (status) => {
    const message = `bad token ${tokenOf()} said the server`;
    const running = await world({ [name]: () => json(status, { code: 3, message }) }, services);
    const error = await failure(signed(running));
    expect(error).toMatchObject({ code: "ERR_SERVICE_REFUSED", details: { status } });
    expect(error.message).toContain("bad token");
    expect(leaksOf(tokenOf(), everythingIn(error))).toEqual([]);
    expect(running.calls(name)).toHaveLength(1);
  });

  it.each([
    ["a web page with status 200", PAGE],
    ["a web page with status 403", { ...PAGE, status: 403 }],
    ["nothing", { body: "" }],
    ["JSON of something else", json(200, { token: tokenOf() })],
    ["a number where an object belongs", json(200, 1)],
    ["a redirect", { status: 302, headers: { location: "https://login.example" } }],
    ["a status without content", { status: 204 }],
    ["4 MiB and a byte", { body: "x".repeat(4_194_305) }],
  ] satisfies [string, Reply][])("sending %s is an outage", async (_what, reply) => {
    const running = await world({ [name]: () => reply }, services);
    const error = await failure(signed(running));
    expect(error.code).toBe("ERR_SERVICE_UNAVAILABLE");
    expect(leaksOf(tokenOf(), everythingIn(error))).toEqual([]);
  });

  it("is left alone when the signal fires", async () => {
    const controller = new AbortController();
    const handler: Handler = () => {
      controller.abort();
      return { instead: "hang" };
    };
    const running = await world({ [name]: handler }, services);
    expect((await failure(signed(running, context({ signal: controller.signal })))).code).toBe("ERR_INTERRUPTED");
  });
});

describe("the timestamp authority", () => {
  const changed = (change: (asked: { imprint: Buffer; nonce: Buffer }) => Buffer) => ({
    tsa: ({ body }: Seen): Reply => ({ body: change(readTimestampQuery(body)) }),
  });

  it("must stamp our signature", async () => {
    const running = await world(
      changed(({ nonce }) => timestampReply({ imprint: Buffer.alloc(32), nonce, time: NOW })),
    );
    expect((await failure(signed(running))).code).toBe("ERR_SERVICE_UNAVAILABLE");
  });

  it.each([undefined, Buffer.alloc(8, 0x41)])("must answer our nonce, not %s", async (nonce) => {
    const reply = changed(({ imprint }) =>
      timestampReply({ imprint, time: NOW, ...(nonce !== undefined && { nonce }) }),
    );
    expect((await failure(signed(await world(reply)))).code).toBe("ERR_SERVICE_UNAVAILABLE");
  });

  it("may grant with modifications and may refuse", async () => {
    const granted = changed((asked) => timestampReply({ ...asked, status: 1, time: NOW }));
    expect((await signed(await world(granted))).timestamps).toHaveLength(1);
    const refused = changed((asked) => timestampReply({ ...asked, status: 2, time: NOW }));
    expect(await failure(signed(await world(refused)))).toMatchObject({
      code: "ERR_SERVICE_REFUSED",
      details: { pkiStatus: "2" },
    });
  });
});

describe("a transparency log", () => {
  it.each([
    ["another kind of entry", json(201, entryV1({ apiVersion: "0.0.1", kind: "intoto" }))],
    ["two entries", json(201, { ...entryV1({ apiVersion: "0.0.1", kind: "dsse" }), other: {} })],
    ["a body that is not JSON", json(201, { a: { ...record(Object.values(entryV1(0))[0]), body: "eA==" } })],
  ])("of version 1 that answers %s is an outage", async (_what, reply) => {
    expect((await failure(signed(await world({ v1: () => reply }, V1)))).code).toBe("ERR_SERVICE_UNAVAILABLE");
  });

  it("of version 2 may leave zeros out", async () => {
    const full = record(JSON.parse(String(rekorV2().body)));
    const { logIndex: _zero, integratedTime: _none, ...entry } = full;
    const parts = await signed(await world({ v2: () => json(201, entry) }));
    expect(parts.logEntries[0]?.logIndex).toBe(0n);
  });
});
