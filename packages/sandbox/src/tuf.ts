// SPDX-License-Identifier: Apache-2.0
// A TUF repository with consistent snapshots: one offline root key, one online key for the other roles. Its targets
// are the trusted root and the signing config. The root never changes; the rest gets a new version on each start.
// The Update Framework specification 1.0, §4, §6.2.
import { createHash, type KeyObject, sign } from "node:crypto";
import { authorityValidity } from "./certificate-authority.ts";
import { canonicalJson } from "./json.ts";
import { Refusal, type Route } from "./server.ts";
import { spkiOf } from "./x509.ts";

const DAY_MS = 86_400_000;

export interface TufOptions {
  readonly rootKey: KeyObject;
  readonly onlineKey: KeyObject;
  readonly created: Date;
  readonly now: Date;
  /** Version of timestamp, snapshot and targets. */
  readonly version: number;
  /** Contents by target name. */
  readonly targets: Readonly<Record<string, string>>;
}

/** What clients start from, and every file of the repository by its path below the base. */
export interface TufRepository {
  readonly root: string;
  readonly files: ReadonlyMap<string, string>;
}

export function tufRepository(options: TufOptions): TufRepository {
  const { version, now, onlineKey } = options;
  const online = (type: string, days: number, content: object): string =>
    signMetadata({ type, version, expires: new Date(now.getTime() + days * DAY_MS) }, onlineKey, content);
  const targets = Object.entries(options.targets).map(([name, content]) => ({
    name,
    content,
    about: describe(content),
  }));
  const snapshot = online("snapshot", 365, { meta: { "targets.json": { version } } });
  const root = rootMetadata(options);
  return {
    root,
    files: new Map([
      ["1.root.json", root],
      ["timestamp.json", online("timestamp", 7, { meta: { "snapshot.json": { version, ...describe(snapshot) } } })],
      [`${version}.snapshot.json`, snapshot],
      [
        `${version}.targets.json`,
        online("targets", 365, { targets: Object.fromEntries(targets.map(({ name, about }) => [name, about])) }),
      ],
      ...targets.map(({ name, content }) => [`targets/${sha256(content)}.${name}`, content] as const),
    ]),
  };
}

function describe(content: string): { length: number; hashes: { sha256: string } } {
  return { length: Buffer.byteLength(content), hashes: { sha256: sha256(content) } };
}

function rootMetadata({ rootKey, onlineKey, created }: TufOptions): string {
  const role = (key: KeyObject): object => ({ keyids: [keyId(key)], threshold: 1 });
  return signMetadata({ type: "root", version: 1, expires: authorityValidity(created).notAfter }, rootKey, {
    consistent_snapshot: true,
    keys: { [keyId(rootKey)]: tufKey(rootKey), [keyId(onlineKey)]: tufKey(onlineKey) },
    roles: {
      root: role(rootKey),
      timestamp: role(onlineKey),
      snapshot: role(onlineKey),
      targets: role(onlineKey),
    },
  });
}

function signMetadata(head: { type: string; version: number; expires: Date }, key: KeyObject, content: object): string {
  const signed = {
    _type: head.type,
    spec_version: "1.0.31",
    version: head.version,
    expires: `${head.expires.toISOString().slice(0, 19)}Z`,
    ...content,
  };
  const signature = sign(null, Buffer.from(canonicalJson(signed)), key).toString("hex");
  return JSON.stringify({ signatures: [{ keyid: keyId(key), sig: signature }], signed });
}

function tufKey(key: KeyObject): object {
  const raw = spkiOf(key).subarray(-32);
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: raw.toString("hex") } };
}

function keyId(key: KeyObject): string {
  return sha256(canonicalJson(tufKey(key)));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Serves the files below `/tuf/`; the map may be filled after the routes exist. */
export function tufRoutes(files: ReadonlyMap<string, string>): readonly Route[] {
  return [
    {
      id: "tuf.get",
      method: "GET",
      path: /^\/tuf\/(.+)$/,
      maxBytes: 0,
      handle({ parameters: [path = ""] }) {
        const content = files.get(path);
        if (content === undefined) throw new Refusal(404, "no such file");
        return { status: 200, headers: { "content-type": "application/json" }, body: content };
      },
    },
  ];
}
