// SPDX-License-Identifier: Apache-2.0
// ResourceDescriptor and the scalar field types of in-toto attestation v1, in their JSON shape: base64 and times stay
// the text that was signed, checked. Inputs are untrusted.
// https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md and field_types.md
import { asBase64, asDate, asObject, asString, DecodeError, describeValue, type Decoder } from "./decode.ts";
import { decodeDigestSet, type DigestSet } from "./digest-set.ts";
import type { ObjectReader } from "./object-reader.ts";

/** An artifact or resource. One of uri, digest and content is always present. */
export interface ResourceDescriptor {
  readonly name?: string;
  readonly uri?: string;
  readonly digest?: DigestSet;
  /** Canonical base64 of the content itself. */
  readonly content?: string;
  readonly downloadLocation?: string;
  readonly mediaType?: string;
  /** Any JSON values, not interpreted. */
  readonly annotations?: Readonly<Record<string, unknown>>;
}

const MAX_TEXT = 8192;
const TEXT = { max: MAX_TEXT };
const TYPE_URI = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/;

/** Reads the descriptor that `object` is opened on; the caller finishes the reader. Throws DecodeError. */
export function readResourceDescriptor(object: ObjectReader): ResourceDescriptor {
  const name = object.optionalString("name", TEXT);
  const uri = object.optionalString("uri", TEXT);
  const digest = object.optional("digest", decodeDigestSet);
  const content = object.optional("content", decodeBase64Text);
  const downloadLocation = object.optionalString("downloadLocation", TEXT);
  const mediaType = object.optionalString("mediaType", TEXT);
  const annotations = object.optional("annotations", asObject);
  if (uri === undefined && digest === undefined && content === undefined) {
    throw new DecodeError(object.path, "a descriptor with uri, digest or content", "none of them");
  }
  return orderDescriptor({ name, uri, digest, content, downloadLocation, mediaType, annotations });
}

type PossiblyAbsent<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** A copy with the fields in the specification's order, absent ones left out. */
export function orderDescriptor(fields: PossiblyAbsent<ResourceDescriptor>): ResourceDescriptor {
  const { name, uri, digest, content, downloadLocation, mediaType, annotations } = fields;
  // Assignments, not conditional spreads: this runs for every subject of a statement of a thousand.
  const ordered: { -readonly [K in keyof ResourceDescriptor]: ResourceDescriptor[K] } = {};
  if (name !== undefined) ordered.name = name;
  if (uri !== undefined) ordered.uri = uri;
  if (digest !== undefined) ordered.digest = digest;
  if (content !== undefined) ordered.content = content;
  if (downloadLocation !== undefined) ordered.downloadLocation = downloadLocation;
  if (mediaType !== undefined) ordered.mediaType = mediaType;
  if (annotations !== undefined) ordered.annotations = annotations;
  return ordered;
}

/** Whether `text` is an absolute URI of printable ASCII with a lower-case scheme. */
export function isTypeUri(text: string): boolean {
  return TYPE_URI.test(text);
}

/** TypeURI: an absolute URI of printable ASCII, scheme in lower case; kept as it is, compared by ===. */
export const decodeTypeUri: Decoder<string> = (value, path) => {
  const uri = asString(value, path, { min: 1, max: MAX_TEXT });
  if (!isTypeUri(uri)) throw new DecodeError(path, "an absolute URI", describeValue(uri));
  return uri;
};

/** ResourceURI. Producers are loose with it and Kiteseal decides nothing by it: any text that is not empty. */
export const decodeResourceUri: Decoder<string> = (value, path) => asString(value, path, { min: 1, max: MAX_TEXT });

/** Timestamp: RFC 3339 in UTC, ending with Z. Kept as text. */
export const decodeTimestamp: Decoder<string> = (value, path) => {
  const text = asString(value, path);
  asDate(text, path);
  if (!text.endsWith("Z")) throw new DecodeError(path, "a time in UTC, ending with Z", describeValue(text));
  return text;
};

const decodeBase64Text: Decoder<string> = (value, path) => {
  const text = asString(value, path);
  asBase64(text, path);
  return text;
};
