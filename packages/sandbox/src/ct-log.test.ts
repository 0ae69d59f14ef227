// SPDX-License-Identifier: Apache-2.0
import { createHash, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newKey, postJson } from "./client.testkit.ts";
import { poisonExtension } from "./ct-log.ts";
import { type Sandbox, startSandbox } from "./index.ts";
import { spkiOf, tbsCertificate, uriNames, randomSerial, signCertificate } from "./x509.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

describe("add-pre-chain", () => {
  const key = newKey();
  const fields = {
    serial: randomSerial(),
    issuer: { commonName: "outside" },
    subject: {},
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2026-01-01T00:10:00Z"),
    spki: spkiOf(newKey()),
    extensions: [uriNames(["https://a.example"])],
  };
  const issuer = signCertificate({ ...fields, subject: fields.issuer, spki: spkiOf(key) }, key);
  const poisoned = { ...fields, extensions: [...fields.extensions, poisonExtension()] };
  const post = (...chain: readonly Uint8Array[]): ReturnType<typeof postJson> =>
    postJson(`${sandbox.url}/ct/v1/add-pre-chain`, { chain: chain.map((der) => Buffer.from(der).toString("base64")) });

  it("signs what the certificate will be, without the poison", async () => {
    const { status, json } = await post(signCertificate(poisoned, key), issuer);
    expect(status).toBe(200);
    const tbs = tbsCertificate(fields, key);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(json.timestamp));
    const signed = Buffer.concat([
      Buffer.from([0, 0]),
      time,
      Buffer.from([0, 1]),
      createHash("sha256").update(spkiOf(key)).digest(),
      Buffer.from([0, tbs.length >> 8, tbs.length & 0xff]),
      tbs,
      Buffer.from([0, 0]),
    ]);
    const signature = Buffer.from(json.signature, "base64");
    expect(signature.subarray(0, 2)).toEqual(Buffer.from([4, 3]));
    expect(signature.readUInt16BE(2)).toBe(signature.length - 4);
    expect(
      verify(
        "sha256",
        signed,
        { key: spkiOf(sandbox.authorities.ctLog.key), format: "der", type: "spki" },
        signature.subarray(4),
      ),
    ).toBe(true);
    expect(json.id).toBe(sandbox.trustedRoot.ctlogs[0]?.logId.keyId);
  });

  it.each([
    ["without the poison", () => [signCertificate(fields, key), issuer]],
    ["signed by another key", () => [signCertificate(poisoned, newKey()), issuer]],
    ["without its issuer", () => [signCertificate(poisoned, key)]],
    ["that is no certificate", () => [Buffer.from("none"), issuer]],
  ])("refuses a precertificate %s", async (_title, chain) => {
    expect((await post(...chain())).status).toBe(400);
  });
});
