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
  readonly builder: {
    readonly organization: Some<string>;
    readonly pipeline: Some<string>;
    readonly step?: Some<string> | undefined;
  };
  readonly source: {
    readonly branch?: Some<Value> | undefined;
    readonly tag?: Some<Value> | undefined;
    readonly ref?: "any" | undefined;
  };
  readonly build?: "same" | number | { readonly env: string } | undefined;
  readonly trigger?: Some<string> | undefined;
  readonly runner?: Some<string> | undefined;
  readonly commit?: Some<Value> | undefined;
  readonly repository?: Some<string> | undefined;
  readonly "organization-id"?: Some<string> | undefined;
  readonly "pipeline-id"?: Some<string> | undefined;
  readonly "max-age"?: string | undefined;
}

export interface PolicyDocument {
  readonly version: 1;
  readonly requires?: string | undefined;
  readonly rules: Readonly<Record<string, RuleDocument>>;
  readonly otherwise?: string | undefined;
}

const text = z.string().min(1).max(1024);
const fromEnv = z.strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]*$/, "expected a variable's name") });
const value = z.union([text, fromEnv]);
const some = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1).max(100)]);

const rule = z.strictObject({
  artifacts: some(text),
  "any-name": z.literal(true).optional(),
  type: text.optional(),
  builder: z.strictObject({ organization: some(text), pipeline: some(text), step: some(text).optional() }),
  source: z.strictObject({
    branch: some(value).optional(),
    tag: some(value).optional(),
    ref: z.literal("any").optional(),
  }),
  build: z.union([z.literal("same"), z.int().positive(), fromEnv]).optional(),
  trigger: some(text).optional(),
  runner: some(text).optional(),
  commit: some(value).optional(),
  repository: some(text).optional(),
  "organization-id": some(text).optional(),
  "pipeline-id": some(text).optional(),
  "max-age": text.optional(),
});

const policySchema = z.strictObject({
  version: z.literal(1),
  requires: z
    .string()
    .regex(/^>=\d+\.\d+(?:\.\d+)?$/, "expected a version such as >=1.4")
    .optional(),
  rules: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "expected a rule name of a-z, 0-9 and -"), rule),
  otherwise: text.optional(),
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
