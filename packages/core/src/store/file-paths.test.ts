// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { isKitesealError, type KitesealError } from "../errors.ts";
import { FilePaths } from "./file-paths.ts";

function failure(...paths: readonly string[]): KitesealError | undefined {
  const taken = new FilePaths();
  try {
    for (const path of paths) taken.add(path);
    return undefined;
  } catch (error) {
    if (!isKitesealError(error)) throw error;
    return error;
  }
}

const code = (...paths: readonly string[]): unknown => failure(...paths)?.code;

describe("paths below one directory", () => {
  it.each([
    ["a", "b"],
    ["dist/a", "dist/b", "dist2/a"],
    ["a/b", "a/c/d", "ab"],
    ["app.tgz.asc", "app.tgz.sha256", "app.tgz"],
    ["ü/x", "ü/y"],
  ])("%j, %j may stand beside each other", (...paths) => expect(code(...paths)).toBeUndefined());

  it.each([
    ["the same twice", "a", "a"],
    ["letter case", "README", "readme"],
    ["letter case of a folder", "Dist/a", "dist/b"],
    ["letter case beyond ASCII", "Ä", "ä"],
    ["long s", "ſ", "S"],
    ["sharp s", "straße", "STRASSE"],
    ["a file where another has a folder", "a", "a/b"],
    ["a folder where another is a file", "a/b", "A"],
  ])("%s: %j and %j may not", (_, ...paths) => expect(code(...paths)).toBe("ERR_DUPLICATE_NAME"));

  it.each([
    ["dist/app", "dist/app/x"],
    ["dist/app/x", "dist/app"],
    ["README", "readme"],
  ])("of %j and %j both are named", (...paths) => {
    for (const path of paths) expect(failure(...paths)?.message).toContain(`"${path}"`);
  });

  it.each([
    "../a",
    "/a",
    "a//b",
    "",
    ".",
    "a\\..\\b",
    "C:\\a",
    "a\nb",
    "a\u0000",
    "u\u0308",
    "con",
    "a/NUL.txt",
    "lpt1",
    "a.",
    "a ",
    ".kiteseal/a",
    "a/.Kiteseal/b",
    "app.sigstore.json",
    "APP.SIGSTORE.JSONL",
    "n".repeat(242),
    "\ud800",
  ])("%j is refused", (path) => expect(code(path)).toBe("ERR_KEY_INVALID"));

  it("leaves room for the name of its attestation", () => expect(code("n".repeat(240))).toBeUndefined());
});
