// SPDX-License-Identifier: Apache-2.0
// The only maker of what may be signed. A statement becomes public the moment it is logged and can never be taken
// back, so its encoded text is searched for every secret of the job, in every form a build is likely to give it.
import { DecodeError, encodeStatement, type Statement } from "@kiteseal/in-toto-attestation";
import { elementPath, memberPath } from "@kiteseal/in-toto-attestation/json";
import { KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { createFinder, createRedactor, type Finder } from "../buildkite/redactor.ts";
import type { Secrets, SkippedSecret } from "../buildkite/secrets.ts";

declare const signable: unique symbol;
/** The exact bytes of a statement in which no secret was found. */
export type SignablePayload = Uint8Array & { readonly [signable]: true };

export interface GuardOptions {
  /** Variables whose values may stand in the statement (`--leak-allow NAME`). */
  readonly allow: readonly string[];
}

export interface AllowedLeak {
  readonly name: string;
  /** Where the value stands; undefined if it does not. */
  readonly path: string | undefined;
}

export interface GuardedPayload {
  readonly payload: SignablePayload;
  /** Values that were not looked for, and why. */
  readonly skipped: readonly SkippedSecret[];
  /** One for each name that was exempted: to be announced. */
  readonly allowed: readonly AllowedLeak[];
}

interface Leak {
  readonly names: readonly string[];
  readonly path: string;
}

const MAX_LEAKS = 10;
const BASE64_GROWTH = 4 / 3;

/**
 * Encodes `statement` and searches every string, number and key of it. Throws ERR_SECRET_FOUND naming variables and
 * JSON paths, never a value; ERR_PREDICATE_INVALID for a statement that cannot be encoded.
 */
export function guardPayload(statement: Statement, secrets: Secrets, options: GuardOptions): GuardedPayload {
  const payload = encode(statement);
  refuseOversize(payload);
  // What is searched is what was written, not what it was written from.
  const written: unknown = JSON.parse(new TextDecoder().decode(payload));
  const isAllowed = (secret: { name: string }): boolean => options.allow.includes(secret.name);
  const refused = secrets.values.filter((secret) => !isAllowed(secret));
  const redact = createRedactor(secrets.values);
  const leaks = findLeaks(written, createFinder(refused), redact);
  if (!isClean(payload, leaks)) throw secretFound(leaks);
  const allowed = options.allow.map((name) => {
    const find = createFinder(secrets.values.filter((secret) => secret.name === name));
    return { name, path: findLeaks(written, find, redact)[0]?.path };
  });
  return { payload, skipped: secrets.skipped, allowed };
}

/** Before it is logged for ever: what could not be verified afterwards must not be signed. */
function refuseOversize(payload: Uint8Array): void {
  const most = Math.floor((LIMITS.bundleBytes - LIMITS.bundleOverheadBytes) / BASE64_GROWTH);
  if (payload.length <= most) return;
  throw new KitesealError("ERR_LIMIT_EXCEEDED", `the statement has ${payload.length} bytes, expected at most ${most}`, {
    details: { expected: `at most ${most} bytes`, found: `${payload.length} bytes` },
    hint: "nothing was signed; attest fewer files at a time, or a smaller predicate",
  });
}

function encode(statement: Statement): Uint8Array {
  try {
    return encodeStatement(statement);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new KitesealError("ERR_PREDICATE_INVALID", `the statement cannot be signed: ${cause.message}`, { cause });
  }
}

function isClean(_payload: Uint8Array, leaks: readonly Leak[]): _payload is SignablePayload {
  return leaks.length === 0;
}

function secretFound(leaks: readonly Leak[]): KitesealError {
  const [first] = leaks;
  const more = leaks.length > 1 ? ` (and in ${leaks.length - 1} more places)` : "";
  const names = first?.names.join(", ") ?? "a secret";
  return new KitesealError(
    "ERR_SECRET_FOUND",
    `the value of ${names} stands in ${first?.path ?? "the statement"}${more}`,
    {
      hint: `keep the value out of the build's outputs and command, or, if it is no secret, pass --leak-allow ${first?.names[0] ?? "NAME"}`,
      details: { leaks: leaks.map((leak) => ({ variables: leak.names, path: leak.path })) },
    },
  );
}

/** In document order; the path of a value is made only when something is found in it. */
function findLeaks(root: unknown, find: Finder, redact: (text: string) => string): Leak[] {
  const leaks: Leak[] = [];
  const search = (text: string, path: () => string): void => {
    for (const view of views(text)) {
      const names = new Set<string>();
      for (let hit = find(view, 0); hit !== undefined; hit = find(view, hit.start + 1))
        hit.names.forEach((n) => names.add(n));
      if (names.size === 0) continue;
      leaks.push({ names: [...names], path: path() });
      return;
    }
  };
  const walk = (value: unknown, path: () => string): void => {
    if (leaks.length >= MAX_LEAKS) return;
    if (typeof value === "string" || typeof value === "number") search(String(value), path);
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) {
      for (const [index, element] of value.entries()) walk(element, () => elementPath(path(), index));
      return;
    }
    for (const [key, member] of Object.entries(value)) {
      // Redacted before it is quoted: a cut or escaped secret would no longer be recognised.
      const inner = (): string => memberPath(path(), redact(key));
      search(key, inner);
      walk(member, inner);
    }
  };
  walk(root, () => "$");
  return leaks;
}

/** The text, and what it says to a reader of URLs or of JSON: neither has one spelling that could be looked for. */
function* views(text: string): Generator<string> {
  yield text;
  if (text.includes("%")) {
    yield text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"));
  }
  if (text.includes("\\")) yield text.replace(/\\(?:u([0-9a-f]{4})|([^u]))/gi, unescapeOne);
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function unescapeOne(_all: string, unit: string | undefined, letter: string | undefined): string {
  if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
  return ESCAPES[letter ?? ""] ?? letter ?? "";
}

/** What to tell of a guarded payload: values that were let through, and values that were not looked for. */
export function guardNotes({ allowed, skipped }: GuardedPayload): readonly string[] {
  const leaked = allowed.filter((leak) => leak.path !== undefined);
  return [
    ...leaked.map(
      (leak) => `the value of ${leak.name} stands in the statement at ${leak.path ?? ""}, as --leak-allow permits`,
    ),
    ...skipped.map((secret) => `the value of ${secret.name} was not looked for: ${secret.why}`),
  ];
}
