// SPDX-License-Identifier: Apache-2.0
// The upload in parts of the Artifactory double: create, an address for each part, complete, status, abort.
import { createHash, randomBytes } from "node:crypto";

export interface Uploads {
  supported: boolean;
  readonly open: Map<string, { parts: Map<number, Uint8Array>; polls: number; failed: boolean }>;
  /** Merged bytes by checksum token. */
  readonly merged: Map<string, Uint8Array>;
}

export interface UploadReply {
  readonly status: number;
  readonly body?: object;
}

export function createUploads(): Uploads {
  return { supported: false, open: new Map(), merged: new Map() };
}

export function uploadsApi(
  uploads: Uploads,
  request: { url: URL; bearer: string | undefined; platform: string },
): UploadReply {
  const action = request.url.pathname.slice(request.url.pathname.lastIndexOf("/") + 1);
  if (action === "config") return { status: 200, body: { supported: uploads.supported } };
  if (action === "create") {
    const token = `upload-${randomBytes(16).toString("hex")}`;
    uploads.open.set(token, { parts: new Map(), polls: 0, failed: false });
    return { status: 200, body: { token } };
  }
  const upload = uploads.open.get(request.bearer ?? "");
  if (upload === undefined) return { status: 401, body: { errors: [{ status: 401, message: "no such upload" }] } };
  switch (action) {
    case "urlPart": {
      const number = request.url.searchParams.get("partNumber") ?? "";
      return {
        status: 200,
        body: { url: `${request.platform}/filestore/${request.bearer}/${number}?signature=PLANTED` },
      };
    }
    case "complete": {
      const sha1 = createHash("sha1").update(bytesOf(upload.parts)).digest("hex");
      upload.failed = sha1 !== request.url.searchParams.get("sha1");
      return { status: 202 };
    }
    case "status": {
      upload.polls += 1;
      if (upload.failed) return { status: 200, body: { status: "NON_RETRYABLE_ERROR" } };
      if (upload.polls === 1) return { status: 200, body: { status: "PROCESSING", progress: 50 } };
      const checksumToken = `checksum-${randomBytes(16).toString("hex")}`;
      uploads.merged.set(checksumToken, bytesOf(upload.parts));
      return { status: 200, body: { status: "FINISHED", checksumToken } };
    }
    case "abort":
      uploads.open.delete(request.bearer ?? "");
      return { status: 204 };
    default:
      return { status: 404 };
  }
}

/** A part put at its address; credentials there are refused, as the file store refuses what it did not sign. */
export function putPart(
  uploads: Uploads,
  request: { path: string; bytes: Uint8Array; hasCredentials: boolean },
): number {
  const [, token = "", number = ""] = /^\/filestore\/([^/]+)\/(\d+)$/.exec(request.path) ?? [];
  const upload = uploads.open.get(token);
  if (upload === undefined || request.hasCredentials) return 403;
  upload.parts.set(Number(number), request.bytes);
  return 200;
}

function bytesOf(parts: ReadonlyMap<number, Uint8Array>): Uint8Array {
  return Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
}
