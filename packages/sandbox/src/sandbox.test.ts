// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { createHash, sign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { assembleBundle, newKey, pae, signWithV1, signWithV2, STATEMENT, verifyBundle } from "./client.testkit.ts";
import { hashedRecordBody, OID, type Sandbox, stampData, startSandbox, type TrustedRoot } from "./index.ts";

describe("a bundle made over HTTP alone", () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ rekor: "both" });
  });
  afterAll(() => sandbox.close());

  it("verifies with a Rekor v2 entry and a time stamp", async () => {
    const signer = verifyBundle(sandbox.trustedRoot, await signWithV2(sandbox));
    expect(signer.identity?.subjectAlternativeName).toBe("https://buildkite.com/acme/app");
    expect(signer.identity?.extensions?.issuer).toBe("https://agent.buildkite.com");
  });

  it("verifies with a Rekor v1 entry and its promise", async () => {
    const signer = verifyBundle(sandbox.trustedRoot, await signWithV1(sandbox));
    expect(signer.identity?.subjectAlternativeName).toBe("https://buildkite.com/acme/app");
  });

  it("verifies at every index of a growing log", async () => {
    for (let count = 0; count < 9; count += 1) {
      verifyBundle(sandbox.trustedRoot, await signWithV2(sandbox));
      verifyBundle(sandbox.trustedRoot, await signWithV1(sandbox));
    }
  });

  it("does not verify under the root of another sandbox", async () => {
    const other = await startSandbox();
    try {
      const bundle = await signWithV2(sandbox);
      expect(() => verifyBundle(other.trustedRoot, bundle)).toThrow(
        expect.objectContaining({ code: "TIMESTAMP_ERROR" }),
      );
    } finally {
      await other.close();
    }
  });

  it("counts what was done", async () => {
    const before = structuredClone(sandbox.stats);
    await signWithV2(sandbox);
    expect(sandbox.stats).toMatchObject({
      tokens: before.tokens + 1,
      certificates: before.certificates + 1,
      logEntries: before.logEntries + 1,
      timestamps: before.timestamps + 1,
    });
    expect(sandbox.stats.requests["rekor-v2.create"]).toBe((before.requests["rekor-v2.create"] ?? 0) + 1);
  });
});

describe("forging", () => {
  let sandbox: Sandbox;
  let other: Sandbox;
  beforeAll(async () => {
    [sandbox, other] = await Promise.all([startSandbox(), startSandbox()]);
  });
  afterAll(() => Promise.all([sandbox.close(), other.close()]));

  function forge(options: {
    leaf?: Parameters<Sandbox["issueCertificate"]>[1];
    stampTime?: Date;
    stampedBytes?: Buffer;
    loggedDigest?: Buffer;
    log?: Sandbox;
    authority?: Sandbox;
    laterEntries?: number;
    sizeBeyondIndex?: number;
  }): unknown {
    const key = newKey();
    const certificate = (options.authority ?? sandbox).issueCertificate(key, options.leaf);
    const signature = sign("sha256", pae(STATEMENT), key);
    const digest = options.loggedDigest ?? createHash("sha256").update(pae(STATEMENT)).digest();
    const { rekorV2 } = (options.log ?? sandbox).authorities;
    const index = rekorV2.add(hashedRecordBody({ digest, signature, certificate }));
    for (let count = 0; count < (options.laterEntries ?? 0); count += 1) rekorV2.add(`later ${count}`);
    const size = options.sizeBeyondIndex === undefined ? rekorV2.log.size : index + options.sizeBeyondIndex;
    const stamp = stampData(sandbox.authorities.timestamp, options.stampedBytes ?? signature, {
      time: options.stampTime ?? new Date(),
    });
    return assembleBundle({ certificate, signature, entries: [rekorV2.entry(index, size)], stamps: [stamp] });
  }

  it("gives a genuine bundle when nothing is changed", () => {
    expect(verifyBundle(sandbox.trustedRoot, forge({})).identity?.subjectAlternativeName).toBe(
      "https://buildkite.com/acme/app",
    );
  });

  it.each([
    ["a certificate of another authority", () => forge({ authority: other }), "CERTIFICATE_ERROR"],
    ["an SCT of an unknown log", () => forge({ leaf: { ctLogs: [other.authorities.ctLog] } }), "CERTIFICATE_ERROR"],
    ["no SCT", () => forge({ leaf: { ctLogs: [] } }), "CERTIFICATE_ERROR"],
    ["a stamp after the certificate", () => forge({ stampTime: new Date(Date.now() + 900_000) }), "CERTIFICATE_ERROR"],
    ["a stamp of other bytes", () => forge({ stampedBytes: Buffer.from("other") }), "TIMESTAMP_ERROR"],
    ["an entry of other bytes", () => forge({ loggedDigest: Buffer.alloc(32) }), "TLOG_BODY_ERROR"],
    ["an entry of another log", () => forge({ log: other }), "TLOG_INCLUSION_PROOF_ERROR"],
  ])("is refused with %s", (_title, make, code) => {
    const bundle = make();
    expect(() => verifyBundle(sandbox.trustedRoot, bundle)).toThrow(expect.objectContaining({ code }));
  });

  it("reaches what @sigstore/verify does not look at", () => {
    const leaf = {
      isCa: true,
      purposes: [OID.serverAuthentication],
      uris: ["https://a.example", "https://b.example"],
      issuer: "root" as const,
      subject: { commonName: "forged" },
      extensions: [{ oid: "1.2.3.4", critical: true, value: Buffer.from("0500", "hex") }],
    };
    expect(verifyBundle(sandbox.trustedRoot, forge({ leaf })).identity?.subjectAlternativeName).toBe(
      "https://a.example",
    );
  });

  it("proves an entry in each smaller tree that holds it", () => {
    for (const size of [1, 2, 5]) {
      const bundle = forge({ laterEntries: 5, sizeBeyondIndex: size });
      expect(() => verifyBundle(sandbox.trustedRoot, bundle)).not.toThrow();
    }
    expect(() => forge({ sizeBeyondIndex: 0 })).toThrow(RangeError);
    expect(() => forge({ sizeBeyondIndex: 2 })).toThrow(RangeError);
  });
});

describe("a state directory", () => {
  const directories: string[] = [];
  afterEach(() => directories.splice(0).forEach((path) => rmSync(path, { recursive: true })));

  function directory(): string {
    const path = mkdtempSync(join(tmpdir(), "kiteseal-sandbox-test-"));
    directories.push(path);
    return join(path, "state with space");
  }

  it("keeps trust and log over a restart on another port", async () => {
    const stateDir = directory();
    const first = await startSandbox({ stateDir });
    const bundles = [await signWithV2(first), await signWithV1(first)];
    const keeper = await startSandbox();
    await first.close();
    const second = await startSandbox({ stateDir });
    try {
      expect(second.trustedRoot).toEqual(first.trustedRoot);
      for (const bundle of bundles) verifyBundle(second.trustedRoot, bundle);
      const next = await signWithV2(second);
      expect(next.verificationMaterial.tlogEntries[0]?.logIndex).toBe("1");
      verifyBundle(JSON.parse(readFileSync(join(stateDir, "trusted_root.json"), "utf8")) as TrustedRoot, next);
    } finally {
      await Promise.all([second.close(), keeper.close()]);
    }
  });

  it("is private, and holds the files by their fixed names", async () => {
    const stateDir = directory();
    const sandbox = await startSandbox({ stateDir });
    await sandbox.close();
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(stateDir, "keys", "fulcio-root.pem")).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(stateDir, "trusted_root.json"), "utf8"))).toEqual(sandbox.trustedRoot);
    expect(JSON.parse(readFileSync(join(stateDir, "signing_config.json"), "utf8"))).toEqual(sandbox.signingConfig);
    expect(JSON.stringify(sandbox.trustedRoot)).not.toContain("127.0.0.1");
  });

  it("has a job.env that a shell reads back as the job's environment", async () => {
    const stateDir = directory();
    const sandbox = await startSandbox({
      stateDir,
      job: { command: "echo 'it''s' \"$HOME\"\nnext", step: null, tag: "v1" },
    });
    await sandbox.close();
    const script = 'set -a; . "$1"; exec env -0';
    const output = execFileSync("sh", ["-c", script, "sh", join(stateDir, "job.env")], { env: {}, encoding: "utf8" });
    const read = Object.fromEntries(
      output
        .split("\0")
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    expect(read).toMatchObject(sandbox.jobEnv());
    expect(read).toMatchObject({ BUILDKITE_TAG: "v1", BUILDKITE_STEP_KEY: "", BUILDKITE_PULL_REQUEST: "false" });
  });

  it("is removed with the sandbox when it was not given", async () => {
    const sandbox = await startSandbox();
    const socket = sandbox.jobEnv()["BUILDKITE_AGENT_JOB_API_SOCKET"] ?? "";
    expect([existsSync(sandbox.directory), existsSync(socket)]).toEqual([true, true]);
    await sandbox.close();
    expect([existsSync(sandbox.directory), existsSync(socket)]).toEqual([false, false]);
  });
});

describe("options", () => {
  it.each([
    ["v2", [2], 1],
    ["v1", [1], 0],
    ["both", [2, 1], 1],
    ["none", [], 1],
  ] as const)("rekor %s decides what the signing config offers", async (rekor, versions, stampers) => {
    const sandbox = await startSandbox({ rekor });
    await sandbox.close();
    expect(sandbox.signingConfig.rekorTlogUrls.map(({ majorApiVersion }) => majorApiVersion)).toEqual(versions);
    expect(sandbox.signingConfig.tsaUrls).toHaveLength(stampers);
    expect(sandbox.trustedRoot.tlogs).toHaveLength(rekor === "none" ? 0 : 2);
  });

  it("ctLog false leaves out log and SCTs", async () => {
    const sandbox = await startSandbox({ ctLog: false });
    await sandbox.close();
    expect(sandbox.trustedRoot.ctlogs).toEqual([]);
    const certificate = Buffer.from(sandbox.issueCertificate(newKey()));
    // 1.3.6.1.4.1.11129.2.4.2
    expect(certificate.includes(Buffer.from("060a2b06010401d679020402", "hex"))).toBe(false);
  });

  it("clock sets the time of certificates and stamps", async () => {
    const sandbox = await startSandbox({ rekor: "both", clock: () => new Date("2031-05-06T07:08:09.870Z") });
    try {
      verifyBundle(sandbox.trustedRoot, await signWithV2(sandbox));
      const bundle = await signWithV1(sandbox);
      expect(bundle.verificationMaterial.tlogEntries[0]?.integratedTime).toBe(
        String(Date.parse("2031-05-06T07:08:09Z") / 1000),
      );
      verifyBundle(sandbox.trustedRoot, bundle);
    } finally {
      await sandbox.close();
    }
  });
});
