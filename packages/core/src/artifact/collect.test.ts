// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../context.ts";
import { collectArtifacts } from "./collect.ts";
import { sortByName, subjectName } from "./names.ts";

const ctx: Context = { now: () => new Date(0) };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "kiteseal-collect-"));
});
afterEach(() => rm(root, { recursive: true }));

async function files(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), name);
  }
}

async function names(...patterns: string[]): Promise<string[]> {
  return (await collectArtifacts(patterns, { cwd: root, base: root }, ctx)).files.map((file) => file.name);
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe("collectArtifacts", () => {
  it("expands globs, dot files included, in the order of the names' bytes", async () => {
    await files(
      "dist/b.tgz",
      "dist/a.tgz",
      "dist/.c.tgz",
      "dist/sub/d.tgz",
      "src/e.tgz",
      "dist/\uffe0.tgz",
      "dist/😀.tgz",
    );
    expect(await names("dist/*.tgz")).toEqual([
      "dist/.c.tgz",
      "dist/a.tgz",
      "dist/b.tgz",
      "dist/\uffe0.tgz",
      "dist/😀.tgz",
    ]);
    expect(await names("./dist/**")).toContain("dist/sub/d.tgz");
    expect(await names("*/d.tgz", "**/d.tgz").catch((error: unknown) => error)).toMatchObject({ code: "ERR_NO_MATCH" });
    expect(await names("**/d.tgz")).toEqual(["dist/sub/d.tgz"]);
    expect(await names(`${root}/dist/?.tgz`)).toContain("dist/a.tgz");
  });

  it("takes an existing file for itself, whatever characters it has", async () => {
    await files("a[1].txt", "*.txt", "b.txt");
    expect(await names("a[1].txt")).toEqual(["a[1].txt"]);
    expect(await names("*.txt")).toEqual(["*.txt"]);
    await expect(names("[ab]*.txt")).rejects.toThrow(code("ERR_USAGE"));
  });

  it("names each file once however often it is meant", async () => {
    await files("x", "y");
    expect(await names("x", "./x", "*")).toEqual(["x", "y"]);
  });

  it("refuses directories, and patterns and paths without a file", async () => {
    await files("dist/a", "empty/.keep");
    await expect(names("dist")).rejects.toThrow(code("ERR_IS_DIRECTORY"));
    await expect(names("dist/")).rejects.toThrow(code("ERR_IS_DIRECTORY"));
    await expect(names("dist/a", "absent")).rejects.toThrow(code("ERR_NO_MATCH"));
    await expect(names("dist/a", "dist/*.tgz")).rejects.toThrow(code("ERR_NO_MATCH"));
    await expect(names("nowhere/*")).rejects.toThrow(code("ERR_NO_MATCH"));
    await expect(names("dist/a/*")).rejects.toThrow(code("ERR_NO_MATCH"));
    await expect(names("a\0b")).rejects.toThrow(code("ERR_NO_MATCH"));
  });

  it("does not enter .kiteseal and .git, and leaves sidecars out and says so", async () => {
    await files(".kiteseal/bundles/x", ".git/config", "app.tgz", "app.tgz.sigstore.json", "alone.sigstore.json");
    const { files: found, sidecars } = await collectArtifacts(["**"], { cwd: root, base: root }, ctx);
    expect(found.map((file) => file.name)).toEqual(["alone.sigstore.json", "app.tgz"]);
    expect(sidecars).toEqual([join(root, "app.tgz.sigstore.json")]);
    expect(await names(".kiteseal/bundles/x", "app.tgz.sigstore.json")).toHaveLength(2);
  });

  it("follows links to files, and links to directories only by name", async () => {
    await files("real/a", "dist/own");
    await symlink(join(root, "real/a"), join(root, "dist/to-file"));
    await symlink(join(root, "real"), join(root, "dist/to-directory"));
    expect(await names("dist/**")).toEqual(["dist/own", "dist/to-file"]);
    expect(await names("dist/to-directory/*")).toEqual(["dist/to-directory/a"]);
  });

  it("passes over nothing that matches", async () => {
    await files("dist/a");
    await symlink("nowhere", join(root, "dist/dangling"));
    await expect(names("dist/*")).rejects.toThrow(code("ERR_UNREADABLE"));
    await rm(join(root, "dist/dangling"));
    execFileSync("mkfifo", [join(root, "dist/fifo")]);
    await expect(names("dist/*")).rejects.toThrow(code("ERR_UNREADABLE"));
    await expect(names("dist/fifo")).rejects.toThrow(code("ERR_UNREADABLE"));
  });

  it("names files in normal form C and refuses two that become one", async () => {
    await files("cafe\u0301");
    expect(await names("*")).toEqual(["caf\u00e9"]);
    await files("caf\u00e9");
    await expect(names("*")).rejects.toThrow(code("ERR_DUPLICATE_NAME"));
  });

  it("refuses names that no statement may hold", async () => {
    await files("a\nb");
    await expect(names("*")).rejects.toThrow(code("ERR_NAME_INVALID"));
    await rm(join(root, "a\nb"));
    execFileSync("sh", ["-c", 'touch "$(printf "x\\377y")"'], { cwd: root });
    await expect(names("*")).rejects.toThrow(code("ERR_NAME_INVALID"));
  });

  it("stops when it is interrupted", async () => {
    await files("x");
    const stopped = { ...ctx, signal: AbortSignal.abort() };
    await expect(collectArtifacts(["x"], { cwd: root, base: root }, stopped)).rejects.toThrow(code("ERR_INTERRUPTED"));
  });
});

describe("subjectName", () => {
  it("is relative to the base, and outside it the absolute path without its root", () => {
    expect(subjectName("/w/dist/a", "/w")).toBe("dist/a");
    expect(subjectName("/w/..dist/a", "/w")).toBe("..dist/a");
    expect(subjectName("/other/a", "/w")).toBe("other/a");
    expect(subjectName("/wx/a", "/w")).toBe("wx/a");
  });
});

describe("sortByName", () => {
  it("sorts by UTF-8 bytes", () => {
    expect(sortByName([{ name: "😀" }, { name: "\uffe0" }, { name: "a" }]).map((item) => item.name)).toEqual([
      "a",
      "\uffe0",
      "😀",
    ]);
  });
});
