// SPDX-License-Identifier: Apache-2.0
// How an upload in parts begins: where something is already it does not; what an earlier run left of it is taken up again.
import { quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Held } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { isAdapterError } from "./errors.ts";
import type { JournalSubject, Noted } from "./journal.ts";
import { cleanUp } from "./leftovers.ts";
import type { PartsRequest, Transfer, Upload } from "./transfer.ts";

/** Something may be there already: nobody is to send gigabytes for a name that is taken. */
export async function begin(
  transfer: Transfer,
  { request, sha256 }: { request: PartsRequest; sha256: string },
  ctx: Context,
): Promise<Upload> {
  const { key, size, partSize, multipart } = request;
  const { journal } = transfer;
  await transfer.sweepOnce(multipart, ctx);
  const settings = multipart.settings?.(request, ctx) ?? "";
  const subject = { url: transfer.adapter.url(key), firstPart: sha256, size, partSize, settings };
  if (request.ifAbsent) await refuseTaken(transfer, { request, subject }, ctx);
  const noted = await journal.take(subject);
  const resumed = await resume(transfer, { request, noted }, ctx);
  if (resumed !== undefined) return { ...resumed, noted };
  const handle = await persistently(() => multipart.begin(request, ctx), ctx, transfer.pace);
  const isNoted = handle.isPublic && handle.id !== "";
  const { id } = handle;
  return {
    handle,
    receiptOf: () => undefined,
    noted: isNoted ? await journal.keep(subject, { key: handle.key, id, begun: ctx.now() }) : undefined,
  };
}

/** By an earlier run that was killed too late, for instance. */
async function refuseTaken(
  transfer: Transfer,
  { request, subject }: { request: PartsRequest; subject: JournalSubject },
  ctx: Context,
): Promise<void> {
  try {
    await persistently(() => transfer.adapter.head(request.key, ctx), ctx, transfer.pace);
  } catch (error) {
    // Who may not look finds out when the upload is completed.
    if (isAdapterError(error, "NotFound", "Denied")) return;
    throw error;
  }
  const { key } = request;
  const noted = await transfer.journal.take(subject);
  if (noted !== undefined) {
    const handle = { key, id: noted.id, isPublic: true };
    await cleanUp(transfer, { request, upload: { handle, noted } }, ctx);
  }
  throw new AdapterError("AlreadyExists", `something is at ${quote(key)}`);
}

async function resume(
  transfer: Transfer,
  { request, noted }: { request: PartsRequest; noted: Noted | undefined },
  ctx: Context,
): Promise<Held | undefined> {
  try {
    return await persistently(() => request.multipart.resume(request, noted?.id, ctx), ctx, transfer.pace);
  } catch (error) {
    // Gone, not ours to look at (s3:ListMultipartUploadParts), or its parts are not to be had: a new one is begun.
    if (!isAdapterError(error, "UploadGone", "Denied", "NotFound", "Unavailable")) throw error;
    const isGone = isAdapterError(error, "UploadGone", "NotFound");
    if (noted !== undefined) await (isGone ? transfer.journal.forget(noted) : transfer.journal.giveBack(noted));
    return undefined;
  }
}
