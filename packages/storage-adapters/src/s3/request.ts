// SPDX-License-Identifier: Apache-2.0
// What requests to one bucket have in common.
import { quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { PutRequest } from "../adapter.ts";
import type { S3Place, WriteParameters } from "./client.ts";
import type { DirectReply } from "./direct.ts";

const MAX_KEY_BYTES = 1024;

export interface Probe {
  /** Throws Unsupported unless wrong checksums are refused and, if `ifAbsent`, a second PUT is refused. */
  whole(ctx: Context, ifAbsent: boolean): Promise<void>;
  /** The same of the completion of a multipart upload. */
  parts(ctx: Context, ifAbsent: boolean): Promise<void>;
  /** Whether copies are create-only here. */
  copies(ctx: Context): Promise<boolean>;
  /** What was found, tried now if it was not before. */
  findings(ctx: Context): Promise<ProbeFindings>;
  /** Where the scratch objects are; ends in "/". */
  readonly folder: string;
}

export interface ProbeFindings {
  readonly createOnly: boolean;
  readonly checksums: boolean;
  readonly createOnlyParts: boolean;
  readonly createOnlyCopies: boolean;
}

export interface S3 {
  readonly place: S3Place;
  readonly probe: Probe;
}

/** The bucket and key of a request, and whose bucket it must be. Throws KeyRejected. */
export function target(place: S3Place, key: string): { Bucket: string; Key: string; ExpectedBucketOwner?: string } {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new AdapterError("KeyRejected", `the key ${quote(key)} is longer than ${MAX_KEY_BYTES} bytes`);
  }
  return { ...bucketOf(place), Key: key };
}

export function bucketOf({ bucket, owner }: S3Place): { Bucket: string; ExpectedBucketOwner?: string } {
  return { Bucket: bucket, ...(owner === undefined ? {} : { ExpectedBucketOwner: owner }) };
}

export function signalOf(ctx: Context): { abortSignal?: AbortSignal } {
  return ctx.signal === undefined ? {} : { abortSignal: ctx.signal };
}

/** A failed precondition of a create-only write says that something is there. */
export function asExisting(error: unknown, request: { readonly key: Key; readonly ifAbsent: boolean }): unknown {
  if (!(error instanceof AdapterError) || error.kind !== "PinChanged" || !request.ifAbsent) return error;
  return new AdapterError("AlreadyExists", `something is already at ${quote(request.key)}`, { cause: error });
}

/** What the server says that it stored must be what it was sent; false if it says nothing. Throws ChecksumRejected. */
export function requireChecksum(found: string | undefined, expected: { sha256: string; subject: string }): boolean {
  const sha256 = base64(expected.sha256);
  if (found === undefined || found === "") return false;
  if (found === sha256) return true;
  throw new AdapterError(
    "ChecksumRejected",
    `the server stored other bytes for ${quote(expected.subject)}: expected ${sha256}, found ${quote(found)}`,
  );
}

/** The headers of a request about one object, PutObject's parameters among them. Throws KeyRejected. */
export function directTo(
  place: S3Place,
  key: string,
  parameters: DirectParameters = {},
): { key: string; headers: Readonly<Record<string, string>> } {
  const { Key, ExpectedBucketOwner } = target(place, key);
  const { Metadata = {}, ObjectLockRetainUntilDate, BucketKeyEnabled, ...texts } = parameters;
  const given: Readonly<Record<string, string | undefined>> = {
    ...Object.fromEntries(Object.entries(texts).map(([name, value]) => [HEADERS[name] ?? name, value])),
    ...Object.fromEntries(Object.entries(Metadata).map(([name, value]) => [`x-amz-meta-${name.toLowerCase()}`, value])),
    "x-amz-expected-bucket-owner": ExpectedBucketOwner,
    "x-amz-server-side-encryption-bucket-key-enabled":
      BucketKeyEnabled === undefined ? undefined : String(BucketKeyEnabled),
    "x-amz-object-lock-retain-until-date": ObjectLockRetainUntilDate?.toISOString(),
  };
  const headers = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { key: Key, headers: Object.fromEntries(headers) };
}

type DirectParameters = WriteParameters & {
  readonly ContentType?: string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
  readonly Range?: string;
};

const HEADERS: Readonly<Record<string, string>> = {
  ContentType: "content-type",
  IfNoneMatch: "if-none-match",
  IfMatch: "if-match",
  Range: "range",
  ServerSideEncryption: "x-amz-server-side-encryption",
  SSEKMSKeyId: "x-amz-server-side-encryption-aws-kms-key-id",
  ObjectLockMode: "x-amz-object-lock-mode",
  ObjectLockLegalHoldStatus: "x-amz-object-lock-legal-hold",
};

/** What a reply says of the object. */
export function factsOf({ headers }: DirectReply): {
  ETag: string | undefined;
  VersionId: string | undefined;
  ChecksumSHA256: string | undefined;
  ContentLength: number | undefined;
} {
  const text = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const length = text("content-length");
  return {
    ETag: text("etag"),
    VersionId: text("x-amz-version-id"),
    ChecksumSHA256: text("x-amz-checksum-sha256"),
    ContentLength: length === undefined ? undefined : Number(length),
  };
}

/** Headers hold ASCII only: other characters of the hints are percent-encoded. */
export function described(request: Pick<PutRequest, "contentType" | "metadata">): {
  ContentType?: string;
  Metadata: Record<string, string>;
} {
  return {
    ...(request.contentType === undefined ? {} : { ContentType: request.contentType }),
    Metadata: Object.fromEntries(
      Object.entries(request.metadata).map(([name, value]) => [name, value.replaceAll(/[^ -~]+/g, encodeURIComponent)]),
    ),
  };
}

export function base64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}
