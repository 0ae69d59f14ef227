// SPDX-License-Identifier: Apache-2.0
// Artifactory as a store, over its REST interface. A hostile one may withhold, replay and delete artifacts and show other
// bytes; it can forge nothing, as all is believed under a signed digest only. Create-only is weaker than elsewhere: there is
// no condition on PUT, so a name is looked at first, and two writers in the same moment are kept apart only by an identity
// that may deploy and may not delete (`diagnose` tries that). Pins are sha256. WriteSettings: none. Design §6.
import { createHash } from "node:crypto";
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { ByteRange, Context, StoredObject } from "@kiteseal/core/store";
import { AdapterError, refuseWriteSettings } from "../adapter.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { createArtifactoryAccess } from "../credentials/artifactory.ts";
import { isScratch } from "../diagnosis.ts";
import { unsafeAddressReason } from "../exchange.ts";
import { persistently } from "../transfer/attempts.ts";
import type { Pace } from "../transfer/plan.ts";
import type { Exchange } from "../exchange.ts";
import { listedKey, requirePin } from "../objects.ts";
import { ask, itemPath } from "./client.ts";
import type { ArtifactoryClient } from "./client.ts";
import { copyByChecksum, putWhole } from "./deploy.ts";
import { diagnose } from "./diagnose.ts";
import { head, requireRepository } from "./head.ts";
import { listedFiles, parseReply } from "./replies.ts";
import type { ListedFile } from "./replies.ts";

const IDLE_MS = 120_000;
/** Below, one request is as fast and has less to go wrong. */
const PARTS_FROM_BYTES = 268_435_456;
/** About two million files; more in one folder cannot be told from a server gone wrong. */
const LISTING_BYTES = 268_435_456;

/** `bucket`: the repository; `path`: where diagnose tries things. */
export interface ArtifactoryAddress {
  readonly bucket: string;
  readonly path: string;
}

export interface ArtifactoryOptions extends AdapterOptions {
  /** Set on what is deployed: `build.name`, `build.number`, `vcs.revision`. Taken from the job unless given. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Longest silence of the server; 120,000 unless given. */
  readonly idleMs?: number;
  /** From this size on the server is asked whether it takes parts; 256 MiB unless given. */
  readonly partsFromBytes?: number;
  /** Attempts at each part; four within about half a minute unless given. */
  readonly partPace?: Pace;
}

/** Throws ERR_CONFIG_INVALID without BUILDKITE_ARTIFACTORY_URL, and for settings that Artifactory cannot keep. */
export async function openArtifactoryAdapter(
  address: ArtifactoryAddress,
  options: ArtifactoryOptions,
): Promise<Adapter> {
  const client = createClient(address, options);
  return {
    url: (key) => `rt://${itemPath(client, key)}`,
    digestPlan: () => ({ algorithms: ["sha256"] }),
    head: (key, ctx) => head(client, key, ctx),
    putWhole: (request, ctx) => putWhole(client, request, ctx),
    get: ({ object, range }, ctx) => read(client, { object, range }, ctx),
    list: (prefix, ctx, pace) => list(client, { prefix, pace }, ctx),
    copy: (request, ctx) => copyByChecksum(client, request, ctx),
    diagnose: (ctx) => diagnose(client, address.path, ctx),
  };
}

function createClient(address: ArtifactoryAddress, options: ArtifactoryOptions): ArtifactoryClient {
  const { env } = options;
  const base = (env["BUILDKITE_ARTIFACTORY_URL"] ?? "").trim().replace(/\/+$/, "");
  if (base === "") {
    throw new KitesealError("ERR_CONFIG_INVALID", "rt: addresses need BUILDKITE_ARTIFACTORY_URL", {
      hint: "set it to the address of Artifactory itself, as in https://HOST/artifactory",
    });
  }
  const unsafe = unsafeAddressReason(base) ?? (/[?#]/.test(base) ? "it has a query" : undefined);
  if (unsafe !== undefined) {
    throw new KitesealError("ERR_CONFIG_INVALID", `BUILDKITE_ARTIFACTORY_URL cannot be used: ${unsafe}`);
  }
  refuseWriteSettings("Artifactory", options);
  const platform = base.replace(/\/artifactory$/, "");
  return {
    base,
    repository: address.bucket,
    seen: new Set(),
    access: createArtifactoryAccess({ env, tokens: options.tokens, onSecret: options.onSecret, platform }),
    properties: options.properties ?? jobProperties(env),
    idleMs: options.idleMs ?? IDLE_MS,
    partsFromBytes: options.partsFromBytes ?? PARTS_FROM_BYTES,
    partPace: options.partPace,
  };
}

/** The names by which Artifactory's own build information is found. */
function jobProperties(env: AdapterOptions["env"]): Record<string, string> {
  const found = {
    "build.name": env["BUILDKITE_PIPELINE_SLUG"],
    "build.number": env["BUILDKITE_BUILD_NUMBER"],
    "vcs.revision": env["BUILDKITE_COMMIT"],
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value]])),
  );
}

async function* read(
  client: ArtifactoryClient,
  request: { object: StoredObject; range: ByteRange },
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { object, range } = request;
  const { key } = object;
  const length = range.end - range.start;
  if (length === 0) {
    requirePin(object, (await head(client, key, ctx)).pin);
    return;
  }
  const isWhole = range.start === 0 && range.end === object.size;
  const reply = await ask(
    client,
    {
      method: "GET",
      path: itemPath(client, key),
      action: `reading ${quote(key)}`,
      headers: isWhole ? {} : { range: `bytes=${range.start}-${range.end - 1}` },
      followRedirects: true,
    },
    ctx,
  );
  const claimed = reply.headers["x-checksum-sha256"];
  const isPinned = typeof claimed === "string";
  try {
    // Another origin does not say whose bytes it sends: whole ones are hashed, for a part Artifactory is asked again.
    if (isPinned) requirePin(object, claimed);
    else if (!isWhole) requirePin(object, (await head(client, key, ctx)).pin);
    const hash = createHash("sha256");
    for await (const chunk of rangeOf(reply, request)) {
      if (!isPinned && isWhole) hash.update(chunk);
      yield chunk;
    }
    if (!isPinned && isWhole) requirePin(object, hash.digest("hex"));
  } finally {
    reply.discard();
  }
}

/** The bytes of the range, from a reply that has them or, if the server ignores ranges, all. */
async function* rangeOf(
  reply: Exchange,
  { object, range }: { object: StoredObject; range: ByteRange },
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoding = reply.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new AdapterError("Unavailable", `${quote(object.key)} was sent with the content encoding ${quote(encoding)}`);
  }
  const expected = `bytes ${range.start}-${range.end - 1}/`;
  const found = reply.headers["content-range"];
  if (reply.status === 206 && found?.startsWith(expected) !== true) {
    throw new AdapterError(
      "PinChanged",
      `another range of ${quote(object.key)} was sent: expected ${quote(expected)}, found ${quote(found ?? "")}`,
    );
  }
  let at = reply.status === 206 ? range.start : 0;
  for await (const chunk of reply.body()) {
    const wanted = chunk.subarray(
      Math.max(0, range.start - at),
      reply.status === 206 ? undefined : rangeEnd(range, object, at),
    );
    at += chunk.length;
    if (wanted.length > 0) yield wanted;
  }
}

/** Bytes beyond the object's size are passed on: that there are more than expected is for transfer/ to say. */
function rangeEnd(range: ByteRange, object: StoredObject, at: number): number | undefined {
  return range.end === object.size ? undefined : Math.max(0, range.end - at);
}

/** Artifactory lists folders, in one reply: the one that holds the end of the prefix is listed whole. */
async function* list(
  client: ArtifactoryClient,
  { prefix, pace }: { prefix: string; pace: Pace | undefined },
  ctx: Context,
): AsyncGenerator<StoredObject, void, undefined> {
  const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
  for (const file of await persistently(() => listFolder(client, { folder, prefix }, ctx), ctx, pace)) {
    const name = folder === "" ? file.path.slice(1) : folder + file.path;
    if (!name.startsWith(prefix)) continue;
    const key = listedKey(name, file.size);
    if (key === undefined || isScratch(key)) continue;
    if (file.sha256 !== undefined) yield { key, size: file.size, pin: file.sha256 };
    else yield await persistently(() => head(client, key, ctx), ctx, pace);
  }
}

async function listFolder(
  client: ArtifactoryClient,
  { folder, prefix }: { folder: string; prefix: string },
  ctx: Context,
): Promise<readonly ListedFile[]> {
  const path = folder === "" ? encodeURIComponent(client.repository) : itemPath(client, folder);
  const action = `listing ${quote(prefix)}`;
  let reply: Exchange;
  try {
    const query = "list&deep=1&listFolders=0&mdTimestamps=0";
    reply = await ask(client, { method: "GET", path: `api/storage/${path}?${query}`, action }, ctx);
  } catch (error) {
    if (await isNoFolder(client, { folder, error }, ctx)) return [];
    throw error;
  }
  return listedFiles(parseReply(await reply.text(LISTING_BYTES), prefix), prefix);
}

/** Nothing is below what is not there, nor below a file. */
async function isNoFolder(
  client: ArtifactoryClient,
  failed: { folder: string; error: unknown },
  ctx: Context,
): Promise<boolean> {
  const { folder, error } = failed;
  if (!(error instanceof AdapterError) || folder === "") return false;
  if (error.kind === "NotFound") {
    await requireRepository(client, ctx);
    return true;
  }
  if (error.kind !== "Unavailable") return false;
  try {
    await head(client, parseKey(folder), ctx);
    return true;
  } catch (other) {
    if (other instanceof AdapterError) return false;
    throw other;
  }
}
