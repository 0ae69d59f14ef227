// SPDX-License-Identifier: Apache-2.0
// Servers that speak S3 often ignore what makes writing safe here: If-None-Match and checksums are answered with success
// and the object is replaced. So before the first write at an endpoint that is not AWS, each promise is tried on scratch
// objects below the root; what is not kept fails closed. The scratch objects have fixed names and are left there:
// finding them is the cheapest proof the next time, and no permission to delete is needed.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { scratchFolder } from "../diagnosis.ts";
import type { S3Place } from "./client.ts";
import { bucketOf, signalOf } from "./request.ts";
import type { Probe } from "./request.ts";

const CONTENT: Uint8Array = Buffer.from("kiteseal tries here whether this store keeps its promises\n");
const CHECKSUM = createHash("sha256").update(CONTENT).digest("base64");
const WRONG_CHECKSUM = createHash("sha256").update("something else").digest("base64");
const UNSUPPORTED_HINT = "use Amazon S3 or a server that implements conditional writes; nothing was published";

export function createProbe(place: S3Place): Probe {
  const folder = scratchFolder(place.base);
  const scratch = new Scratch(place, folder);
  const createOnly = once((ctx) => scratch.refusesSecondPut(ctx));
  const checksums = once((ctx) => scratch.refusesWrongChecksum(ctx));
  const createOnlyParts = once(async (ctx) => (await createOnly(ctx)) && (await scratch.refusesCompletion(ctx)));
  const createOnlyCopies = once(async (ctx) => (await createOnly(ctx)) && (await scratch.refusesCopy(ctx)));
  const demand = async (promise: Promise<boolean>, what: string): Promise<void> => {
    if (await promise) return;
    throw new AdapterError("Unsupported", `the server at ${place.endpoint ?? "AWS"} ${what}`, {
      hint: UNSUPPORTED_HINT,
    });
  };
  return {
    whole: async (ctx, ifAbsent) => {
      await demand(checksums(ctx), "accepts bytes under a wrong checksum");
      if (ifAbsent) await demand(createOnly(ctx), "replaces objects although If-None-Match forbids it");
    },
    parts: async (ctx, ifAbsent) => {
      await demand(checksums(ctx), "accepts bytes under a wrong checksum");
      if (ifAbsent)
        await demand(
          createOnlyParts(ctx),
          "does not keep S3's promises on uploads in parts (checksums, If-None-Match)",
        );
    },
    copies: (ctx) => createOnlyCopies(ctx),
    findings: async (ctx) => ({
      createOnly: await createOnly(ctx),
      checksums: await checksums(ctx),
      createOnlyParts: await createOnlyParts(ctx),
      createOnlyCopies: await createOnlyCopies(ctx),
    }),
    folder,
  };
}

/** One answer for the life of the adapter; a failure is forgotten. */
function once(ask: (ctx: Context) => Promise<boolean>): (ctx: Context) => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  return (ctx) => {
    answer ??= ask(ctx).catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}

class Scratch {
  readonly #place: S3Place;
  readonly #folder: string;

  constructor(place: S3Place, folder: string) {
    this.#place = place;
    this.#folder = folder;
  }

  /** True once a PUT was refused because of what is there; the first one may create it. */
  async refusesSecondPut(ctx: Context): Promise<boolean> {
    const first = await this.#put(ctx, "create-only", { IfNoneMatch: "*" });
    return first === "refused" || (await this.#put(ctx, "create-only", { IfNoneMatch: "*" })) === "refused";
  }

  /** Conditional too: a bucket's policy may refuse every other write. */
  async refusesWrongChecksum(ctx: Context): Promise<boolean> {
    const wrong = { IfNoneMatch: "*", ChecksumSHA256: WRONG_CHECKSUM };
    return (await this.#put(ctx, "wrong-checksum", wrong)) === "mismatch";
  }

  /** Needs the object that refusesSecondPut leaves. */
  async refusesCompletion(ctx: Context): Promise<boolean> {
    const { client } = this.#place;
    const where = this.#target("create-only");
    const { UploadId } = await this.#call(ctx, () =>
      client.send(
        new CreateMultipartUploadCommand({ ...where, ChecksumAlgorithm: "SHA256", ChecksumType: "COMPOSITE" }),
        signalOf(ctx),
      ),
    );
    try {
      if ((await this.#wrongPart(ctx, UploadId)) !== "mismatch") return false;
      const { ETag } = await this.#call(ctx, () =>
        client.send(
          new UploadPartCommand({ ...where, UploadId, PartNumber: 1, Body: CONTENT, ChecksumSHA256: CHECKSUM }),
          signalOf(ctx),
        ),
      );
      const parts = [{ PartNumber: 1, ETag, ChecksumSHA256: CHECKSUM }];
      const outcome = await this.#outcome(ctx, () =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...where,
            UploadId,
            MultipartUpload: { Parts: parts },
            IfNoneMatch: "*",
          }),
          signalOf(ctx),
        ),
      );
      return outcome === "refused";
    } finally {
      // Gone if it was completed; anything else that is left is swept with other uploads.
      await client.send(new AbortMultipartUploadCommand({ ...where, UploadId }), signalOf(ctx)).catch(() => undefined);
    }
  }

  #wrongPart(ctx: Context, UploadId: string | undefined): Promise<"done" | "refused" | "mismatch"> {
    const part = { UploadId, PartNumber: 1, Body: CONTENT, ChecksumSHA256: WRONG_CHECKSUM };
    return this.#outcome(ctx, () =>
      this.#place.client.send(new UploadPartCommand({ ...this.#target("create-only"), ...part }), signalOf(ctx)),
    );
  }

  async refusesCopy(ctx: Context): Promise<boolean> {
    const source = `${this.#place.bucket}/${`${this.#folder}create-only`.split("/").map(encodeURIComponent).join("/")}`;
    const copy = () =>
      this.#outcome(ctx, () =>
        this.#place.client.send(
          new CopyObjectCommand({ ...this.#target("copy"), CopySource: source, IfNoneMatch: "*" }),
          signalOf(ctx),
        ),
      );
    return (await copy()) === "refused" || (await copy()) === "refused";
  }

  #target(name: string): { Bucket: string; Key: string; ExpectedBucketOwner?: string } {
    return { ...bucketOf(this.#place), Key: this.#folder + name };
  }

  #call<T>(ctx: Context, send: () => Promise<T>): Promise<T> {
    return this.#place.call({ doing: "probing", subject: this.#folder }, ctx, send);
  }

  #put(
    ctx: Context,
    name: string,
    parameters: { IfNoneMatch?: string; ChecksumSHA256?: string },
  ): Promise<"done" | "refused" | "mismatch"> {
    return this.#outcome(ctx, () =>
      this.#place.client.send(
        new PutObjectCommand({ ...this.#target(name), Body: CONTENT, ChecksumSHA256: CHECKSUM, ...parameters }),
        signalOf(ctx),
      ),
    );
  }

  /** Another writer's probe at the same moment (409) is a failure that passes, not an answer. */
  async #outcome(ctx: Context, send: () => Promise<unknown>): Promise<"done" | "refused" | "mismatch"> {
    try {
      await this.#call(ctx, send);
      return "done";
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      if (error.kind === "PinChanged") return "refused";
      if (error.kind === "ChecksumRejected") return "mismatch";
      // A server that does not know conditions on copies may say so.
      if (error.kind === "Unsupported") return "done";
      throw error;
    }
  }
}
