// SPDX-License-Identifier: Apache-2.0
// The state of the S3 double: versions, multipart uploads, and S3's documented reasons to refuse. A double, written from
// documentation and from what clients were seen to rely on; it has never been compared with AWS.
import { createHash } from "node:crypto";

export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(`refused: ${code}`);
    this.status = status;
    this.code = code;
  }
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
  readonly parts: Map<number, { etag: string; content: Content }>;
}

export interface Conditions {
  readonly ifNoneMatch: string | undefined;
}

const MIN_PART = 5_242_880;

export interface BucketOptions {
  readonly versioned: boolean;
  /** Real S3 wants 5 MiB; lower makes small tests possible. */
  readonly minPart?: number;
}

export class Bucket {
  readonly objects: Map<string, Version[]> = new Map();
  readonly uploads: Map<string, Upload> = new Map();
  readonly #options: BucketOptions;
  #counter = 0;

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  current(key: string): Version {
    const version = this.objects.get(key)?.at(-1);
    if (version === undefined) throw new S3Refusal(404, "NoSuchKey");
    return version;
  }

  version(key: string, id: string | undefined): Version {
    if (id === undefined) return this.current(key);
    if (!/^v\d+$/.test(id)) throw new S3Refusal(400, "InvalidArgument");
    const version = this.objects.get(key)?.find((candidate) => candidate.id === id);
    if (version === undefined) throw new S3Refusal(404, "NoSuchVersion");
    return version;
  }

  put(key: string, version: Omit<Version, "id">, { ifNoneMatch }: Conditions): Version {
    this.#check(key, ifNoneMatch);
    this.#counter += 1;
    const stored = { ...version, id: this.#options.versioned ? `v${this.#counter}` : "null" };
    this.objects.set(key, this.#options.versioned ? [...(this.objects.get(key) ?? []), stored] : [stored]);
    return stored;
  }

  #check(key: string, ifNoneMatch: string | undefined): void {
    if (ifNoneMatch === undefined) return;
    if (ifNoneMatch !== "*") throw new S3Refusal(501, "NotImplemented");
    if (this.objects.has(key)) throw new S3Refusal(412, "PreconditionFailed");
  }

  begin(key: string, headers: Readonly<Record<string, string>>): string {
    if (headers["x-amz-checksum-algorithm"] === "SHA256" && headers["x-amz-checksum-type"] === "FULL_OBJECT") {
      throw new S3Refusal(400, "InvalidRequest");
    }
    this.#counter += 1;
    const id = createHash("sha256").update(`${key}${this.#counter}`).digest("hex");
    this.uploads.set(id, { key, headers, parts: new Map() });
    return id;
  }

  upload(key: string, id: string): Upload {
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== key) throw new S3Refusal(404, "NoSuchUpload");
    return upload;
  }

  complete(request: {
    readonly key: string;
    readonly id: string;
    readonly parts: readonly { number: number; etag: string; sha256: string | undefined }[];
    readonly size: number | undefined;
    readonly ifNoneMatch: string | undefined;
  }): Version {
    const { key, id, parts } = request;
    const upload = this.upload(key, id);
    const contents = parts.map((part, i) => {
      const held = upload.parts.get(part.number);
      if (held === undefined || held.etag !== part.etag) throw new S3Refusal(400, "InvalidPart");
      // With a checksum algorithm the completion must repeat each part's checksum.
      const wantsChecksum = upload.headers["x-amz-checksum-algorithm"] === "SHA256";
      if (wantsChecksum && part.sha256 !== held.content.sha256) throw new S3Refusal(400, "InvalidPart");
      const previous = parts[i - 1];
      if (previous !== undefined && previous.number >= part.number) throw new S3Refusal(400, "InvalidPartOrder");
      const isLast = i === parts.length - 1;
      if (!isLast && held.content.size < (this.#options.minPart ?? MIN_PART))
        throw new S3Refusal(400, "EntityTooSmall");
      return held.content;
    });
    if (contents.length === 0 || contents.length > 10_000) throw new S3Refusal(400, "MalformedXML");
    const size = contents.reduce((sum, content) => sum + content.size, 0);
    if (request.size !== undefined && request.size !== size) throw new S3Refusal(400, "InvalidRequest");
    const digest = (name: "sha256" | "md5"): Buffer => {
      const hash = createHash(name);
      for (const content of contents) hash.update(content[name], "base64");
      return hash.digest();
    };
    const whole = createHash("sha256");
    for (const content of contents) whole.update(content.bytes);
    const content: Content = {
      size,
      bytes: Buffer.concat(contents.map((c) => c.bytes)),
      sha256: whole.digest("base64"),
      md5: digest("md5").toString("base64"),
    };
    const etag = `"${digest("md5").toString("hex")}-${contents.length}"`;
    const checksum = `${digest("sha256").toString("base64")}-${contents.length}`;
    const version = this.put(
      key,
      { etag, content, headers: upload.headers, checksum },
      { ifNoneMatch: request.ifNoneMatch },
    );
    this.uploads.delete(id);
    return version;
  }
}
