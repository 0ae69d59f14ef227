// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { isKitesealError } from "../errors.ts";
import { decodePins, encodePins, type PinsFile } from "./pins.ts";

const PINS: PinsFile = {
  version: 1,
  artifacts: [
    {
      name: "dist/app.tgz",
      url: "file:///S/1/dist/app.tgz",
      pin: "1:2:3:4",
      size: 3,
      sha256: "ab".repeat(32),
      bundles: ["cd".repeat(32)],
    },
  ],
};

function refusal(document: unknown): unknown {
  try {
    decodePins(new TextEncoder().encode(JSON.stringify(document)));
    return undefined;
  } catch (error) {
    return isKitesealError(error) ? error.code : error;
  }
}

describe("pins files", () => {
  it("survive a round trip", () => {
    expect(decodePins(encodePins(PINS))).toEqual(PINS);
  });

  const [first] = PINS.artifacts;
  it.each([
    ["another version", { ...PINS, version: 2 }],
    ["no version", { artifacts: PINS.artifacts }],
    ["an unknown key", { ...PINS, policy: "x" }],
    ["no artifacts", { ...PINS, artifacts: [] }],
    ["an upper-case digest", { ...PINS, artifacts: [{ ...first, sha256: "AB".repeat(32) }] }],
    ["a short digest", { ...PINS, artifacts: [{ ...first, sha256: "ab" }] }],
    ["a negative size", { ...PINS, artifacts: [{ ...first, size: -1 }] }],
    ["an empty pin", { ...PINS, artifacts: [{ ...first, pin: "" }] }],
    ["a bundle that is no digest", { ...PINS, artifacts: [{ ...first, bundles: ["../x"] }] }],
  ])("refuse %s", (_, document) => {
    expect(refusal(document)).toBe("ERR_PINS_INVALID");
  });
});
