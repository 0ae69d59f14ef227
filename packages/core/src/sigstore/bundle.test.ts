// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isKitesealError } from "../errors.ts";
import { decodeBundle, encodeBundle, type DsseBundleParts } from "./bundle.ts";

const some = fc.uint8Array({ minLength: 1, maxLength: 40 });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const index = fc.bigInt({ min: 0n, max: 2n ** 53n - 1n });
const parts: fc.Arbitrary<DsseBundleParts> = fc.record({
  certificate: some,
  envelope: fc.record({
    payloadType: fc.constant("t"),
    payload: some,
    signature: some,
    keyid: fc.constantFrom("", "k"),
  }),
  logEntries: fc.array(
    fc.record({
      logIndex: index,
      logId: hash,
      kind: fc.constant("dsse"),
      version: fc.constant("0.0.1"),
      integratedTime: index,
      inclusionPromise: some,
      inclusionProof: fc.record({
        logIndex: index,
        rootHash: hash,
        treeSize: index,
        hashes: fc.array(hash, { maxLength: 3 }),
        checkpoint: fc.constant("note\n"),
      }),
      canonicalizedBody: some,
    }),
    { maxLength: 2 },
  ),
  timestamps: fc.array(some, { maxLength: 2 }),
});

describe("bundles", () => {
  it("decode to what they were encoded from", () => {
    fc.assert(
      fc.property(parts, (given) => {
        const bundle = decodeBundle(encodeBundle(given));
        expect(bundle.signer).toEqual({ kind: "certificate", chain: [given.certificate] });
        expect(bundle.content).toEqual({ kind: "dsse", envelope: given.envelope });
        expect(bundle.logEntries).toEqual(given.logEntries);
        expect(bundle.timestamps).toEqual(given.timestamps);
      }),
    );
  });

  it("let nothing but typed errors out for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeBundle(bytes);
          return false;
        } catch (error) {
          return isKitesealError(error) && error.code === "ERR_BUNDLE_INVALID";
        }
      }),
    );
  });
});
