// SPDX-License-Identifier: Apache-2.0
// The contract suites on a directory, and the document that shows their results.
import { chmod, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cellText, rowsOf, sentenceOf, SUITES } from "../../../../scripts/contract/document.ts";
import { describeAdapterContract } from "../adapter-contract.testkit.ts";
import { describeStoreContract } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { createFileAdapter } from "./adapter.ts";

const temporaryDirectory = async (): Promise<string> => realpath(await mkdtemp(join(tmpdir(), "kiteseal-file-")));

/** Permissions do not bind root, so the test gives up being root while they are taken away. */
async function denyDirectory(root: string, path: string): Promise<() => Promise<void>> {
  await chmod(root, 0o755);
  await chmod(path, 0o000);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  return async () => {
    if (isRoot) process.seteuid?.(0);
    await chmod(path, 0o755);
  };
}

describeStoreContract("file", async () => {
  const root = await temporaryDirectory();
  return {
    location: { store: createStore(createFileAdapter(`${root}/base`), {}), prefix: `${root.slice(1)}/base/` },
    deny: (key) => denyDirectory(root, `/${key.slice(0, key.lastIndexOf("/"))}`),
    close: () => rm(root, { recursive: true }),
  };
});

describeAdapterContract("file", async () => {
  const root = await temporaryDirectory();
  return {
    adapter: createFileAdapter(root),
    prefix: `${root.slice(1)}/`,
    close: () => rm(root, { recursive: true }),
  };
});

interface Task {
  readonly name: string;
  readonly tasks?: readonly Task[];
}

/** Titles from the file down to each test. */
function titlesIn(tasks: readonly Task[], above: readonly string[] = []): readonly (readonly string[])[] {
  return tasks.flatMap(({ name, tasks: below }) =>
    below === undefined ? [[...above, name]] : titlesIn(below, [...above, name]),
  );
}

test.for(SUITES)("docs/reference/contract.md has a row for each %s sentence, in order", async (suite, { task }) => {
  const path = join(import.meta.dirname, "../../../../docs/reference/contract.md");
  const sentences = titlesIn(task.file.tasks).flatMap((titles) => sentenceOf(titles) ?? []);
  const rows = sentences.flatMap((sentence) => (sentence.suite === suite ? [cellText(sentence.text)] : []));
  expect(rowsOf(await readFile(path, "utf8"), suite)).toEqual([...new Set(rows)]);
});
