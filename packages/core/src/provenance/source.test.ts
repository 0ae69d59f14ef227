// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCheckoutCommit } from "./source.ts";

let root: string;
let head: string;

function git(...args: string[]): string {
  const identity = [
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@b",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "protocol.file.allow=always",
  ];
  return execFileSync("git", [...identity, ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "kiteseal-git-"));
  git("init");
  git("commit", "--allow-empty", "-m", "one");
  git("commit", "--allow-empty", "-m", "two");
  head = git("rev-parse", "HEAD");
});
afterEach(() => rm(root, { recursive: true }));

describe("readCheckoutCommit", () => {
  it("reads a branch, also from below the checkout", async () => {
    await mkdir(join(root, "a/b"), { recursive: true });
    expect(await readCheckoutCommit(root)).toBe(head);
    expect(await readCheckoutCommit(join(root, "a/b"))).toBe(head);
  });

  it("reads a detached HEAD", async () => {
    git("checkout", "--detach", "HEAD~1");
    expect(await readCheckoutCommit(root)).toBe(git("rev-parse", "HEAD"));
  });

  it("reads packed refs, and the loose one where both exist", async () => {
    git("branch", "aaa", "HEAD~1");
    git("tag", "-a", "v1", "-m", "annotated", "HEAD~1");
    git("pack-refs", "--all");
    expect(await readCheckoutCommit(root)).toBe(head);
    git("commit", "--allow-empty", "-m", "three");
    expect(await readCheckoutCommit(root)).toBe(git("rev-parse", "HEAD"));
    git("checkout", "aaa");
    expect(await readCheckoutCommit(root)).toBe(git("rev-parse", "HEAD"));
  });

  it("reads a worktree and a submodule", async () => {
    git("worktree", "add", "-b", "side", "tree", "HEAD~1");
    expect(await readCheckoutCommit(join(root, "tree"))).toBe(git("rev-parse", "HEAD~1"));
    git("submodule", "add", root, "module");
    expect(await readCheckoutCommit(join(root, "module"))).toBe(head);
  });

  it("reads a sha256 repository", async () => {
    await rm(join(root, ".git"), { recursive: true });
    git("init", "--object-format=sha256");
    git("commit", "--allow-empty", "-m", "one");
    expect(await readCheckoutCommit(root)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["no commit yet", "ref: refs/heads/none\n"],
    ["a ref out of the repository", "ref: refs/../../HEAD\n"],
    ["no ref", "ref: /etc/passwd\n"],
    ["a loop", "ref: refs/heads/loop\n"],
    ["a short id", "83a20ec\n"],
    ["nothing", ""],
    ["more than a ref can be", "a".repeat(5000)],
  ])("does not know the commit of %s", async (_what, text) => {
    await writeFile(join(root, ".git/HEAD"), text);
    await writeFile(join(root, "HEAD"), head);
    await writeFile(join(root, ".git/refs/heads/loop"), "ref: refs/heads/loop\n");
    expect(await readCheckoutCommit(root)).toBeUndefined();
  });

  it("does not know it outside a checkout", async () => {
    await rm(join(root, ".git"), { recursive: true });
    expect(await readCheckoutCommit(root)).toBeUndefined();
  });
});
