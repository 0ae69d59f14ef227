// SPDX-License-Identifier: Apache-2.0
// What this job's own token says, for policies that take values from the environment: a variable that the token states
// too must equal it. Without a job, or without a token, nothing vouches for the variable and the report says so.
import { type BuildFacts, type Context, isKitesealError } from "@kiteseal/core";
import type { Io } from "./io.ts";

/** undefined where no token can be had. Loads signing code, and only for such a policy in a job. */
export async function ownJobFacts(io: Io, ctx: Context): Promise<BuildFacts | undefined> {
  const { env } = io;
  if (env["BUILDKITE_JOB_ID"] === undefined || env["BUILDKITE_AGENT_ACCESS_TOKEN"] === undefined) return undefined;
  const { createTokenSource, readClaims, SIGNING_AUDIENCE } = await import("@kiteseal/core/sign");
  try {
    return readClaims(await createTokenSource(env, {})(SIGNING_AUDIENCE, ctx)).facts;
  } catch (error) {
    if (isKitesealError(error) && error.kind !== "interrupted") return undefined;
    throw error;
  }
}
