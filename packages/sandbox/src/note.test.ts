// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkpointText, noteKeyId, signNote } from "./note.ts";

const ed25519 = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });

describe("a signed checkpoint", () => {
  it.each([
    ["Ed25519", ed25519, null],
    ["ECDSA", p256, "sha256"],
  ] as const)("has the C2SP form with an %s key", (_title, { privateKey, publicKey }, digest) => {
    const signer = { name: "log.example", key: privateKey };
    const text = checkpointText({ origin: "log.example - 7", size: 12, rootHash: Buffer.alloc(32, 1) });
    expect(text).toBe(`log.example - 7\n12\n${Buffer.alloc(32, 1).toString("base64")}\n`);
    const note = signNote(text, signer);
    const match = /^([^]*\n)\n\u2014 log\.example ([A-Za-z0-9+/=]+)\n$/.exec(note);
    expect(match?.[1]).toBe(text);
    const line = Buffer.from(match?.[2] ?? "", "base64");
    expect(line.subarray(0, 4)).toEqual(noteKeyId(signer).subarray(0, 4));
    expect(verify(digest, Buffer.from(text), publicKey, line.subarray(4))).toBe(true);
  });
});

describe("noteKeyId", () => {
  it("binds an Ed25519 key to the log's name", () => {
    const raw = Buffer.from(String(ed25519.publicKey.export({ format: "jwk" }).x), "base64url");
    const expected = createHash("sha256").update("a.example\n\u0001").update(raw).digest();
    expect(noteKeyId({ name: "a.example", key: ed25519.privateKey })).toEqual(expected);
  });

  it("is the digest of an ECDSA key, whatever the name", () => {
    const spki = createPublicKey(p256.privateKey).export({ type: "spki", format: "der" });
    const expected = createHash("sha256").update(spki).digest();
    expect(noteKeyId({ name: "a.example", key: p256.privateKey })).toEqual(expected);
    expect(noteKeyId({ name: "b.example", key: p256.privateKey })).toEqual(expected);
  });
});
