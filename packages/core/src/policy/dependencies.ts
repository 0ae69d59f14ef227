// SPDX-License-Identifier: Apache-2.0
// Conditions on what the provenance says of its dependencies. Claims of the builder: they can only reject.
import { isFullCommit } from "../buildkite/facts.ts";
import { quote } from "../errors.ts";
import type { Dependency } from "../provenance/facts.ts";
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import { failed, passed, type Check } from "../verification/check.ts";
import type { DependencyConditions } from "./rule.ts";

const SHOWN = 5;

/** Every plugin pinned to a full commit; every image named by digest. Throws nothing. */
export function dependencies(conditions: DependencyConditions): (attestation: AuthenticAttestation) => Check {
  const wanted = [
    ...(conditions.plugins === undefined ? [] : ["every plugin pinned to a full commit"]),
    ...(conditions.images === undefined ? [] : ["every image named by digest"]),
  ].join(" and ");
  return ({ content }) => {
    const stated = content.kind === "statement" ? content.provenance?.dependencies : undefined;
    if (stated === undefined) {
      return failed("rule.dependencies", "ERR_RULE_UNPROVEN", { expected: wanted, found: "no provenance" });
    }
    const loose = stated.filter((dependency) => isLoose(dependency, conditions));
    if (loose.length === 0) return passed("rule.dependencies", { note: `${wanted}, of those that the builder lists` });
    const shown = loose
      .slice(0, SHOWN)
      .map((d) => quote(d.uri))
      .join(", ");
    return failed("rule.dependencies", "ERR_RULE", {
      expected: wanted,
      found: `${shown}${loose.length > SHOWN ? ` and ${loose.length - SHOWN} more` : ""}, claimed by the builder`,
      hint: "pin the plugin to a full commit, or the image to @sha256:…, in the pipeline",
    });
  };
}

function isLoose({ name, digest }: Dependency, conditions: DependencyConditions): boolean {
  if (name === "plugin" && conditions.plugins !== undefined) return !isFullCommit(digest["gitCommit"] ?? "");
  if (name === "image" && conditions.images !== undefined) return digest["sha256"] === undefined;
  return false;
}
