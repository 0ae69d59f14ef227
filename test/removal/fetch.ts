// SPDX-License-Identifier: Apache-2.0
// Guards of fetch, shown by the probes of fetch-probes.ts instead of attacks on a verdict.
import { guard, type Guard } from "./guard.ts";

const F = "core/src/operations/fetch.ts";
const R = "core/src/store/receive.ts";
const G = "core/src/artifact/staging.ts";
const N = "core/src/store/file-paths.ts";
const K = "core/src/store/keys.ts";

const FETCH = "fetch";

export const FETCH_GUARDS: readonly Guard[] = [
  guard(FETCH, "published only if all may stay", [
    F,
    "if (passed) await staging.publish();",
    "await staging.publish();",
  ]),
  guard(FETCH, "one that may not stay is not forgotten", [
    F,
    'passed &&= "verdict" in fetched && mayStay(fetched.verdict);',
    'passed = "verdict" in fetched && mayStay(fetched.verdict);',
  ]),
  guard(FETCH, "one without a verdict may not stay", [
    F,
    'passed &&= "verdict" in fetched && mayStay(fetched.verdict);',
    'passed &&= !("verdict" in fetched) || mayStay(fetched.verdict);',
  ]),
  guard(FETCH, "a missing subject stops it", [F, "passed = false; yield", "yield"]),
  guard(FETCH, "an empty set is an error", [F, "if (targets.length === 0)", "if (targets.length < 0)"]),
  guard(FETCH, "nothing is left unpublished", [F, "await staging.remove();", ""]),
  guard(FETCH, "only what passed may stay", [
    R,
    'return isVerified(verdict) || verdict.outcome === "excepted";',
    'return isVerified(verdict) || verdict.outcome !== "unattested";',
  ]),
  guard(FETCH, "bytes that were pinned", [R, "found.accept?.(digests.sha256);", ""]),
  guard(FETCH, "an output that is there, first", [G, "await refuseExisting(output, output);", ""]),
  guard(FETCH, "an output that is there, last", [G, "await refuseExisting(output, target);", ""]),
  guard(FETCH, "what is named is what was written", [
    G,
    "if (own.dev !== named.dev || own.ino !== named.ino) {",
    "if (own.dev === -1) {",
  ]),
  guard(FETCH, "names that are one file somewhere", [
    N,
    'return text.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");',
    "return text;",
  ]),
  guard(FETCH, "files in the place of folders", [
    N,
    "(!known.isFile && !wanted.isFile && known.spelling === wanted.spelling)",
    "known.spelling === wanted.spelling",
  ]),
  guard(FETCH, "names that are no file's", [N, "if (why !== undefined) {", "if (why === null) {"]),
  guard(FETCH, "devices", [K, "if (DEVICE.test(segment))", "if (segment === null)"]),
];
