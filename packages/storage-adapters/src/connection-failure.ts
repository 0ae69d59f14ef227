// SPDX-License-Identifier: Apache-2.0
// What a connection that failed says of itself, alike for every store: Node's sockets and TLS give their errors a code.
// It is an outage that passes, except for a certificate that is not trusted: that stays so, and the operator can help.

export interface ConnectionFailure {
  readonly kind: "Transient" | "Unavailable";
  readonly code: string;
  readonly hint?: string;
}

/** undefined: no failure of a connection. */
export function connectionFailure(error: unknown): ConnectionFailure | undefined {
  // With these Node says what it thinks of an argument: a setting or a bug, never an outage.
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (!/^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return undefined;
  if (!/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return { kind: "Transient", code };
  return {
    kind: "Unavailable",
    code,
    hint: "if the store has a private certificate authority, name it in NODE_EXTRA_CA_CERTS",
  };
}
