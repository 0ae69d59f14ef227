// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { bundleFile } from "./passed-bundles.ts";

test("the file beside an artifact is the bundle as it is, or several one a line", () => {
  const pretty = Buffer.from('{\n  "a": 1\r\n}\n');
  expect(bundleFile("d/a", [pretty])).toEqual({ path: "d/a.sigstore.json", bytes: pretty });
  const { path, bytes } = bundleFile("d/a", [pretty, Buffer.from("{}")]);
  expect(path).toBe("d/a.sigstore.jsonl");
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{ a: 1 }, {}]);
});
