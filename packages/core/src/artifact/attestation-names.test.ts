// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { artifactBeside } from "./attestation-names.ts";

test.each([
  ["dist/app.tgz.sigstore.json", "dist/app.tgz"],
  ["dist/app.tgz.sigstore.jsonl", "dist/app.tgz"],
  ["a.sigstore.json.sigstore.json", "a.sigstore.json"],
])("%s lies beside %s", (path, artifact) => {
  expect(artifactBeside(path)).toBe(artifact);
});

test.each([
  "dist/app.tgz",
  "dist/.sigstore.json",
  ".sigstore.jsonl",
  "a.sigstore.json/b",
  "a.SIGSTORE.JSON",
  "a.sigstore.json\n",
])("%j is an artifact", (path) => {
  expect(artifactBeside(path)).toBeUndefined();
});
