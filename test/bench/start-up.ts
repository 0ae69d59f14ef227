// SPDX-License-Identifier: Apache-2.0
// One small artifact: the wall time of a whole `verify`, beside an empty Node program and, where there is one, cosign
// (KITESEAL_BENCH_COSIGN, or in PATH) on the same bundle.
import { accessSync, constants } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runBundle, runProgram, STUB } from "../support/program.ts";
import { at, compared, type Contestant, processOf, race, type Row } from "./measure.ts";
import { RULE_FLAGS, type World } from "./world.ts";

const NODE = "node -e 0";
const VERSION = "kiteseal --version";
const VERIFY = "kiteseal verify FILE";
const COSIGN = "cosign verify-blob-attestation FILE";

export async function startUp(world: World, rounds: number): Promise<readonly Row[]> {
  const { directory: cwd, outside: env, sandbox } = world;
  await writeFile(join(cwd, "small.bin"), Buffer.alloc(4096, "small"));
  const attest = await runBundle({ args: ["attest", "small.bin", "--sidecar"], cwd, env: world.env });
  if (attest.code !== 0) throw new Error(`attest ended with exit code ${attest.code}\n${attest.stderr}`);
  const verify = [STUB, "verify", "small.bin", "--trusted-root", sandbox.trustedRootPath, ...RULE_FLAGS, "--quiet"];
  const peer = await cosign(world);
  const contestants = [
    processOf(NODE, [process.execPath, "-e", "0"], { cwd, env }),
    processOf(VERSION, [process.execPath, STUB, "--version"], { cwd, env }),
    processOf(VERIFY, [process.execPath, ...verify], { cwd, env }),
    ...(peer === undefined ? [] : [peer]),
  ];
  const times = await race(contestants, rounds);
  const beside = { name: NODE, value: at(times, NODE) };
  const row = (work: string): Row =>
    compared({ section: "start-up", work, value: at(times, work), unit: "ms", beside });
  const verifying = { section: "start-up", work: VERIFY, value: at(times, VERIFY), unit: "ms" } as const;
  return [
    row(VERSION),
    row(VERIFY),
    ...(peer === undefined ? [] : [compared({ ...verifying, beside: { name: COSIGN, value: at(times, COSIGN) } })]),
  ];
}

/** Only if it verifies the bundle at all; a peer that refuses is no measure. */
async function cosign({ directory: cwd, outside: env, sandbox }: World): Promise<Contestant | undefined> {
  const program = process.env["KITESEAL_BENCH_COSIGN"] ?? inPath("cosign");
  if (program === undefined) return undefined;
  const identity = ["--certificate-identity", "https://buildkite.com/acme/app"];
  const issuer = ["--certificate-oidc-issuer", "https://agent.buildkite.com"];
  const given = [
    "--new-bundle-format",
    "--bundle",
    "small.bin.sigstore.json",
    "--trusted-root",
    sandbox.trustedRootPath,
  ];
  const args = ["verify-blob-attestation", ...given, ...identity, ...issuer, "--type", "slsaprovenance1", "small.bin"];
  const { code, stderr } = await runProgram(program, { args, cwd, env });
  if (code === 0) return processOf(COSIGN, [program, ...args], { cwd, env });
  console.error(`cosign is left out: it ended with exit code ${code}: ${stderr.trim()}`);
  return undefined;
}

function inPath(name: string): string | undefined {
  const candidates = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
