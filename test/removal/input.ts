// SPDX-License-Identifier: Apache-2.0
// Guards of what is given: policies and trusted roots.
import { P, S, backed, guard, type Guard } from "./guard.ts";

export const INPUT_GUARDS: readonly Guard[] = [
  guard("none", "one rule for a name", [
    `${P}select.ts`,
    "if (rule !== undefined && second !== undefined) {",
    "if (second === null) {",
  ]),
  guard("none", "a rule for the name", [
    `${P}select.ts`,
    "const fallback = rules.find((r) => r.id === otherwise);",
    "const fallback = rules[0];",
  ]),
  guard("none", "slugs", [
    `${P}compile.ts`,
    "const bad = values.find((value) => !ONLY_SLUG.test(value));",
    "const bad = values.find((value) => value === undefined);",
  ]),
  guard("none", "no empty list of slugs", [
    `${P}compile.ts`,
    "if (values.length === 0) throw invalid(id, `names no ${key}`,",
    "if (values.length < 0) throw invalid(id, `names no ${key}`,",
  ]),
  guard("none", "one way to name a ref", [`${P}compile.ts`, "if (ways !== 1) {", "if (ways < 0) {"]),
  guard("none", "patterns of refs", [
    `${P}compile.ts`,
    "if (problem !== undefined) throw invalid(id, `the ${kind} ${quote(pattern.value)} ${problem}`);",
    "",
  ]),
  guard("none", "no wildcard out of the environment", [
    `${P}compile.ts`,
    'return /[*?]/.test(value) ? "comes from the environment and holds a wildcard" : globProblem(value);',
    "return globProblem(value);",
  ]),
  backed(
    "what each key demands of its value",
    guard(
      "none",
      "variables that are not set",
      [`${P}compile.ts`, 'if (value === undefined || value === "") throw', "if (value === null) throw"],
      [`${P}compile.ts`, "return { value, env: name,", 'return { value: value ?? "", env: name,'],
    ),
  ),
  guard("none", "build numbers in variables", [
    `${P}compile.ts`,
    "if (!/^[1-9]\\d{0,14}$/.test(text.value)) throw",
    "if (text === undefined) throw",
  ]),
  guard("none", "build numbers", [
    `${P}compile.ts`,
    "if (!Number.isSafeInteger(build) || build < 1) throw",
    "if (build === null) throw",
  ]),
  guard("none", "`same` for one's own pipeline only", [
    `${P}compile.ts`,
    'if (build === "same") sameJob(input, context.env);',
    "",
  ]),
  guard("none", "known triggers", [
    `${P}compile.ts`,
    "if (known.length === values.length) return known;",
    "return known;",
  ]),
  guard("none", "full commits", [
    `${P}compile.ts`,
    "if (!isFullCommit(commit.value)) throw",
    "if (commit === undefined) throw",
  ]),
  guard(
    "none",
    "durations",
    [
      `${P}compile.ts`,
      "const DURATION = /^([1-9]\\d{0,6})(s|m|h|d)$/;",
      "const DURATION = /^([1-9]\\d{0,6})(s|m|h|d|)$/;",
    ],
    [
      `${P}compile.ts`,
      'if (amount === undefined || (unit !== "s" && unit !== "m" && unit !== "h" && unit !== "d")) {',
      'if (unit === "") return Number(amount);\n if (amount === undefined || (unit !== "s" && unit !== "m" && unit !== "h" && unit !== "d")) {',
    ],
  ),
  guard("none", "unknown keys of a policy", [
    `${P}policy-schema.ts`,
    "const rule = z.strictObject({",
    "const rule = z.object({",
  ]),
  guard("none", "duplicate keys of a policy", [`${P}schema.ts`, "uniqueKeys: true,", "uniqueKeys: false,"]),
  guard("none", "aliases in a policy", [`${P}schema.ts`, "maxAliasCount: 0", "maxAliasCount: 100"]),
  guard("none", "version that a policy requires", [
    `${P}schema.ts`,
    'located(["requires"], () => requireVersion(asRequirement(value), options.version));',
    "",
  ]),
  guard("none", "the rule that `otherwise` names", [
    `${P}schema.ts`,
    "if (otherwise !== undefined && !known(otherwise)) throw",
    "if (otherwise === null) throw",
  ]),
  guard("none", "a policy with rules", [
    `${P}schema.ts`,
    "if (rules.length === 0) throw",
    "if (rules.length < 0) throw",
  ]),
  guard("none", "start dates in the trusted root", [
    `${S}trusted-root.ts`,
    'const start = o.date("start");',
    'const start = o.optionalDate("start") ?? new Date(0);',
  ]),
  guard(
    "none",
    "authorities in the trusted root",
    [
      `${S}trusted-root.ts`,
      'o.objects("certificateAuthorities", readAuthority, { min: 1, max: MAX_AUTHORITIES })',
      'o.optionalObjects("certificateAuthorities", readAuthority, { max: MAX_AUTHORITIES }) ?? []',
    ],
    [`${S}trusted-root.ts`, 'o.oneOf("mediaType", MEDIA_TYPES);', 'o.has("mediaType");'],
  ),
  guard("none", "media type of the trusted root", [
    `${S}trusted-root.ts`,
    'o.oneOf("mediaType", MEDIA_TYPES);',
    'o.has("mediaType");',
  ]),
  guard("none", "keys of the trusted root", [
    `${S}trusted-root.ts`,
    'keyDetails: k.oneOf("keyDetails", KEY_DETAILS),',
    'keyDetails: k.string("keyDetails") === "PKIX_ED25519" ? "PKIX_ED25519" as const : "PKIX_ECDSA_P256_SHA_256" as const,',
  ]),
];
