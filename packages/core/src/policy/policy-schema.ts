// SPDX-License-Identifier: Apache-2.0
// The shape of kiteseal.policy.yaml, version 1. The published JSON Schema (docs/reference/policy.schema.json) is made
// from this.
import { z } from "zod";

/** One or several; a list is any-of. */
type Some<T> = T | readonly T[];
type Value = string | { readonly env: string };

export interface RuleDocument {
  readonly artifacts: Some<string>;
  readonly "any-name"?: true | undefined;
  readonly type?: string | undefined;
  readonly builder?:
    | {
        readonly organization: Some<string>;
        readonly pipeline: Some<string>;
        readonly step?: Some<string> | undefined;
      }
    | undefined;
  readonly source?:
    | {
        readonly branch?: Some<Value> | undefined;
        readonly tag?: Some<Value> | undefined;
        readonly ref?: "any" | undefined;
      }
    | undefined;
  readonly certificate?: Some<CertificateDocument> | undefined;
  readonly key?: Some<string> | undefined;
  readonly content?: "blob" | undefined;
  readonly build?: "same" | number | { readonly env: string } | undefined;
  readonly trigger?: Some<string> | undefined;
  readonly runner?: Some<string> | undefined;
  readonly commit?: Some<Value> | undefined;
  readonly repository?: Some<string> | undefined;
  readonly "organization-id"?: Some<string> | undefined;
  readonly "pipeline-id"?: Some<string> | undefined;
  readonly "max-age"?: string | undefined;
  readonly logs?: number | undefined;
  readonly timestamps?: number | undefined;
  readonly "also-required"?: Some<{ readonly type: string; readonly by?: string | undefined }> | undefined;
  readonly dependencies?:
    | { readonly plugins?: "pinned" | undefined; readonly images?: "digest" | undefined }
    | undefined;
}

export interface CertificateDocument {
  readonly identity?: string | undefined;
  readonly "identity-regexp"?: string | undefined;
  readonly issuer?: string | undefined;
  readonly "issuer-regexp"?: string | undefined;
}

export interface ExceptionDocument {
  readonly sha256: string;
  readonly rule: string;
  readonly reason: string;
  readonly owner: string;
  /** A day, YYYY-MM-DD; it is the last on which the exception counts, in UTC. */
  readonly expires: string;
}

export interface PolicyDocument {
  readonly version: 1;
  readonly requires?: string | undefined;
  readonly rules: Readonly<Record<string, RuleDocument>>;
  readonly otherwise?: string | undefined;
  readonly exceptions?: readonly ExceptionDocument[] | undefined;
}

const text = z.string().min(1).max(1024);
const words = text.regex(/\S/, "expected words");
const fromEnv = z.strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]*$/, "expected a variable's name") });
const value = z.union([text, fromEnv]);
const some = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1).max(100)]);

const rule = z.strictObject({
  artifacts: some(text),
  "any-name": z.literal(true).optional(),
  type: text.optional(),
  builder: z.strictObject({ organization: some(text), pipeline: some(text), step: some(text).optional() }).optional(),
  source: z
    .strictObject({
      branch: some(value).optional(),
      tag: some(value).optional(),
      ref: z.literal("any").optional(),
    })
    .optional(),
  build: z.union([z.literal("same"), z.int().positive(), fromEnv]).optional(),
  trigger: some(text).optional(),
  runner: some(text).optional(),
  commit: some(value).optional(),
  repository: some(text).optional(),
  "organization-id": some(text).optional(),
  "pipeline-id": some(text).optional(),
  "max-age": text.optional(),
  certificate: some(
    z.strictObject({
      identity: text.optional(),
      "identity-regexp": text.optional(),
      issuer: text.optional(),
      "issuer-regexp": text.optional(),
    }),
  ).optional(),
  key: some(z.string().min(1).max(16_384)).optional(),
  content: z.literal("blob").optional(),
  logs: z.int().positive().optional(),
  timestamps: z.int().positive().optional(),
  "also-required": some(z.strictObject({ type: text, by: text.optional() })).optional(),
  dependencies: z
    .strictObject({ plugins: z.literal("pinned").optional(), images: z.literal("digest").optional() })
    .refine((asked) => Object.keys(asked).length > 0, "expected plugins or images")
    .optional(),
});

const exception = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"),
  rule: text,
  reason: words,
  owner: words,
  expires: z.iso.date("expected a day, YYYY-MM-DD"),
});

const policySchema = z.strictObject({
  version: z.literal(1),
  requires: z
    .string()
    .regex(/^>=\d+\.\d+(?:\.\d+)?$/, "expected a version such as >=1.4")
    .optional(),
  rules: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "expected a rule name of a-z, 0-9 and -"), rule),
  otherwise: text.optional(),
  exceptions: z.array(exception).max(1000).optional(),
});

export type PolicyShape =
  | { readonly document: PolicyDocument }
  | { readonly issue: { readonly path: readonly PropertyKey[]; readonly message: string } };

/** The document, or the first thing that is wrong with it. */
export function checkPolicyShape(value: unknown): PolicyShape {
  const checked = policySchema.safeParse(value);
  if (checked.success) return { document: checked.data };
  const [issue] = checked.error.issues;
  const [unknown] = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  return { issue: { path, message: issue?.message ?? "is invalid" } };
}

/** JSON Schema of the policy file. */
export function policyJsonSchema(): unknown {
  return z.toJSONSchema(policySchema, { target: "draft-7" });
}
