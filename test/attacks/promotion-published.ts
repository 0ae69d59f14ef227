// SPDX-License-Identifier: Apache-2.0
// What attacks on promote begin with: two files of a sandbox's job, published by the command.
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startSandbox } from "@kiteseal/sandbox";
import { runInProcess } from "../support/main.ts";
import { NAMES, type Published } from "./promotion.ts";

/** The caller closes it, which removes everything. */
export async function publishForPromotion(): Promise<Published & AsyncDisposable> {
  const work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-promotion-")));
  const job = { organization: "acme", pipeline: "app", branch: "main", build: 7 };
  const sandbox = await startSandbox({ stateDir: join(work, "state"), job });
  for (const name of NAMES) {
    await mkdir(dirname(join(work, name)), { recursive: true });
    await writeFile(join(work, name), `the bytes of ${name}`);
  }
  const folder = join(work, "S");
  const args = ["publish", ...NAMES, "--to", `file://${folder}`];
  const { code, stderr } = await runInProcess({ args, cwd: work, env: sandbox.jobEnv() });
  if (code !== 0) throw new Error(stderr);
  const close = async (): Promise<void> => {
    await sandbox.close();
    await rm(work, { recursive: true });
  };
  return { folder, trustedRoot: sandbox.trustedRootPath, work, [Symbol.asyncDispose]: close };
}
