// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isKitesealError } from "../errors.ts";
import { parseKey, portableKey, unportableReason } from "./keys.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isKitesealError(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("parseKey", () => {
  it.each(["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\0b", "a\nb", "\ud800", "a".repeat(4097)])(
    "refuses %j",
    (text) => expect(codeOf(() => parseKey(text))).toBe("ERR_KEY_INVALID"),
  );

  it.each(["a", "a b/c", "a:b", "dist/ü.tgz", "a..b", "...", "a".repeat(4096)])("accepts %j for reading", (text) => {
    expect(parseKey(text)).toBe(text);
  });
});

describe("portableKey", () => {
  it.each([
    "a:b",
    "a;b",
    "a?b",
    "a#b",
    "a%b",
    "a\\b",
    "a*b",
    "a|b",
    "a<b",
    "a>b",
    'a"b',
    "u\u0308.tgz",
    "a./b",
    "a /b",
    "x.sha256",
    "x.MD5",
    "x.asc",
    "dist/con",
    "AUX.c",
    "com1.tar.gz",
    ".kiteseal/x",
    "a/.KITESEAL/b",
    "s".repeat(256),
    `${"s/".repeat(512)}s`,
  ])("refuses to write %j", (text) => {
    expect(unportableReason(text)).toBeDefined();
    expect(codeOf(() => portableKey("p/", text))).toBe("ERR_KEY_INVALID");
  });

  it.each(["console", "auxiliary/x", "com", "com10", "nul_", "x.con"])("%j is no device", (text) => {
    expect(unportableReason(text)).toBeUndefined();
  });

  it("joins the operator's prefix, which may hold what an artifact path may not", () => {
    expect(portableKey("home/c:d/", "dist/app.tgz")).toBe("home/c:d/dist/app.tgz");
  });

  it("never lets a path leave its prefix", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (path) => {
        try {
          const key = portableKey("p/", path);
          return key.startsWith("p/") && !key.split("/").includes("..");
        } catch (error) {
          return isKitesealError(error);
        }
      }),
    );
  });
});
