// SPDX-License-Identifier: Apache-2.0
// A sandbox, two artifacts and the command line, for the tests of one file.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { afterAll, beforeAll, expect } from "vitest";
import { type Directory, type Ran, runCli, type RunOptions, temporaryDirectory } from "./io.testkit.ts";

/** The builder that the sandbox's job is. */
export const WHO: readonly string[] = ["--org", "acme", "--pipeline", "app", "--branch", "main"];

/** As far as tests read `--format json`. */
export interface Report {
  readonly outcome: string;
  readonly exitCode: number;
  readonly artifacts: readonly {
    readonly name: string;
    readonly outcome: string;
    readonly code?: string;
    readonly hint?: string;
    readonly places: readonly unknown[];
  }[];
  readonly tally: Readonly<Record<string, number>>;
}

type Run = (argv: readonly string[], options?: Partial<RunOptions>) => Promise<Ran>;

export interface Fixture {
  /** Holds `dist/app.tgz` and `dist/notes.txt`; the working directory of command lines. */
  readonly root: string;
  readonly sandbox: Sandbox;
  readonly next: () => number;
  readonly roots: () => readonly string[];
  readonly cli: Run;
  /** With the sandbox's root, for its builder. */
  readonly verify: Run;
  /** A store of its own with both artifacts published as build 1; its path. */
  readonly published: (...flags: readonly string[]) => Promise<string>;
  readonly report: (argv: readonly string[], options?: Partial<RunOptions>) => Promise<Report>;
}

/** Starts before the file's tests and ends after them. */
export function useFixture(): Fixture {
  let started: { directory: Directory; sandbox: Sandbox } | undefined;
  let count = 0;
  const running = (): { directory: Directory; sandbox: Sandbox } => {
    if (started === undefined) throw new Error("the fixture is used outside a test");
    return started;
  };
  beforeAll(async () => {
    const directory = await temporaryDirectory();
    started = { directory, sandbox: await startSandbox({ stateDir: join(directory.path, "state") }) };
    await mkdir(join(directory.path, "dist"));
    await writeFile(join(directory.path, "dist", "app.tgz"), "the application");
    await writeFile(join(directory.path, "dist", "notes.txt"), "the notes");
  });
  afterAll(async () => {
    await running().sandbox.close();
    await running().directory[Symbol.asyncDispose]();
  });
  const fixture: Fixture = {
    get root() {
      return running().directory.path;
    },
    get sandbox() {
      return running().sandbox;
    },
    next: () => (count += 1),
    roots: () => ["--trusted-root", fixture.sandbox.trustedRootPath],
    cli: (argv, options = {}) => runCli(argv, { cwd: fixture.root, ...options }),
    verify: (argv, options) => fixture.cli(["verify", ...argv, ...fixture.roots(), ...WHO], options),
    published: async (...flags) => {
      const store = join(fixture.root, `store-${fixture.next()}`);
      const argv = ["publish", "dist/*", "--to", `file://${store}/{build}`, ...flags];
      expect(await fixture.cli(argv, { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 0, stdout: "" });
      return store;
    },
    report: async (argv, options) => {
      const ran = await fixture.verify([...argv, "--format", "json"], options);
      const parsed = JSON.parse(ran.stdout) as Report;
      expect(parsed.exitCode).toBe(ran.code);
      return parsed;
    },
  };
  return fixture;
}

/** The one bundle of a store. */
export async function onlyBundle(store: string): Promise<string> {
  const folder = join(store, ".kiteseal", "bundles", "sha256");
  const names = await readdir(folder, { recursive: true });
  return join(folder, names.find((name) => name.endsWith(".json")) ?? "");
}
