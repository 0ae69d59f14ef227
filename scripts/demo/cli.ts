// SPDX-License-Identifier: Apache-2.0
// The command as users run it, in a process of its own and with no variable of this one but where programs are.
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";

export const ROOT: string = resolve(import.meta.dirname, "../..");
export const STUB: string = join(ROOT, "packages/cli/bin/kiteseal.mjs");

export interface Ended {
  readonly args: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of a job, a proxy or a configuration that the demo may itself be run in. */
export function plainEnvironment(home: string): Record<string, string> {
  const kept = ["PATH", "TMPDIR", "SystemRoot"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...(Object.fromEntries(kept) as Record<string, string>), HOME: home };
}

export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export function kiteseal(args: readonly string[], place: Place): Promise<Ended> {
  return run([process.execPath, STUB, ...args], place).then((ended) => ({ ...ended, args }));
}

export function run(command: readonly string[], { cwd, env }: Place): Promise<Ended> {
  const [program = "", ...args] = command;
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.once("error", fail);
    child.once("close", (code) => {
      const [stdout, stderr] = [out, err].map((chunks) => Buffer.concat(chunks).toString("utf8"));
      done({ args, exitCode: code ?? 128, stdout: stdout ?? "", stderr: stderr ?? "" });
    });
  });
}

/** What a run with `--format json` says of why. */
export interface Reason {
  readonly code?: string;
  readonly text: string;
}

interface Artifact {
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly build?: { readonly organization: string; readonly pipeline: string; readonly buildNumber: number };
  readonly checks: readonly { id: string; status: string; expected?: string; found?: string }[];
  readonly places: readonly { place: string; outcome: string }[];
}

interface Report {
  readonly kind: string;
  readonly artifacts?: readonly Artifact[];
  readonly error?: { readonly code: string; readonly message: string };
}

export function reasonOf({ exitCode, stdout, stderr }: Ended): Reason {
  if (!stdout.startsWith("{")) return { text: stderr.trim() };
  const { kind, artifacts = [], error } = JSON.parse(stdout) as Report;
  if (error !== undefined) return { code: error.code, text: error.message };
  const refused = artifacts.find((artifact) => artifact.code !== undefined);
  if (refused?.code !== undefined) return { code: refused.code, text: whyRefused(refused) };
  if (exitCode !== 0) return { text: "no reason is given" };
  if (kind === "kiteseal.publish") return { text: `${artifacts.length} stored, each with its attestation` };
  const builds = new Set(
    artifacts.map(({ build }) => `${build?.organization}/${build?.pipeline} ${build?.buildNumber}`),
  );
  return { text: `all ${artifacts[0]?.checks.length} checks passed; signed by build ${[...builds].join(", ")}` };
}

function whyRefused({ checks, message, hint, places }: Artifact): string {
  const check = checks.find(({ status }) => status === "failed" || status === "undetermined");
  if (check !== undefined) {
    return `check ${check.id}: expected ${check.expected ?? "a pass"}; found ${check.found ?? "none"}`;
  }
  const [nearest] = places;
  if (nearest === undefined) return message ?? hint ?? "";
  return `no attestation of these bytes in ${places.length} places, from ${nearest.place} upwards`;
}
