// SPDX-License-Identifier: Apache-2.0
// What both Rekor versions share: entries in a Merkle tree, found again by content, kept in a file, proven with a
// signed checkpoint. RFC 6962 §2.1; TransparencyLogEntry of sigstore's protobuf-specs as JSON.
import { leafHash, MerkleTree } from "./merkle.ts";
import { checkpointText, noteKeyId, type NoteSigner, signNote } from "./note.ts";

/** One logged entry. */
export interface LogEntry {
  readonly body: Uint8Array;
  /** Seconds since the epoch at which the log took it in. */
  readonly integratedTime: number;
}

/** Where entries are kept; all of them are read once, at start. */
export interface EntryFile {
  readonly entries: readonly LogEntry[];
  append(entry: LogEntry): void;
}

/** `rekor.v1.TransparencyLogEntry` as protobuf JSON: 64-bit integers are strings, bytes are base64. */
export interface TransparencyLogEntry {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime: string;
  inclusionPromise: { signedEntryTimestamp: string } | null;
  inclusionProof: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: { envelope: string };
  };
  canonicalizedBody: string;
}

export interface LogIdentity {
  /** First line of each checkpoint. */
  readonly origin: string;
  readonly signer: NoteSigner;
}

export class TransparencyLog {
  readonly identity: LogIdentity;
  /** Digest that names the log in entries and trusted roots. */
  readonly id: Uint8Array;
  readonly #file: EntryFile;
  readonly #entries: LogEntry[] = [];
  readonly #tree = new MerkleTree();
  readonly #indexByLeaf = new Map<string, number>();

  constructor(identity: LogIdentity, file: EntryFile) {
    this.identity = identity;
    this.id = noteKeyId(identity.signer);
    this.#file = file;
    for (const entry of file.entries) this.#take(entry);
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Index of an equal body, if it was logged. */
  find(body: Uint8Array): number | undefined {
    return this.#indexByLeaf.get(leafHash(body).toString("hex"));
  }

  /** Index of the leaf with this hash in hex, if there is one. */
  findLeaf(hexHash: string): number | undefined {
    return this.#indexByLeaf.get(hexHash);
  }

  /** Logs a body, equal or not to an earlier one. Returns its index once it is in the file. */
  append(entry: LogEntry): number {
    this.#file.append(entry);
    return this.#take(entry);
  }

  /** Throws RangeError if there is no such entry. */
  entry(index: number): LogEntry {
    const entry = this.#entries[index];
    if (entry === undefined) throw new RangeError(`no entry ${index}`);
    return entry;
  }

  /** Signed checkpoint over the first `size` entries. Throws RangeError beyond the log. */
  checkpoint(size: number = this.size): string {
    const rootHash = this.#tree.root(size);
    return signNote(checkpointText({ origin: this.identity.origin, size, rootHash }), this.identity.signer);
  }

  /** Inclusion proof in the tree of the first `size` entries, with its checkpoint. Throws RangeError. */
  inclusionProof(index: number, size: number = this.size): TransparencyLogEntry["inclusionProof"] {
    return {
      logIndex: String(index),
      rootHash: base64(this.#tree.root(size)),
      treeSize: String(size),
      hashes: this.#tree.inclusionProof(index, size).map(base64),
      checkpoint: { envelope: this.checkpoint(size) },
    };
  }

  #take(entry: LogEntry): number {
    const hash = leafHash(entry.body);
    const index = this.#tree.append(hash);
    this.#entries.push(entry);
    const key = hash.toString("hex");
    if (!this.#indexByLeaf.has(key)) this.#indexByLeaf.set(key, index);
    return index;
  }
}

/** Entries kept in memory only: for logs that tests make up. */
export function memoryFile(): EntryFile {
  return { entries: [], append: () => undefined };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
