// SPDX-License-Identifier: Apache-2.0
// Things about a rule that are not wrong and still worth knowing: what it believes is the word of whoever made the build.
import type { Given, Rule } from "./rule.ts";

const CALLERS_WORD: ReadonlySet<string> = new Set(["ui", "api", "trigger_job"]);

/** One sentence each. */
export function policyWarnings(rules: readonly Rule[]): readonly string[] {
  return rules.flatMap((rule) => {
    if (rule.signer.kind !== "buildkite") return [];
    const { ref, build, commits, triggers } = rule.signer;
    const patterns = ref === "any" ? [] : ref.map((r) => r.pattern);
    const givens: readonly Given<unknown>[] = [
      ...patterns,
      ...(build === undefined ? [] : [build]),
      ...(commits ?? []),
    ];
    const unauthenticated = givens.filter((g) => g.env !== undefined && g.authenticated !== true);
    return [
      ...unauthenticated.map((g) => `rule ${rule.id}: ${g.env ?? ""} is taken from the environment, unauthenticated`),
      ...(triggers?.some((t) => CALLERS_WORD.has(t)) === true
        ? [
            `rule ${rule.id}: branch and commit of ui, api and trigger_job builds are the word of whoever created the build`,
          ]
        : []),
    ];
  });
}
