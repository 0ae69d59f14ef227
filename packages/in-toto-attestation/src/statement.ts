// SPDX-License-Identifier: Apache-2.0
// Statement, in-toto attestation v1: which artifacts (subject) a claim (predicate) is about. Inputs of the decoder are
// untrusted, and stay so: a decoded statement says nothing about who signed it.
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
import { asObject, DecodeError } from "./decode.ts";
import type { DigestSet } from "./digest-set.ts";
import { formatJson } from "./json-format.ts";
import { parseJson } from "./json.ts";
import { objectAt, type ObjectReader } from "./object-reader.ts";
import {
  decodeTypeUri,
  orderDescriptor,
  readResourceDescriptor,
  type ResourceDescriptor,
} from "./resource-descriptor.ts";

export const STATEMENT_TYPE_V1 = "https://in-toto.io/Statement/v1";
export const STATEMENT_TYPE_V01 = "https://in-toto.io/Statement/v0.1";

/** The DSSE payloadType of every statement, whatever its version. */
export const STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** The most subjects a statement may have unless the caller says otherwise. */
export const MAX_SUBJECTS = 1024;

/** A subject is a descriptor with a digest: artifacts are matched by digest, names are labels. */
export interface Subject extends ResourceDescriptor {
  readonly digest: DigestSet;
}

/** In the order in which encodeStatement writes it. */
export interface Statement<P = unknown> {
  readonly _type: typeof STATEMENT_TYPE_V1 | typeof STATEMENT_TYPE_V01;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: P;
}

export interface DecodeStatementOptions {
  /** Default MAX_SUBJECTS. */
  readonly maxSubjects?: number;
  /** Also accept STATEMENT_TYPE_V01, as older cosign writes it. Refused by default. */
  readonly allowV01?: boolean;
}

export interface DecodedStatement {
  /** The predicate is any object, not looked into; an absent one is empty. */
  readonly statement: Statement<Readonly<Record<string, unknown>>>;
  /** Paths of members that the specification does not define, array indexes left out. The predicate is not searched. */
  readonly ignoredFields: readonly string[];
}

/**
 * Decodes what parseJson returned. Requires the exact _type, 1 to maxSubjects subjects, 1 to 32 well-formed digests each
 * and an absolute predicateType; null is absent; unknown members are ignored and listed, as the specification's parsing
 * rules ask. Names are not judged: see unsafeNameReason and repeatedSubjectName. Throws DecodeError.
 */
export function decodeStatement(value: unknown, options?: DecodeStatementOptions): DecodedStatement {
  const { maxSubjects = MAX_SUBJECTS, allowV01 = false } = options ?? {};
  const ignored = new Set<string>();
  const object = objectAt(value, "$", { absent: "null", ignored });
  const types = allowV01 ? ([STATEMENT_TYPE_V1, STATEMENT_TYPE_V01] as const) : ([STATEMENT_TYPE_V1] as const);
  const statement = {
    _type: object.oneOf("_type", types),
    subject: object.objects("subject", readSubject, { min: 1, max: maxSubjects }),
    predicateType: object.required("predicateType", decodeTypeUri),
    predicate: object.optional("predicate", asObject) ?? {},
  };
  object.finish();
  return { statement, ignoredFields: [...ignored] };
}

/**
 * The bytes to sign: UTF-8 without a final newline, members in the specification's order, digests by algorithm name, the
 * predicate in its own order. The same statement gives the same bytes. Throws DecodeError for a statement that
 * decodeStatement would refuse and for a predicate that is not JSON (undefined, NaN, a Date); JsonError beyond parseJson's
 * default limits.
 */
export function encodeStatement(statement: Statement, options?: DecodeStatementOptions): Uint8Array {
  const { _type, predicateType, predicate } = statement;
  const subject = statement.subject.map((item) => orderDescriptor({ ...item, digest: sortDigests(item.digest) }));
  const ordered = { _type, subject, predicateType, predicate: asObject(predicate, "$.predicate") };
  const bytes = new TextEncoder().encode(formatJson(ordered));
  // Checked on the bytes themselves, so that nothing is signed which no verifier of ours would read.
  decodeStatement(parseJson(bytes), options);
  return bytes;
}

/** The first name, in order, that an earlier subject already has: two artifacts under one name are an ambiguous claim. */
export function repeatedSubjectName(subjects: readonly Subject[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of subjects) {
    if (name === undefined) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

function readSubject(object: ObjectReader): Subject {
  const descriptor = readResourceDescriptor(object);
  if (descriptor.digest === undefined) throw new DecodeError(object.at("digest"), "a digest", "nothing");
  return { ...descriptor, digest: descriptor.digest };
}

function sortDigests(digests: DigestSet): DigestSet {
  return Object.fromEntries(Object.entries(digests).sort(([a], [b]) => (a < b ? -1 : 1)));
}
