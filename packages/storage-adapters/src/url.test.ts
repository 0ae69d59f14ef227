// SPDX-License-Identifier: Apache-2.0
import { array, assert, oneof, pre, property, string, stringMatching } from "fast-check";
import { describe, expect, test } from "vitest";
import { KitesealError, parseKey, unportableReason } from "@kiteseal/core/store";
import type { ErrorCode } from "@kiteseal/core/store";
import { createFileAdapter } from "./file/adapter.ts";
import { expandDestination, parseStoreUrl, PLACEHOLDER_NAMES } from "./url.ts";

function expectThrown(operation: () => unknown, code: ErrorCode): KitesealError {
  try {
    operation();
  } catch (error) {
    if (error instanceof KitesealError) {
      expect(error.code).toBe(code);
      return error;
    }
    throw error;
  }
  return expect.fail(`did not throw ${code}`);
}

describe("parseStoreUrl", () => {
  test.each([
    ["file:///srv/store", "srv/store", false],
    ["file:///srv/store/", "srv/store", true],
    ["file:///", "", true],
    ["file:///a%20b/%25", "a b/%", false],
    ["file:///a b/ä", "a b/ä", false],
    ["file:///%7Bbuild%7D", "{build}", false],
    ["file:///a%2525", "a%25", false],
  ])("%s is the path %j", (url, path, isDirectory) => {
    expect(parseStoreUrl(url)).toEqual({ scheme: "file", origin: "", bucket: "", path, isDirectory });
  });

  test.each([
    "",
    "/srv/store",
    "srv/store",
    "file:",
    "file:/srv",
    "file://",
    "file://host/srv",
    "file://user:password@host/srv",
    "FILE:///srv",
    "s3://",
    "s3:///x",
    "s3://bucket//x",
    "s3://bucket/../x",
    "s3://key:secret@bucket/x",
    "gs://bucket/a?b",
    "http://host/x",
    "https://user:password@host/x",
    "https://acme.blob.core.windows.net",
    "https://acme.blob.core.windows.net/?sig=abc",
    "https://acme.blob.core.windows.net/ab/x",
    "https://acme.blob.core.windows.net/Box/x",
    "https://acme.blob.core.windows.net/a--b/x",
    "https://acme.blob.core.windows.net/box-/x",
    `https://acme.blob.core.windows.net/${"x".repeat(64)}/x`,
    "ftp://host/x",
    "file:////srv",
    "file:///srv//x",
    "file:///srv//",
    "file:///srv/./x",
    "file:///srv/../x",
    "file:///srv/%2e%2e/x",
    "file:///srv/%2E/x",
    "file:///a%2Fb",
    "file:///a%2fb",
    "file:///a%00b",
    "file:///a%0Ab",
    "file:///a%",
    "file:///a%zz",
    "file:///a%ff",
    "file:///a?b",
    "file:///a#b",
    "file:///a\\b",
    "file:///a/{build}",
    "file:///a/}",
  ])("refuses %j", (url) => {
    expectThrown(() => parseStoreUrl(url), "ERR_STORE_URL");
  });

  test.each([
    ["s3://bucket/a/b", { scheme: "s3", origin: "", bucket: "bucket", path: "a/b", isDirectory: false }],
    ["s3://bucket", { scheme: "s3", origin: "", bucket: "bucket", path: "", isDirectory: true }],
    ["gs://my_bucket.x/a%20b/", { scheme: "gs", origin: "", bucket: "my_bucket.x", path: "a b", isDirectory: true }],
    ["rt://repo-local/a", { scheme: "rt", origin: "", bucket: "repo-local", path: "a", isDirectory: false }],
    [
      "https://acme.blob.core.windows.net/box/a/b",
      { scheme: "azure", origin: "https://acme.blob.core.windows.net", bucket: "box", path: "a/b", isDirectory: false },
    ],
    [
      `https://acme.blob.core.windows.net/${"a-0".repeat(21)}`,
      {
        scheme: "azure",
        origin: "https://acme.blob.core.windows.net",
        bucket: "a-0".repeat(21),
        path: "",
        isDirectory: true,
      },
    ],
    [
      "https://host:8443/a",
      { scheme: "https", origin: "https://host:8443", bucket: "", path: "a", isDirectory: false },
    ],
    [
      "http://127.0.0.1:8080/a",
      { scheme: "https", origin: "http://127.0.0.1:8080", bucket: "", path: "a", isDirectory: false },
    ],
  ])("%s is an address", (url, address) => {
    expect(parseStoreUrl(url)).toEqual(address);
  });

  test.each([
    "https://h/x?sig=SECRETVALUE",
    "https://user:SECRETVALUE@h/x",
    "s3://key:SECRETVALUE@bucket/x",
    "file:///a#SECRETVALUE",
  ])("shows no credential of %s in its error", (url) => {
    const error = expectThrown(() => parseStoreUrl(url), "ERR_STORE_URL");
    expect(`${error.message} ${error.hint}`).not.toContain("SECRETVALUE");
  });

  test("reads every URL that an adapter writes", () => {
    const segment = string({ minLength: 1, maxLength: 12, unit: "binary" });
    assert(
      property(array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const path = segments.join("/");
        pre(!segments.some((s) => s === "." || s === ".." || s.includes("/") || /[\u0000-\u001f\u007f]/.test(s)));
        pre(path.isWellFormed());
        const url = createFileAdapter("").url(parseKey(path));
        expect(parseStoreUrl(url)).toMatchObject({ scheme: "file", path, isDirectory: false });
      }),
    );
  });
});

describe("expandDestination", () => {
  test.each([
    ["file:///S/out", "file:///S/out", "file:///S/out/"],
    ["file:///S/out/", "file:///S/out/", "file:///S/out/"],
    ["file:///S/{build}", "file:///S/1514", "file:///S/"],
    ["file:///S/b-{build}/{job}", "file:///S/b-1514/0190", "file:///S/"],
    ["file:///S/x/{build}/dist/", "file:///S/x/1514/dist/", "file:///S/x/"],
    ["file:///{branch}", "file:///feature_2fx__y", "file:///"],
    ["s3://bucket/a/{build}", "s3://bucket/a/1514", "s3://bucket/a/"],
    ["file:///S/%7Bx%7D/{build}", "file:///S/%7Bx%7D/1514", "file:///S/%7Bx%7D/"],
  ])("%s is %s, fixed up to %s", (template, url, fixed) => {
    expect(expandDestination(template, { build: "1514", job: "0190", branch: "feature/x_y" })).toEqual({ url, fixed });
  });

  test.each([
    ["unknown", "file:///S/{constructor}"],
    ["unknown", "file:///S/{Build}"],
    ["unknown", "file:///S/{ build }"],
    ["unknown", "file:///S/{}"],
    ["absent", "file:///S/{tag}"],
    ["empty", "file:///S/{step}"],
    ["unbalanced", "file:///S/{build"],
    ["unbalanced", "file:///S/build}"],
    ["unbalanced", "file:///S/{{build}}"],
    ["unbalanced", "file:///S/{build/x}"],
    ["before the path", "file://{build}/x"],
    ["before the path", "s3://{build}"],
    ["before the path", "{build}"],
    ["the attestations' folder", "file:///S/.{pipeline}/x"],
    ["too long", `file:///S/${"x".repeat(255)}{build}`],
  ])("refuses a placeholder that is %s: %s", (_, template) => {
    const values = { build: "1514", step: "", pipeline: "KiteSeal" };
    expectThrown(() => expandDestination(template, values), "ERR_PLACEHOLDER");
  });

  test("refuses a value that no UTF-8 holds", () => {
    expectThrown(() => expandDestination("file:///S/{branch}", { branch: "\ud800" }), "ERR_PLACEHOLDER");
  });

  test.each([
    ".",
    "..",
    "...",
    "a/../b",
    "/",
    "\\",
    " ",
    "a ",
    "a.",
    ".kiteseal",
    "%2e%2e",
    "{build}",
    "?",
    "#",
    "\u0000",
    "_",
    "ä",
  ])("makes the branch %j one harmless segment", (branch) => {
    const { url } = expandDestination("file:///S/{branch}", { branch });
    const segment = url.slice("file:///S/".length);
    expect(segment).toMatch(/^[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?$/);
    expect(unportableReason(segment)).toBeUndefined();
    expect(parseStoreUrl(url).path).toBe(`S/${segment}`);
  });

  test("never gives two values one segment", () => {
    const value = oneof(string({ minLength: 1, maxLength: 20, unit: "binary" }), stringMatching(/^[_.25fe/a-]{1,6}$/));
    const expand = (branch: string): string => expandDestination("file:///S/{branch}", { branch }).url;
    assert(
      property(value, value, (a, b) => {
        pre(a !== b && a.isWellFormed() && b.isWellFormed());
        expect(expand(a)).not.toBe(expand(b));
      }),
      { numRuns: 2000 },
    );
  });

  test("has every placeholder of the design", () => {
    const values = Object.fromEntries(PLACEHOLDER_NAMES.map((name) => [name, `v-${name}`]));
    for (const name of PLACEHOLDER_NAMES) {
      expect(expandDestination(`file:///S/{${name}}`, values).url).toBe(`file:///S/v-${name}`);
    }
    expect(PLACEHOLDER_NAMES).toHaveLength(9);
  });
});
