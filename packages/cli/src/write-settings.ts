// SPDX-License-Identifier: Apache-2.0
// How new objects are kept (key, retention, hold, owner) and how fast they are sent: flags, then `write` of the
// configuration. A store refuses what it cannot keep, before anything is signed.
import { KitesealError, quote } from "@kiteseal/core";
import type { TransferOptions, WriteSettings } from "@kiteseal/storage-adapters";
import { type Config, lockedKey } from "./config.ts";
import { BUCKET_OWNER, ENCRYPTION_KEY, type Options, type OptionSpec, retentionOf } from "./flags.ts";
import { present } from "./present.ts";

export const WRITE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--encryption-key <key>",
    description: "KMS key of S3 or Google Cloud Storage, encryption scope of Azure, instead of the bucket's own",
  },
  {
    flags: "--retention <mode:days>",
    description: "keep what is written: governance:30 (privileged users may shorten it) or compliance:365 (nobody may)",
  },
  { flags: "--legal-hold", description: "keep what is written until somebody lifts the hold" },
  { flags: "--bucket-owner <account>", description: "S3: refuse a bucket that another account owns" },
  { flags: "--parallel <number>", description: "requests that carry bytes at the same time, 1 to 64" },
  { flags: "--limit-rate <bytes>", description: "bytes a second, all together: 500K, 20M, 1G" },
];

const RATE = /^([1-9]\d{0,8})([KMG]?)$/;
const LEAST_RATE = 1024;
const UNITS = { "": 1, K: 1024, M: 1_048_576, G: 1_073_741_824 } as const;
const MAX_PARALLEL = 64;

/**
 * `whose`: a job that builds may say in its checkout how what it writes is kept; what is promoted is not its own. Throws
 * ERR_USAGE, also for a flag that the machine's configuration locks.
 */
export function readWriteSettings(options: Options, config: Config, whose: "checkout" | "machine"): WriteSettings {
  const retention = options.text("retention");
  const flags: WriteSettings = present({
    encryptionKey: matching(options, "encryptionKey", [ENCRYPTION_KEY, "printable ASCII without spaces"]),
    retention: retention === undefined ? undefined : parseRetention(retention),
    legalHold: options.flag("legalHold") ? true : undefined,
    bucketOwner: matching(options, "bucketOwner", [BUCKET_OWNER, "the 12 digits of an AWS account"]),
  });
  const { machine } = config;
  if (Object.keys(flags).length > 0 && machine.locked.includes("write"))
    throw lockedKey("write", "a flag", machine.path);
  return { ...machine.write, ...(whose === "checkout" ? config.write : {}), ...flags };
}

/** Found when the header is sent, it would look like an outage, after signing. */
function matching(options: Options, name: string, [pattern, expected]: readonly [RegExp, string]): string | undefined {
  const text = options.text(name);
  if (text === undefined || pattern.test(text)) return text;
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new KitesealError("ERR_USAGE", `--${flag} ${quote(text)}: expected ${expected}`);
}

function parseRetention(text: string): NonNullable<WriteSettings["retention"]> {
  const retention = retentionOf(text);
  if (retention !== undefined) return retention;
  throw new KitesealError("ERR_USAGE", `--retention ${quote(text)}: expected governance:DAYS or compliance:DAYS`);
}

/** Throws ERR_USAGE. */
export function readTransferSettings(options: Options): Pick<TransferOptions, "parallel" | "bytesPerSecond"> {
  return present({ parallel: parallelOf(options.text("parallel")), bytesPerSecond: rateOf(options.text("limitRate")) });
}

function parallelOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d?$/.test(text) && Number(text) <= MAX_PARALLEL) return Number(text);
  throw new KitesealError("ERR_USAGE", `--parallel ${quote(text)}: expected a number from 1 to ${MAX_PARALLEL}`);
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit] = RATE.exec(text) ?? [];
  if (amount !== undefined && (unit === "" || unit === "K" || unit === "M" || unit === "G")) {
    const rate = Number(amount) * UNITS[unit];
    if (rate >= LEAST_RATE) return rate;
  }
  throw new KitesealError(
    "ERR_USAGE",
    `--limit-rate ${quote(text)}: expected bytes a second, at least 1K, such as 500K, 20M, 1G`,
  );
}
