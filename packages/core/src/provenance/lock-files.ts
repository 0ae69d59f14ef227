// SPDX-License-Identifier: Apache-2.0
// The files of the working directory that say what a build was made from: the pipeline's definition and the package
// managers' lock files, by digest. Claims; a job may have changed them before this is read.
import { join } from "node:path";
import type { ResourceDescriptor } from "@kiteseal/in-toto-attestation";
import { digestFile, SHA256_PLAN } from "../artifact/digest.ts";
import { openRegularFile } from "../artifact/file.ts";
import type { Context } from "../context.ts";
import { isKitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** Where `buildkite-agent pipeline upload` looks. */
const PIPELINE_FILES = ["buildkite", ".buildkite/pipeline", "buildkite/pipeline"].flatMap((stem) =>
  ["yml", "yaml", "json"].map((extension) => `${stem}.${extension}`),
);

const LOCK_FILES = [
  "bun.lock",
  "bun.lockb",
  "Cargo.lock",
  "composer.lock",
  "conan.lock",
  "deno.lock",
  "flake.lock",
  "Gemfile.lock",
  "go.sum",
  "gradle.lockfile",
  "mix.lock",
  "MODULE.bazel.lock",
  "npm-shrinkwrap.json",
  "package-lock.json",
  "Package.resolved",
  "packages.lock.json",
  "pdm.lock",
  "Pipfile.lock",
  "pnpm-lock.yaml",
  "poetry.lock",
  "pubspec.lock",
  "pylock.toml",
  "requirements.txt",
  "uv.lock",
  "yarn.lock",
];

export interface FileDependencies {
  readonly dependencies: readonly ResourceDescriptor[];
  readonly warnings: readonly string[];
}

/** Known files in `directory`, in a fixed order. One that cannot be read is a warning. Errors: ERR_INTERRUPTED. */
export async function readFileDependencies(directory: string, ctx: Context): Promise<FileDependencies> {
  const dependencies: ResourceDescriptor[] = [];
  const warnings: string[] = [];
  // Not reported as artifacts being hashed.
  const quiet: Context = { now: () => ctx.now(), signal: ctx.signal };
  for (const name of [...PIPELINE_FILES, ...LOCK_FILES]) {
    try {
      const path = join(directory, name);
      if ((await sizeOf(path)) > LIMITS.lockFileBytes) {
        warnings.push(`${name} is larger than ${LIMITS.lockFileBytes} bytes and not recorded as a dependency`);
        continue;
      }
      const { digests } = await digestFile(path, SHA256_PLAN, quiet);
      dependencies.push({ name, digest: { sha256: digests.sha256 } });
    } catch (error) {
      if (!isKitesealError(error) || error.code === "ERR_INTERRUPTED") throw error;
      if (error.code !== "ERR_NO_MATCH") warnings.push(`${name} is not recorded as a dependency: ${error.message}`);
    }
  }
  return { dependencies, warnings };
}

async function sizeOf(path: string): Promise<number> {
  const file = await openRegularFile(path);
  file.close();
  return Number(file.identity.size);
}
