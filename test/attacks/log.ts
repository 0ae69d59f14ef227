// SPDX-License-Identifier: Apache-2.0
// Attacks on the transparency log: nothing logged, something else logged, proofs of another tree, checkpoints that
// nobody or somebody else signed. The twins hold that cosigned checkpoints and every kind of entry pass.
import {
  checkpointText,
  pemOf,
  signNote,
  type RekorV1,
  type RekorV2,
  type TransparencyLogEntry,
} from "@kiteseal/sandbox";
import { DAY, emptyLogs, newKey } from "./forge.ts";
import { attacksOn, type LogSpec } from "./spec.ts";

type Edit = NonNullable<LogSpec["edit"]>;
const v2 = (edit: Edit) => ({ logs: [{ kind: "v2" as const, edit }] });
const v1 = (edit: Edit) => ({ logs: [{ kind: "v1-dsse" as const, edit }] });
const zeros = Buffer.alloc(32).toString("base64");
const setCheckpoint =
  (text: (entry: TransparencyLogEntry, log: RekorV1 | RekorV2) => string): Edit =>
  (entry, log) => {
    entry.inclusionProof.checkpoint.envelope = text(entry, log);
  };
const noteOf = (log: RekorV1 | RekorV2, o: { origin?: string; size?: number; root?: string } = {}): string => {
  const { identity, size } = log.log;
  const [, , root = ""] = log.log.checkpoint().split("\n");
  return checkpointText({
    origin: o.origin ?? identity.origin,
    size: o.size ?? size,
    rootHash: Buffer.from(o.root ?? root, "base64"),
  });
};

export const LOG_ATTACKS = attacksOn("log", "ERR_LOG_INCLUSION", [
  {
    id: "log-entry-stripped",
    code: "ERR_LOG_MISSING",
    why: "the root lists a log and the bundle has no entry",
    attack: { logs: [] },
  },
  {
    id: "log-entry-of-an-unknown-log",
    code: "ERR_LOG_MISSING",
    why: "an entry of a stranger's log does not count",
    attack: (f) => ({ logs: [{ kind: "v2", in: emptyLogs(f.other).v2 }] }),
    twin: (f) => ({ logs: [{ kind: "v2" }, { kind: "v2", in: emptyLogs(f.other).v2 }] }),
  },
  {
    id: "log-removed-from-the-root",
    code: "ERR_LOG_MISSING",
    why: "the root lists another log instead",
    attack: { root: (r, f) => void (r.tlogs = f.otherRoot.tlogs) },
  },
  {
    id: "entry-of-another-envelope",
    code: "ERR_LOG_BODY",
    why: "a genuine entry of another statement under the same certificate",
    attack: (f) => ({
      logs: [
        {
          kind: "v2",
          about: { encoding: Buffer.from("another"), signature: f.parts({ payload: () => "{}" }).signature },
        },
      ],
    }),
  },
  {
    id: "entry-of-another-signature",
    code: "ERR_LOG_BODY",
    why: "another signature over the same statement",
    attack: (f) => ({ logs: [{ kind: "v2", about: { signature: f.parts({}).signature } }] }),
  },
  {
    id: "entry-of-other-content",
    code: "ERR_LOG_BODY",
    why: "the right signature beside the digest of something else",
    attack: { logs: [{ kind: "v2", about: { encoding: Buffer.from("another") } }] },
  },
  {
    id: "v1-hashedrekord-of-other-content",
    code: "ERR_LOG_BODY",
    why: "as above, in an entry of Rekor v1",
    attack: { logs: [{ kind: "v1-hashedrekord", about: { encoding: Buffer.from("another") } }] },
    twin: { logs: [{ kind: "v1-hashedrekord" }] },
  },
  {
    id: "v1-entry-of-another-payload",
    code: "ERR_LOG_BODY",
    why: "dsse entry of other content",
    attack: { logs: [{ kind: "v1-dsse", about: { payload: Buffer.from("{}") } }] },
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "entry-of-another-certificate",
    code: "ERR_LOG_BODY",
    why: "logged under a certificate that is not the bundle's",
    attack: (f) => ({
      logs: [{ kind: "v2", about: { certificate: f.parts({ job: { pipeline: "other" } }).certificate } }],
    }),
  },
  ...(["v1-dsse", "v1-hashedrekord", "v1-intoto"] as const).map((kind) => ({
    id: `${kind}-entry-of-another-certificate`,
    code: "ERR_LOG_BODY" as const,
    why: "as above, in an entry of Rekor v1",
    attack: (f: { parts: (spec: object) => { certificate: Uint8Array } }) => ({
      logs: [{ kind, about: { certificate: f.parts({ job: { pipeline: "other" } }).certificate } }],
    }),
    twin: { logs: [{ kind }] },
  })),
  {
    id: "v1-entry-with-two-signatures",
    code: "ERR_LOG_BODY",
    why: "an entry for two signers",
    attack: { logs: [{ kind: "v1-dsse", body: (b) => b.replace(/"signatures":\[(.*)\]/, '"signatures":[$1,$1]') }] },
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "v1-entry-with-a-key",
    code: "ERR_LOG_BODY",
    why: "logged for a key, not for the certificate",
    attack: (f) => ({
      logs: [
        {
          kind: "v1-dsse",
          body: (b) =>
            b.replace(
              /"verifier":"[^"]*"/,
              `"verifier":"${Buffer.from(pemOf(f.parts({}).certificate).replaceAll("CERTIFICATE", "PUBLIC KEY")).toString("base64")}"`,
            ),
        },
      ],
    }),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "v1-entry-with-an-unreadable-verifier",
    code: "ERR_LOG_BODY",
    why: "logged for nobody that can be told",
    attack: {
      logs: [{ kind: "v1-dsse", body: (b) => b.replace(/"verifier":"[^"]*"/, '"verifier":"bm9ib2R5"') }],
    },
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "entry-body-duplicate-keys",
    code: "ERR_LOG_BODY",
    why: "a body that two readers read in two ways",
    attack: { logs: [{ kind: "v1-dsse", body: (b) => b.replace('"kind":"dsse"', '"kind":"dsse","kind":"dsse"') }] },
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "entry-body-junk",
    code: "ERR_LOG_BODY",
    why: "a body that is no JSON",
    attack: v2((e) => void (e.canonicalizedBody = "AAAA")),
  },
  {
    id: "entry-kind-unknown",
    code: "ERR_LOG_BODY",
    why: "a kind of entry that nobody knows how to compare",
    attack: v2((e) => void (e.kindVersion.kind = "tuf")),
  },
  {
    id: "entry-kind-of-the-label",
    code: "ERR_LOG_BODY",
    why: "the label says another version than the body",
    attack: v1((e) => void (e.kindVersion.version = "0.0.2")),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "entry-hashes-changed",
    why: "an audit path that leads to another root",
    attack: v2((e) => void (e.inclusionProof.hashes[0] = zeros)),
  },
  {
    id: "entry-hashes-missing",
    why: "an audit path that is too short",
    attack: v2((e) => void (e.inclusionProof.hashes = [])),
  },
  {
    id: "entry-hash-added",
    why: "an audit path that is too long",
    attack: v2((e) => void e.inclusionProof.hashes.push(zeros)),
  },
  {
    id: "entry-index-changed",
    why: "the proof of another position",
    attack: v2((e) => {
      e.logIndex = "0";
      e.inclusionProof.logIndex = "0";
    }),
  },
  {
    id: "entry-reported-index-changed",
    why: "the index that a report would show is not the proven one",
    attack: v2((e) => void (e.logIndex = "123456789")),
  },
  {
    id: "v1-global-index-changed",
    why: "the promise is for another index",
    attack: v1((e) => void (e.logIndex = "123456789")),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "proof-root-changed",
    why: "the root that is shown is not the signed one",
    attack: v2((e) => void (e.inclusionProof.rootHash = zeros)),
  },
  {
    id: "proof-tree-size-changed",
    why: "the size that is shown is not the signed one",
    attack: v2((e) => void (e.inclusionProof.treeSize = "999999")),
  },
  {
    id: "checkpoint-of-a-smaller-tree",
    why: "a genuine checkpoint from before the entry",
    attack: v2((e, log) => {
      const [, size = "", root = ""] = log.log.checkpoint(3).split("\n");
      Object.assign(e.inclusionProof, {
        treeSize: size,
        rootHash: root,
        checkpoint: { envelope: log.log.checkpoint(3) },
      });
    }),
  },
  {
    id: "checkpoint-of-another-log",
    why: "the other listed log's genuine checkpoint",
    attack: (f) =>
      v2((e) => {
        const note = f.logs.v1.log.checkpoint();
        const [, size = "", root = ""] = note.split("\n");
        Object.assign(e.inclusionProof, { treeSize: size, rootHash: root, checkpoint: { envelope: note } });
      }),
  },
  {
    id: "checkpoint-of-a-fork",
    why: "the log's checkpoint over another history",
    attack: (f) =>
      v2((e) => {
        const fork = emptyLogs(f.authorities).v2;
        fork.add("another history");
        const [, size = "", root = ""] = fork.log.checkpoint().split("\n");
        Object.assign(e.inclusionProof, {
          treeSize: size,
          rootHash: root,
          checkpoint: { envelope: fork.log.checkpoint() },
        });
      }),
  },
  {
    id: "checkpoint-by-an-impostor",
    why: "the log's name, another key",
    attack: v2(setCheckpoint((_, log) => signNote(noteOf(log), { name: log.log.identity.signer.name, key: newKey() }))),
  },
  {
    id: "checkpoint-cosigned-only",
    why: "a witness' signature without the log's",
    attack: v2(setCheckpoint((_, log) => signNote(noteOf(log), { name: "witness.example", key: newKey() }))),
    twin: v2(
      setCheckpoint((entry, log) => {
        const witness = signNote(noteOf(log), { name: "witness.example", key: newKey() }).split("\n\n")[1] ?? "";
        return entry.inclusionProof.checkpoint.envelope + witness;
      }),
    ),
  },
  {
    id: "checkpoint-unsigned",
    why: "a checkpoint without a signature",
    attack: v2(setCheckpoint((_, log) => `${noteOf(log)}\n`)),
  },
  { id: "checkpoint-junk", why: "text that is no checkpoint", attack: v2(setCheckpoint(() => "junk")) },
  {
    id: "checkpoint-size-junk",
    why: "a size that is no number, signed",
    attack: v2((e, log) => {
      const text = noteOf(log).replace(/\n\d+\n/, "\nmany\n");
      e.inclusionProof.checkpoint.envelope = signNote(text, log.log.identity.signer);
    }),
  },
  {
    id: "promise-forged",
    why: "a promise that the log did not make",
    attack: v1((e) => void (e.inclusionPromise = { signedEntryTimestamp: Buffer.from("forged").toString("base64") })),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "promise-of-another-entry",
    why: "a genuine promise moved from another entry",
    attack: v1((e, log) => void (e.inclusionPromise = "promise" in log ? log.entry(0).inclusionPromise : null)),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "v0.1-promise-forged",
    why: "in v0.1 the promise is all there is",
    base: { version: "0.1" },
    attack: v1((e) => {
      Reflect.deleteProperty(e, "inclusionProof");
      e.inclusionPromise = { signedEntryTimestamp: Buffer.from("forged").toString("base64") };
    }),
    twin: v1((e) => void Reflect.deleteProperty(e, "inclusionProof")),
  },
  {
    id: "same-entry-twice",
    why: "one entry repeated to reach a threshold",
    attack: (f) => {
      const again = new Map<string, TransparencyLogEntry>();
      void f;
      return {
        logs: [
          { kind: "v2", edit: (e) => void again.set("first", structuredClone(e)) },
          { kind: "v2", edit: (e) => void Object.assign(e, again.get("first")) },
        ],
      };
    },
  },
  {
    id: "log-key-expired",
    why: "the log's key in the root ended before the signature",
    attack: { root: (r, f) => r.tlogs.forEach((l) => (l.publicKey.validFor.end = f.at(-DAY).toISOString())) },
    twin: { root: (r, f) => r.tlogs.forEach((l) => (l.publicKey.validFor.end = f.at(DAY).toISOString())) },
  },
  {
    id: "log-key-not-yet-valid",
    why: "the log's key in the root begins after the signature",
    attack: { root: (r, f) => r.tlogs.forEach((l) => (l.publicKey.validFor.start = f.at(DAY).toISOString())) },
    twin: { root: (r, f) => r.tlogs.forEach((l) => (l.publicKey.validFor.start = f.at(-DAY).toISOString())) },
  },
  {
    id: "log-key-exchanged",
    why: "the root's log has another key under the same id",
    attack: {
      root: (r, f) => r.tlogs.forEach((l, i) => (l.publicKey = f.otherRoot.tlogs[i]?.publicKey ?? l.publicKey)),
    },
  },
]);
