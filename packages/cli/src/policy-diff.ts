// SPDX-License-Identifier: Apache-2.0
// Two policies over the same artifacts: which verdicts a change would change. Artifacts are read and hashed once, and
// judged in step, so that memory holds one of them.
import {
  type Artifact,
  type ArtifactPlace,
  type Context,
  isKitesealError,
  type KitesealError,
  type Policy,
  type Verdict,
  verifyAll,
  type VerifyRequest,
} from "@kiteseal/core";
import type { TargetSet } from "./targets.ts";
import { locate } from "./verdicts.ts";

export type Difference =
  | { readonly kind: "judged"; readonly before: Verdict; readonly after: Verdict }
  | { readonly kind: "unread"; readonly label: string; readonly error: KitesealError };

export interface DiffRequest {
  readonly set: TargetSet;
  readonly before: Policy;
  readonly after: Policy;
  readonly verify: Omit<VerifyRequest, "policy" | "parallel" | "requireAllSubjects">;
  readonly places: WeakMap<Artifact, ArtifactPlace>;
}

/** One for each target, changed or not. Throws what is wrong with a policy or the list of targets. */
export async function* policyDifferences(request: DiffRequest, ctx: Context): AsyncGenerator<Difference> {
  const { before, after, verify } = request;
  const judges = [new Judge(before, verify, ctx), new Judge(after, verify, ctx)] as const;
  for await (const target of request.set.targets) {
    try {
      const artifact = await locate(target, request.places, ctx);
      yield { kind: "judged", before: await judges[0].judge(artifact), after: await judges[1].judge(artifact) };
    } catch (error) {
      if (!isKitesealError(error) || error.kind === "interrupted" || error.code === "ERR_POLICY_INVALID") throw error;
      yield { kind: "unread", label: target.label, error };
    }
  }
}

/** One run of verification that is fed an artifact at a time, so that each bundle is authenticated once. */
class Judge {
  readonly #verdicts: AsyncIterator<Verdict, unknown>;
  #next: Artifact | undefined;

  constructor(policy: Policy, verify: DiffRequest["verify"], ctx: Context) {
    this.#verdicts = verifyAll(this.#artifacts(), { ...verify, policy, parallel: 1 }, ctx);
  }

  async judge(artifact: Artifact): Promise<Verdict> {
    this.#next = artifact;
    const next = await this.#verdicts.next();
    if (next.done === true) throw new TypeError("a verification ended before its artifacts");
    return next.value;
  }

  *#artifacts(): Generator<Artifact> {
    for (; this.#next !== undefined;) yield this.#next;
  }
}
