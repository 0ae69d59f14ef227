// SPDX-License-Identifier: Apache-2.0
// npm run test:conformance -- [--write]: every verification case of the sigstore-conformance checkout that
// KITESEAL_CONFORMANCE_DIR names, by path and by digest, each in a client process of its own as that suite would run it.
// KITESEAL_CONFORMANCE_ROOT: the production root, for cases that bring none. Exit 1 if an answer is not the committed
// one or not the one that the case's name demands; --write commits what was answered, if the names agree.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, env, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { runProgram } from "../support/program.ts";
import { ROOT } from "../support/sources.ts";
import { REPAIRED } from "./repaired.ts";
import { ACCEPTED, CASES_PATH, committedTable, conformanceDocument, type Mode, MODES, tableJson } from "./table.ts";

const CLIENT = fileURLToPath(new URL("client.ts", import.meta.url));
const PROCESSES = 2;
// What the suite's own client asks for when a case does not say.
const IDENTITY =
  "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER = "https://token.actions.githubusercontent.com";

const cases = join(setting("KITESEAL_CONFORMANCE_DIR"), "test/assets/bundle-verify");
const productionRoot = setting("KITESEAL_CONFORMANCE_ROOT");
const write = argv.includes("--write");

function setting(name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

interface Asked {
  readonly name: string;
  readonly mode: Mode;
  /** Instead of the case's own. */
  readonly bundle?: string;
}

function flagsFor({ name, mode, bundle }: Asked): readonly string[] {
  const file = (called: string): string | undefined => {
    const path = join(cases, name, called);
    return existsSync(path) ? path : undefined;
  };
  const text = (called: string, otherwise: string): string => {
    const path = file(called);
    return path === undefined ? otherwise : readFileSync(path, "utf8").trim();
  };
  const key = file("key.pub");
  const signer =
    key === undefined
      ? ["--certificate-identity", text("identity", IDENTITY), "--certificate-oidc-issuer", text("issuer", ISSUER)]
      : ["--key", key];
  const root = file("trusted_root.json");
  const artifact = file("artifact") ?? join(cases, "a.txt");
  const digest = `sha256:${createHash("sha256").update(readFileSync(artifact)).digest("hex")}`;
  return [
    "verify-bundle",
    "--bundle",
    bundle ?? join(cases, name, "bundle.sigstore.json"),
    ...signer,
    ...(root === undefined ? [] : ["--trusted-root", root]),
    mode === "path" ? artifact : digest,
  ];
}

/** As in the table. Exit code and word must agree; anything untyped is no answer. */
async function answerTo(asked: Asked): Promise<string> {
  const client = { PATH: env["PATH"] ?? "", KITESEAL_CONFORMANCE_ROOT: productionRoot };
  const ended = await runProgram(execPath, { args: [CLIENT, ...flagsFor(asked)], cwd: cases, env: client });
  const said: unknown = ended.stdout.startsWith("{") ? JSON.parse(ended.stdout) : {};
  const word = (member: string): string | undefined => {
    const value: unknown = Object.entries(said ?? {}).find(([name]) => name === member)?.[1];
    return typeof value === "string" ? value : undefined;
  };
  if (word("outcome") === ACCEPTED && ended.code === 0) return ACCEPTED;
  const code = word("code");
  if (code !== undefined && ended.code === 1) return `${word("check") ?? "no check"}: ${code}`;
  return `exit code ${ended.code}: ${ended.stdout}${ended.stderr}`;
}

const names = readdirSync(cases)
  .filter((name) => existsSync(join(cases, name, "bundle.sigstore.json")))
  .toSorted();
const waiting = names.flatMap((name) => MODES.map((mode) => ({ name, mode })));
const total = waiting.length;
const answered = new Map(names.map((name) => [name, { path: "", digest: "" }]));
const lane = async (): Promise<void> => {
  for (let asked = waiting.shift(); asked !== undefined; asked = waiting.shift()) {
    const { name, mode } = asked;
    const answers = answered.get(name);
    if (answers !== undefined) answers[mode] = await answerTo(asked);
  }
};
await Promise.all(Array.from({ length: PROCESSES }, lane));

const folder = await mkdtemp(join(tmpdir(), "kiteseal-conformance-"));
const repairedAnswers = new Map<string, string>();
for (const repaired of REPAIRED) {
  const { name } = repaired;
  const bundle = join(folder, `${name}.json`);
  writeFileSync(bundle, repaired.repair(readFileSync(join(cases, name, "bundle.sigstore.json"), "utf8")));
  repairedAnswers.set(name, await answerTo({ name, mode: "digest", bundle }));
}
await rm(folder, { recursive: true });

const committed = write ? answered : committedTable();
const width = Math.max(...names.map((name) => name.length));
const problems: string[] = [];
for (const [name, answers] of answered) {
  console.log(`${name.padEnd(width)}  ${[...new Set([answers.path, answers.digest])].join("  by digest: ")}`);
  for (const mode of MODES) {
    const wanted = committed.get(name)?.[mode] ?? "not in the table";
    const mustFail = name.endsWith("_fail");
    const accepted = answers[mode] === ACCEPTED;
    const typed = accepted || /^[a-z. -]+: ERR_[A-Z0-9_]+$/.test(answers[mode]);
    if (answers[mode] !== wanted) problems.push(`${name} by ${mode}: expected ${wanted}, found ${answers[mode]}`);
    else if (!typed) problems.push(`${name} by ${mode}: no typed answer: ${answers[mode]}`);
    else if (accepted === mustFail) problems.push(`${name} by ${mode}: its name says otherwise: ${answers[mode]}`);
  }
}
const gone = [...committed.keys()].filter((name) => !answered.has(name));
for (const name of gone) problems.push(`${name}: in the table and not in the suite`);
for (const problem of problems) console.error(problem);
for (const { name, answer } of REPAIRED) {
  const found = repairedAnswers.get(name);
  console.log(`${name}, its form put right: ${found}`);
  if (found !== answer) console.error(`${name}, its form put right: expected ${answer}, found ${found}`);
}
const differing = new Set(problems.map((problem) => problem.split(": ")[0]));
console.log(`${total - differing.size + gone.length} of ${total}`);
const isRepaired = REPAIRED.every(({ name, answer }) => repairedAnswers.get(name) === answer);
if (problems.length > 0 || total === 0 || !isRepaired) process.exitCode = 1;
else if (write) {
  writeFileSync(CASES_PATH, tableJson(answered));
  writeFileSync(join(ROOT, "docs/reference/conformance.md"), conformanceDocument(answered));
}
