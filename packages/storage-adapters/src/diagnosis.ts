// SPDX-License-Identifier: Apache-2.0
// What the diagnoses of several stores say and try alike. Beside findings of its own, each store that can be
// written to has these: identity, abilities, list, read, put, create-only, overwrite, delete, versioning, immutability,
// encryption, public-access, lifecycle. A store's refusal is an answer about the store; an outage is none, and is thrown.
import { ATTESTATIONS_FOLDER, isKitesealError } from "@kiteseal/core/store";
import type { Finding } from "@kiteseal/core/store";
import { AdapterError } from "./adapter.ts";
import type { AdapterErrorKind } from "./adapter.ts";

/** What a finding says of its subject. */
export type Told = readonly [severity: Finding["severity"], message: string, remedy?: string | undefined];

/** Adds a finding; `id` without the store's name. */
export type Tell = (id: string, told: Told) => void;

/** `id`: with the store's name, as in "s3.versioning". */
export function finding(id: string, subject: string, [severity, message, remedy]: Told): Finding {
  return { id, severity, subject, message, ...(remedy === undefined ? {} : { remedy }) };
}

/** Throws what says nothing about the store: an outage, an interruption, a bug. */
export async function attempt<T>(operation: () => Promise<T>): Promise<T | AdapterError> {
  try {
    return await operation();
  } catch (error) {
    if (isAnswer(error)) return error;
    throw error;
  }
}

function isAnswer(error: unknown): error is AdapterError {
  return error instanceof AdapterError && error.kind !== "Transient" && error.kind !== "Throttled";
}

/** Why this process is nobody to the store: a setting, or a refusal. Throws an outage. */
export function unidentified(error: unknown): Told {
  if (!isAnswer(error) && !(isKitesealError(error) && error.kind === "usage")) throw error;
  return ["broken", error.message, error.hint ?? "give this job an identity, as the guide of stores says"];
}

const REFUSALS: readonly AdapterErrorKind[] = ["Denied", "PinChanged", "AlreadyExists", "Immutable"];

/** Good news that a failure proves, if it is a refusal: what the server dislikes about a request says nothing of rights. */
export function provenBy(failed: AdapterError, good: string): Told {
  return REFUSALS.includes(failed.kind) ? ["ok", good] : ["advice", `not proven that it ${good}: ${failed.message}`];
}

const ABILITIES = { list: "list", read: "read", put: "write" } as const;

/** One row for what `findings` say of listing, reading and writing. Who may do none of it has the wrong identity or address. */
export function abilities(findings: readonly Finding[]): Told {
  const verbs = Object.entries(ABILITIES).filter(([name]) =>
    findings.some(({ id, severity }) => id.endsWith(`.${name}`) && severity === "ok"),
  );
  if (verbs.length > 0) return ["ok", `may ${verbs.map(([, verb]) => verb).join(", ")}`];
  return ["broken", "may neither list, read nor write", "compare the identity with who is named in the store's policy"];
}

/** Objects that doctor and the probes of lesser servers leave; they are tried again instead of being made anew. */
const SCRATCH = `${ATTESTATIONS_FOLDER}/probe/`;

/** `base`: a prefix, of artifacts or of attestations. */
export function scratchFolder(base: string): string {
  const root = `${ATTESTATIONS_FOLDER}/`;
  const isRoot = base === root || base.endsWith(`/${root}`);
  return `${isRoot ? base.slice(0, -root.length) : base}${SCRATCH}`;
}

/** Scratch objects are no objects of a Store. */
export function isScratch(key: string): boolean {
  return `/${key}`.includes(`/${SCRATCH}`);
}
