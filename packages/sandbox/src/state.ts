// SPDX-License-Identifier: Apache-2.0
// What outlives one run: private keys, self-signed chains, log entries. Everything lies in one directory (0700, files
// 0600) and is written through a temporary name, log entries excepted, which are appended line by line.
// The directory belongs to whoever runs the sandbox and is trusted.
import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isRecord } from "./json.ts";
import type { EntryFile, LogEntry } from "./log.ts";
import { pemOf } from "./x509.ts";

/** Every private key of the sandbox. */
const KEY_KINDS = {
  oidc: "rsa",
  "fulcio-root": "P-384",
  "fulcio-intermediate": "P-384",
  "ct-log": "P-256",
  "rekor-v1": "P-256",
  "rekor-v2": "ed25519",
  "timestamp-root": "P-384",
  timestamp: "P-256",
  "tuf-root": "ed25519",
  "tuf-online": "ed25519",
} as const;

type KeyName = keyof typeof KEY_KINDS;
type Keys = Readonly<Record<KeyName, KeyObject>>;

export interface State {
  readonly directory: string;
  readonly keys: Keys;
  /** When the directory was first used; authorities are valid from the day before. */
  readonly created: Date;
  /** A certificate, DER, that is made once and then read: the second start must see the same chains. */
  remember(name: string, make: () => Uint8Array): Buffer;
  /** A number that grows by one with each call, across runs. */
  nextVersion(): number;
  log(name: string): EntryFile;
  /** Writes a file of the directory, replacing it whole. Returns its path. */
  write(name: string, content: string): string;
}

/** Level by level: a recursive mkdir below procfs never returns. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectories(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** Opens the directory, making it and the keys it lacks. Throws the file system's errors, or Error for a damaged file. */
export async function openState(directory: string, now: Date): Promise<State> {
  makeDirectories(join(directory, "keys"));
  chmodSync(directory, 0o700);
  const write = (name: string, content: string): string => writeWhole(join(directory, name), content);
  const created = readOr(join(directory, "created"), () =>
    new Date(Math.floor(now.getTime() / 1000) * 1000).toISOString(),
  );
  return {
    directory,
    keys: await openKeys(join(directory, "keys")),
    created: new Date(created),
    remember(name, make) {
      const pem = readOr(join(directory, `${name}.cert.pem`), () => pemOf(make()));
      return new X509Certificate(pem).raw;
    },
    nextVersion() {
      const path = join(directory, "version");
      const next = existsSync(path) ? Number(readFileSync(path, "utf8")) + 1 : 1;
      writeWhole(path, String(next));
      return next;
    },
    log: (name) => openEntries(join(directory, `${name}.jsonl`)),
    write,
  };
}

function readOr(path: string, make: () => string): string {
  if (existsSync(path)) return readFileSync(path, "utf8");
  const content = make();
  writeWhole(path, content);
  return content;
}

function writeWhole(path: string, content: string): string {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  writeFileSync(temporary, content, { mode: 0o600, flag: "wx", flush: true });
  renameSync(temporary, path);
  return path;
}

async function openKeys(directory: string): Promise<Keys> {
  const open = async (name: KeyName): Promise<KeyObject> => {
    const path = join(directory, `${name}.pem`);
    if (existsSync(path)) return createPrivateKey(readFileSync(path, "utf8"));
    const key = await generateKey(KEY_KINDS[name]);
    writeWhole(path, key.export({ type: "pkcs8", format: "pem" }).toString());
    return key;
  };
  const [oidc, fulcioRoot, fulcioIntermediate, ctLog, rekorV1, rekorV2] = await Promise.all([
    open("oidc"),
    open("fulcio-root"),
    open("fulcio-intermediate"),
    open("ct-log"),
    open("rekor-v1"),
    open("rekor-v2"),
  ]);
  return {
    oidc,
    "fulcio-root": fulcioRoot,
    "fulcio-intermediate": fulcioIntermediate,
    "ct-log": ctLog,
    "rekor-v1": rekorV1,
    "rekor-v2": rekorV2,
    "timestamp-root": await open("timestamp-root"),
    timestamp: await open("timestamp"),
    "tuf-root": await open("tuf-root"),
    "tuf-online": await open("tuf-online"),
  };
}

const generatePair = promisify(generateKeyPair);

/** A new private key of one of the kinds used here. */
export async function generateKey(kind: (typeof KEY_KINDS)[KeyName]): Promise<KeyObject> {
  if (kind === "rsa") return (await generatePair("rsa", { modulusLength: 2048 })).privateKey;
  if (kind === "ed25519") return (await generatePair("ed25519")).privateKey;
  return (await generatePair("ec", { namedCurve: kind })).privateKey;
}

/** Entries of a log file; a last line that a crash cut short is removed, its entry was never answered for. */
function openEntries(path: string): EntryFile {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  if (complete.length < text.length) truncateSync(path, Buffer.byteLength(complete));
  return {
    entries: complete.split("\n").filter(Boolean).map(parseEntry),
    append({ body, integratedTime }) {
      const line = JSON.stringify({ integratedTime, body: Buffer.from(body).toString("base64") });
      appendFileSync(path, `${line}\n`, { mode: 0o600 });
    },
  };
}

function parseEntry(line: string): LogEntry {
  const value: unknown = JSON.parse(line);
  if (!isRecord(value) || typeof value["body"] !== "string" || typeof value["integratedTime"] !== "number") {
    throw new Error("log file of the sandbox is damaged");
  }
  return { body: Buffer.from(value["body"], "base64"), integratedTime: value["integratedTime"] };
}
