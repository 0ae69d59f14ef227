// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { LIMITS } from "../limits.ts";
import { context, everythingIn, failure, JOB_ID } from "../loopback.testkit.ts";
import { getAgentSecret } from "./agent-secret.ts";

const VALUE = "planted-value-0123456789";

/** The environment of a job whose agent runs `script`. */
async function jobWith(script: string): Promise<Readonly<Record<string, string>>> {
  const path = await mkdtemp(join(tmpdir(), "kiteseal-secret-"));
  onTestFinished(() => rm(path, { recursive: true }));
  await writeFile(join(path, "buildkite-agent"), `#!/bin/sh\n${script}\n`);
  await chmod(join(path, "buildkite-agent"), 0o755);
  return { BUILDKITE_JOB_ID: JOB_ID, BUILDKITE_BIN_PATH: path, PATH: "/usr/bin:/bin" };
}

describe("a secret of the cluster", () => {
  it("is the agent's output without the line break, and is seen before anything else happens to it", async () => {
    const seen: string[] = [];
    const request = {
      name: "a-secret_1",
      onSecret: (value: string) => void seen.push(value),
      onRedaction: (outcome: string) => void seen.push(outcome),
    };
    const env = await jobWith(`printf '{\\n\\t"k": "%s"\\n}\\n' ${VALUE}`);
    const value = `{\n\t"k": "${VALUE}"\n}`;
    expect(await getAgentSecret(env, request, context())).toBe(value);
    expect(seen).toEqual([value, "unavailable"]);
  });

  it("may be as long as the platform allows, and no longer", async () => {
    const most = LIMITS.secretBytes - 1;
    const env = await jobWith(`head -c ${most} /dev/zero | tr '\\0' a; echo`);
    const request = { name: "s", onSecret: () => undefined };
    expect(await getAgentSecret(env, request, context())).toHaveLength(most);
    const longer = await jobWith(`head -c ${most + 1} /dev/zero | tr '\\0' a; echo`);
    const error = await failure(getAgentSecret(longer, request, context()));
    expect(error.code).toBe("ERR_SECRET_UNAVAILABLE");
  });

  it("is waited for no longer than allowed, and its partial output is in no error", async () => {
    const env = await jobWith(`echo ${VALUE}; exec sleep 20`);
    const error = await failure(
      getAgentSecret(env, { name: "s", onSecret: () => undefined, timeoutMs: 300 }, context()),
    );
    expect(error.code).toBe("ERR_SECRET_UNAVAILABLE");
    expect(everythingIn(error)).not.toContain(VALUE);
  });

  it("is not asked for under a name that could be an option, which is not shown", async () => {
    const env = await jobWith(`echo ${VALUE}`);
    for (const name of ["--format", "", "a b", `x/${VALUE}`]) {
      const error = await failure(getAgentSecret(env, { name, onSecret: () => undefined }, context()));
      expect(error.code).toBe("ERR_CONFIG_INVALID");
      expect(everythingIn(error)).not.toContain(VALUE);
    }
  });
});
