// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { isKitesealError } from "../errors.ts";
import { bundleHandles } from "./bundle-file.ts";

const ctx = { now: (): Date => new Date(0) };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function read(path: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const handle of bundleHandles(path, bytes(text))) found.push(new TextDecoder().decode(await handle.read(ctx)));
  return found;
}

function code(path: string, content: Uint8Array): unknown {
  try {
    return bundleHandles(path, content).length;
  } catch (error) {
    return isKitesealError(error) ? error.code : error;
  }
}

describe("bundleHandles", () => {
  it.each([
    ["a trailing newline", "{1}\n{2}\n"],
    ["none", "{1}\n{2}"],
    ["CRLF", "{1}\r\n{2}\r\n"],
    ["empty lines", "\n{1}\n\n{2}\n\n"],
  ])("reads a bundle a line from .jsonl with %s", async (_, text) => {
    expect(await read("a.jsonl", text)).toEqual(["{1}", "{2}"]);
  });

  it("keeps a pretty-printed document whole", async () => {
    expect(await read("a.json", "{\n1\n}\n")).toEqual(["{\n1\n}\n"]);
  });

  it("refuses empty files and files over the limits", () => {
    expect(code("a.json", bytes(""))).toBe("ERR_BUNDLE_INVALID");
    expect(code("a.jsonl", bytes("\n\n"))).toBe("ERR_BUNDLE_INVALID");
    expect(code("a.jsonl", bytes("{}\n".repeat(1025)))).toBe("ERR_LIMIT_EXCEEDED");
    expect(code("a.json", new Uint8Array(67_108_865))).toBe("ERR_LIMIT_EXCEEDED");
  });
});
