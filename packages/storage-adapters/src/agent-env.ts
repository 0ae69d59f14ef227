// SPDX-License-Identifier: Apache-2.0
// The variables with which the Buildkite agent is told about S3, so that a bucket which serves its artifacts serves
// Kiteseal without more configuration. The agent's `public-read` default is not taken over: Kiteseal sends no ACL.

type Environment = Readonly<Record<string, string | undefined>>;

export interface AgentS3 {
  /** Also means path-style addresses, as it does to the agent. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly profile: string | undefined;
  /** Server-side encryption with S3's own keys. */
  readonly isEncrypted: boolean;
  /** Only if key and secret are both there. */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
}

/** What the agent would read; empty values are absent. */
export function readAgentS3(env: Environment): AgentS3 {
  const accessKeyId = present(env, "BUILDKITE_S3_ACCESS_KEY_ID", "BUILDKITE_S3_ACCESS_KEY");
  const secretAccessKey = present(env, "BUILDKITE_S3_SECRET_ACCESS_KEY", "BUILDKITE_S3_SECRET_KEY");
  const sessionToken = present(env, "BUILDKITE_S3_SESSION_TOKEN");
  return {
    endpoint: present(env, "BUILDKITE_S3_ENDPOINT"),
    region: present(env, "BUILDKITE_S3_DEFAULT_REGION"),
    profile: present(env, "BUILDKITE_S3_PROFILE"),
    isEncrypted: present(env, "BUILDKITE_S3_SSE_ENABLED")?.toLowerCase() === "true",
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  };
}

/** The first of `names` that has a value. */
export function present(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
}

/** A value as people write it into variables; nothing but space is none. */
export function trimmed(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}
