// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { failure, NOW } from "../loopback.testkit.ts";
import { decodeSigningConfig, type SigningConfig } from "../sigstore/signing-config.ts";
import { requireTransparencyConsent, selectServices } from "./services.ts";

interface Service {
  url: string;
  majorApiVersion?: number;
  validFor?: { start?: string; end?: string };
  operator?: string;
}

const service = (url: string, changes: Partial<Service> = {}): Service => ({
  url,
  majorApiVersion: 1,
  validFor: { start: "2025-01-01T00:00:00Z" },
  operator: "example.com",
  ...changes,
});

const document = (changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
  caUrls: [service("https://fulcio.example.com")],
  oidcUrls: [service("https://oauth.example.com/auth")],
  rekorTlogUrls: [service("https://log2.example.com", { majorApiVersion: 2 }), service("https://log1.example.com")],
  rekorTlogConfig: { selector: "ANY" },
  tsaUrls: [service("https://tsa.example.com/api/v1/timestamp")],
  tsaConfig: { selector: "ANY" },
  ...changes,
});

const decode = (changes?: Readonly<Record<string, unknown>>): SigningConfig =>
  decodeSigningConfig(Buffer.from(JSON.stringify(document(changes))));
const select = (changes: Readonly<Record<string, unknown>>) => selectServices(decode(changes), "given", NOW);

describe("decodeSigningConfig", () => {
  it("lists fields it does not know and takes trailing slashes off addresses", () => {
    const config = decode({ newThing: 1, caUrls: [{ ...service("https://ca.example.com/"), hint: "x" }] });
    expect(config.unknownFields).toEqual(["$.caUrls[].hint", "$.newThing"]);
    expect(config.certificateAuthorities[0]?.url).toBe("https://ca.example.com");
  });

  it.each([
    ["another media type", { mediaType: "application/vnd.dev.sigstore.signingconfig.v0.1+json" }],
    ["no certificate authority", { caUrls: [] }],
    ["a service over http", { caUrls: [service("http://fulcio.example.com")] }],
    ["an address with a password", { caUrls: [service("https://a:b@fulcio.example.com")] }],
    ["an address with a query", { caUrls: [service("https://fulcio.example.com?x")] }],
    [
      "a date that does not exist",
      { caUrls: [service("https://a.example", { validFor: { start: "2025-02-30T00:00:00Z" } })] },
    ],
    ["logs without a selector", { rekorTlogConfig: undefined }],
    ["timestamp authorities without a selector", { tsaConfig: undefined }],
    ["an unknown selector", { tsaConfig: { selector: "SERVICE_SELECTOR_UNDEFINED" } }],
    ["EXACT without a count", { tsaConfig: { selector: "EXACT" } }],
    ["EXACT zero", { tsaConfig: { selector: "EXACT", count: 0 } }],
  ])("refuses %s", async (_what, changes) => {
    expect((await failure(() => decode(changes))).code).toBe("ERR_SIGNING_CONFIG_INVALID");
  });

  it("refuses what is not strict JSON", async () => {
    const twice = JSON.stringify(document()).replace("{", '{"caUrls":[],');
    expect((await failure(() => decodeSigningConfig(Buffer.from(twice)))).code).toBe("ERR_SIGNING_CONFIG_INVALID");
  });
});

describe("selectServices", () => {
  it("takes the highest version that it speaks and no other", () => {
    expect(select({}).logs).toEqual([{ url: "https://log2.example.com", version: 2 }]);
    const next = service("https://log3.example.com", { majorApiVersion: 3 });
    expect(select({ rekorTlogUrls: [next, service("https://log1.example.com")] }).logs).toEqual([
      { url: "https://log1.example.com", version: 1 },
    ]);
  });

  it("takes the newest that is valid now, both ends included", () => {
    const at = (url: string, start: string, end?: string): Service =>
      service(url, { validFor: { start, ...(end !== undefined && { end }) } });
    const caUrls = [
      at("https://old.example", "2020-01-01T00:00:00Z"),
      at("https://future.example", "2027-01-01T00:00:00Z"),
      at("https://newest.example", NOW.toISOString()),
      at("https://ended.example", "2026-03-04T00:00:00Z", "2026-03-04T05:06:06Z"),
    ];
    expect(select({ caUrls }).certificateAuthority).toBe("https://newest.example");
    const ending = [at("https://ending.example", "2020-01-01T00:00:00Z", NOW.toISOString())];
    expect(select({ caUrls: ending }).certificateAuthority).toBe("https://ending.example");
  });

  const two = [
    service("https://a-old.example/t", { operator: "a", validFor: { start: "2024-01-01T00:00:00Z" } }),
    service("https://a-new.example/t", { operator: "a", validFor: { start: "2025-06-01T00:00:00Z" } }),
    service("https://b.example/t", { operator: "b" }),
  ];

  it.each([
    [{ selector: "ANY" }, ["https://a-new.example/t"]],
    [{ selector: "ALL" }, ["https://a-new.example/t", "https://b.example/t"]],
    [{ selector: "EXACT", count: 1 }, ["https://a-new.example/t"]],
    [{ selector: "EXACT", count: 2 }, ["https://a-new.example/t", "https://b.example/t"]],
  ])("with %o takes one service an operator", (tsaConfig, expected) => {
    expect(select({ tsaUrls: two, tsaConfig }).timestampAuthorities).toEqual(expected);
  });

  it.each([
    ["EXACT asks for more operators than there are", { tsaUrls: two, tsaConfig: { selector: "EXACT", count: 3 } }],
    [
      "no certificate authority is valid",
      { caUrls: [service("https://x.example", { validFor: { end: "2020-01-01T00:00:00Z" } })] },
    ],
    ["no listed log speaks a known version", { rekorTlogUrls: [service("https://x.example", { majorApiVersion: 9 })] }],
    ["a Rekor v2 log has no timestamp authority beside it", { tsaUrls: [] }],
    ["nothing states a time", { tsaUrls: [], rekorTlogUrls: [] }],
  ])("refuses when %s", async (_what, changes) => {
    expect((await failure(() => select(changes))).code).toBe("ERR_SIGNING_CONFIG_INVALID");
  });

  it("allows the private profile (no log) and Rekor v1 alone", () => {
    expect(select({ rekorTlogUrls: [], rekorTlogConfig: undefined }).logs).toEqual([]);
    expect(select({ tsaUrls: [], rekorTlogUrls: [service("https://log1.example.com")] }).timestampAuthorities).toEqual(
      [],
    );
  });
});

describe("requireTransparencyConsent", () => {
  const given = (url: string) => selectServices(decode({ caUrls: [service(url)] }), "given", NOW);

  it.each(["https://fulcio.sigstore.dev", "https://sigstore.dev", "https://fulcio.sigstage.sigstore.dev"])(
    "asks about %s",
    async (url) => {
      const error = await failure(() =>
        requireTransparencyConsent(given(url), "unconfirmed", ["commit abc", "step build"]),
      );
      expect(error).toMatchObject({
        code: "ERR_PUBLIC_LOG_UNCONFIRMED",
        details: { services: [url], shown: ["commit abc", "step build"] },
      });
      expect(() => requireTransparencyConsent(given(url), "public", [])).not.toThrow();
    },
  );

  it.each([
    "https://fulcio.example.com",
    "http://127.0.0.1:9000",
    "https://notsigstore.dev",
    "https://sigstore.dev.example",
  ])("does not ask about %s when somebody named it", (url) =>
    expect(() => requireTransparencyConsent(given(url), "unconfirmed", [])).not.toThrow(),
  );

  it("asks about every service of the default configuration", async () => {
    const services = selectServices(decode(), "default", NOW);
    expect(services.public).toBe(true);
    const error = await failure(() => requireTransparencyConsent(services, "unconfirmed", []));
    expect(error.details["services"]).toHaveLength(3);
  });
});
