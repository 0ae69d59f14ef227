// SPDX-License-Identifier: Apache-2.0
// Guards of fetch, shown by the probes of fetch-probes.ts instead of attacks on a verdict.
import { guard, type Guard } from "./guard.ts";

const F = "core/src/operations/fetch.ts";
const R = "core/src/store/receive.ts";
const G = "core/src/artifact/staging.ts";
const N = "core/src/store/file-paths.ts";
const K = "core/src/store/keys.ts";

export const FETCH_GUARDS: readonly Guard[] = [
  guard("fetch", "fetch: published only if all may stay", [
    F,
    "if (passed) await staging.publish();",
    "await staging.publish();",
  ]),
  guard("fetch", "fetch: one that may not stay is not forgotten", [
    F,
    'passed &&= "verdict" in fetched && mayStay(fetched.verdict);',
    'passed = "verdict" in fetched && mayStay(fetched.verdict);',
  ]),
  guard("fetch", "fetch: one without a verdict may not stay", [
    F,
    'passed &&= "verdict" in fetched && mayStay(fetched.verdict);',
    'passed &&= !("verdict" in fetched) || mayStay(fetched.verdict);',
  ]),
  guard("fetch", "fetch: a missing subject stops it", [F, "passed = false; yield", "yield"]),
  guard("fetch", "fetch: an empty set is an error", [F, "if (targets.length === 0)", "if (targets.length < 0)"]),
  guard("fetch", "fetch: nothing is left unpublished", [F, "await staging.remove();", ""]),
  guard("fetch", "fetch: only what passed may stay", [
    R,
    'return isVerified(verdict) || verdict.outcome === "excepted";',
    'return isVerified(verdict) || verdict.outcome !== "unattested";',
  ]),
  guard("fetch", "fetch: bytes that were pinned", [R, "found.accept?.(digests.sha256);", ""]),
  guard("fetch", "fetch: an output that is there, first", [G, "await refuseExisting(output, output);", ""]),
  guard("fetch", "fetch: an output that is there, last", [G, "await refuseExisting(output, target);", ""]),
  guard("fetch", "fetch: what is named is what was written", [
    G,
    "if (own.dev !== named.dev || own.ino !== named.ino) {",
    "if (own.dev === -1) {",
  ]),
  guard("fetch", "fetch: names that are one file somewhere", [
    N,
    'return text.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");',
    "return text;",
  ]),
  guard("fetch", "fetch: files in the place of folders", [
    N,
    "(!known.isFile && !wanted.isFile && known.spelling === wanted.spelling)",
    "known.spelling === wanted.spelling",
  ]),
  guard("fetch", "fetch: names that are no file's", [N, "if (why !== undefined) {", "if (why === null) {"]),
  guard("fetch", "fetch: devices", [K, "if (DEVICE.test(segment))", "if (segment === null)"]),
];
