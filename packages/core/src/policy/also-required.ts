// SPDX-License-Identifier: Apache-2.0
// The also-required row: other attestations of the same artifact (an SBOM, test results, an approval) that must pass too,
// each every check of its own; by the same rule and in the same build unless the rule names another. Pure.
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import { failed, passed, type Check } from "../verification/check.ts";
import type { AlsoRequired, Rule } from "./rule.ts";

/** Whether an attestation passes every check under a rule. */
export type Passes = (rule: Rule, attestation: AuthenticAttestation) => boolean;

export interface Beside {
  readonly attestations: readonly AuthenticAttestation[];
  readonly rules: readonly Rule[];
  readonly passes: Passes;
}

export function alsoRequired(
  required: readonly AlsoRequired[],
  rule: Rule,
  o: Beside & { of: AuthenticAttestation },
): Check {
  const missing = required.filter((one) => !o.attestations.some((other) => satisfies({ one, rule, other }, o)));
  const text = ({ predicateType, by }: AlsoRequired): string =>
    `${predicateType} by ${by === undefined ? "the same build" : `rule ${by}`}`;
  if (missing.length === 0) return passed("rule.also-required", { note: required.map(text).join(", ") });
  const found = o.attestations.flatMap(({ content }) =>
    content.kind === "statement" ? [content.statement.predicateType] : [],
  );
  return failed("rule.also-required", "ERR_RULE", {
    expected: missing.map(text).join(", "),
    found: `attestations of type ${[...new Set(found)].join(", ")}, none of which passes for it`,
    hint: "attest it in the same job with `kiteseal attest --type … --predicate FILE --to URL`",
  });
}

/** One bundle for each requirement: those without which the same artifact would not pass elsewhere. */
export function requiredBundles(
  required: readonly AlsoRequired[],
  rule: Rule,
  o: Beside & { of: AuthenticAttestation },
): readonly string[] {
  return required.flatMap(
    (one) => o.attestations.find((other) => satisfies({ one, rule, other }, o))?.bundleDigest ?? [],
  );
}

function satisfies(
  asked: { one: AlsoRequired; rule: Rule; other: AuthenticAttestation },
  o: Beside & { of: AuthenticAttestation },
): boolean {
  const { one, rule, other } = asked;
  const by = one.by === undefined ? rule : o.rules.find((r) => r.id === one.by);
  if (by === undefined || other.bundleDigest === o.of.bundleDigest) return false;
  if (one.by === undefined && !isSameBuild(o.of, other)) return false;
  // A rule that is named holds whole, but for what it requires further; the rule's own conditions on provenance are for provenance.
  const { alsoRequired: _further, ...named } = by;
  const { dependencies: _conditions, repositories: _claimed, ...bare } = named;
  const kept = one.by === undefined ? bare : named;
  return o.passes(
    {
      ...kept,
      artifacts: rule.artifacts,
      anyName: rule.anyName,
      // A type is a statement's: a signature over the bytes alone, even one that `by` asks for, says nothing of it.
      content: "statement",
      predicateType: one.predicateType,
    },
    other,
  );
}

/** The certificates name one job's build; without a build number nothing is the same build. */
function isSameBuild(a: AuthenticAttestation, b: AuthenticAttestation): boolean {
  const [first, second] = [a.build?.facts, b.build?.facts];
  return (
    first?.buildNumber !== undefined &&
    first.buildNumber === second?.buildNumber &&
    first.organization === second.organization &&
    first.pipeline === second.pipeline
  );
}
