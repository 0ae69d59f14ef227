// SPDX-License-Identifier: Apache-2.0
// Which rule is about a name. Chosen by the requested name, before any bundle is read; never by a name in an attestation.
import { KitesealError, quote } from "../errors.ts";
import { compileGlob } from "../glob.ts";
import type { Policy, Rule } from "./rule.ts";

const EVERY_NAME = ["**"];

/**
 * The one rule whose globs match, else `otherwise`, else undefined. An artifact without a name has only the rule that
 * takes any name. Throws ERR_POLICY_INVALID if two rules match: which one counts must never be a question of order.
 */
export function selectRule(policy: Policy, name: string | undefined): Rule | undefined {
  const { rules, otherwise } = policy;
  const matching = rules.filter((rule) =>
    name === undefined ? rule.anyName : rule.artifacts.some((glob) => compileGlob(glob)(name)),
  );
  const [rule, second] = matching;
  if (rule !== undefined && second !== undefined) {
    throw new KitesealError(
      "ERR_POLICY_INVALID",
      `the rules ${quote(rule.id)} and ${quote(second.id)} both match ${quote(name ?? "any name")}`,
      { hint: "narrow the `artifacts` of one of them" },
    );
  }
  if (rule !== undefined) return rule;
  const fallback = rules.find((r) => r.id === otherwise);
  if (fallback === undefined || (name === undefined && !fallback.anyName)) return undefined;
  // Chosen for the names that no glob is about, its own globs say nothing of them.
  return { ...fallback, artifacts: EVERY_NAME };
}
