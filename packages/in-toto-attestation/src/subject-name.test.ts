// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { unsafeNameReason, type UnsafeNameReason } from "./subject-name.ts";

test.each(["a", "dist/app-1.0.tgz", "ghcr.io/acme/app", "pkg:npm/x@1", "...", "a..b/.c", "漢字/é.txt", "a b", "-rf"])(
  "%j is clean",
  (name) => {
    expect(unsafeNameReason(name)).toBeUndefined();
  },
);

test.each<[UnsafeNameReason, string]>([
  ["empty", ""],
  ["lone surrogate", "a\ud800"],
  ["control character", "a\nb"],
  ["control character", "a\u001b[31m"],
  ["control character", "a\u0085"],
  ["control character", "a\u2028b"],
  ["bidirectional mark", "a\u202egpj.exe"],
  ["bidirectional mark", "a\u2066b"],
  ["bidirectional mark", "\u200fa"],
  ["bidirectional mark", "\u061ca"],
  ["invisible character", "a\u200bb"],
  ["invisible character", "a\u200db"],
  ["invisible character", "\ufeffa"],
  ["invisible character", "a\u00adb"],
  ["invisible character", "a\u3164b"],
  ["invisible character", "a\ufe0fb"],
  ["invisible character", "a\u{e0041}"],
  ["backslash", String.raw`a\b`],
  ["leading slash", "/etc/passwd"],
  ["empty segment", "a//b"],
  ["empty segment", "a/"],
  ["dot segment", "../a"],
  ["dot segment", "a/.."],
  ["dot segment", "./a"],
  ["dot segment", "."],
  ["not NFC", "e\u0301.txt"],
])("%s: %j", (reason, name) => {
  expect(unsafeNameReason(name)).toBe(reason);
});
