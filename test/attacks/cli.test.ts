// SPDX-License-Identifier: Apache-2.0
// Every attack that can be put into files and flags, against the command line: main() in this process, files in a real
// directory. The exit code says what kind of no it is, the JSON says which check and which code.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ErrorKind, errorEntry } from "@kiteseal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Io } from "../../packages/cli/src/io.ts";
import { main } from "../../packages/cli/src/main.ts";
import { ATTACKS } from "./corpus.ts";
import { sha256Hex, startForge, type Forge } from "./forge.ts";
import type { Attack, Case, RuleWords } from "./spec.ts";

const EXIT: Readonly<Record<ErrorKind, number>> = {
  usage: 2,
  refused: 20,
  unattested: 21,
  undetermined: 30,
  interrupted: 130,
};
const OUTCOME_EXIT = { rejected: 20, unattested: 21, undetermined: 30 } as const;

interface Report {
  readonly exitCode: number;
  readonly artifacts: readonly { code?: string; outcome: string; checks: readonly { id: string; status: string }[] }[];
}

let forge: Forge;
const directory = mkdtempSync(join(tmpdir(), "kiteseal-attacks-cli-"));
let runs = 0;

beforeAll(async () => {
  forge = await startForge();
});

afterAll(async () => {
  await forge.close();
  rmSync(directory, { recursive: true });
});

const FLAGS: Readonly<Partial<Record<keyof RuleWords, string>>> = {
  organization: "--org",
  pipeline: "--pipeline",
  step: "--step",
  branch: "--branch",
  tag: "--tag",
  build: "--build",
  trigger: "--trigger",
  runner: "--runner",
  commit: "--commit",
  repository: "--repository",
  maxAge: "--max-age",
  type: "--type",
  anyRef: "--any-ref",
  anyName: "--any-name",
};

/** The rule as flags, or undefined if flags cannot say it. */
function flagsOf(words: RuleWords): readonly string[] | undefined {
  const flags: string[] = [];
  for (const [word, value] of Object.entries(words) as [keyof RuleWords, unknown][]) {
    const flag = FLAGS[word];
    if (flag === undefined) return undefined;
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (item === true) flags.push(flag);
      else if (typeof item === "string" || typeof item === "number") flags.push(`${flag}=${item}`);
      else return undefined;
    }
  }
  return flags;
}

/** The same rule as a policy file; JSON is YAML. */
function policyOf(words: RuleWords): string {
  const { organization, pipeline, step, branch, tag, anyRef, anyName, organizationId, pipelineId, maxAge, ...more } =
    words;
  const { certificate, alsoRequired, ...others } = more;
  const isBuilder = (organization ?? pipeline ?? step) !== undefined;
  const isRef = (branch ?? tag ?? anyRef) !== undefined;
  const rule = {
    artifacts: "**",
    ...(anyName === true ? { "any-name": true } : {}),
    ...(isBuilder ? { builder: { organization, pipeline, step } } : {}),
    ...(isRef ? { source: { branch, tag, ...(anyRef === true ? { ref: "any" } : {}) } } : {}),
    certificate: certificate?.map((one) => ({
      identity: one.identity,
      "identity-regexp": one.identityRegexp,
      issuer: one.issuer,
      "issuer-regexp": one.issuerRegexp,
    })),
    "also-required": alsoRequired,
    "organization-id": organizationId,
    "pipeline-id": pipelineId,
    "max-age": maxAge,
    ...others,
  };
  return JSON.stringify({ version: 1, rules: { flags: rule } });
}

/** The command line computes further digests when a statement states them. */
const COMPUTED: ReadonlySet<string> = new Set(["second-digest-not-computed"]);

/** A file's digest is computed, never given; a file has a name. */
function expressible({ artifact }: Case): boolean {
  const { name, digest, bytes } = artifact;
  return name !== undefined && Object.keys(digest).length === 1 && digest["sha256"] === sha256Hex(bytes);
}

const oneLine = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString()
    .replaceAll(/[\r\n]+/g, " ");

/** Writes the files of a case; returns the arguments. */
function argumentsOf({ artifact, others, complete, evidence, root, policy }: Case, folder: string): readonly string[] {
  const write = (name: string, bytes: Uint8Array | string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  };
  for (const { name, bytes } of evidence.files) write(name, bytes);
  for (const { name, bytes } of [artifact, ...others]) write(name ?? "", bytes);
  write("trusted_root.json", root);
  const rule = policy.kind === "flags" ? flagsOf(policy.words) : undefined;
  if (rule === undefined) write("policy.yaml", policy.kind === "flags" ? policyOf(policy.words) : policy.text);
  const given = evidence.kind === "given" ? evidence.files : [];
  const [single] = given;
  // One file, or the lines of one.
  if (given.length > 1) write("given.jsonl", given.map(({ bytes }) => oneLine(bytes)).join("\n"));
  const bundles = single === undefined ? [] : [`--bundle=${given.length > 1 ? "given.jsonl" : single.name}`];
  return [
    "verify",
    ...[artifact, ...others].map(({ name }) => name ?? ""),
    ...(complete ? ["--require-all-subjects"] : []),
    "--trusted-root=trusted_root.json",
    ...(rule ?? ["--policy=policy.yaml"]),
    ...bundles,
    "--format=json",
  ];
}

async function run(asked: Case): Promise<{ code: number; out: string; err: string }> {
  const folder = join(directory, String(runs++));
  mkdirSync(folder);
  const written = { out: "", err: "" };
  const sink = (key: "out" | "err"): Io["stdout"] => ({
    isTty: false,
    write: (data) => {
      written[key] += Buffer.from(data).toString();
      return Promise.resolve();
    },
  });
  const io: Io = {
    stdout: sink("out"),
    stderr: sink("err"),
    env: asked.env,
    cwd: folder,
    now: () => asked.now,
    signal: new AbortController().signal,
    machineConfig: join(folder, "none.yaml"),
    spawn: () => Promise.reject(new Error("nothing to run")),
  };
  const code = await main(argumentsOf(asked, folder), io);
  rmSync(folder, { recursive: true });
  return { code, ...written };
}

function judgedOtherwise({ code, out, err }: { code: number; out: string; err: string }, attack: Attack): unknown {
  if (attack.outcome === "input") {
    // Flags may name what is missing before the rule is compiled.
    const codes = errorEntry(attack.code).kind === "usage" ? [attack.code, "ERR_USAGE"] : [attack.code];
    const known = codes.some((name) => `${out}${err}`.includes(name));
    return code === EXIT[errorEntry(attack.code).kind] && known ? undefined : { code, out, err };
  }
  const report = JSON.parse(out) as Report;
  const row = report.artifacts.find(({ outcome }) => outcome !== "verified");
  const failing = row?.checks.find((c) => c.status === "failed" || c.status === "undetermined");
  const expected = {
    exit: OUTCOME_EXIT[attack.outcome],
    outcome: attack.outcome,
    code: attack.code,
    check: attack.check,
  };
  const found = { exit: code, outcome: row?.outcome, code: row?.code, check: failing?.id ?? "none" };
  return JSON.stringify(expected) === JSON.stringify(found) && report.exitCode === code ? undefined : found;
}

const CHECKS = [...new Set(ATTACKS.map((a) => a.check))];
let left = 0;

describe.each(CHECKS)("%s", (check) => {
  const attacks = ATTACKS.filter((a) => a.check === check);

  test.each(attacks)("$id", async (attack) => {
    const asked = attack.attack(forge);
    if (!expressible(asked) || COMPUTED.has(attack.id)) {
      left++;
      return;
    }
    expect(judgedOtherwise(await run(asked), attack)).toBeUndefined();
  });

  test("a twin is verified", async () => {
    for (const attack of attacks.slice(0, 2)) {
      const { code, err } = await run(attack.twin(forge));
      expect({ twin: attack.id, code, err }).toMatchObject({ code: 0 });
    }
  });
});

test("hardly an attack cannot be said in files and flags", () => {
  expect(left).toBeLessThan(ATTACKS.length / 20);
});
