// SPDX-License-Identifier: Apache-2.0
// The protocol's client as a process, against a sandbox: what it signs it verifies, what it refuses it neither logs nor
// writes. The suite's own cases need a checkout (suite.ts); that the document is theirs does not.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspectBundle } from "@kiteseal/core";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { runProgram } from "../support/program.ts";
import { ROOT } from "../support/sources.ts";
import { committedTable, conformanceDocument } from "./table.ts";

const CLIENT = fileURLToPath(new URL("client.ts", import.meta.url));
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

let work: string;
let sandbox: Sandbox;
let artifact: string;

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-client-")));
  sandbox = await startSandbox({ issuer: "loopback" });
  artifact = join(work, "a.txt");
  await writeFile(artifact, "a\n");
});

afterAll(async () => {
  await sandbox.close();
  await rm(work, { recursive: true });
});

async function client(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ exit: number; said: Record<string, unknown> }> {
  const path = { PATH: process.env["PATH"] ?? "" };
  const ended = await runProgram(process.execPath, { args: [CLIENT, ...args], cwd: work, env: { ...path, ...env } });
  expect(ended.stderr).toBe("");
  return { exit: ended.code, said: JSON.parse(ended.stdout) as Record<string, unknown> };
}

async function statementFile(name: string, changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "a.txt", digest: { sha256: sha256("a\n") } }],
    predicateType: "https://example.com/ready/v1",
    predicate: { ready: true },
  };
  const path = join(work, name);
  await writeFile(path, JSON.stringify({ ...statement, ...changes }));
  return path;
}

const bundleOf = (statement: string): string => `${statement}.sigstore.json`;

function signFlags(statement: string): readonly string[] {
  const services = ["--trusted-root", sandbox.trustedRootPath, "--signing-config", sandbox.signingConfigPath];
  const token = ["--identity-token", sandbox.mintToken(), "--bundle", bundleOf(statement)];
  return ["sign-bundle", "--in-toto", ...token, ...services, statement];
}

async function signedStatement(name: string): Promise<string> {
  const statement = await statementFile(name);
  expect(await client(signFlags(statement))).toEqual({ exit: 0, said: { outcome: "signed" } });
  return bundleOf(statement);
}

function verifyFlags(bundle: string, asked: string, issuer: string = sandbox.url): readonly string[] {
  const { unverifiedSigner } = inspectBundle(readFileSync(bundle));
  const identity = ["--certificate-identity", unverifiedSigner?.subject ?? "", "--certificate-oidc-issuer", issuer];
  return ["verify-bundle", "--bundle", bundle, ...identity, "--trusted-root", sandbox.trustedRootPath, asked];
}

describe("sign-bundle --in-toto", () => {
  test("signs the statement given, and verify-bundle accepts it by path and by digest", async () => {
    const bundle = await signedStatement("ready.json");
    const { unverifiedStatement } = inspectBundle(await readFile(bundle));
    expect(unverifiedStatement?.predicateType).toBe("https://example.com/ready/v1");
    expect(unverifiedStatement?.predicate).toEqual({ ready: true });
    for (const asked of [artifact, `sha256:${sha256("a\n")}`]) {
      expect(await client(verifyFlags(bundle, asked))).toEqual({ exit: 0, said: { outcome: "accepted" } });
    }
  });

  test("logs and writes nothing of a statement that holds a secret of the environment or the token itself", async () => {
    const secret = "correct-horse-battery";
    const entries = sandbox.stats.logEntries;
    const statement = await statementFile("secret.json", { predicate: { command: `login ${secret}` } });
    const refused = await client(signFlags(statement), { DEPLOY_TOKEN: secret });
    expect(refused).toMatchObject({ exit: 1, said: { code: "ERR_SECRET_FOUND" } });
    expect(JSON.stringify(refused.said)).not.toContain(secret);
    expect([existsSync(bundleOf(statement)), sandbox.stats.logEntries]).toEqual([false, entries]);
    expect(await client(signFlags(statement))).toMatchObject({ exit: 0 });
  });

  test.each([
    ["an unknown field, which would be lost", { note: "x" }, "ERR_PREDICATE_INVALID"],
    ["no subject", { subject: [] }, "ERR_PREDICATE_INVALID"],
    [
      "two subjects of one name",
      { subject: ["aa", "bb"].map((byte) => ({ name: "a", digest: { sha256: byte.repeat(32) } })) },
      "ERR_STATEMENT_INVALID",
    ],
    ["a subject without a name", { subject: [{ digest: { sha256: "aa".repeat(32) } }] }, "ERR_STATEMENT_INVALID"],
  ])("refuses a statement with %s before anything is asked of a service", async (_what, changes, code) => {
    const certificates = sandbox.stats.certificates;
    const statement = await statementFile("bad.json", changes);
    expect(await client(signFlags(statement))).toMatchObject({ exit: 1, said: { code } });
    expect(sandbox.stats.certificates).toBe(certificates);
  });

  test("writes nothing that the trusted root does not verify", async () => {
    const other = await startSandbox({ issuer: "loopback" });
    try {
      const statement = await statementFile("other.json");
      const flags = signFlags(statement).map((flag) =>
        flag === sandbox.trustedRootPath ? other.trustedRootPath : flag,
      );
      expect(await client(flags)).toMatchObject({ exit: 1, said: { code: "ERR_SELF_VERIFICATION" } });
      expect(existsSync(bundleOf(statement))).toBe(false);
    } finally {
      await other.close();
    }
  });
});

describe("verify-bundle", () => {
  test("names the check that refuses: other bytes, another issuer", async () => {
    const bundle = await signedStatement("names.json");
    const answer = async (flags: readonly string[]): Promise<unknown> => (await client(flags)).said;
    const refused = (check: string, code: string): unknown =>
      expect.objectContaining({ outcome: "rejected", check, code });
    expect(await answer(verifyFlags(bundle, `sha256:${"ab".repeat(32)}`))).toEqual(
      refused("subject", "ERR_SUBJECT_DIGEST"),
    );
    expect(await answer(verifyFlags(bundle, artifact, "https://issuer.example"))).toEqual(
      refused("identity", "ERR_IDENTITY"),
    );
  });

  test.each([
    ["no command", []],
    ["an unknown command", ["verify", "--bundle", "b", "--trusted-root", "r", "a"]],
    ["an unknown flag", ["verify-bundle", "--insecure"]],
    ["no signer", ["verify-bundle", "--bundle", "b", "--trusted-root", "r", "a"]],
    ["no trusted root", ["verify-bundle", "--bundle", "b", "--key", "k", "a"]],
    ["signing a blob", ["sign-bundle", "--bundle", "b", "--trusted-root", "r", "a"]],
  ])("with %s is a usage error", async (_what, args) => {
    expect(await client(args)).toMatchObject({ exit: 1, said: { code: "ERR_USAGE" } });
  });

  test.each([
    ["trusted root", "ERR_TRUST_ROOT_INVALID", "missing", "a.txt"],
    ["bundle", "ERR_UNREADABLE", undefined, "missing"],
  ])("with a missing %s says so", async (_what, code, root, bundle) => {
    const identity = ["--certificate-identity", "i", "--certificate-oidc-issuer", "https://issuer.example"];
    const given = ["--bundle", bundle, "--trusted-root", root ?? sandbox.trustedRootPath, "a.txt"];
    expect(await client(["verify-bundle", ...identity, ...given])).toMatchObject({ exit: 1, said: { code } });
  });
});

test("docs/reference/conformance.md is the committed table, and every name in it agrees with its answer", () => {
  const table = committedTable();
  expect(readFileSync(join(ROOT, "docs/reference/conformance.md"), "utf8")).toBe(conformanceDocument(table));
  expect(table.size).toBe(70);
  for (const [name, { path, digest }] of table) {
    expect([path === "accepted", digest === "accepted"], name).toEqual(Array(2).fill(!name.endsWith("_fail")));
  }
});
