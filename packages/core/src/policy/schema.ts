// SPDX-License-Identifier: Apache-2.0
// kiteseal.policy.yaml → Policy. zod and yaml are loaded here, when a policy file is named, and nowhere else on the
// verify path. Unknown keys, duplicate keys, anchors and custom tags are refused; errors carry line and column.
import type { Document, LineCounter } from "yaml";
import { sha256Hex } from "../artifact/digest.ts";
import { isKitesealError, KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { compileRule, type CompileContext, type RuleInput } from "./compile.ts";
import { policyWarnings } from "./warnings.ts";
import type { ExceptionDocument, PolicyDocument, RuleDocument } from "./policy-schema.ts";
import type { Policy, PolicyException } from "./rule.ts";

const DAY_MS = 86_400_000;

export interface ParsePolicyOptions extends CompileContext {
  readonly path: string;
  /** This program's version, for `requires`. */
  readonly version: string;
}

/** Throws ERR_POLICY_INVALID, ERR_JOB_MISMATCH. */
export async function parsePolicy(bytes: Uint8Array, options: ParsePolicyOptions): Promise<Policy> {
  if (bytes.length > LIMITS.policyBytes) {
    throw new KitesealError("ERR_POLICY_INVALID", `${quote(options.path)} is larger than ${LIMITS.policyBytes} bytes`);
  }
  const [{ LineCounter, parseDocument }, { checkPolicyShape }] = await Promise.all([
    import("yaml"),
    import("./policy-schema.ts"),
  ]);
  const lines = new LineCounter();
  const document = parseDocument(decodeText(bytes, options.path), {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    customTags: [],
    merge: false,
    logLevel: "error",
  });
  const where = { document, lines, path: options.path };
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) throw at(where, error.pos[0], { message: error.message.split("\n")[0] ?? "is not YAML" });
  const value = plain(where);
  const located: Located = (path, work) => {
    try {
      return work();
    } catch (error) {
      if (!isKitesealError(error) || error.code !== "ERR_POLICY_INVALID") throw error;
      const { message, hint } = error;
      throw at(where, offsetOf(document, path), { message, hint, cause: error });
    }
  };
  // Before its shape: a newer policy is told from a misspelt one by this key alone.
  located(["requires"], () => requireVersion(asRequirement(value), options.version));
  const shape = checkPolicyShape(value);
  if ("issue" in shape) {
    const { path, message } = shape.issue;
    throw at(where, offsetOf(document, path), {
      message: `${path.map(String).join(".") || "the policy"}: ${message}`,
    });
  }
  return compile(shape.document, { ...options, located }, sha256Hex(bytes));
}

/** Runs what compiles the part of the document at a path; what it finds wrong gets that line and column. */
type Located = <T>(path: readonly PropertyKey[], work: () => T) => T;

interface Where {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly path: string;
}

function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KitesealError("ERR_POLICY_INVALID", `${quote(path)} is not UTF-8`, { cause });
  }
}

function at(
  { lines, path }: Where,
  offset: number,
  o: { message: string; hint?: string | undefined; cause?: unknown },
): KitesealError {
  const { line, col } = lines.linePos(offset);
  return new KitesealError("ERR_POLICY_INVALID", `${path}:${line}:${col}: ${o.message}`, {
    details: { line, column: col },
    hint: o.hint,
    cause: o.cause,
  });
}

/** Aliases are refused: what a rule says stands in the rule. */
function plain(where: Where): unknown {
  try {
    return where.document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new KitesealError("ERR_POLICY_INVALID", `${quote(where.path)} uses YAML aliases or merges`, { cause });
  }
}

/** Where the nearest node of a path stands. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)) {
      const range: readonly unknown[] = node.range;
      const [start] = range;
      if (typeof start === "number") return start;
    }
  }
  return 0;
}

function compile(document: PolicyDocument, options: ParsePolicyOptions & { located: Located }, digest: string): Policy {
  const { located } = options;
  const rules = Object.entries(document.rules).map(([id, rule]) =>
    located(["rules", id], () => compileRule(toInput(id, rule), options)),
  );
  const { otherwise } = document;
  const known = (id: string): boolean => rules.some((rule) => rule.id === id);
  located(["rules"], () => {
    if (rules.length === 0) throw invalid("the policy has no rules");
  });
  located(["otherwise"], () => {
    if (otherwise !== undefined && !known(otherwise)) throw noRule("`otherwise`", otherwise);
  });
  for (const { id, alsoRequired = [] } of rules) {
    const unknown = alsoRequired.find(({ by }) => by !== undefined && !known(by));
    located(["rules", id, "also-required"], () => {
      if (unknown?.by !== undefined) throw noRule(`rule ${quote(id)}: \`by\``, unknown.by);
    });
  }
  const exceptions = document.exceptions?.map((exception, i) =>
    located(["exceptions", i], () => compileException(exception, known)),
  );
  return {
    rules,
    ...(otherwise === undefined ? {} : { otherwise }),
    ...(exceptions === undefined ? {} : { exceptions }),
    digest,
    source: { kind: "file", path: options.path },
    warnings: policyWarnings(rules),
  };
}

function invalid(message: string): KitesealError {
  return new KitesealError("ERR_POLICY_INVALID", message);
}

function noRule(where: string, id: string): KitesealError {
  return invalid(`${where} names ${quote(id)}, which is no rule`);
}

/** Counts to the end of the day it names, in UTC. */
function compileException(exception: ExceptionDocument, known: (id: string) => boolean): PolicyException {
  if (!known(exception.rule)) throw noRule("an exception", exception.rule);
  const { sha256, rule, reason, owner } = exception;
  return { sha256, rule, reason, owner, expires: new Date(Date.parse(`${exception.expires}T00:00:00Z`) + DAY_MS) };
}

function list<T extends string | object>(value: T | readonly T[] | undefined): readonly T[] | undefined {
  if (value === undefined) return undefined;
  return isList(value) ? value : [value];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function toInput(id: string, rule: RuleDocument): RuleInput {
  return {
    id,
    artifacts: list(rule.artifacts) ?? [],
    anyName: rule["any-name"],
    type: rule.type,
    organization: list(rule.builder?.organization),
    pipeline: list(rule.builder?.pipeline),
    step: list(rule.builder?.step),
    branch: list(rule.source?.branch),
    tag: list(rule.source?.tag),
    anyRef: rule.source?.ref === "any" ? true : undefined,
    build: rule.build,
    trigger: list(rule.trigger),
    runner: list(rule.runner),
    commit: list(rule.commit),
    repository: list(rule.repository),
    organizationId: list(rule["organization-id"]),
    pipelineId: list(rule["pipeline-id"]),
    maxAge: rule["max-age"],
    certificate: list(rule.certificate)?.map((one) => ({
      identity: one.identity,
      identityRegexp: one["identity-regexp"],
      issuer: one.issuer,
      issuerRegexp: one["issuer-regexp"],
    })),
    key: list(rule.key),
    content: rule.content,
    logs: rule.logs,
    timestamps: rule.timestamps,
    alsoRequired: list(rule["also-required"]),
    dependencies: rule.dependencies,
  };
}

function asRequirement(value: unknown): string | undefined {
  const text = typeof value === "object" && value !== null && "requires" in value ? value.requires : undefined;
  return typeof text === "string" && /^>=\d+\.\d+(?:\.\d+)?$/.test(text) ? text : undefined;
}

/** An old program must not read a policy whose new keys it would refuse one by one. */
function requireVersion(requires: string | undefined, version: string): void {
  if (requires === undefined) return;
  const parts = (text: string): readonly number[] =>
    text.replace(/^>=/, "").split("-")[0]?.split(".").map(Number) ?? [];
  const [wanted, have] = [parts(requires), parts(version)];
  for (const i of [0, 1, 2]) {
    const difference = (have[i] ?? 0) - (wanted[i] ?? 0);
    if (difference > 0) return;
    if (difference < 0) {
      throw new KitesealError("ERR_POLICY_INVALID", `the policy requires kiteseal ${requires}, this is ${version}`, {
        hint: "update kiteseal where this policy is used",
      });
    }
  }
}
