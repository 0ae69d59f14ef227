// SPDX-License-Identifier: Apache-2.0
// Forges cases from specifications with the sandbox's own keys: every signature that an attack needs can be had, every
// check that a service makes can be skipped. Knows nothing of the library under attack; what it makes is plain data.
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  type Authorities,
  certificateIdentity,
  type CertificateAuthority,
  type CtLog,
  issueLeaf,
  type Job,
  memoryFile,
  RekorV1,
  RekorV2,
  type Sandbox,
  spkiOf,
  stampData,
  startSandbox,
  type TransparencyLogEntry,
  type TrustedRoot,
} from "@kiteseal/sandbox";
import { fulcioOid } from "./forge/der.ts";
import { documentOf, keyedDocument, messageDocument } from "./forge/document.ts";
import { logEntry, type Logs } from "./forge/logs.ts";
import { PAYLOAD_TYPE, preAuthEncoding, PROVENANCE_TYPE, provenanceOf, statementOf } from "./forge/statement.ts";
import { type Case, type LogSpec, type Parts, type Spec, type StampSpec } from "./spec.ts";

export const MINUTE = 60_000;
export const DAY = 86_400_000;
export const NAME = "dist/app.tgz";
export const BYTES = "the bytes that were built\n";

export const JOB: Job = {
  organization: "acme",
  organizationId: "0b86a3e4-0f1b-4a7d-9c2b-6b7f1d4b8a10",
  pipeline: "app",
  pipelineId: "5d0f6f2e-3c55-4f0b-8b39-0f5b8a4d7e21",
  branch: "main",
  commit: "9f3182061f1e2cca4702c368cbc039b7dc9d4485",
  step: "package",
  stepId: "0184990a-477b-4fa8-9968-496074483c11",
  build: 1514,
  buildId: "0184990a-477b-4fa8-9968-496074483c22",
  jobId: "0184990a-477b-4fa8-9968-496074483cee",
  agentId: "0184990a-4782-42b5-afc1-16715b10b8ff",
  trigger: "webhook",
  runner: "self-hosted",
  repository: "https://github.com/acme/app.git",
  command: "make package",
};

/** Layers that leave the bundle as it is. */
const AROUND_THE_BUNDLE: ReadonlySet<string> = new Set<keyof Spec>([
  "name",
  "nameless",
  "bytes",
  "digest",
  "others",
  "complete",
  "rule",
  "policy",
  "env",
  "now",
  "root",
  "rootText",
  "files",
  "stored",
]);

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What an honest token of the job says. */
export function claimsOf(job: Job): Record<string, unknown> {
  const ref = job.tag === undefined ? `refs/heads/${job.branch}` : `refs/tags/${job.tag}`;
  return {
    iss: "https://agent.buildkite.com",
    sub: `organization:${job.organization}:pipeline:${job.pipeline}:ref:${ref}:commit:${job.commit}:step:${job.step ?? ""}`,
    organization_slug: job.organization,
    pipeline_slug: job.pipeline,
    build_number: job.build,
    build_commit: job.commit,
    job_id: job.jobId,
    build_source: job.trigger,
    runner_environment: job.runner,
  };
}

export interface Forge {
  /** When honest bundles are signed: an hour before the corpus runs. */
  readonly signed: Date;
  readonly now: Date;
  readonly authorities: Authorities;
  /** Of a sandbox that nobody trusts. */
  readonly other: Authorities;
  readonly root: TrustedRoot;
  readonly otherRoot: TrustedRoot;
  readonly key: KeyObject;
  readonly otherKey: KeyObject;
  readonly logs: Logs;
  at(milliseconds: number): Date;
  bundle(spec: Spec): Uint8Array;
  /** The parts that the bundle of a specification is made of. */
  parts(spec: Spec): Parts;
  case(spec: Spec): Case;
  close(): Promise<void>;
}

export async function startForge(): Promise<Forge> {
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const clock = (): Date => new Date(now.getTime() - 400 * DAY);
  const [sandbox, stranger] = await Promise.all([startSandbox({ clock }), startSandbox({ clock })]);
  return new SandboxForge(sandbox, stranger, now);
}

export const publicPem = (key: KeyObject): string =>
  createPublicKey(key).export({ type: "spki", format: "pem" }).toString();

export const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** A log of the same name and key as another, with entries of its own. */
export function emptyLogs(authorities: Authorities): Logs {
  const v1 = new RekorV1(authorities.rekorV1.log.identity, memoryFile(), () => new Date(0));
  const v2 = new RekorV2(authorities.rekorV2.log.identity, memoryFile());
  for (let i = 0; i < 5; i++) {
    v1.add(JSON.stringify({ apiVersion: "0.0.1", kind: "dsse", spec: i }));
    v2.add(JSON.stringify({ apiVersion: "0.0.2", kind: "hashedrekord", spec: i }));
  }
  return { v1, v2 };
}

class SandboxForge implements Forge {
  readonly signed: Date;
  readonly now: Date;
  readonly authorities: Authorities;
  readonly other: Authorities;
  readonly root: TrustedRoot;
  readonly otherRoot: TrustedRoot;
  readonly key: KeyObject = newKey();
  readonly otherKey: KeyObject = newKey();
  readonly logs: Logs;
  readonly #sandboxes: readonly Sandbox[];
  #honestLeaf: Buffer | undefined;
  #honestBundle: Uint8Array | undefined;

  constructor(sandbox: Sandbox, stranger: Sandbox, now: Date) {
    this.#sandboxes = [sandbox, stranger];
    this.now = now;
    this.signed = new Date(now.getTime() - 60 * MINUTE);
    this.authorities = sandbox.authorities;
    this.other = stranger.authorities;
    this.root = sandbox.trustedRoot;
    this.otherRoot = stranger.trustedRoot;
    this.logs = emptyLogs(this.authorities);
  }

  at(milliseconds: number): Date {
    return new Date(this.signed.getTime() + milliseconds);
  }

  async close(): Promise<void> {
    await Promise.all(this.#sandboxes.map((sandbox) => sandbox.close()));
  }

  case(spec: Spec): Case {
    const bytes = Buffer.from(spec.bytes ?? BYTES);
    const root = structuredClone(this.root);
    spec.root?.(root, this);
    const rootText = JSON.stringify(root);
    const words = { organization: ["acme"], pipeline: ["app"], branch: ["main"], ...spec.rule };
    const kept = Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
    return {
      artifact: {
        ...(spec.nameless ? {} : { name: spec.name ?? NAME }),
        digest: spec.digest ?? { sha256: sha256Hex(bytes) },
        bytes,
      },
      others: (spec.others ?? []).map((other) => ({
        name: other.name,
        digest: { sha256: sha256Hex(other.bytes) },
        bytes: Buffer.from(other.bytes),
      })),
      complete: spec.complete ?? false,
      evidence: this.#evidence(spec),
      root: Buffer.from(spec.rootText?.(rootText) ?? rootText),
      policy: spec.policy === undefined ? { kind: "flags", words: kept } : { kind: "file", text: spec.policy },
      env: spec.env ?? {},
      now: spec.now ?? this.now,
    };
  }

  #evidence(spec: Spec): Case["evidence"] {
    const bundle = this.bundle(spec);
    if (spec.stored !== undefined) return { kind: "stored", files: spec.stored(bundle, this) };
    return { kind: "given", files: spec.files?.(bundle, this) ?? [{ name: "bundle.sigstore.json", bytes: bundle }] };
  }

  bundle(spec: Spec): Uint8Array {
    const honest = Object.keys(spec).every((key) => AROUND_THE_BUNDLE.has(key));
    return honest ? (this.#honestBundle ??= this.#assemble(spec)) : this.#assemble(spec);
  }

  #assemble(spec: Spec): Uint8Array {
    const parts = this.parts(spec);
    const signed = spec.signed ?? this.signed;
    const logs: readonly LogSpec[] = spec.logs ?? [{ kind: "v2" }];
    const stamps: readonly StampSpec[] = spec.stamps ?? [{}];
    const entries: TransparencyLogEntry[] = logs.map((log) => logEntry(log, parts, { logs: this.logs, signed }));
    const document = documentOf({
      version: spec.version ?? "0.3",
      parts,
      chain: spec.chain ?? [],
      entries,
      stamps: stamps.map((stamp) => this.#stamp(stamp, parts, signed)),
    });
    if (parts.publicKey !== undefined) keyedDocument(document, "operator's key");
    if (spec.message !== undefined) messageDocument(document, spec.message, parts);
    spec.document?.(document);
    const text = JSON.stringify(document);
    return Buffer.from(spec.text?.(text) ?? text);
  }

  #stamp(spec: StampSpec, parts: Parts, signed: Date): Uint8Array {
    const { by = this.authorities.timestamp, digest = "sha256" } = spec;
    const der = stampData(by, spec.over?.(parts) ?? parts.signature, { time: spec.time ?? signed, digest });
    return spec.edit?.(der) ?? der;
  }

  parts(spec: Spec): Parts {
    const job = { ...JOB, ...spec.job };
    const certificate = this.#leaf(spec, job);
    const payload = payloadOf(spec, job);
    const payloadType = spec.payloadType ?? PAYLOAD_TYPE;
    const key = spec.keyed === "other" ? this.otherKey : this.key;
    const unsigned = {
      payload,
      payloadType,
      encoding:
        spec.message === undefined ? preAuthEncoding(payloadType, payload) : Buffer.from(spec.message.bytes ?? BYTES),
      certificate,
      ...(spec.keyed === undefined ? {} : { publicKey: spkiOf(createPublicKey(key)) }),
    };
    const signature = sign("sha256", spec.over?.(unsigned) ?? unsigned.encoding, key);
    return { ...unsigned, signature: spec.signature?.(signature) ?? signature };
  }

  #leaf(spec: Spec, job: Job): Buffer {
    const touched = [spec.job, spec.claims, spec.release, spec.without, spec.extensions, spec.leaf];
    const honest = [...touched, spec.authority, spec.certificateKey, spec.signed].every((part) => part === undefined);
    const leaf = honest ? (this.#honestLeaf ??= this.#issue(spec, job)) : this.#issue(spec, job);
    return Buffer.from(spec.leafDer?.(leaf) ?? leaf);
  }

  #issue(spec: Spec, job: Job): Buffer {
    const identity = certificateIdentity({ ...claimsOf(job), ...spec.claims }, spec.release ?? "1.8.8");
    const lacking = new Set((spec.without ?? []).map(fulcioOid));
    const kept = identity.extensions.filter(({ oid }) => !lacking.has(oid));
    const authority: CertificateAuthority = spec.authority === "other" ? this.other.fulcio : this.authorities.fulcio;
    const ctLog: CtLog = spec.authority === "other" ? this.other.ctLog : this.authorities.ctLog;
    return issueLeaf(authority, {
      publicKey: spec.certificateKey ?? this.key,
      notBefore: new Date((spec.signed ?? this.signed).getTime() - MINUTE),
      uris: identity.uris,
      extensions: spec.extensions?.(kept) ?? kept,
      ctLogs: [ctLog],
      ...spec.leaf,
    });
  }
}

function payloadOf(spec: Spec, job: Job): Buffer {
  const provenance = provenanceOf(job);
  spec.provenance?.(provenance);
  const statement = statementOf({
    subject: spec.subject ?? [{ name: NAME, digest: { sha256: sha256Hex(BYTES) } }],
    predicateType: spec.predicateType ?? PROVENANCE_TYPE,
    predicate: spec.predicate ?? provenance,
  });
  const text = JSON.stringify(spec.statement === undefined ? statement : spec.statement(statement));
  return Buffer.from(spec.payload?.(text) ?? text);
}
