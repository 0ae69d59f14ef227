export declare class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string);
}
/** Received bytes; `bytes` is empty where the double was told to keep digests only. */
export interface Content {
  readonly size: number;
  readonly bytes: Buffer;
  /** base64 */
  readonly sha256: string;
  readonly md5: string;
}
export interface Version {
  readonly id: string;
  readonly etag: string;
  readonly content: Content;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: string | undefined;
}
interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<
    number,
    {
      etag: string;
      content: Content;
    }
  >;
  readonly startedAt: Date;
}
export interface Conditions {
  readonly ifNoneMatch: string | undefined;
}
export interface BucketOptions {
  readonly versioned: boolean;
  /** Real S3 wants 5 MiB; lower makes small tests possible. */
  readonly minPart?: number;
}
export declare class Bucket {
  #private;
  readonly objects: Map<string, Version[]>;
  readonly uploads: Map<string, Upload>;
  constructor(options: BucketOptions);
  current(key: string): Version;
  version(key: string, id: string | undefined): Version;
  put(key: string, version: Omit<Version, "id">, { ifNoneMatch }: Conditions): Version;
  begin(key: string, headers: Readonly<Record<string, string>>, now: Date): string;
  upload(key: string, id: string): Upload;
  complete(request: {
    readonly key: string;
    readonly id: string;
    readonly parts: readonly {
      number: number;
      etag: string;
      sha256: string | undefined;
    }[];
    readonly size: number | undefined;
    readonly ifNoneMatch: string | undefined;
  }): Version;
}
export {};
