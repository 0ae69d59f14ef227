// SPDX-License-Identifier: Apache-2.0
// Store addresses and destinations with placeholders. Addresses are the operator's words; the values put into
// placeholders (a branch name) are anybody's, so they are escaped into one harmless path segment. Design §6.
import { ATTESTATIONS_FOLDER, KitesealError, parseKey, quote } from "@kiteseal/core/store";

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

export const SCHEMES = ["file", "s3", "gs", "azure", "rt", "https"] as const;
export type Scheme = (typeof SCHEMES)[number];

/** `path` is a key or a key prefix without a final "/", or empty. */
export interface StoreAddress {
  /** "azure": https://ACCOUNT.blob.core.windows.net/… */
  readonly scheme: Scheme;
  /** Azure and https: scheme, host and port, as in "https://acme.blob.core.windows.net"; else empty. */
  readonly origin: string;
  /** S3 and Google bucket, Azure container, Artifactory repository; empty for file and https. */
  readonly bucket: string;
  readonly path: string;
  /** The URL ended in "/", or names a bucket only. */
  readonly isDirectory: boolean;
}

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
  const fixed = fixedPart(template);
  if (!/[{}]/.test(template)) return { url: template, fixed };
  const segments = template.slice(fixed.length).split("/");
  return { url: fixed + segments.map((segment) => expandSegment(segment, values)).join("/"), fixed };
}

/** Where every job's destination begins; ends in "/". Throws ERR_PLACEHOLDER for a placeholder outside the path. */
export function fixedPart(template: string): string {
  const first = template.search(/[{}]/);
  if (first === -1) return template.endsWith("/") ? template : `${template}/`;
  const fixed = template.slice(0, template.lastIndexOf("/", first) + 1);
  if (AUTHORITY.test(fixed)) return fixed;
  throw placeholderError(
    `${quote(template)} has a placeholder before its path`,
    "write placeholders after the bucket, as in s3://bucket/{build}",
  );
}

function expandSegment(segment: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): string {
  const literal = segment.replaceAll(/\{[^{}]*\}/g, "");
  if (/[{}]/.test(literal)) {
    throw placeholderError(`${quote(segment)} has unbalanced braces`, "write a literal brace as %7B or %7D");
  }
  if (literal === segment) return segment;
  const expanded = segment.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => escapedValue(name, values));
  if (expanded.toLowerCase() === ATTESTATIONS_FOLDER) {
    throw placeholderError(
      `${quote(segment)} becomes ${quote(ATTESTATIONS_FOLDER)}, which is kept for attestations`,
      undefined,
    );
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

const AZURE_HOST = /^[a-z0-9]{3,24}\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{0,221}$/;
/** Of this machine: where http is as good as https. */
export const LOOPBACK: RegExp = /^(?:localhost|\[::1\]|127(?:\.\d{1,3}){3})$/;
const KNOWN = "file: s3: gs: rt: https:";

/** Parses an address without placeholders, percent-decoding each segment once. Throws ERR_STORE_URL. */
export function parseStoreUrl(url: string): StoreAddress {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1];
  if (scheme === undefined) {
    throw urlError(url, "has no scheme", "write a directory as file:///absolute/path");
  }
  const forbidden = /[?#\\{}]/.exec(url);
  if (forbidden !== null) {
    const encoded = `%${forbidden[0].charCodeAt(0).toString(16).toUpperCase()}`;
    const hint = `write it as ${encoded} if it is part of a name; credentials are not part of an address`;
    throw urlError(url, `holds ${quote(forbidden[0])}`, hint);
  }
  switch (scheme) {
    case "file":
      return parseFileUrl(url);
    case "s3":
    case "gs":
    case "rt":
      return parseBucketUrl(url, scheme);
    case "http":
    case "https":
      return parseWebUrl(url);
    default:
      throw urlError(url, `has the scheme ${quote(scheme)}`, `those there are: ${KNOWN}`);
  }
}

function parseFileUrl(url: string): StoreAddress {
  if (!url.startsWith("file:///")) {
    throw urlError(url, "names a host or no absolute path", "write file:/// and the absolute path");
  }
  return { scheme: "file", origin: "", bucket: "", ...parsePath(url, url.slice("file:///".length)) };
}

function parseBucketUrl(url: string, scheme: "s3" | "gs" | "rt"): StoreAddress {
  const [, bucket = "", text = ""] = /^[a-z0-9]+:\/\/([^/]*)(?:\/(.*))?$/s.exec(url) ?? [];
  if (!BUCKET.test(bucket)) {
    throw urlError(url, "names no bucket", `write ${scheme}://BUCKET/path`);
  }
  return { scheme, origin: "", bucket, ...parsePath(url, text) };
}

/** https to anywhere, http to this machine only. The host decides whether it is Azure's. */
function parseWebUrl(url: string): StoreAddress {
  const parsed = URL.parse(url);
  if (parsed === null) throw urlError(url, "is not a URL", "write https://HOST/path");
  const { origin, hostname, protocol, username, password } = parsed;
  if (protocol === "http:" && !LOOPBACK.test(hostname)) {
    throw urlError(url, "is not encrypted", "write https://HOST/path");
  }
  if (username !== "" || password !== "") {
    throw urlError(url, "holds a user name or a password", "credentials are not part of an address");
  }
  const [, text = ""] = /^[a-z]+:\/\/[^/]*(?:\/(.*))?$/s.exec(url) ?? [];
  if (!AZURE_HOST.test(hostname)) return { scheme: "https", origin, bucket: "", ...parsePath(url, text) };
  const [container = ""] = text.split("/", 1);
  if (!CONTAINER.test(container)) {
    throw urlError(
      url,
      container === "" ? "names no container" : `has no container's name in ${quote(container)}`,
      "write https://ACCOUNT.blob.core.windows.net/CONTAINER/path: 3 to 63 of a-z and 0-9, with single hyphens between",
    );
  }
  return { scheme: "azure", origin, bucket: container, ...parsePath(url, text.slice(container.length + 1)) };
}

function parsePath(url: string, text: string): { path: string; isDirectory: boolean } {
  const isDirectory = text === "" || text.endsWith("/");
  const segments = (text.endsWith("/") ? text.slice(0, -1) : text).split("/");
  return { path: text === "" ? "" : segments.map((s) => decodeSegment(url, s)).join("/"), isDirectory };
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

/** A query may hold a signature and a userinfo a password: neither is shown. */
function urlError(...[url, reason, hint, cause]: [string, string, string, unknown?]): KitesealError {
  const shown = url.replace(/[?#].*$/s, "").replace(/^([^/]*:\/\/)[^/]*@/, "$1");
  return new KitesealError("ERR_STORE_URL", `the store address ${quote(shown)} ${reason}`, { hint, cause });
}
