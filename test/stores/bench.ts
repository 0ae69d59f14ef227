// SPDX-License-Identifier: Apache-2.0
// One remote store, one signing sandbox and the command line, for the scenarios of one file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { useFixture, WHO, type Fixture } from "../../packages/cli/src/fixture.testkit.ts";
import type { Ran } from "../../packages/cli/src/io.testkit.ts";
import type { RemoteKind, RemoteStore } from "./store.ts";

export interface Place {
  readonly kind: string;
  readonly place: string;
}

export interface StoreReport {
  readonly exitCode: number;
  readonly artifacts: readonly {
    readonly outcome: string;
    readonly code?: string;
    readonly places: readonly Place[];
  }[];
}

export interface StoreBench {
  readonly fixture: Fixture;
  readonly store: RemoteStore;
  /** In the sandbox's job, with the store's environment. */
  inJob(argv: readonly string[], cwd?: string): Promise<Ran>;
  publish(to: string, ...flags: readonly string[]): Promise<Ran>;
  /** Without a job's identity. */
  verify(argv: readonly string[], cwd?: string): Promise<Ran>;
  report(argv: readonly string[]): Promise<StoreReport>;
  /** As another program uploads: the artifact alone. */
  upload(folder: string): Promise<string>;
}

/** A fresh store for each test. Nothing is waited for between two attempts. */
export function useStore(kind: RemoteKind): StoreBench {
  const fixture = useFixture();
  let started: RemoteStore | undefined;
  const running = (): RemoteStore => {
    if (started === undefined) throw new Error("the store is used outside a test");
    return started;
  };
  beforeEach(async () => {
    // The attempts' waits are a random share of a bound: none.
    vi.spyOn(Math, "random").mockReturnValue(0);
    started = await kind.start();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await running().close();
  });
  const bench: StoreBench = {
    fixture,
    get store() {
      return running();
    },
    inJob: (argv, cwd = fixture.root) => {
      return fixture.cli(argv, { cwd, env: { ...fixture.sandbox.jobEnv(), ...running().env } });
    },
    publish: (to, ...flags) => bench.inJob(["publish", "dist/*", "--to", running().url + to, ...flags]),
    verify: (argv, cwd = fixture.root) =>
      fixture.cli(["verify", ...argv, ...fixture.roots(), ...WHO], { cwd, env: running().env }),
    report: async (argv) => {
      const ran = await bench.verify([...argv, "--format", "json"]);
      const parsed: unknown = JSON.parse(ran.stdout);
      return parsed as StoreReport;
    },
    upload: async (folder) => {
      const before = new Set(running().keys());
      const published = await bench.publish(`${folder}/`);
      if (published.code !== 0) throw new Error(published.stderr);
      const isNew = (key: string): boolean => !before.has(key);
      for (const key of running().keys().filter(isNew)) if (key.includes(".kiteseal/")) running().remove(key);
      return `${running().url}${folder}/dist/app.tgz`;
    },
  };
  return bench;
}

/** A settings file of its own, in a directory of its own beside the artifacts. */
export function settingsFile(root: string, text: string): string {
  const path = join(root, "settings.yaml");
  writeFileSync(path, text);
  return path;
}
