// SPDX-License-Identifier: Apache-2.0
// Store addresses and destinations with placeholders. Addresses are the operator's words; the values put into
// placeholders (a branch name) are anybody's, so they are escaped into one harmless path segment. Design §6.
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";

export const PLACEHOLDER_NAMES = [
  "pipeline",
  "branch",
  "tag",
  "commit",
  "build",
  "job",
  "step",
  "parallel",
  "retry",
] as const;
export type PlaceholderName = (typeof PLACEHOLDER_NAMES)[number];

/** `fixed`: the part of the template up to the last "/" before its first placeholder, or all of it; ends in "/". */
export interface Destination {
  readonly url: string;
  readonly fixed: string;
}

/** `path` is a key or a key prefix without a final "/", or empty. */
export interface StoreAddress {
  readonly scheme: "file";
  readonly path: string;
  /** The URL ended in "/". */
  readonly isDirectory: boolean;
}

const SCHEMES = ["file"];
const MAX_SEGMENT_BYTES = 255;
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/]*\//;

/**
 * Fills in the placeholders. A value becomes part of one path segment and differs from every other value's: letters, digits,
 * "-" and inner "." stay, "_" is doubled, every other byte of its UTF-8 is "_" and two hex digits (`feature/x` → `feature_2fx`).
 * Throws ERR_PLACEHOLDER (unknown, empty, unbalanced, outside the path, too long a segment).
 */
export function expandDestination(
  template: string,
  values: Readonly<Partial<Record<PlaceholderName, string>>>,
): Destination {
  const first = template.search(/[{}]/);
  if (first === -1) return { url: template, fixed: template.endsWith("/") ? template : `${template}/` };
  const fixed = template.slice(0, template.lastIndexOf("/", first) + 1);
  if (!AUTHORITY.test(fixed)) {
    throw placeholderError(
      `${quote(template)} has a placeholder before its path`,
      "write placeholders after the bucket, as in s3://bucket/{build}",
    );
  }
  const segments = template.slice(fixed.length).split("/");
  return { url: fixed + segments.map((segment) => expandSegment(segment, values)).join("/"), fixed };
}

function expandSegment(segment: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): string {
  const literal = segment.replaceAll(/\{[^{}]*\}/g, "");
  if (/[{}]/.test(literal)) {
    throw placeholderError(`${quote(segment)} has unbalanced braces`, "write a literal brace as %7B or %7D");
  }
  if (literal === segment) return segment;
  const expanded = segment.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => escapedValue(name, values));
  if (expanded.toLowerCase() === ".kiteseal") {
    throw placeholderError(`${quote(segment)} becomes ".kiteseal", which is kept for attestations`, undefined);
  }
  if (Buffer.byteLength(expanded) > MAX_SEGMENT_BYTES) {
    throw placeholderError(
      `${quote(segment)} becomes a segment of ${Buffer.byteLength(expanded)} bytes: expected at most ${MAX_SEGMENT_BYTES}`,
      "use {build} or {commit}, which are short",
    );
  }
  return expanded;
}

function escapedValue(name: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): string {
  const known = PLACEHOLDER_NAMES.find((candidate) => candidate === name);
  if (known === undefined) {
    throw placeholderError(
      `the placeholder ${quote(`{${name}}`)} is unknown`,
      `those there are: ${PLACEHOLDER_NAMES.map((n) => `{${n}}`).join(" ")}`,
    );
  }
  const value = values[known] ?? "";
  if (value === "") {
    throw placeholderError(
      `the placeholder {${known}} is empty: this job has no ${known}`,
      "use one that every job of this pipeline has, such as {build}",
    );
  }
  if (!value.isWellFormed()) throw placeholderError(`the value of {${known}} is not well-formed Unicode`, undefined);
  return escapeSegment(value);
}

/** Injective: "_" is followed by "_" or by two hex digits, never by both readings. No "." at either end. */
function escapeSegment(value: string): string {
  const bytes = [...new TextEncoder().encode(value)];
  const characters = bytes.map((byte, i) => {
    const character = String.fromCharCode(byte);
    if (character === "_") return "__";
    const outer = i === 0 || i === bytes.length - 1;
    const plain = character === "." ? !outer : /[A-Za-z0-9-]/.test(character);
    return plain ? character : `_${byte.toString(16).padStart(2, "0")}`;
  });
  return characters.join("");
}

function placeholderError(message: string, hint: string | undefined): KitesealError {
  return new KitesealError("ERR_PLACEHOLDER", message, { hint });
}

/** Parses an address without placeholders, percent-decoding each segment once. Throws ERR_STORE_URL. */
export function parseStoreUrl(url: string): StoreAddress {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1];
  if (scheme === undefined) {
    throw urlError(url, "has no scheme", "write a directory as file:///absolute/path");
  }
  if (!SCHEMES.includes(scheme)) {
    throw urlError(url, `has the scheme ${quote(scheme)}`, `those there are: ${SCHEMES.map((s) => `${s}:`).join(" ")}`);
  }
  if (!url.startsWith("file:///")) {
    throw urlError(url, "names a host or no absolute path", "write file:/// and the absolute path");
  }
  const forbidden = /[?#\\{}]/.exec(url);
  if (forbidden !== null) {
    const encoded = `%${forbidden[0].charCodeAt(0).toString(16).toUpperCase()}`;
    throw urlError(url, `holds ${quote(forbidden[0])}`, `write it as ${encoded} if it is part of a name`);
  }
  const text = url.slice("file:///".length);
  const isDirectory = text === "" || text.endsWith("/");
  const segments = (text.endsWith("/") ? text.slice(0, -1) : text).split("/");
  return { scheme: "file", path: text === "" ? "" : segments.map((s) => decodeSegment(url, s)).join("/"), isDirectory };
}

function decodeSegment(url: string, segment: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch (error) {
    throw urlError(url, "has a broken percent-encoding", 'write "%" itself as %25', error);
  }
  if (decoded.includes("/")) throw urlError(url, "has an encoded slash", "no name holds a slash");
  try {
    return parseKey(decoded);
  } catch (error) {
    throw urlError(
      url,
      `has the unusable segment ${quote(decoded)}`,
      "use plain names without empty, . and .. segments",
      error,
    );
  }
}

function urlError(...[url, reason, hint, cause]: [string, string, string, unknown?]): KitesealError {
  return new KitesealError("ERR_STORE_URL", `the store address ${quote(url)} ${reason}`, { hint, cause });
}
