// SPDX-License-Identifier: Apache-2.0
// One call to a signing service: repeated while it is transient, and every way in which it can go wrong told apart as
// an outage (ERR_SERVICE_UNAVAILABLE) or a refusal (ERR_SERVICE_REFUSED). Replies are untrusted.
import {
  DecodeError,
  JsonError,
  parseJson,
  readObject,
  type Decoder,
  type ObjectReader,
} from "@kiteseal/in-toto-attestation/json";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { badReply, replyMessage, type HttpResponse } from "../http.ts";
import { LIMITS } from "../limits.ts";
import { isTransientStatus, requestRepeatedly, SERVICE_PACE, type Pace } from "../retry.ts";

export interface ServiceCall {
  /** Whom errors name, as in "the timestamp authority". */
  readonly service: string;
  readonly url: string;
  readonly method: "GET" | "POST";
  /** `contentType` of the body. */
  readonly contentType: string;
  readonly accept: string;
  readonly body?: string | Uint8Array;
  /** No error may show these. */
  readonly secrets?: readonly string[];
  readonly pace?: Pace | undefined;
  /** Statuses beside 200 and 201 that the caller understands. */
  readonly understood?: readonly number[];
  /** Statuses that mean "later" in this call only. */
  readonly alsoTransient?: readonly number[];
  /** By status of a refusal. */
  readonly hints?: Readonly<Record<number, string>>;
}

/**
 * The reply, its status 200, 201 or one of `understood`. Errors: ERR_SERVICE_REFUSED for other 4xx, with what the
 * service said, scrubbed and capped; ERR_SERVICE_UNAVAILABLE; ERR_INTERRUPTED; ERR_CONFIG_INVALID (address).
 */
export async function callService(call: ServiceCall, ctx: Context): Promise<HttpResponse> {
  const secrets = call.secrets ?? [];
  const response = await requestRepeatedly(
    call.url,
    {
      service: call.service,
      method: call.method,
      headers: { accept: call.accept, ...(call.body !== undefined && { "content-type": call.contentType }) },
      ...(call.body !== undefined && { body: call.body }),
      timeoutMs: LIMITS.serviceTimeoutMs,
      maxBytes: LIMITS.serviceReplyBytes,
      secrets,
      pace: call.pace ?? SERVICE_PACE,
      ...(call.alsoTransient !== undefined && { alsoTransient: call.alsoTransient }),
    },
    ctx,
  );
  const { status } = response;
  if (status === 200 || status === 201) {
    // Captive portals and proxies answer everything with a page.
    if (isPage(response)) throw badReply(call.service, response, "sent a web page where its reply belongs");
    return response;
  }
  if (call.understood?.includes(status) === true) return response;
  const said = replyMessage(response, secrets);
  const answer = `answers ${status}${said === undefined ? "" : `, ${said}`}`;
  const refused = status >= 400 && status < 500 && !isTransientStatus(status) && !isPage(response);
  if (!refused || call.alsoTransient?.includes(status) === true) throw badReply(call.service, response, answer);
  throw new KitesealError("ERR_SERVICE_REFUSED", `${call.service} at ${response.origin} ${answer}`, {
    hint: call.hints?.[status],
    details: { service: call.service, origin: response.origin, status },
  });
}

function isPage(response: HttpResponse): boolean {
  return response.headers.get("content-type")?.toLowerCase().startsWith("text/html") === true;
}

/**
 * Decodes a JSON reply; fields that nobody asks for are ignored. Throws ERR_SERVICE_UNAVAILABLE naming the path and what
 * was expected there, never what was found: it may hold what we sent.
 */
export function readReply<T>(service: string, response: HttpResponse, read: (object: ObjectReader) => T): T {
  try {
    const value = parseJson(response.bytes, { maxBytes: LIMITS.serviceReplyBytes, maxDepth: LIMITS.jsonDepth });
    return readObject(value, "$", { absent: "null", ignored: new Set(), read });
  } catch (error) {
    if (error instanceof DecodeError) {
      throw badReply(service, response, `sent a reply that cannot be used: ${error.path}, expected ${error.expected}`);
    }
    if (error instanceof JsonError) {
      throw badReply(service, response, `sent a reply that is not strict JSON (${error.reason})`);
    }
    throw error;
  }
}

/** `bytes` bytes in lower-case hex. */
export function asHex(bytes: number): Decoder<Uint8Array> {
  return (value, path) => {
    if (typeof value !== "string" || !/^[0-9a-f]*$/.test(value) || value.length !== bytes * 2) {
      throw new DecodeError(path, `${bytes} bytes in hex`, "something else");
    }
    return new Uint8Array(Buffer.from(value, "hex"));
  };
}
