// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import type { Statement } from "@kiteseal/in-toto-attestation";
import { isKitesealError, type KitesealError } from "../errors.ts";
import { readSecrets } from "../buildkite/secrets.ts";
import { guardPayload } from "./guard.ts";

const SECRET = 's3cr3t/value+with%odd"chars=é';

function statement(predicate: Record<string, unknown>): Statement {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "dist/app.tgz", digest: { sha256: "ab".repeat(32) } }],
    predicateType: "https://example.com/predicate/v1",
    predicate,
  };
}

function refusal(run: () => unknown): KitesealError {
  try {
    run();
  } catch (error) {
    if (isKitesealError(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function leaks(error: KitesealError): unknown {
  return error.details["leaks"];
}

const secrets = readSecrets({ DEPLOY_TOKEN: SECRET });
const none = { allow: [] };

describe("guardPayload", () => {
  it("encodes a statement without secrets", () => {
    const { payload } = guardPayload(statement({ command: "make" }), secrets, none);
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(statement({ command: "make" }));
  });

  const bytes = Buffer.from(SECRET);
  it.each([
    ["as it stands", SECRET],
    ["JSON-escaped", JSON.stringify({ token: SECRET })],
    ["JSON-escaped twice", JSON.stringify(JSON.stringify(SECRET))],
    ["URL-encoded", `https://host/?q=${encodeURIComponent(SECRET)}`],
    ["URL-encoded in lower case", encodeURIComponent(SECRET).replace(/%../g, (hex) => hex.toLowerCase())],
    ["URL-encoded character by character", [...bytes].map((b) => `%${b.toString(16).padStart(2, "0")}`).join("")],
    ["in hex", bytes.toString("hex")],
    ["in upper-case hex", bytes.toString("hex").toUpperCase()],
    ["in base64", bytes.toString("base64")],
    ["in base64url", bytes.toString("base64url")],
    ["in base64 of user:password", Buffer.from(`user:${SECRET}\n`).toString("base64")],
  ])("finds a secret %s and names variable and path, not the value", (_form, text) => {
    const error = refusal(() =>
      guardPayload(statement({ step: { env: ["x", `before ${text} after`] } }), secrets, none),
    );
    expect(error.code).toBe("ERR_SECRET_FOUND");
    expect(leaks(error)).toEqual([{ variables: ["DEPLOY_TOKEN"], path: "$.predicate.step.env[1]" }]);
    expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain("s3cr3t");
  });

  it("finds a secret in a key, without writing the key into the path", () => {
    const error = refusal(() => guardPayload(statement({ env: { [`k-${SECRET}`]: "1" } }), secrets, none));
    expect(leaks(error)).toEqual([{ variables: ["DEPLOY_TOKEN"], path: '$.predicate.env["k-[REDACTED]"]' }]);
  });

  it("finds a secret that is a number and one that is a subject's name", () => {
    const numeric = readSecrets({ PIN_SECRET: "1234567890" });
    expect(refusal(() => guardPayload(statement({ pin: 1234567890 }), numeric, none)).code).toBe("ERR_SECRET_FOUND");
    const named = { ...statement({}), subject: [{ name: "out/hunter2hunter2", digest: { sha256: "ab".repeat(32) } }] };
    const error = refusal(() => guardPayload(named, readSecrets({ A_PASSWORD: "hunter2hunter2" }), none));
    expect(leaks(error)).toEqual([{ variables: ["A_PASSWORD"], path: "$.subject[0].name" }]);
  });

  it("finds one line of a PEM", () => {
    const line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    const pem = `-----BEGIN PRIVATE KEY-----\n${line}\nMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3S\n-----END PRIVATE KEY-----\n`;
    const keys = readSecrets({ RELEASE_PEM: pem });
    expect(refusal(() => guardPayload(statement({ log: `x ${line} y` }), keys, none)).code).toBe("ERR_SECRET_FOUND");
    expect(guardPayload(statement({ log: "-----BEGIN PRIVATE KEY-----" }), keys, none).allowed).toEqual([]);
  });

  it("lets a named variable pass, says where it stands, and still refuses another that holds the same value", () => {
    const predicate = statement({ command: `push ${SECRET}` });
    expect(guardPayload(predicate, secrets, { allow: ["DEPLOY_TOKEN", "OTHER"] }).allowed).toEqual([
      { name: "DEPLOY_TOKEN", path: "$.predicate.command" },
      { name: "OTHER", path: undefined },
    ]);
    const both = readSecrets({ DEPLOY_TOKEN: SECRET, NPM_TOKEN: SECRET });
    const error = refusal(() => guardPayload(predicate, both, { allow: ["DEPLOY_TOKEN"] }));
    expect(leaks(error)).toEqual([{ variables: ["NPM_TOKEN"], path: "$.predicate.command" }]);
  });

  it("refuses what has no JSON form", () => {
    expect(refusal(() => guardPayload(statement({ size: Number.NaN }), secrets, none)).code).toBe(
      "ERR_PREDICATE_INVALID",
    );
  });

  it("finds any secret in any form at any offset", () => {
    const forms: ((value: Buffer, before: Buffer) => string)[] = [
      (v, b) => b.toString("latin1") + v.toString("utf8"),
      (v, b) => JSON.stringify(b.toString("latin1") + v.toString("utf8")),
      (v, b) => encodeURIComponent(b.toString("latin1") + v.toString("utf8")),
      (v, b) => Buffer.concat([b, v, b]).toString("hex"),
      (v, b) => Buffer.concat([b, v, b]).toString("base64"),
      (v, b) => Buffer.concat([b, v, b]).toString("base64url"),
    ];
    const value = fc.string({ unit: "grapheme", minLength: 8, maxLength: 40 }).map((s) => `${s}!`.trim());
    const before = fc.uint8Array({ maxLength: 7 }).map((b) => Buffer.from(b));
    fc.assert(
      fc.property(value, before, fc.nat(forms.length - 1), (secret, prefix, form) => {
        const text = forms[form]?.(Buffer.from(secret), prefix) ?? "";
        const found = readSecrets({ X_TOKEN: secret });
        expect(refusal(() => guardPayload(statement({ a: [{ b: text }] }), found, none)).code).toBe("ERR_SECRET_FOUND");
      }),
      { numRuns: 500 },
    );
  });

  it("finds no secret in text that does not hold it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const { payload } = guardPayload(statement({ text }), secrets, none);
        expect(payload.length).toBeGreaterThan(0);
      }),
    );
  });
});
