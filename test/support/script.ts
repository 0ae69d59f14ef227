// SPDX-License-Identifier: Apache-2.0
// Runs a script of test/scripts (script-syntax.ts): what each directive does stands in DIRECTIVES.
import { deepStrictEqual, match, ok } from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { addFault, startJob, type RunningJob, writeToken } from "./job.ts";
import { type Ended, type Invocation, runProgram, STUB } from "./program.ts";
import { type Line, type Script, splitWords } from "./script-syntax.ts";

interface State {
  readonly work: string;
  readonly run: (invocation: Invocation) => Promise<Ended>;
  cwd: string;
  readonly env: Record<string, string>;
  last: Ended;
  job?: RunningJob | undefined;
}

/** Runs one test in a directory of its own, with no variable of this process but PATH. */
export async function runScript(script: Script, run: State["run"]): Promise<void> {
  const work = realpathSync(mkdtempSync(join(tmpdir(), "kiteseal-script-")));
  const env = { PATH: process.env["PATH"] ?? "", HOME: join(work, "home"), WORK: work, STUB };
  const state: State = { work, run, cwd: work, env, last: { code: 0, stdout: "", stderr: "" } };
  try {
    for (const [name, content] of script.files) writeFile(join(work, name), content);
    for (const line of script.lines) await runLine(state, line);
  } finally {
    await state.job?.close();
    rmSync(work, { recursive: true, force: true });
  }
}

async function runLine(state: State, line: Line): Promise<void> {
  const words = splitWords(line.text, state.env);
  const negated = words[0] === "!";
  const [name = "", ...args] = negated ? words.slice(1) : words;
  const directive = DIRECTIVES[name];
  try {
    ok(directive !== undefined, `there is no directive ${name}`);
    await directive(state, args, negated);
  } catch (cause) {
    const { code, stdout, stderr } = state.last;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `line ${line.number}: ${line.text}\n${why}\nexit ${code}\n[stdout]\n${stdout}\n[stderr]\n${stderr}`,
      { cause },
    );
  }
}

type Directive = (state: State, args: readonly string[], negated: boolean) => void | Promise<void>;
const path = (state: State, name = ""): string => resolve(state.cwd, name);

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  /** Runs a program, expects exit 0; with `!`, anything else. A bug or a stack trace is never expected. */
  exec: async (state, [program = "", ...args], negated) => {
    const invocation = { args, cwd: state.cwd, env: state.env };
    state.last = program === "kiteseal" ? await state.run(invocation) : await runProgram(program, invocation);
    ok(program !== "kiteseal" || (state.last.code !== 1 && !/^ +at .+:\d+:\d+\)?$/m.test(state.last.stderr)), "a bug");
    ok((state.last.code === 0) !== negated, `expected exit ${negated ? "other than " : ""}0`);
  },
  code: (state, [expected]) => deepStrictEqual(state.last.code, Number(expected)),
  stdout: (state, [pattern = ""], negated) => expectMatch(state.last.stdout, pattern, negated),
  stderr: (state, [pattern = ""], negated) => expectMatch(state.last.stderr, pattern, negated),
  grep: (state, [pattern = "", file], negated) =>
    expectMatch(readFileSync(path(state, file), "utf8"), pattern, negated),
  exists: (state, [name], negated) =>
    ok(existsSync(path(state, name)) !== negated, `${name} ${negated ? "exists" : "does not exist"}`),
  cmp: (state, [a, b]) => ok(readFileSync(path(state, a)).equals(readFileSync(path(state, b))), "the files differ"),
  cd: (state, [name]) => void (state.cwd = path(state, name)),
  env: (state, assignments) => {
    for (const [, name = "", value = ""] of assignments.map((a) => /^([^=]+)=(.*)$/s.exec(a) ?? []))
      state.env[name] = value;
  },
  unset: ({ env }, names) => names.forEach((name) => delete env[name]),
  /** A file of so many zero bytes, without writing them. */
  zeros: (state, [name, size]) => {
    writeFile(path(state, name), "");
    truncateSync(path(state, name), Number(size));
  },
  /** Starts a sandbox, whose job this becomes; `leave` ends both, its files in $STATE stay. */
  sandbox: async (state, args) => {
    await state.job?.close();
    state.job = await startJob(args, join(state.work, "state"));
    Object.assign(state.env, state.job.env, { STATE: join(state.work, "state"), ROOT: state.job.trustedRootPath });
  },
  leave: async (state) => {
    for (const name of Object.keys(state.job?.env ?? {})) delete state.env[name];
    await state.job?.close();
    state.job = undefined;
  },
  fault: ({ job }, args) => addFault(job, args),
  token: (state, [file, ...args]) => writeToken(state.job, path(state, file), args),
};

function expectMatch(text: string, pattern: string, negated: boolean): void {
  if (negated) ok(!new RegExp(pattern, "m").test(text), `${pattern} is there`);
  else match(text, new RegExp(pattern, "m"));
}

function writeFile(name: string, content: string): void {
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(name, content);
}
