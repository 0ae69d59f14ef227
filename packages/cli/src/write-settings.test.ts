// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { ACCESS_KEY, startS3Double } from "../../../test/doubles/s3/server.ts";
import type { Config } from "./config.ts";
import { Options } from "./flags.ts";
import { useFixture } from "./fixture.testkit.ts";
import { readTransferSettings, readWriteSettings } from "./write-settings.ts";

function configWith(write: Config["write"], locked: readonly string[] = []): Config {
  const machine = { path: "/m.yaml", locked, ...(locked.length === 0 ? {} : { write: { legalHold: true } }) };
  return { write, format: { value: "text", origin: "default" }, machine, files: [] };
}

describe("how new objects are kept", () => {
  test("is what flags say, and for the rest the configuration", () => {
    const flags = new Options({ retention: "compliance:365", legalHold: true });
    const config = configWith({
      retention: { mode: "governance", days: 1 },
      encryptionKey: "k",
      bucketOwner: "123456789012",
    });
    expect(readWriteSettings(flags, config, "checkout")).toStrictEqual({
      retention: { mode: "compliance", days: 365 },
      encryptionKey: "k",
      bucketOwner: "123456789012",
      legalHold: true,
    });
  });

  test.each(["30", "compliance", "compliance:0", "Compliance:3", "governance:1.5", "governance:100000"])(
    "a retention of %j is refused",
    (retention) => {
      expect(() => readWriteSettings(new Options({ retention }), configWith({}), "checkout")).toThrow(
        expect.objectContaining({ code: "ERR_USAGE" }),
      );
    },
  );

  test("of what is promoted is not for the checkout to say", () => {
    const config = configWith({ encryptionKey: "of-somebody", retention: { mode: "compliance", days: 36_500 } });
    expect(readWriteSettings(new Options({ legalHold: true }), config, "machine")).toStrictEqual({ legalHold: true });
  });

  test.each([
    { encryptionKey: "ключ" },
    { encryptionKey: "a b" },
    { encryptionKey: "a\nb" },
    { bucketOwner: "acme" },
    { bucketOwner: "12345678901" },
  ])("%j is refused before it is sent", (flags) => {
    expect(() => readWriteSettings(new Options(flags), configWith({}), "checkout")).toThrow(
      expect.objectContaining({ code: "ERR_USAGE" }),
    );
  });

  test("what the machine locks, no flag sets", () => {
    const locked = configWith({}, ["write"]);
    expect(readWriteSettings(new Options({}), locked, "checkout")).toStrictEqual({ legalHold: true });
    expect(() => readWriteSettings(new Options({ encryptionKey: "k" }), locked, "checkout")).toThrow(
      expect.objectContaining({ code: "ERR_USAGE" }),
    );
  });
});

test.each([
  [{}, {}],
  [
    { parallel: "4", limitRate: "5000" },
    { parallel: 4, bytesPerSecond: 5000 },
  ],
  [{ limitRate: "20M" }, { bytesPerSecond: 20_971_520 }],
])("%j is how fast bytes are sent: %j", (flags, settings) => {
  expect(readTransferSettings(new Options(flags))).toStrictEqual(settings);
});

test.each([
  { parallel: "0" },
  { parallel: "65" },
  { parallel: "1.5" },
  { limitRate: "0" },
  { limitRate: "1023" },
  { limitRate: "20MB" },
])("%j is refused", (flags) => {
  expect(() => readTransferSettings(new Options(flags))).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
});

describe("publish", () => {
  const fixture = useFixture();

  test("signs nothing for a store that cannot keep what is asked for", async () => {
    const { tokens } = fixture.sandbox.stats;
    const argv = ["publish", "dist/app.tgz", "--to", `file://${fixture.root}/held`, "--retention", "governance:30"];
    expect(await fixture.cli(argv, { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 2 });
    expect(fixture.sandbox.stats.tokens).toBe(tokens);
  });

  test.each([["publish"], ["attest"]])(
    "%s signs nothing for a server that lets objects be replaced",
    async (command) => {
      const double = await startS3Double({ ignores: ["if-none-match"] });
      try {
        const { certificates } = fixture.sandbox.stats;
        const keys = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: "of-the-double" };
        const env = { ...fixture.sandbox.jobEnv(), ...keys, AWS_ENDPOINT_URL_S3: double.endpoint };
        const argv = [command, "dist/app.tgz", "--to", `s3://${double.bucketName}/app`];
        const ran = await fixture.cli(argv, { env });
        expect(ran.code).toBe(2);
        expect(ran.stderr).toContain("[ERR_STORE_URL]");
        expect(fixture.sandbox.stats.certificates).toBe(certificates);
      } finally {
        await double.close();
      }
    },
  );
});
