// SPDX-License-Identifier: Apache-2.0
// A DOUBLE of Google's token exchange (STS) and of service account impersonation. Takes a subject token once only, for
// one audience, so that a client that exchanges a stale one is refused.
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";

export interface SecurityTokenDouble {
  readonly url: string;
  /** Subject tokens exchanged so far. */
  readonly exchanged: string[];
  /** Accounts impersonated so far. */
  readonly impersonated: string[];
  close(): Promise<void>;
}

export interface SecurityTokenOptions {
  readonly audience: string;
  /** What an exchange returns, and how long it is good for. */
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  /** What impersonation returns. */
  readonly impersonatedToken: string;
}

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

export async function startSecurityTokenDouble(options: SecurityTokenOptions): Promise<SecurityTokenDouble> {
  const exchanged: string[] = [];
  const impersonated: string[] = [];
  const exchange = (body: string): Reply => {
    const form = new URLSearchParams(body);
    const subject = form.get("subject_token") ?? "";
    const refuse = (description: string): Reply => ({
      status: 400,
      json: { error: "invalid_grant", error_description: `${description}: ${subject}` },
    });
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:token-exchange") return refuse("grant type");
    if (form.get("audience") !== options.audience) return refuse("audience");
    if (form.get("subject_token_type") !== "urn:ietf:params:oauth:token-type:jwt") return refuse("type");
    if (subject === "" || exchanged.includes(subject)) return refuse("stale token");
    exchanged.push(subject);
    return {
      status: 200,
      json: {
        access_token: options.accessToken,
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        token_type: "Bearer",
        expires_in: options.expiresInSeconds,
      },
    };
  };
  const impersonate = (account: string, request: IncomingMessage): Reply => {
    if (request.headers.authorization !== `Bearer ${options.accessToken}`) {
      return { status: 401, json: { error: { code: 401, message: "Invalid Credentials" } } };
    }
    impersonated.push(account);
    return {
      status: 200,
      json: { accessToken: options.impersonatedToken, expireTime: new Date(Date.now() + 3_600_000).toISOString() },
    };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const account = /serviceAccounts\/([^/:]+):generateAccessToken$/.exec(request.url ?? "")?.[1];
      const reply =
        account === undefined
          ? exchange(Buffer.concat(chunks).toString())
          : impersonate(decodeURIComponent(account), request);
      response.writeHead(reply.status, { "content-type": "application/json" });
      response.end(JSON.stringify(reply.json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the double has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    exchanged,
    impersonated,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
