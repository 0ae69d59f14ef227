// SPDX-License-Identifier: Apache-2.0
// Signature Version 4 of one request, every header that is given among what is signed. Pure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
import { createHash, createHmac } from "node:crypto";

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface UnsignedRequest {
  readonly method: string;
  /** As it is sent: escaped once, as S3 wants it. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case; `host` and `x-amz-content-sha256` among them. */
  readonly headers: Readonly<Record<string, string>>;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/** The headers to send: those of the request, the date, the session and the signature. */
export function signed(
  request: UnsignedRequest,
  { keys, region, at }: { keys: SigningKeys; region: string; at: Date },
): Readonly<Record<string, string>> {
  const date = at.toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const headers = {
    ...request.headers,
    "x-amz-date": date,
    ...(keys.sessionToken === undefined ? {} : { "x-amz-security-token": keys.sessionToken }),
  };
  const fields = Object.entries(headers).sort(byName);
  const names = fields.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    request.path,
    queryText(request.query),
    ...fields.map(([name, value]) => `${name}:${value.trim().replaceAll(/ {2,}/g, " ")}`),
    "",
    names,
    request.headers["x-amz-content-sha256"] ?? "",
  ].join("\n");
  const day = date.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const digest = createHash("sha256").update(canonical).digest("hex");
  const key = [day, region, "s3", "aws4_request"].reduce<string | Buffer>(mac, `AWS4${keys.secretAccessKey}`);
  const signature = mac(key, [ALGORITHM, date, scope, digest].join("\n")).toString("hex");
  const credential = `${keys.accessKeyId}/${scope}`;
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Sorted, as it is signed and sent. */
export function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => [escaped(name), escaped(value)] as const);
  return [...pairs]
    .sort(byName)
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** RFC 3986: all but the unreserved characters. */
export function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
