// SPDX-License-Identifier: Apache-2.0
// What signing says when its own new attestation is refused, whichever operation signed.
import { KitesealError, type ErrorCode } from "../errors.ts";
import type { Check } from "./check.ts";

interface Refused {
  readonly code: ErrorCode;
  readonly checks: readonly Check[];
}

/** The times do not fit: a timestamp authority's clock is a little behind the certificate's, the next stamp will be later. */
export function isUntimely({ code }: Refused): boolean {
  return code === "ERR_TIME" || code === "ERR_CERTIFICATE";
}

export function selfVerificationFailed({ code, checks }: Refused): KitesealError {
  const failing = checks.find((check) => check.status === "failed");
  return new KitesealError(
    "ERR_SELF_VERIFICATION",
    `the new attestation does not verify: ${failing?.id ?? code}: ${failing?.found ?? ""}`,
    {
      details: { check: failing?.id, code, expected: failing?.expected, found: failing?.found },
      hint: "is the trusted root the one of these signing services? are their clocks right? nothing was stored",
    },
  );
}
