// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RFC3161Timestamp } from "@sigstore/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestStamp, stampRequest } from "./client.testkit.ts";
import { pemOf, type Sandbox, startSandbox } from "./index.ts";

const NOW = new Date("2030-01-02T03:04:05.678Z");
let sandbox: Sandbox;
let directory: string;
const file = (name: string): string => join(directory, name);

beforeAll(async () => {
  sandbox = await startSandbox();
  directory = mkdtempSync(join(tmpdir(), "kiteseal-timestamp-test-"));
  writeFileSync(file("data"), "signature");
  writeFileSync(file("root.pem"), pemOf(sandbox.authorities.timestamp.root.certificate));
  writeFileSync(file("leaf.pem"), pemOf(sandbox.authorities.timestamp.certificate));
});
afterAll(async () => {
  await sandbox.close();
  rmSync(directory, { recursive: true });
});

function openssl(...args: readonly string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

describe("a time stamp", () => {
  it.each([
    ["sha256", []],
    ["sha384", ["-cert"]],
    ["sha512", ["-cert", "-no_nonce"]],
  ] as const)("over %s passes openssl ts -verify with %j", async (digest, options) => {
    openssl("ts", "-query", "-data", file("data"), `-${digest}`, ...options, "-out", file("query"));
    const { status, body } = await requestStamp(sandbox, readFileSync(file("query")));
    expect(status).toBe(201);
    writeFileSync(file("reply"), body);
    const trust = ["-CAfile", file("root.pem"), "-untrusted", file("leaf.pem")];
    expect(openssl("ts", "-verify", "-queryfile", file("query"), "-in", file("reply"), ...trust)).toContain("OK");
    writeFileSync(file("other"), "other");
    expect(() => openssl("ts", "-verify", "-data", file("other"), "-in", file("reply"), ...trust)).toThrow(/.*/);
  });

  it("holds the certificates only when asked", async () => {
    const leaf = Buffer.from(sandbox.authorities.timestamp.certificate);
    const asked = await requestStamp(sandbox, stampRequest(Buffer.from("x")));
    expect(asked.body.includes(leaf)).toBe(true);
    openssl("ts", "-query", "-data", file("data"), "-sha256", "-out", file("query"));
    const unasked = await requestStamp(sandbox, readFileSync(file("query")));
    expect(unasked.body.includes(leaf)).toBe(false);
  });

  it("states the clock's time in whole seconds", async () => {
    const other = await startSandbox({ clock: () => NOW });
    try {
      const { body } = await requestStamp(other, stampRequest(Buffer.from("x")));
      expect(RFC3161Timestamp.parse(Buffer.from(new Uint8Array(body))).signingTime).toEqual(
        new Date("2030-01-02T03:04:05Z"),
      );
      expect(body.includes("20300102030405Z")).toBe(true);
    } finally {
      await other.close();
    }
  });
});

describe("a request", () => {
  const good = stampRequest(Buffer.from("x"));
  const replaced = (from: string, to: string): Buffer => Buffer.from(good.toString("hex").replace(from, to), "hex");

  it.each([
    ["for SHA-1's identifier with 32 bytes", replaced("0609608648016503040201", "0609608648016503040204")],
    ["for SHA-512 with 32 bytes", replaced("0609608648016503040201", "0609608648016503040203")],
    ["of version 2", replaced("020101", "020102")],
    ["with bytes behind it", Buffer.concat([good, Buffer.of(0)])],
    ["cut short", good.subarray(0, -1)],
    ["that is empty", Buffer.of()],
  ])("%s is refused with 400", async (_title, request) => {
    const before = sandbox.stats.timestamps;
    expect((await requestStamp(sandbox, request)).status).toBe(400);
    expect(sandbox.stats.timestamps).toBe(before);
  });

  it("of another content type is refused with 415", async () => {
    const response = await fetch(`${sandbox.url}/api/v1/timestamp`, { method: "POST", body: new Uint8Array(good) });
    expect(response.status).toBe(415);
  });
});
