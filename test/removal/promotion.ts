// SPDX-License-Identifier: Apache-2.0
// Guards of promote, removed one by one under the attacks of test/attacks/promotion.ts.
import { guard, type Guard } from "./guard.ts";

const O = "core/src/operations/promote.ts";
const BYTES = "core/src/store/stored-bytes.ts";
const CONFLICT = "core/src/store/conflict.ts";
const TRANSFER = "core/src/store/transfer.ts";
const CARRIED = "core/src/store/promoted-attestations.ts";

export const PROMOTION_GUARDS: readonly Guard[] = [
  guard("promote", "promote.genuine-verdict", [O, "if (!isVerified(verified)) throw", "if (false) throw"]),
  guard("promote", "promote.verdict-of-this-object", [O, "origin.url !== from.store.url(from.key) ||", ""]),
  guard("promote", "promote.verdict-under-this-name", [O, "if (!name.startsWith(base)) throw", "if (false) throw"]),
  guard("promote", "promote.collisions", [O, "refuseCollisions(prepared);", ""]),
  guard("promote", "promote.empty", [O, "if (request.artifacts.length === 0) throw", "if (false) throw"]),
  guard("promote", "promote.conflicts-first", [
    CONFLICT,
    "if (existing === undefined) return undefined;",
    "if (true) return undefined;",
  ]),
  guard("promote", "promote.re-read", [BYTES, "if (digests.sha256 === o.sha256) return digests;", "return digests;"]),
  guard("promote", "promote.server-copy-is-re-read", [
    TRANSFER,
    "copied === undefined && stored.verifiedBy",
    "stored.verifiedBy",
  ]),
  guard("promote", "promote.server-other-is-re-read", [
    TRANSFER,
    'stored.verifiedBy === "server-sha256";',
    'stored.verifiedBy !== "read-back";',
  ]),
  guard("promote", "promote.bundle-digest", [CARRIED, "if (found === digest) return bytes;", "return bytes;"]),
];
