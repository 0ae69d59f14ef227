// SPDX-License-Identifier: Apache-2.0
// What of a bundle and of a trusted root can matter to a verification, read without Kiteseal's readers. An accepted mutant
// must bring no evidence that the original did not have: the same content under the same certificate, and of entries,
// promises and stamps a part of the original's. Left out, each for its reason: the key id of the signature and the
// global index of an entry without a promise (nothing authenticates them), integrated times without a promise, spelling
// of the media type, unsigned parts of a TimeStampResp (status, embedded certificates), the signature lines of a checkpoint
// (whichever of them verifies says the same of the same text), names and addresses in the trusted root, the order of a
// chain, bytes after a key, authorities that the bundle does not use.
import { createHash, createPublicKey } from "node:crypto";

type Json = Readonly<Record<string, unknown>>;

const hash = (...parts: readonly (Uint8Array | string)[]): string => {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(`${part.length}:`).update(part);
  return digest.digest("hex");
};
const record = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(record) : []);
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === "string" ? value : "", "base64");
const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

export interface BundleForm {
  readonly content: string;
  /** Proofs, promises and stamps of listed authorities. */
  readonly evidence: ReadonlySet<string>;
}

/** Throws for what is no JSON. `root` says whose entries and stamps count. */
export function bundleForm(unverified: Uint8Array, root: Uint8Array): BundleForm {
  const document = record(JSON.parse(Buffer.from(unverified).toString()));
  const material = record(document["verificationMaterial"]);
  const envelope = record(document["dsseEnvelope"]);
  const [chained] = list(record(material["x509CertificateChain"])["certificates"]);
  const leaf = bytes(record(material["certificate"])["rawBytes"] ?? chained?.["rawBytes"]);
  const message = record(document["messageSignature"]);
  const digest = record(message["messageDigest"]);
  const [signature] = list(envelope["signatures"]);
  const listed = listedParties(root);
  const entries = list(material["tlogEntries"]).filter((e) => listed.logs.has(logId(e)));
  const stamps = list(record(material["timestampVerificationData"])["rfc3161Timestamps"]).map((s) =>
    bytes(s["signedTimestamp"]),
  );
  return {
    content: hash(
      text(envelope["payloadType"]),
      bytes(envelope["payload"]),
      bytes(signature?.["sig"] ?? message["signature"]),
      text(digest["algorithm"]),
      bytes(digest["digest"]),
      leaf,
    ),
    evidence: new Set([
      ...entries.flatMap(entryForms),
      ...stamps
        .map(stampParts)
        .filter((s) => listed.stampSigners.has(s.signer))
        .map((s) => s.form),
    ]),
  };
}

/** The mutant is the original, or the original with less evidence. */
export function addsNothing(original: BundleForm, mutant: BundleForm): boolean {
  return mutant.content === original.content && [...mutant.evidence].every((item) => original.evidence.has(item));
}

const logId = (entry: Json): string => text(record(entry["logId"])["keyId"]);

function entryForms(entry: Json): readonly string[] {
  const kind = record(entry["kindVersion"]);
  const about = [logId(entry), text(kind["kind"]), text(kind["version"]), bytes(entry["canonicalizedBody"])];
  const promise = record(entry["inclusionPromise"])["signedEntryTimestamp"];
  const proof = record(entry["inclusionProof"]);
  const forms: string[] = [];
  if (promise !== undefined) {
    forms.push(
      hash("promise", ...about, text(entry["integratedTime"]), text(entry["logIndex"] ?? "0"), bytes(promise)),
    );
  }
  if (Object.keys(proof).length > 0) {
    const hashes = Array.isArray(proof["hashes"]) ? proof["hashes"].map(bytes) : [];
    const envelope = text(record(proof["checkpoint"])["envelope"]);
    const note = envelope.slice(0, envelope.indexOf("\n\n"));
    forms.push(
      hash(
        "proof",
        ...about,
        text(proof["logIndex"] ?? "0"),
        bytes(proof["rootHash"]),
        text(proof["treeSize"] ?? "0"),
        Buffer.concat(hashes),
        note,
      ),
    );
  }
  return forms;
}

interface Tlv {
  readonly raw: Buffer;
  readonly content: Buffer;
}

/** The values one after another; what cannot be read ends the list. */
function children(content: Buffer): readonly Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at + 2 <= content.length;) {
    const first = content[at + 1] ?? 0;
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const length = octets === 0 ? first : content.readUIntBE(at + 2, Math.min(octets, 6));
    const start = at + 2 + octets;
    if (start + length > content.length) break;
    found.push({ raw: content.subarray(at, start + length), content: content.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

const child = (value: Tlv | undefined, index: number): Tlv | undefined =>
  value === undefined ? undefined : children(value.content).at(index);

const signerId = (issuer: Tlv | undefined, serial: Tlv | undefined): string =>
  hash(issuer?.content ?? "", serial?.content ?? "");

/** Signer, signed content, signed attributes and signature of a TimeStampResp, by their places. */
function stampParts(der: Buffer): { signer: string; form: string } {
  try {
    const token = child(children(der)[0], 1);
    const signedData = child(child(token, 1), 0);
    const eContent = child(child(child(signedData, 2), 1), 0);
    const signerInfo = child(child(signedData, -1), 0);
    const sid = child(signerInfo, 1);
    const signed = [eContent?.content, child(signerInfo, 3)?.content, child(signerInfo, 5)?.content];
    return { signer: signerId(child(sid, 0), child(sid, 1)), form: hash("stamp", ...signed.map((part) => part ?? "")) };
  } catch {
    return { signer: "", form: "" };
  }
}

function listedParties(root: Uint8Array): { logs: ReadonlySet<string>; stampSigners: ReadonlySet<string> } {
  const document = record(JSON.parse(Buffer.from(root).toString()));
  const signers = list(document["timestampAuthorities"]).map((a) => {
    const [leaf] = list(record(a["certChain"])["certificates"]);
    const tbs = child(children(bytes(leaf?.["rawBytes"]))[0], 0);
    return signerId(child(tbs, 3), child(tbs, 1));
  });
  return {
    logs: new Set(
      list(document["tlogs"]).map((l) => text(record(l["checkpointKeyId"])["keyId"] ?? record(l["logId"])["keyId"])),
    ),
    stampSigners: new Set(signers),
  };
}

/** The parties of a trusted root that are valid at a time: keys, chains and ids, hashed. */
export interface RootForm {
  readonly authorities: ReadonlySet<string>;
  readonly stamps: ReadonlySet<string>;
  /** By log id; undefined where the root lists no log at all, which asks for none by its operator's word. */
  readonly logs: ReadonlyMap<string, string> | undefined;
  readonly ctLogs: ReadonlySet<string>;
}

export function rootForm(root: Uint8Array, time: Date): RootForm {
  const document = record(JSON.parse(Buffer.from(root).toString()));
  const covers = (validity: Json): boolean => {
    const end = validity["end"] ?? undefined;
    return (
      Date.parse(text(validity["start"])) <= time.getTime() &&
      (end === undefined || Date.parse(text(end)) >= time.getTime())
    );
  };
  const chains = (key: string): ReadonlySet<string> =>
    new Set(
      list(document[key])
        .filter((a) => covers(record(a["validFor"])))
        .map((a) => list(record(a["certChain"])["certificates"]).map((c) => bytes(c["rawBytes"]).toString("hex")))
        .map((chain) => hash(...[...new Set(chain)].sort((a, b) => a.localeCompare(b)))),
    );
  const keys = (key: string): readonly (readonly [string, string])[] =>
    list(document[key])
      .filter((l) => covers(record(record(l["publicKey"])["validFor"])))
      .map(
        (l) =>
          [
            text(record(l["checkpointKeyId"])["keyId"] ?? record(l["logId"])["keyId"]),
            keyForm(bytes(record(l["publicKey"])["rawBytes"])),
          ] as const,
      )
      .map(([id, key]) => [id, hash(id, key)] as const);
  return {
    authorities: chains("certificateAuthorities"),
    stamps: chains("timestampAuthorities"),
    logs: list(document["tlogs"]).length === 0 ? undefined : new Map(keys("tlogs")),
    ctLogs: new Set(keys("ctlogs").map(([, form]) => form)),
  };
}

/** The key itself: bytes after its encoding belong to no key, and readers of keys ignore them. */
function keyForm(spki: Buffer): Uint8Array {
  try {
    return createPublicKey({ key: spki, format: "der", type: "spki" }).export({ format: "der", type: "spki" });
  } catch {
    return spki;
  }
}

/** The parties that the bundle rests on stand in the mutant as they stood in the original. */
export function sameParties(original: RootForm, mutant: RootForm, bundle: Uint8Array): boolean {
  const document = Buffer.from(bundle).toString();
  const keeps = (had: ReadonlySet<string>, has: ReadonlySet<string>): boolean =>
    [...had].every((party) => has.has(party));
  const { logs } = mutant;
  const used = [...(original.logs ?? [])].filter(([id]) => document.includes(id)).map(([, form]) => form);
  const logged = logs === undefined || used.some((form) => [...logs.values()].includes(form));
  const timed = (logs !== undefined && document.includes("inclusionPromise")) || keeps(original.stamps, mutant.stamps);
  return keeps(original.authorities, mutant.authorities) && keeps(original.ctLogs, mutant.ctLogs) && logged && timed;
}
