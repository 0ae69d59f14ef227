// SPDX-License-Identifier: Apache-2.0
// Pins files: which exact objects were published, for a later step that must not look names up again. Whoever writes
// the file chooses the artifacts, never whether they verify. JSON Schema: docs/reference/pins.schema.json.
import { isSha256Hex } from "../artifact/digest.ts";
import { DecodeError, describeValue, type ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { decodeDocument } from "../decode.ts";
import { LIMITS } from "../limits.ts";

export interface PinnedArtifact {
  readonly name: string;
  readonly url: string;
  readonly pin: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** sha256 of each bundle that attests it, hex. */
  readonly bundles: readonly string[];
}

export interface PinsFile {
  readonly version: 1;
  readonly artifacts: readonly PinnedArtifact[];
}

const MAX_PINS = 100_000;

/** Throws ERR_PINS_INVALID. */
export function decodePins(bytes: Uint8Array): PinsFile {
  return decodeDocument(bytes, {
    code: "ERR_PINS_INVALID",
    what: "the pins file",
    maxBytes: LIMITS.pinsBytes,
    read: (o) => {
      o.required("version", (value, path) => asOne(value, path));
      return { version: 1, artifacts: o.objects("artifacts", readPin, { min: 1, max: MAX_PINS }) };
    },
  });
}

function readPin(o: ObjectReader): PinnedArtifact {
  return {
    name: o.string("name", { min: 1, max: LIMITS.nameBytes }),
    url: o.string("url", { min: 1, max: LIMITS.textBytes }),
    pin: o.string("pin", { min: 1, max: 1024 }),
    size: o.integer("size", { min: 0 }),
    sha256: o.required("sha256", hex),
    bundles: o.array("bundles", hex, { max: LIMITS.bundlesPerArtifact }),
  };
}

function hex(value: unknown, path: string): string {
  if (typeof value === "string" && isSha256Hex(value)) return value;
  throw new DecodeError(path, "64 lower-case hex digits", describeValue(value));
}

function asOne(value: unknown, path: string): void {
  if (value !== 1) throw new DecodeError(path, "version 1", describeValue(value));
}

export function encodePins(pins: PinsFile): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(pins, undefined, 2)}\n`);
}
