import { Bucket } from "./bucket.ts";
import type { Fault } from "./faults.ts";
export interface S3DoubleOptions {
  readonly versioned?: boolean;
  /** false: only digests and sizes are kept, for large objects. */
  readonly keepBytes?: boolean;
  readonly minPart?: number;
  /** What a lenient S3-compatible server does: the condition is ignored. */
  readonly ignores?: readonly (
    | "if-none-match"
    | "if-none-match-on-complete"
    | "if-none-match-on-copy"
    | "checksums"
    | "ranges"
  )[];
  readonly pageSize?: number;
  /** Answers of bucket settings, by query name ("publicAccessBlock"): status and XML. */
  readonly settings?: Readonly<
    Record<
      string,
      {
        readonly status: number;
        readonly xml: string;
      }
    >
  >;
  readonly now?: () => Date;
}
export interface S3Double {
  readonly endpoint: string;
  readonly bucketName: string;
  readonly bucket: Bucket;
  fail(fault: Fault): void;
  /** "METHOD path?query" of each request, in order. */
  readonly requests: string[];
  /** Bytes of parts received, also of those that were refused. */
  partBytes: number;
  /** Answered 403 from now on; returns how to allow again. */
  deny(pathPrefix: string): () => void;
  close(): Promise<void>;
}
export declare const ACCESS_KEY = "AKIDDOUBLE";
export declare function startS3Double(options?: S3DoubleOptions): Promise<S3Double>;
