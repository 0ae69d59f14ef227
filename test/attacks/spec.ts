// SPDX-License-Identifier: Apache-2.0
// What an attack is made of: a specification of everything that a verification sees, in layers, each of which can be
// overridden; the case that it is forged into (plain data, so that any copy of the library and the command line can be
// handed it); and the attack with its twin, which differ in nothing but the attack.
import type { KeyObject } from "node:crypto";
import type { CheckId, ErrorCode } from "@kiteseal/core";
import type {
  Extension,
  FulcioRelease,
  Job,
  LeafOptions,
  RekorV1,
  RekorV2,
  TimestampAuthority,
  TransparencyLogEntry,
  TrustedRoot,
} from "@kiteseal/sandbox";
import type { Forge } from "./forge.ts";
import type { BundleDocument } from "./forge/document.ts";
import type { Provenance } from "./forge/statement.ts";

/** What a log entry or a stamp is about. */
export interface Parts {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  /** DSSE's pre-authentication encoding of the two. */
  readonly encoding: Uint8Array;
  readonly signature: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER; where a bare key signs, which the log names instead of the certificate. */
  readonly publicKey?: Uint8Array;
}

export interface LogSpec {
  readonly kind: "v2" | "v1-dsse" | "v1-hashedrekord" | "v1-intoto";
  /** Parts that the entry is about instead of the bundle's own. */
  readonly about?: Partial<Parts>;
  readonly body?: (body: string) => string;
  /** Another log than the sandbox's. */
  readonly in?: RekorV1 | RekorV2;
  /** Of a v1 entry; default the signing time. */
  readonly integrated?: Date;
  readonly edit?: (entry: TransparencyLogEntry, log: RekorV1 | RekorV2) => void;
}

export interface StampSpec {
  /** Default the signing time. */
  readonly time?: Date;
  /** Default the signature. */
  readonly over?: (parts: Parts) => Uint8Array;
  readonly by?: TimestampAuthority;
  readonly digest?: "sha256" | "sha384" | "sha512";
  readonly edit?: (der: Buffer) => Uint8Array;
}

/** A rule in the words that the flags of the command line have too. */
export interface RuleWords {
  readonly organization?: readonly string[];
  readonly pipeline?: readonly string[];
  readonly step?: readonly string[];
  readonly branch?: readonly (string | { readonly env: string })[];
  readonly tag?: readonly string[];
  readonly anyRef?: boolean;
  readonly anyName?: boolean;
  readonly type?: string;
  readonly build?: number | "same" | { readonly env: string };
  readonly trigger?: readonly string[];
  readonly runner?: readonly string[];
  readonly commit?: readonly string[];
  readonly repository?: readonly string[];
  readonly organizationId?: readonly string[];
  readonly pipelineId?: readonly string[];
  readonly maxAge?: string;
  readonly certificate?: readonly CertificateWords[];
  /** PEM. */
  readonly key?: readonly string[];
  readonly content?: "blob";
  readonly logs?: number;
  readonly timestamps?: number;
  readonly alsoRequired?: readonly { readonly type: string; readonly by?: string }[];
  readonly dependencies?: { readonly plugins?: "pinned"; readonly images?: "digest" };
}

export interface CertificateWords {
  readonly identity?: string;
  readonly identityRegexp?: string;
  readonly issuer?: string;
  readonly issuerRegexp?: string;
}

/** A signature over bytes instead of a statement. */
export interface MessageSpec {
  /** What is signed; default the honest artifact's bytes. */
  readonly bytes?: string | Uint8Array;
  /** What the bundle says is signed; default the SHA-256 of the bytes. */
  readonly digest?: Uint8Array;
  readonly algorithm?: string;
}

export interface SubjectSpec {
  readonly name?: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** Every layer; what is left out is as an honest build has it. */
export interface Spec {
  // who asks for what
  readonly name?: string;
  readonly nameless?: true;
  readonly bytes?: string;
  readonly digest?: Readonly<Record<string, string>>;
  /** Further artifacts of the run. */
  readonly others?: readonly { readonly name: string; readonly bytes: string }[];
  /** --require-all-subjects. */
  readonly complete?: true;
  /** Laid over organization acme, pipeline app, branch main; `branch: undefined` for other refs. */
  readonly rule?: { readonly [K in keyof RuleWords]?: RuleWords[K] | undefined };
  /** A policy file instead of the rule. */
  readonly policy?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: Date;
  readonly root?: (root: TrustedRoot, forge: Forge) => void;
  readonly rootText?: (text: string) => string;
  // who built it
  readonly job?: Partial<Job>;
  /** Laid over the token's claims only: the provenance keeps to `job`. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly release?: FulcioRelease;
  /** Numbers of Fulcio's extensions that the certificate lacks. */
  readonly without?: readonly number[];
  readonly extensions?: (extensions: readonly Extension[]) => readonly Extension[];
  readonly leaf?: Partial<Omit<LeafOptions, "publicKey">>;
  readonly authority?: "sandbox" | "other";
  readonly leafDer?: (der: Buffer) => Uint8Array;
  readonly certificateKey?: KeyObject;
  /** A bare key signs, without a certificate. */
  readonly keyed?: "key" | "other";
  readonly signed?: Date;
  // what it says
  readonly message?: MessageSpec;
  readonly subject?: readonly SubjectSpec[];
  readonly predicateType?: string;
  readonly predicate?: unknown;
  readonly provenance?: (provenance: Provenance) => void;
  readonly statement?: (statement: Record<string, unknown>) => unknown;
  readonly payload?: (payload: string) => string | Uint8Array;
  readonly payloadType?: string;
  /** The bytes that the signature is over; default the pre-authentication encoding. */
  readonly over?: (parts: Omit<Parts, "signature">) => Uint8Array;
  readonly signature?: (signature: Buffer) => Uint8Array;
  // evidence
  readonly logs?: readonly LogSpec[];
  readonly stamps?: readonly StampSpec[];
  readonly version?: "0.1" | "0.2" | "0.3";
  /** DER, after the leaf; v0.1 and v0.2 only. */
  readonly chain?: readonly Uint8Array[];
  readonly document?: (document: BundleDocument) => void;
  readonly text?: (text: string) => string | Uint8Array;
  /** Files given instead of the one bundle. */
  readonly files?: (bundle: Uint8Array, forge: Forge) => readonly BundleFile[];
  /** Files of a store in which the artifact lies as `name`, instead of bundles given. */
  readonly stored?: (bundle: Uint8Array, forge: Forge) => readonly BundleFile[];
}

export interface BundleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface CaseArtifact {
  readonly name?: string;
  readonly digest: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

/** Plain data: what is verified, against what, under which rule, when. */
export interface Case {
  readonly artifact: CaseArtifact;
  /** Verified in the same run; the first verdict that is not a pass counts. */
  readonly others: readonly CaseArtifact[];
  readonly complete: boolean;
  readonly evidence:
    | { readonly kind: "given"; readonly files: readonly BundleFile[] }
    | { readonly kind: "stored"; readonly files: readonly BundleFile[] };
  readonly root: Uint8Array;
  readonly policy:
    | { readonly kind: "flags"; readonly words: RuleWords }
    | { readonly kind: "file"; readonly text: string };
  readonly env: Readonly<Record<string, string>>;
  readonly now: Date;
}

/** `input`: refused before any bundle is looked at (the library throws). */
export type AttackOutcome = "rejected" | "undetermined" | "unattested" | "input";

export interface Attack {
  readonly id: string;
  /** The first failing row; "none" where there is no row to fail. */
  readonly check: CheckId | "none";
  readonly code: ErrorCode;
  readonly outcome: AttackOutcome;
  /** `excepted`: the honest counterpart passes by somebody's word. */
  readonly twinOutcome: "verified" | "excepted";
  readonly why: string;
  attack(forge: Forge): Case;
  twin(forge: Forge): Case;
}

type Given = Spec | ((forge: Forge) => Spec);

export interface AttackEntry {
  readonly id: string;
  readonly why: string;
  readonly code?: ErrorCode;
  readonly outcome?: AttackOutcome;
  readonly twinOutcome?: "excepted";
  /** What attack and twin share. */
  readonly base?: Given;
  /** Laid over the base. */
  readonly attack: Given;
  /** Laid over the base for the twin, where the honest counterpart is not simply the attack left out. */
  readonly twin?: Given;
}

/** Later layers win; job, claims, rule, leaf and env are merged key by key. */
function layer(...specs: readonly Spec[]): Spec {
  return specs.reduce<Spec>(
    (below, above) => ({
      ...below,
      ...above,
      ...merged("job", below.job, above.job),
      ...merged("claims", below.claims, above.claims),
      ...merged("rule", below.rule, above.rule),
      ...merged("leaf", below.leaf, above.leaf),
      ...merged("env", below.env, above.env),
    }),
    {},
  );
}

function merged<K extends string, T extends object>(
  key: K,
  below: T | undefined,
  above: T | undefined,
): { [P in K]?: T } {
  const both: { [P in K]?: T } = {};
  if (below !== undefined || above !== undefined) both[key] = Object.assign({}, below, above);
  return both;
}

/** The attacks that one check must stop. */
export function attacksOn(
  check: CheckId | "none",
  code: ErrorCode,
  entries: readonly AttackEntry[],
): readonly Attack[] {
  const open = (given: Given | undefined, forge: Forge): Spec =>
    typeof given === "function" ? given(forge) : (given ?? {});
  return entries.map((entry) => ({
    id: entry.id,
    why: entry.why,
    check,
    code: entry.code ?? code,
    outcome: entry.outcome ?? "rejected",
    twinOutcome: entry.twinOutcome ?? "verified",
    attack: (forge) => forge.case(layer(open(entry.base, forge), open(entry.attack, forge))),
    twin: (forge) => forge.case(layer(open(entry.base, forge), open(entry.twin, forge))),
  }));
}
