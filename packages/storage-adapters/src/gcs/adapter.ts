// SPDX-License-Identifier: Apache-2.0
// Google Cloud Storage. A hostile bucket can withhold, delete, replay and show other bytes under any generation; what is
// read is believed under a signed digest only. What honest ones do for us: create once (ifGenerationMatch=0), refuse bytes
// with another MD5, keep a generation apart from its successors. Servers that imitate the API are probed before the
// first create-only write. encryptionKey: kmsKeyName; retention: object retention, governance = Unlocked; legalHold:
// temporary hold. bucketOwner is refused: this API has no such check. Design §6, reference/storage.md §1.2.
import { KitesealError, quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, Written } from "../adapter.ts";
import { isScratch } from "../diagnosis.ts";
import { listedKey } from "../objects.ts";
import type { StoreAddress } from "../url.ts";
import { connect } from "./connection.ts";
import type { GcsOptions } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { readMedia } from "./media.ts";
import { listObjects, readMetadata } from "./metadata.ts";
import { createMultipart } from "./multipart.ts";
import { storedObject } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { probe } from "./probe.ts";
import type { Probed } from "./probe.ts";
import type { Target } from "./resource.ts";
import { rewriteObject } from "./rewrite.ts";
import { putWhole } from "./whole.ts";

const MAX_NAME_BYTES = 1024;
const MAX_BYTES = 5_497_558_138_880;

/** `gs://BUCKET/path`. Errors: ERR_CONFIG_INVALID, ERR_UNREADABLE, ERR_STORE_URL. */
export async function openGcsAdapter(address: StoreAddress, options: GcsOptions): Promise<Adapter> {
  const settings = options.write ?? {};
  if (settings.bucketOwner !== undefined) {
    throw new KitesealError("ERR_STORE_URL", "a bucket owner was given: Google Cloud Storage has no check of it", {
      hint: "leave it out: bucket names are unique in all of Google Cloud",
    });
  }
  const connection = await connect(address.bucket, options);
  const target: Target = { connection, settings };
  const base = address.path === "" ? "" : `${address.path}/`;
  const capabilities = createCapabilities(target, base);
  return {
    url: (key) => `gs://${address.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`,
    digestPlan: () => ({ algorithms: ["sha256", "md5"] }),
    head: async (key, ctx) => stored(await readMetadata(connection, { name: checkedName(key) }, ctx)).object,
    putWhole: async (request, ctx) => {
      checkedName(request.key);
      if (request.ifAbsent) await capabilities.guard(ctx);
      return stored(await putWhole(target, request, ctx));
    },
    prepare: (_, ctx) => capabilities.guard(ctx),
    maxBytes: MAX_BYTES,
    multipart: createMultipart(target, (ctx) => capabilities.guard(ctx)),
    get: (request, ctx) => readMedia(connection, request, ctx),
    async *list(prefix, ctx, pace) {
      for await (const object of listObjects(connection, { prefix, pace }, ctx)) {
        const key = listedKey(object.name, object.size);
        if (key === undefined || isScratch(key)) continue;
        yield { key, size: object.size, pin: object.generation };
      }
    },
    copy: async (request, ctx) => {
      checkedName(request.to);
      if (!(await capabilities.copies(ctx))) return undefined;
      return stored(await rewriteObject(target, request, ctx));
    },
    diagnose: (ctx) => diagnose(target, base, ctx),
  };
}

function stored(object: GcsObject): Written {
  const found = storedObject(object);
  if (found !== undefined) return { object: found, verifiedBy: "server-other" };
  throw new AdapterError("Unavailable", `the store answered with the name ${quote(object.name)}`);
}

function checkedName(key: Key): Key {
  if (Buffer.byteLength(key) <= MAX_NAME_BYTES && !key.startsWith(".well-known/acme-challenge/")) return key;
  throw new AdapterError("KeyRejected", `the key ${quote(key)} is longer than ${MAX_NAME_BYTES} bytes or reserved`);
}

interface Capabilities {
  /** Throws Unsupported where a second object could replace the first. */
  guard(ctx: Context): Promise<void>;
  copies(ctx: Context): Promise<boolean>;
}

/** Google's own service is taken at its word; another server is tried once, when it first matters. */
function createCapabilities(target: Target, base: string): Capabilities {
  let probing: Promise<Probed> | undefined;
  const probed = async (ctx: Context): Promise<Probed> => {
    const running = (probing ??= probe(target, { base, stays: false }, { now: () => ctx.now() }));
    try {
      return await running;
    } catch (error) {
      // Nothing was learned: the next write asks again.
      if (probing === running) probing = undefined;
      throw error;
    }
  };
  return {
    guard: async (ctx) => {
      if (!target.connection.isCustom) return;
      const { insertsOnce, sessionsOnce, comparesChecksums } = await probed(ctx);
      if (insertsOnce && sessionsOnce && comparesChecksums) return;
      const lacks = insertsOnce && sessionsOnce ? "stores bytes with a wrong MD5" : "lets an object be created twice";
      throw new AdapterError("Unsupported", `the server at ${target.connection.endpoint} ${lacks}`, {
        hint: "use a server that honours ifGenerationMatch and md5Hash: without them nothing can be published safely",
      });
    },
    copies: async (ctx) => !target.connection.isCustom || (await probed(ctx)).copiesOnce,
  };
}
