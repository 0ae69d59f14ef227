// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { TokenSource } from "../buildkite/token-source.ts";
import type { Context } from "../context.ts";
import { context, everythingIn, failure, json, leaksOf, NOW, tokenOf } from "../loopback.testkit.ts";
import { fulcio, MINUTE, signed, world } from "./world.testkit.ts";

describe("the certificate authority", () => {
  it("may answer with a detached SCT", async () => {
    const running = await world({ fulcio: (seen) => fulcio(seen, { kind: "signedCertificateDetachedSct" }) });
    expect((await signed(running)).certificate.length).toBeGreaterThan(0);
  });

  it.each([
    ["ahead", 60],
    ["behind", -60],
  ])("whose clock is %s by an hour is named as such", async (_what, minutes) => {
    const notBefore = new Date(NOW.getTime() + minutes * MINUTE);
    const running = await world({ fulcio: (seen) => fulcio(seen, { notBefore }) });
    const error = await failure(signed(running));
    expect(error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE", details: { reason: "clock-skew" } });
    expect(error.hint).toContain("clock");
  });

  it("may be ahead by a minute", async () => {
    const notBefore = new Date(NOW.getTime() + MINUTE);
    const running = await world({ fulcio: (seen) => fulcio(seen, { notBefore }) });
    expect((await signed(running)).signingCertificate.notBefore).toEqual(notBefore);
  });

  it("must certify our key", async () => {
    const other = await world({});
    const foreign = await other.identity.certificate(context());
    const reply = json(200, { signedCertificateEmbeddedSct: { chain: { certificates: [foreign.pem] } } });
    expect((await failure(signed(await world({ fulcio: () => reply })))).code).toBe("ERR_SERVICE_UNAVAILABLE");
  });

  it("must send a certificate", async () => {
    const reply = json(200, { signedCertificateEmbeddedSct: { chain: { certificates: ["PEM"] } } });
    expect((await failure(signed(await world({ fulcio: () => reply })))).code).toBe("ERR_SERVICE_UNAVAILABLE");
  });

  it("refusing is quoted without any part of the token", async () => {
    const [, payloadPart = "", signature = ""] = tokenOf().split(".");
    const message = `token ${signature.slice(4, 60)} and ${payloadPart.slice(7, 50)}`;
    const error = await failure(signed(await world({ fulcio: () => json(400, { message }) })));
    expect(error.code).toBe("ERR_SERVICE_REFUSED");
    expect(leaksOf(tokenOf(), everythingIn(error))).toEqual([]);
  });
});

describe("createSigningIdentity", () => {
  it("asks for one token and one certificate for all that sign at once", async () => {
    let minted = 0;
    const tokens: TokenSource = () => Promise.resolve(tokenOf({ jti: ++minted }));
    const running = await world({ tokens });
    const claims = await running.identity.claims(context());
    await Promise.all(Array.from({ length: 20 }, () => signed(running)));
    expect([minted, running.calls("fulcio").length, running.calls("v2").length]).toEqual([1, 1, 20]);
    expect(claims.facts.organization).toBe("acme-inc");
  });

  it("renews the certificate when less than two minutes are left, with a new token once the old has expired", async () => {
    let now = NOW;
    const ctx: Context = { now: () => now };
    let minted = 0;
    const expiry = (): number => Math.floor(now.getTime() / 1000) + 300;
    const tokens: TokenSource = () => Promise.resolve(tokenOf({ jti: ++minted, exp: expiry() }));
    const running = await world({ tokens, fulcio: (seen) => fulcio(seen, { notBefore: now }) });
    const first = await running.identity.certificate(ctx);
    now = new Date(NOW.getTime() + 7.9 * MINUTE);
    expect(await running.identity.certificate(ctx)).toBe(first);
    now = new Date(NOW.getTime() + 8.1 * MINUTE);
    const [second, third] = await Promise.all([running.identity.certificate(ctx), running.identity.certificate(ctx)]);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    expect([minted, running.calls("fulcio").length]).toEqual([2, 2]);
  });

  it("tries again after a failure", async () => {
    let attempts = 0;
    const tokens: TokenSource = () =>
      ++attempts === 1 ? Promise.reject(new Error("no token")) : Promise.resolve(tokenOf());
    const running = await world({ tokens });
    await expect(running.identity.certificate(context())).rejects.toThrow("no token");
    expect((await signed(running)).timestamps).toHaveLength(1);
  });
});
