// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { networkError } from "./gcs/errors.ts";
import { s3Error } from "./s3/errors.ts";
import { testContext } from "./store-contract.testkit.ts";

const SOME: unknown = expect.any(String);
const WIRES: readonly [string, (error: Error) => unknown][] = [
  ["S3", (error) => s3Error(error, { doing: "writing", subject: "a" }, testContext())],
  ["Google Cloud Storage", (error) => networkError(error, "writing")],
];

describe.each(WIRES)("a failure on the way to %s", (_, classified) => {
  const failure = (code: string): unknown => classified(Object.assign(new Error("of the network"), { code }));

  test.each(["ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ERR_STREAM_PREMATURE_CLOSE", "ERR_SSL_WRONG_VERSION_NUMBER"])(
    "%s passes",
    (code) => expect(failure(code)).toMatchObject({ kind: "Transient" }),
  );

  test.each(["DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "ERR_TLS_CERT_ALTNAME_INVALID"])(
    "%s does not, and the operator is told what to do",
    (code) => expect(failure(code)).toMatchObject({ kind: "Unavailable", hint: SOME }),
  );

  test("what Node says of an argument is no outage", () => {
    const error = Object.assign(new TypeError("Invalid character in header"), { code: "ERR_INVALID_CHAR" });
    expect(classified(error)).toBe(error);
  });
});
