// SPDX-License-Identifier: Apache-2.0
import { createServer } from "node:http";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { AdapterErrorKind } from "../adapter.ts";
import { testContext } from "../store-contract.testkit.ts";
import { failureError, networkError, replyFailure, boundedWaitMs, sdkError } from "./errors.ts";
import { exchange, replyJson } from "./wire.ts";

const ctx = testContext();
const now = ctx.now();
const body = (reason: string, message: string): string =>
  JSON.stringify({ error: { code: 0, message, errors: [{ reason, message, domain: "global" }] } });

describe("a reply of Google Cloud Storage", () => {
  test.each<[string, number, string, AdapterErrorKind]>([
    [
      "a failed precondition",
      412,
      body("conditionNotMet", "At least one of the pre-conditions did not hold."),
      "AlreadyExists",
    ],
    ["a wrong checksum as 412", 412, body("invalid", "Provided MD5 hash does not match."), "ChecksumRejected"],
    ["another 412", 412, body("orgPolicy", "Not allowed."), "Unavailable"],
    ["a 412 without words", 412, "", "Unavailable"],
    [
      "a wrong md5",
      400,
      body("invalid", 'Provided MD5 hash "a" doesn\'t match calculated MD5 hash "b".'),
      "ChecksumRejected",
    ],
    ["a wrong crc32c", 400, body("invalid", "Provided CRC32C doesn't match."), "ChecksumRejected"],
    ["another bad request", 400, body("invalid", "Invalid bucket name."), "Unavailable"],
    ["no credentials", 401, body("required", "Anonymous caller."), "Denied"],
    ["no permission", 403, body("forbidden", "Permission denied on resource (or it may not exist)."), "Denied"],
    ["no permission, as text", 403, "Access denied.", "Denied"],
    ["no permission of somebody named so", 403, body("forbidden", "retention-bot@b.c has no active hold."), "Denied"],
    ["a rate limit as 403", 403, body("rateLimitExceeded", "Rate limit exceeded."), "Throttled"],
    ["a retention policy", 403, body("retentionPolicyNotMet", "Object is kept."), "Immutable"],
    ["a hold", 403, body("objectUnderActiveHold", "Object is held."), "Immutable"],
    ["a rate limit", 429, body("rateLimitExceeded", "Slow down."), "Throttled"],
    ["a missing object", 404, body("notFound", "No such object: b/a"), "NotFound"],
    ["a missing bucket", 404, body("notFound", "The specified bucket does not exist."), "Unsupported"],
    ["a page of a proxy", 404, "<html>not here</html>", "Unavailable"],
    ["an outage", 503, body("backendError", "Try again."), "Transient"],
    ["a gateway", 502, "<html>bad gateway</html>", "Transient"],
    ["a redirect", 302, "", "Unavailable"],
  ])("that is %s has its kind", (_, status, text, kind) => {
    expect(failureError(replyFailure(status, text, undefined), "writing", now)).toMatchObject({ kind });
  });

  test.each([
    ["GET", "Denied"],
    ["POST", "Immutable"],
  ] as const)("that calls an object kept, to %s, is %s", async (method, kind) => {
    const server = createServer((_, response) =>
      response.writeHead(403).end(body("retentionPolicyNotMet", "Object is kept.")),
    );
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
    const reply = await exchange({ what: "asking", method, url, headers: {} }, ctx);
    await expect(replyJson(reply, { what: "asking" }, ctx)).rejects.toMatchObject({ kind });
    server.closeAllConnections();
    server.close();
  });

  test("with Retry-After says how long to wait, in seconds or until a date", () => {
    expect(boundedWaitMs("7", now)).toBe(7000);
    expect(boundedWaitMs(new Date(now.getTime() + 5000).toUTCString(), now)).toBe(5000);
    expect(boundedWaitMs("soon", now)).toBeUndefined();
    expect(failureError(replyFailure(429, "", "3"), "writing", now).afterMs).toBe(3000);
  });

  test("that repeats a token shows it nowhere", () => {
    const token = "ya29.c0ASRK0GaPlantedPlantedPlantedPlanted1234567890";
    const error = failureError(replyFailure(403, body("forbidden", `bad token ${token}`), undefined), "writing", now);
    expect(inspect(error, { depth: 9 })).not.toContain("PlantedPlanted");
  });
});

describe("an error of the SDK", () => {
  test("is classified by its code and reasons, and is not kept", () => {
    const secret = "Bearer planted";
    const error = Object.assign(new Error("No such object"), {
      code: 404,
      errors: [{ reason: "notFound", message: "No such object" }],
      config: { headers: { authorization: secret } },
    });
    const found = sdkError(error, "looking", ctx);
    expect(found).toMatchObject({ kind: "NotFound" });
    expect(inspect(found, { depth: 9 })).not.toContain(secret);
  });

  test("of the network is Transient, of a program what it is", () => {
    const reset = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    expect(sdkError(reset, "looking", ctx)).toMatchObject({ kind: "Transient" });
    const bug = new TypeError("of ours");
    expect(networkError(bug, "looking")).toBe(bug);
  });
});
