// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { isKitesealError } from "../errors.ts";
import { parsePolicy } from "./schema.ts";
import { selectRule } from "./select.ts";
import type { Policy } from "./rule.ts";

const GOOD = `version: 1
rules:
  app:
    artifacts: ["dist/*.tgz"]
    builder: { organization: acme, pipeline: [app, app-release], step: package }
    source: { tag: "v*" }
    max-age: 90d
  docs:
    artifacts: docs/**
    builder: { organization: acme, pipeline: docs }
    source: { ref: any }
otherwise: docs
`;
const options = { path: "policy.yaml", version: "0.1.0", env: {} };
const parse = (text: string): Promise<Policy> => parsePolicy(new TextEncoder().encode(text), options);

async function refusal(text: string): Promise<{ code: string; line?: unknown }> {
  try {
    await parse(text);
    return { code: "none" };
  } catch (error) {
    if (!isKitesealError(error)) throw error;
    return { code: error.code, line: error.details["line"] };
  }
}

describe("parsePolicy", () => {
  it("reads every kind of value, one or several", async () => {
    const policy = await parse(GOOD);
    expect(policy.rules.map((r) => r.id)).toEqual(["app", "docs"]);
    expect(policy.rules[0]).toMatchObject({
      maxAgeSeconds: 7_776_000,
      signer: { pipelines: ["app", "app-release"], steps: ["package"] },
    });
    expect(policy.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["an unknown key of the file", `${GOOD}extra: 1\n`, 13],
    ["an unknown key of a rule", GOOD.replace("max-age: 90d", "max-aeg: 90d"), 7],
    ["a key twice", GOOD.replace("    max-age: 90d", "    max-age: 90d\n    max-age: 91d"), 8],
    ["another version", GOOD.replace("version: 1", "version: 2"), 1],
    ["a rule without a source", GOOD.replace('    source: { tag: "v*" }\n', ""), undefined],
    ["a tab, a truncated document", "version: 1\nrules:\n\tapp: {", undefined],
    ["an alias", "version: 1\nrules: &a {}\notherwise: *a\n", undefined],
    ["a custom tag", GOOD.replace("acme, pipeline: docs", "!x acme, pipeline: docs"), undefined],
    ["`otherwise` that names no rule", GOOD.replace("otherwise: docs", "otherwise: nope"), undefined],
    ["no rules", "version: 1\nrules: {}\n", undefined],
    ["two documents", `${GOOD}---\n${GOOD}`, undefined],
    ["a bare scalar", "yes", undefined],
    ["nothing", "", undefined],
    ["a newer program demanded", `requires: ">=1.4"\n${GOOD}`, undefined],
  ])("refuses %s", async (_, text, line) => {
    const found = await refusal(text);
    expect(found.code).toBe("ERR_POLICY_INVALID");
    if (line !== undefined) expect(found.line).toBe(line);
  });

  it.each([
    ["a rule that cannot be made", GOOD.replace("pipeline: docs", 'pipeline: "*"'), 9],
    ["`otherwise` that is no rule", GOOD.replace("otherwise: docs", "otherwise: lib"), 12],
    ["a requirement of a newer program", `requires: ">=9.0"\n${GOOD}`, 1],
  ])("says on which line stands %s", async (_, text, line) => {
    expect(await refusal(text)).toEqual({ code: "ERR_POLICY_INVALID", line });
  });

  it("accepts what this program's version satisfies", async () => {
    expect((await refusal(`requires: ">=0.1"\n${GOOD}`)).code).toBe("none");
  });

  it("refuses a file that is too large, or not UTF-8", async () => {
    const huge = parsePolicy(new Uint8Array(1_048_577).fill(0x20), options);
    await expect(huge).rejects.toMatchObject({ code: "ERR_POLICY_INVALID" });
    await expect(parsePolicy(Uint8Array.of(0xff, 0xfe), options)).rejects.toMatchObject({ code: "ERR_POLICY_INVALID" });
  });
});

describe("selectRule", () => {
  it("chooses by the requested name, else `otherwise`", async () => {
    const policy = await parse(GOOD);
    expect(selectRule(policy, "dist/app.tgz")?.id).toBe("app");
    expect(selectRule(policy, "x/y/dist/app.tgz")?.id).toBe("app");
    expect(selectRule(policy, "other")?.id).toBe("docs");
  });

  it("lets `otherwise` speak for the names that no glob is about, and never for an artifact without a name", async () => {
    const policy = await parse(GOOD);
    expect(selectRule(policy, "other")?.artifacts).toEqual(["**"]);
    expect(selectRule(policy, undefined)).toBeUndefined();
    const anyName = await parse(GOOD.replace("    artifacts: docs/**", "    artifacts: docs/**\n    any-name: true"));
    expect(selectRule(anyName, undefined)?.id).toBe("docs");
  });

  it("asks for a newer program before it looks at anything else", async () => {
    const newer = `requires: ">=99.0"\nnew-key: 1\n${GOOD}`;
    await expect(parse(newer)).rejects.toMatchObject({ hint: expect.stringContaining("update") as string });
  });

  it("knows no rule without `otherwise`, and none for an artifact without a name", async () => {
    const policy = await parse(GOOD.replace("otherwise: docs\n", ""));
    expect(selectRule(policy, "other")).toBeUndefined();
    expect(selectRule(policy, undefined)).toBeUndefined();
  });

  it("refuses two rules about one name", async () => {
    const policy = await parse(GOOD.replace("docs/**", '"**/app.tgz"'));
    expect(() => selectRule(policy, "dist/app.tgz")).toThrow(expect.objectContaining({ code: "ERR_POLICY_INVALID" }));
  });
});
