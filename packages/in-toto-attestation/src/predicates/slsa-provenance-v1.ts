// SPDX-License-Identifier: Apache-2.0
// SLSA Provenance v1, in its JSON shape and field order. Inputs of the decoder are untrusted; what the predicate says is
// a claim until the signer's certificate proves it. https://slsa.dev/spec/v1.0/provenance
import { asObject, asString } from "../decode.ts";
import { readObject, type ObjectReader } from "../object-reader.ts";
import {
  decodeTimestamp,
  decodeTypeUri,
  readResourceDescriptor,
  type ResourceDescriptor,
} from "../resource-descriptor.ts";

export interface SlsaProvenance {
  readonly buildDefinition: BuildDefinition;
  readonly runDetails: RunDetails;
}

export interface BuildDefinition {
  readonly buildType: string;
  /** Whole and not interpreted: its schema is the buildType's. Never empty. */
  readonly externalParameters: Readonly<Record<string, unknown>>;
  readonly internalParameters?: Readonly<Record<string, unknown>>;
  readonly resolvedDependencies?: readonly ResourceDescriptor[];
}

export interface RunDetails {
  readonly builder: Builder;
  readonly metadata?: BuildMetadata;
  readonly byproducts?: readonly ResourceDescriptor[];
}

export interface Builder {
  readonly id: string;
  readonly builderDependencies?: readonly ResourceDescriptor[];
  readonly version?: Readonly<Record<string, string>>;
}

export interface BuildMetadata {
  readonly invocationId?: string;
  /** RFC 3339, UTC. */
  readonly startedOn?: string;
  /** RFC 3339, UTC. */
  readonly finishedOn?: string;
}

export interface DecodedSlsaProvenance {
  readonly predicate: SlsaProvenance;
  /** Paths of members that the specification does not define; the two parameter objects are not searched. */
  readonly ignoredFields: readonly string[];
}

const MAX_DESCRIPTORS = 16_384;
const MAX_INVOCATION_ID = 8192;

/**
 * Decodes the predicate of a statement; paths start at `$.predicate`. By the specification's parsing rules null and empty
 * values are absent, and unknown members are ignored and listed. Throws DecodeError where a field required at Build L1
 * (buildType, externalParameters, builder.id) is absent or a field has another type.
 */
export function decodeSlsaProvenance(value: unknown): DecodedSlsaProvenance {
  const ignored = new Set<string>();
  const predicate = readObject(value, "$.predicate", {
    absent: "empty",
    ignored,
    read: (object) => ({
      buildDefinition: object.object("buildDefinition", readBuildDefinition),
      runDetails: object.object("runDetails", readRunDetails),
    }),
  });
  return { predicate, ignoredFields: [...ignored] };
}

function readBuildDefinition(object: ObjectReader): BuildDefinition {
  const buildType = object.required("buildType", decodeTypeUri);
  const externalParameters = object.required("externalParameters", asObject);
  const internalParameters = object.optional("internalParameters", asObject);
  const resolvedDependencies = readDescriptors(object, "resolvedDependencies");
  return {
    buildType,
    externalParameters,
    ...(internalParameters && { internalParameters }),
    ...(resolvedDependencies && { resolvedDependencies }),
  };
}

function readRunDetails(object: ObjectReader): RunDetails {
  const builder = object.object("builder", readBuilder);
  const metadata = object.optionalObject("metadata", readMetadata);
  const byproducts = readDescriptors(object, "byproducts");
  return { builder, ...(metadata && { metadata }), ...(byproducts && { byproducts }) };
}

function readBuilder(object: ObjectReader): Builder {
  const id = object.required("id", decodeTypeUri);
  const builderDependencies = readDescriptors(object, "builderDependencies");
  const version = object.optionalRecord("version", (value, path) => asString(value, path));
  return { id, ...(builderDependencies && { builderDependencies }), ...(version && { version }) };
}

function readMetadata(object: ObjectReader): BuildMetadata {
  const invocationId = object.optionalString("invocationId", { max: MAX_INVOCATION_ID });
  const startedOn = object.optional("startedOn", decodeTimestamp);
  const finishedOn = object.optional("finishedOn", decodeTimestamp);
  return {
    ...(invocationId !== undefined && { invocationId }),
    ...(startedOn !== undefined && { startedOn }),
    ...(finishedOn !== undefined && { finishedOn }),
  };
}

function readDescriptors(object: ObjectReader, key: string): ResourceDescriptor[] | undefined {
  return object.optionalObjects(key, readResourceDescriptor, { max: MAX_DESCRIPTORS });
}
