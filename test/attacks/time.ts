// SPDX-License-Identifier: Apache-2.0
// Attacks on when: no time, somebody's time, the time of something else, a time at which the certificate was not valid.
import { DAY, MINUTE } from "./forge.ts";
import { attacksOn } from "./spec.ts";

const sets = (time: Date) => [{ kind: "v1-dsse" as const, integrated: time }];

export const TIME_ATTACKS = attacksOn("time", "ERR_TIME", [
  { id: "no-time", why: "a v2 entry has no time of its own", attack: { stamps: [] } },
  {
    id: "promise-stripped",
    why: "without the promise the log's time is anybody's number",
    base: { logs: [{ kind: "v1-dsse" }], stamps: [] },
    attack: { logs: [{ kind: "v1-dsse", edit: (e) => void Reflect.deleteProperty(e, "inclusionPromise") }] },
  },
  {
    id: "integrated-time-of-a-v2-entry",
    why: "a number in an entry without a promise is no time",
    base: { logs: [{ kind: "v2" }] },
    attack: (f) => ({
      stamps: [],
      logs: [{ kind: "v2", edit: (e) => void (e.integratedTime = String(f.signed.getTime() / 1000)) }],
    }),
  },
  {
    id: "stamp-of-other-bytes",
    why: "a stamp of another signature",
    attack: { stamps: [{ over: () => Buffer.from("other") }] },
  },
  {
    id: "stamp-of-the-payload",
    why: "a stamp of the payload says nothing of the signature",
    attack: { stamps: [{ over: (p) => p.payload }] },
  },
  {
    id: "stamp-before-the-certificate",
    why: "signed before the certificate was valid",
    attack: (f) => ({ stamps: [{ time: f.at(-2 * MINUTE) }] }),
  },
  {
    id: "stamp-after-the-certificate",
    why: "a stolen key used after the certificate ended",
    attack: (f) => ({ stamps: [{ time: f.at(10 * MINUTE) }] }),
    twin: (f) => ({ stamps: [{ time: f.at(9 * MINUTE) }] }),
  },
  { id: "stamp-from-the-future", why: "a stamp of next week", attack: (f) => ({ stamps: [{ time: f.at(7 * DAY) }] }) },
  {
    id: "signed-in-the-future",
    why: "a stamp of tomorrow: one of two clocks is wrong",
    attack: (f) => ({ signed: f.at(DAY) }),
  },
  {
    id: "signed-six-minutes-ahead",
    why: "more than clocks differ",
    attack: (f) => ({ now: new Date(f.signed.getTime() - 6 * MINUTE) }),
    twin: (f) => ({ now: new Date(f.signed.getTime() - 4 * MINUTE) }),
  },
  {
    id: "good-stamp-beside-a-late-one",
    why: "every counted time must be inside, not one of them",
    attack: (f) => ({ stamps: [{}, { time: f.at(60 * MINUTE) }] }),
    twin: (f) => ({ stamps: [{}, { time: f.at(MINUTE) }] }),
  },
  {
    id: "good-stamp-beside-a-forged-one",
    why: "a stamp of a listed authority over other bytes is a contradiction",
    attack: { stamps: [{}, { over: () => Buffer.from("other") }] },
  },
  {
    id: "promise-after-the-certificate",
    why: "logged a day after the certificate ended",
    base: { stamps: [] },
    attack: (f) => ({ logs: sets(f.at(DAY)) }),
    twin: (f) => ({ logs: sets(f.signed) }),
  },
  {
    id: "promise-before-the-certificate",
    why: "an entry that is older than the certificate",
    base: { stamps: [] },
    attack: (f) => ({ logs: sets(f.at(-DAY)) }),
    twin: (f) => ({ logs: sets(f.signed) }),
  },
  {
    id: "promise-contradicts-the-stamp",
    why: "stamp inside, promise outside",
    attack: (f) => ({ logs: sets(f.at(DAY)) }),
    twin: (f) => ({ logs: sets(f.at(MINUTE)) }),
  },
  {
    id: "stamp-of-an-unknown-authority",
    why: "a stamp of somebody whom the trusted root does not list is no time",
    attack: (f) => ({ stamps: [{ by: f.other.timestamp }] }),
    twin: (f) => ({ stamps: [{}, { by: f.other.timestamp }] }),
  },
  {
    id: "stamp-by-an-impostor",
    why: "issuer and serial number of the listed authority, another key",
    attack: (f) => ({ stamps: [{ by: { ...f.authorities.timestamp, key: f.otherKey } }] }),
  },
  {
    id: "stamp-authority-removed",
    why: "an authority that the root no longer lists",
    attack: { root: (r) => void (r.timestampAuthorities = []) },
  },
  {
    id: "stamp-authority-expired",
    why: "the authority's validity in the root ended before the stamp",
    attack: { root: (r, f) => r.timestampAuthorities.forEach((a) => (a.validFor.end = f.at(-DAY).toISOString())) },
    twin: { root: (r, f) => r.timestampAuthorities.forEach((a) => (a.validFor.end = f.at(DAY).toISOString())) },
  },
  {
    id: "stamp-authority-not-yet-valid",
    why: "the authority's validity in the root begins after the stamp",
    attack: { root: (r, f) => r.timestampAuthorities.forEach((a) => (a.validFor.start = f.at(MINUTE).toISOString())) },
    twin: { root: (r, f) => r.timestampAuthorities.forEach((a) => (a.validFor.start = f.at(-MINUTE).toISOString())) },
  },
  {
    id: "stamp-signature-changed",
    why: "the last byte of the stamp's signature",
    attack: {
      stamps: [
        {
          edit: (der) => {
            der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
            return der;
          },
        },
      ],
    },
  },
  {
    id: "same-stamp-twice",
    why: "one stamp repeated to reach a threshold",
    attack: { stamps: [{}, {}] },
    twin: (f) => ({ stamps: [{}, { time: f.at(1000) }] }),
  },
  {
    id: "promise-time-zero",
    why: "a promise for the epoch",
    base: { stamps: [] },
    attack: { logs: sets(new Date(0)) },
    twin: (f) => ({ logs: sets(f.signed) }),
  },
]);
