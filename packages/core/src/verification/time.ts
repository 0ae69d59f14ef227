// SPDX-License-Identifier: Apache-2.0
// Guards on times: stamps of unknown authorities are dropped and counted, every other time lies within the leaf's
// validity, two stamps of one authority count once (RFC 3161; a SET states the time of its log).
import { RFC3161Timestamp, type X509Certificate } from "@sigstore/core";
import { KitesealError } from "../errors.ts";
import type { LogEntry } from "../sigstore/bundle.ts";
import { stampSignerId, type PreparedRoot } from "./trust-material.ts";

/** A time that a listed authority vouches for. */
export interface VerifiedTime {
  readonly kind: "timestamp-authority" | "transparency-log";
  readonly authority: string;
  readonly time: Date;
}

export interface Stamp {
  readonly parsed: RFC3161Timestamp;
  readonly time: VerifiedTime;
}

/** Parses stamps and keeps those of listed authorities. Throws ERR_BUNDLE_INVALID for one that cannot be parsed. */
export function knownStamps(
  timestamps: readonly Uint8Array[],
  prepared: PreparedRoot,
): { stamps: readonly Stamp[]; dropped: number } {
  const stamps: Stamp[] = [];
  for (const der of timestamps) {
    const stamp = readStamp(der, prepared);
    if (stamp !== undefined) stamps.push(stamp);
  }
  return { stamps, dropped: timestamps.length - stamps.length };
}

function readStamp(der: Uint8Array, prepared: PreparedRoot): Stamp | undefined {
  try {
    const parsed = RFC3161Timestamp.parse(Buffer.from(der));
    const id = stampSignerId(parsed.signerIssuer, parsed.signerSerialNumber);
    const signer = prepared.stampSigners.find((s) => s.id === id);
    if (signer === undefined) return undefined;
    return { parsed, time: { kind: "timestamp-authority", authority: signer.name, time: parsed.signingTime } };
  } catch (cause) {
    throw new KitesealError("ERR_BUNDLE_INVALID", "a timestamp in the bundle cannot be parsed", { cause });
  }
}

/** The times that signed entry timestamps state: only an entry with a promise states one. */
export function promiseTimes(entries: readonly { entry: LogEntry; operator: string }[]): readonly VerifiedTime[] {
  return entries
    .filter(({ entry }) => entry.inclusionPromise !== undefined)
    .map(({ entry, operator }) => ({
      kind: "transparency-log",
      authority: operator,
      time: new Date(Number(entry.integratedTime) * 1000),
    }));
}

/** Throws ERR_TIME if there is no time, or one outside the certificate's validity; a key has none. */
export function guardTimes(times: readonly VerifiedTime[], leaf: X509Certificate | undefined, dropped: number): void {
  if (times.length === 0) {
    const found = dropped === 0 ? "none" : `${dropped} of authorities that the trusted root does not list`;
    throw new KitesealError("ERR_TIME", `no time that the trusted root vouches for: ${found}`, {
      details: { expected: "a timestamp or signed entry timestamp of a listed authority", found },
    });
  }
  if (leaf === undefined) return;
  const { notBefore, notAfter } = leaf;
  for (const { authority, time } of times) {
    if (!(time >= notBefore && time <= notAfter)) {
      const expected = `${notBefore.toISOString()} to ${notAfter.toISOString()}`;
      const found = `${Number.isNaN(time.getTime()) ? "no date" : time.toISOString()} by ${authority}`;
      throw new KitesealError(
        "ERR_TIME",
        `signed outside the certificate's validity: expected ${expected}, found ${found}`,
        {
          details: { expected, found },
        },
      );
    }
  }
}

/** Earliest time of each authority. */
export function distinctTimes(times: readonly VerifiedTime[]): readonly VerifiedTime[] {
  const earliest = new Map<string, VerifiedTime>();
  for (const time of times) {
    const key = `${time.kind} ${time.authority}`;
    const known = earliest.get(key);
    if (known === undefined || time.time < known.time) earliest.set(key, time);
  }
  return [...earliest.values()];
}
