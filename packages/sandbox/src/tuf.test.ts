// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson } from "./json.ts";
import { type Sandbox, startSandbox } from "./index.ts";

let stateDir: string;
let sandbox: Sandbox;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "kiteseal-tuf-test-"));
  sandbox = await startSandbox({ stateDir });
});
afterAll(async () => {
  await sandbox.close();
  rmSync(stateDir, { recursive: true });
});

async function file(name: string, base = sandbox.url): Promise<string> {
  const response = await fetch(`${base}/tuf/${name}`);
  expect(response.status).toBe(200);
  return response.text();
}

interface Described {
  version: number;
  length: number;
  hashes: { sha256: string };
}

/** The signed part of any role's metadata; a test reads what that role has. */
interface Signed {
  _type: string;
  version: number;
  expires: string;
  keys: Record<string, { keyval: { public: string } }>;
  roles: Record<string, { keyids: string[] }>;
  meta: Record<string, Described>;
  targets: Record<string, Described>;
}

function parse(text: string): { signed: Signed; signatures: { keyid: string; sig: string }[] } {
  return JSON.parse(text) as ReturnType<typeof parse>;
}

function described(value: Described | undefined): Described {
  if (value === undefined) throw new Error("metadata does not describe the file");
  return value;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Walks the metadata as a client does and gives the bytes of a target. The root comes from the state directory. */
async function download(target: string, base = sandbox.url): Promise<string> {
  const root = parse(readFileSync(join(stateDir, "tuf_root.json"), "utf8")).signed;
  const open = (text: string, role: string): Signed => {
    const { signed, signatures } = parse(text);
    const { keyid = "", sig = "" } = signatures[0] ?? {};
    expect(root.roles[role]?.keyids).toContain(keyid);
    const x = Buffer.from(root.keys[keyid]?.keyval.public ?? "", "hex").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    expect(keyid).toBe(sha256(canonicalJson(root.keys[keyid])));
    expect(verify(null, Buffer.from(canonicalJson(signed)), key, Buffer.from(sig, "hex"))).toBe(true);
    expect([signed._type, Date.parse(signed.expires) > Date.now()]).toEqual([role, true]);
    return signed;
  };
  expect(open(await file("1.root.json", base), "root")).toEqual(root);
  const stamp = described(open(await file("timestamp.json", base), "timestamp").meta["snapshot.json"]);
  const snapshotText = await file(`${stamp.version}.snapshot.json`, base);
  expect(sha256(snapshotText)).toBe(stamp.hashes.sha256);
  const { version } = described(open(snapshotText, "snapshot").meta["targets.json"]);
  const about = described(open(await file(`${version}.targets.json`, base), "targets").targets[target]);
  const content = await file(`targets/${about.hashes.sha256}.${target}`, base);
  expect([sha256(content), Buffer.byteLength(content)]).toEqual([about.hashes.sha256, about.length]);
  return content;
}

describe("the TUF repository", () => {
  it("leads from the root to trusted root and signing config", async () => {
    expect(JSON.parse(await download("trusted_root.json"))).toEqual(sandbox.trustedRoot);
    expect(JSON.parse(await download("signing_config.v0.2.json"))).toEqual(sandbox.signingConfig);
  });

  it("keeps its root and raises the other versions on the next start", async () => {
    const version = parse(await file("timestamp.json")).signed.version;
    const next = await startSandbox({ stateDir });
    try {
      expect(parse(await file("timestamp.json", next.url)).signed.version).toBe(version + 1);
      expect(JSON.parse(await download("signing_config.v0.2.json", next.url))).toEqual(next.signingConfig);
    } finally {
      await next.close();
    }
  });

  it("has no path but its own", async () => {
    expect((await fetch(`${sandbox.url}/tuf/..%2fkeys%2foidc.pem`)).status).toBe(404);
  });
});
