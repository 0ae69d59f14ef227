// SPDX-License-Identifier: Apache-2.0
// Guards on log entries that the underlying verifier lacks: that the entry is about this certificate, that the proof's
// own numbers are those of the signed checkpoint, that the log's key was valid then. Bodies are parsed once, strictly.
import { asBase64, objectAt, parseJson, type ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { withCode } from "../decode.ts";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { LogEntry } from "../sigstore/bundle.ts";
import type { TrustedLog } from "../sigstore/trusted-root.ts";

function reject(code: "ERR_LOG_BODY" | "ERR_LOG_INCLUSION", expected: string, found: string): KitesealError {
  return new KitesealError(code, `the log entry: expected ${expected}, found ${found}`, {
    details: { expected, found },
  });
}

/** The log that an entry names by its id, if the trusted root lists it. */
export function knownLog(entry: LogEntry, logs: readonly TrustedLog[]): TrustedLog | undefined {
  return logs.find((log) => Buffer.from(log.checkpointKeyId ?? log.logId).equals(entry.logId));
}

const PEM = /^-----BEGIN (CERTIFICATE|PUBLIC KEY)-----\n([A-Za-z0-9+/=\n]+)\n-----END \1-----\n?$/;

/** Whom an entry names as its maker, DER. */
export interface EntryVerifier {
  readonly kind: "certificate" | "key";
  readonly der: Uint8Array;
}

function readPem(pem: Uint8Array): EntryVerifier | undefined {
  const [, label, text] = PEM.exec(Buffer.from(pem).toString("latin1")) ?? [];
  if (text === undefined) return undefined;
  const kind = label === "CERTIFICATE" ? "certificate" : "key";
  return { kind, der: Buffer.from(text.replaceAll("\n", ""), "base64") };
}

/** The certificates or keys that a canonicalised body names as verifiers, by kind and version of the entry. */
function bodyVerifiers(entry: LogEntry): readonly (EntryVerifier | undefined)[] {
  const body = objectAt(
    parseJson(entry.canonicalizedBody, { maxBytes: LIMITS.bundleBytes, maxDepth: LIMITS.jsonDepth }),
    "$",
  );
  const spec = <T>(read: (o: ObjectReader) => T): T => objectAtKey(body, "spec", read);
  switch (`${entry.kind}/${entry.version}`) {
    case "dsse/0.0.1":
      return spec((s) => s.array("signatures", (v, p) => readPem(objectAt(v, p).base64("verifier"))));
    case "hashedrekord/0.0.1":
      return [
        spec((s) =>
          objectAtKey(s, "signature", (g) => objectAtKey(g, "publicKey", (k) => readPem(k.base64("content")))),
        ),
      ];
    case "intoto/0.0.2":
      return spec((s) =>
        objectAtKey(s, "content", (c) =>
          objectAtKey(c, "envelope", (e) =>
            e.array("signatures", (v, p) => {
              // This kind wraps the PEM twice in base64.
              const once = objectAt(v, p).base64("publicKey");
              return readPem(once) ?? readPem(asBase64(Buffer.from(once).toString("latin1"), p));
            }),
          ),
        ),
      );
    case "hashedrekord/0.0.2":
      return [spec((s) => objectAtKey(s, "hashedRekordV002", (h) => objectAtKey(h, "signature", verifierV2)))];
    case "dsse/0.0.2":
      return spec((s) =>
        objectAtKey(s, "dsseV002", (d) => d.array("signatures", (v, p) => verifierV2(objectAt(v, p)))),
      );
    default:
      throw reject("ERR_LOG_BODY", "a known kind of entry", `${entry.kind}/${entry.version}`.slice(0, 80));
  }
}

function objectAtKey<T>(o: ObjectReader, key: string, read: (o: ObjectReader) => T): T {
  return o.required(key, (value, path) => read(objectAt(value, path)));
}

function verifierV2(signature: ObjectReader): EntryVerifier {
  return objectAtKey(signature, "verifier", (v) => {
    const kind = v.has("x509Certificate") ? "certificate" : "key";
    const der = objectAtKey(v, kind === "key" ? "publicKey" : "x509Certificate", (c) => c.base64("rawBytes"));
    return { kind, der };
  });
}

/**
 * The entry was made for exactly this certificate or key: one signature, one verifier, the same bytes.
 * Throws ERR_LOG_BODY.
 */
export function guardEntryVerifier(entry: LogEntry, verifier: EntryVerifier): void {
  const [found, ...others] = withCode({ code: "ERR_LOG_BODY", what: "the log entry's body" }, () =>
    bodyVerifiers(entry),
  );
  if (others.length > 0) throw reject("ERR_LOG_BODY", "one signature", String(others.length + 1));
  if (found === undefined) throw reject("ERR_LOG_BODY", "a certificate or a key", "something unreadable");
  if (found.kind !== verifier.kind || !Buffer.from(found.der).equals(verifier.der)) {
    throw reject("ERR_LOG_BODY", "this bundle's certificate or key", "an entry made with another");
  }
}

/** A signature line of a note: em dash, name, base64 of key hint and signature (C2SP signed-note). */
const SIGNATURE_LINE = /^\u2014 (\S+) ((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** The checkpoint's origin, size and root, read as one strict note that its origin has signed. */
function readCheckpoint(note: string): { size: string; root: string } {
  const end = note.indexOf("\n\n");
  const [origin = "", size = "", root = ""] = note.slice(0, Math.max(0, end)).split("\n");
  const lines = note.slice(end + 2).split("\n");
  if (end === -1 || origin === "" || lines.pop() !== "") {
    throw reject("ERR_LOG_INCLUSION", "a checkpoint in the form of a signed note", "something else");
  }
  const names = lines.map((line) => SIGNATURE_LINE.exec(line)?.[1]);
  if (names.includes(undefined)) {
    throw reject("ERR_LOG_INCLUSION", "signature lines at the end of the checkpoint", "something else");
  }
  // Rekor v1 appends its tree's id to its name: `rekor.example - 1193050959916656506`.
  if (!names.some((name) => name === origin || origin.startsWith(`${name ?? ""} - `))) {
    throw reject("ERR_LOG_INCLUSION", "a checkpoint that its own origin has signed", "signatures of others");
  }
  return { size, root };
}

/**
 * The unsigned numbers of the proof equal the signed checkpoint's, so that nothing in a report can be made up; and a
 * log without inclusion promises (Rekor v2) has one index, not two. Throws ERR_LOG_INCLUSION.
 */
export function guardProof(entry: LogEntry): void {
  const proof = entry.inclusionProof;
  if (proof === undefined) return;
  if (proof.checkpoint === undefined) throw reject("ERR_LOG_INCLUSION", "a checkpoint", "none");
  const { size, root } = readCheckpoint(proof.checkpoint);
  if (size !== String(proof.treeSize)) {
    throw reject("ERR_LOG_INCLUSION", `the checkpoint's tree size ${quote(size)}`, String(proof.treeSize));
  }
  if (root !== Buffer.from(proof.rootHash).toString("base64")) {
    throw reject("ERR_LOG_INCLUSION", "the checkpoint's root hash", "another");
  }
  if (entry.inclusionPromise === undefined && entry.logIndex !== proof.logIndex) {
    throw reject("ERR_LOG_INCLUSION", `log index ${proof.logIndex}`, String(entry.logIndex));
  }
}

/** The log's key was valid at every verified time; proof-only entries carry no time of their own. Throws ERR_LOG_INCLUSION. */
export function guardLogValidity(log: TrustedLog, times: readonly Date[]): void {
  const { start, end } = log.validFor;
  for (const time of times) {
    if (time < start || (end !== undefined && time > end)) {
      const window = `${start.toISOString()} to ${end?.toISOString() ?? "now"}`;
      throw reject("ERR_LOG_INCLUSION", `a log key valid at ${time.toISOString()}`, `one valid from ${window}`);
    }
  }
}
