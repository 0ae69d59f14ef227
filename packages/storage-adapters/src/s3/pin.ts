// SPDX-License-Identifier: Apache-2.0
// Pins: "v:" and a version id where the bucket keeps versions, else "e:" and the etag. An etag names bytes only as long
// as the server is honest; what is read is compared with a signed digest in any case.
import { quote } from "@kiteseal/core/store";
import type { Pin } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";

/** What S3 said of a version; `VersionId` "null" is the one of a bucket without versions, which can be replaced. */
export interface VersionFacts {
  readonly VersionId?: string | undefined;
  readonly ETag?: string | undefined;
}

export function pinOf(facts: VersionFacts, key: string): Pin {
  if (facts.VersionId !== undefined && facts.VersionId !== "" && facts.VersionId !== "null") {
    return `v:${facts.VersionId}`;
  }
  if (facts.ETag !== undefined && facts.ETag !== "") return `e:${facts.ETag}`;
  throw new AdapterError("Unavailable", `the server names no version and no etag of ${quote(key)}`, {
    hint: "this S3-compatible server cannot be used",
  });
}

/** Request parameters that hold the pin; undefined: no pin of ours, so no version has it. */
export function pinParameters(pin: Pin): { VersionId: string } | { IfMatch: string } | undefined {
  if (pin.startsWith("v:")) return { VersionId: pin.slice(2) };
  return pin.startsWith("e:") ? { IfMatch: pin.slice(2) } : undefined;
}

export function isPinned(pin: Pin, facts: VersionFacts): boolean {
  return pin === `v:${facts.VersionId ?? ""}` || pin === `e:${facts.ETag ?? ""}`;
}
