// SPDX-License-Identifier: Apache-2.0
// Whether the encoder writes what @sigstore/core's own writes.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  type Arbitrary,
  array,
  assert,
  constantFrom,
  letrec,
  nat,
  oneof,
  property,
  tuple,
  uint8Array,
} from "fast-check";
import { ASN1Obj } from "@sigstore/core";
import { stampData, startSandbox } from "@kiteseal/sandbox";
import { describe, expect, test } from "vitest";
import { exactDer } from "../packages/core/src/sigstore/asn1.ts";

/** Of the dependency: nothing in this file replaces the method. */
const original = (tree: ASN1Obj): Buffer => tree.toDER();

function expectSame(tree: ASN1Obj): void {
  expect(exactDer(tree).equals(original(tree))).toBe(true);
  for (const sub of tree.subs) expectSame(sub);
}

/** DER of a random tree: tag, minimal length, content. */
const der: Arbitrary<Buffer<ArrayBuffer>> = letrec<{ node: Buffer<ArrayBuffer> }>((tie) => ({
  node: oneof(
    { maxDepth: 6, depthSize: "medium" },
    tuple(constantFrom(0x02, 0x04, 0x06, 0x0c, 0x80), uint8Array({ maxLength: 400 })).map(encode),
    tuple(constantFrom(0x30, 0x31, 0x04, 0xa0, 0xa3), array(tie("node"), { maxLength: 5 })).map(([tag, subs]) =>
      encode([tag, Buffer.concat(subs)]),
    ),
  ),
})).node;

function encode([tag, content]: readonly [number, Uint8Array]): Buffer<ArrayBuffer> {
  const n = content.length;
  const length =
    n < 128
      ? [n]
      : n < 256
        ? [0x81, n]
        : n < 65_536
          ? [0x82, n >> 8, n & 255]
          : [0x83, n >> 16, (n >> 8) & 255, n & 255];
  return Buffer.from([tag, ...length, ...content]);
}

describe("exactDer", () => {
  test("is compared with the version of @sigstore/core that is installed", () => {
    const path = createRequire(import.meta.url).resolve("@sigstore/core/package.json");
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ version: "4.0.1" });
  });

  test("writes the bytes of every authority of a trusted root, whole and node by node", async () => {
    const sandbox = await startSandbox();
    try {
      const { certificateAuthorities, timestampAuthorities } = sandbox.trustedRoot;
      const chains = [...certificateAuthorities, ...timestampAuthorities].flatMap((a) => a.certChain.certificates);
      expect(chains.length).toBeGreaterThan(2);
      for (const { rawBytes } of chains) {
        const bytes = Buffer.from(rawBytes, "base64");
        const tree = ASN1Obj.parseBuffer(bytes);
        expect(exactDer(tree).equals(bytes)).toBe(true);
        expectSame(tree);
      }
    } finally {
      await sandbox.close();
    }
  });

  test("writes the bytes of leaves and timestamps", async () => {
    const sandbox = await startSandbox();
    try {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const stamp = stampData(sandbox.authorities.timestamp, Buffer.from("x"), { time: new Date(0) });
      for (const bytes of [sandbox.issueCertificate(privateKey), stamp]) {
        const tree = ASN1Obj.parseBuffer(Buffer.from(bytes));
        expect(exactDer(tree).equals(bytes)).toBe(true);
        expectSame(tree);
      }
    } finally {
      await sandbox.close();
    }
  });

  test("writes the bytes of any tree, also after nodes were removed", () => {
    assert(
      property(der, nat(), (bytes, at) => {
        const tree = ASN1Obj.parseBuffer(bytes);
        expect(exactDer(tree).equals(bytes)).toBe(true);
        expectSame(tree);
        if (tree.subs.length > 0) tree.subs.splice(at % tree.subs.length, 1);
        expectSame(tree);
      }),
      { numRuns: 500 },
    );
  });

  test("gives a buffer of its own each time", () => {
    const tree = ASN1Obj.parseBuffer(Buffer.from("300302012a", "hex"));
    exactDer(tree)[0] = 0x31;
    expect(exactDer(tree)[0]).toBe(0x30);
  });
});
