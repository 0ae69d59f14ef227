// SPDX-License-Identifier: Apache-2.0
// Finds values in text in every encoding they are likely to have there, in one pass over the text whatever
// the number of values. The guard of what is signed and the redaction of errors, debug output and events
// look for the same forms (docs/ARCHITECTURE.md, secrets).

/** One value to look for, under the name of the variable that holds it. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

export interface Hit {
  readonly start: number;
  readonly end: number;
  /** The variables that hold this value. */
  readonly names: readonly string[];
}

/** The leftmost hit at or after `from`, the longest where several start together. */
export type Finder = (text: string, from: number) => Hit | undefined;

export interface Redactor {
  (text: string): string;
  /** From now on this value is redacted too: a token that was just minted. Values under 8 bytes are not. */
  add(secret: Secret): void;
}

/** Shorter values occur by chance in digests and names. */
export const MIN_SECRET_BYTES = 8;
const GRAM = 3;
const TABLE_BITS = 16;

/** JSON as Go writes it, where markup characters are escaped too. */
const markup = (text: string): string => text.replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
const ascii = (text: string): string =>
  text.replace(/[^\u0000-\u007f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const percent = (text: string): string => `%${text.charCodeAt(0).toString(16).toUpperCase()}`;

/** The characters of base64 that depend on nothing but `bytes`, for each place they can have in a group of three. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
}

function uriForms(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replace(/[!'()*]/g, percent);
  const upper = [component, strict, strict.replaceAll("%20", "+"), encodeURI(value)];
  return [...upper, ...upper.map((form) => form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()))];
}

/** `value` as it stands, in normal form C, JSON-escaped, URL-encoded, in hex, in base64 and base64url at each offset. */
function formsOf(value: string): ReadonlySet<string> {
  const text = value.toWellFormed();
  const bytes = Buffer.from(text, "utf8");
  const json = JSON.stringify(text).slice(1, -1);
  const base64 = base64Forms(bytes);
  const hex = bytes.toString("hex");
  return new Set([
    value,
    text.normalize("NFC"),
    json,
    markup(json),
    ascii(json),
    ascii(markup(json)),
    ...uriForms(text),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((form) => form.replaceAll("+", "-").replaceAll("/", "_")),
  ]);
}

interface Needle {
  readonly text: string;
  readonly names: Set<string>;
}

function gramAt(text: string, at: number): number {
  const mixed = (text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2)) & 0xffffff;
  return (mixed ^ (mixed >> TABLE_BITS)) & ((1 << TABLE_BITS) - 1);
}

/** Compiles the forms of all `secrets`; each must be at least 8 bytes. A search costs one look at each character. */
export function createFinder(secrets: readonly Secret[]): Finder {
  const needles = new Map<string, Needle>();
  for (const secret of secrets) {
    for (const text of formsOf(secret.value)) {
      const known = needles.get(text);
      if (known === undefined) needles.set(text, { text, names: new Set([secret.name]) });
      else known.names.add(secret.name);
    }
  }
  const present = new Uint8Array(1 << TABLE_BITS);
  const buckets = new Map<number, Needle[]>();
  for (const needle of [...needles.values()].toSorted((a, b) => b.text.length - a.text.length)) {
    const gram = gramAt(needle.text, 0);
    present[gram] = 1;
    const bucket = buckets.get(gram);
    if (bucket === undefined) buckets.set(gram, [needle]);
    else bucket.push(needle);
  }
  return (text, from) => {
    const last = needles.size === 0 ? -1 : text.length - GRAM;
    for (let at = from; at <= last; at++) {
      const gram = gramAt(text, at);
      if (present[gram] === 0) continue;
      const hit = buckets.get(gram)?.find((needle) => text.startsWith(needle.text, at));
      if (hit !== undefined) return { start: at, end: at + hit.text.length, names: [...hit.names] };
    }
    return undefined;
  };
}

/** A value that was cut short by quoting: its beginning, right before the ellipsis. */
function redactCut(text: string, secrets: readonly Secret[]): string {
  if (!text.includes("…")) return text;
  return text
    .split("…")
    .map((piece, i, all) => (i === all.length - 1 ? piece : withoutPrefix(piece, secrets)))
    .join("…");
}

function withoutPrefix(piece: string, secrets: readonly Secret[]): string {
  for (const { value } of secrets) {
    for (let length = Math.min(value.length, piece.length); length >= MIN_SECRET_BYTES; length--) {
      if (piece.endsWith(value.slice(0, length))) return `${piece.slice(0, piece.length - length)}[REDACTED]`;
    }
  }
  return piece;
}

/** Replaces every form of every secret by `[REDACTED]`. */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const known = [...secrets];
  let find = createFinder(known);
  const redact = (text: string): string => {
    let out = "";
    let done = 0;
    for (let hit = find(text, 0); hit !== undefined; hit = find(text, hit.start + 1)) {
      // Overlapping hits become one mark: what one secret leaves visible may be the other.
      if (hit.start >= done) out += `${text.slice(done, hit.start)}[REDACTED]`;
      done = Math.max(done, hit.end);
    }
    return redactCut(out + text.slice(done), known);
  };
  const add = (secret: Secret): void => {
    if (Buffer.byteLength(secret.value) < MIN_SECRET_BYTES) return;
    // Credentials are told at each use; compiling the same forms again would cost more than the search.
    if (known.some(({ value }) => value === secret.value)) return;
    known.push(secret);
    find = createFinder(known);
  };
  return Object.assign(redact, { add });
}
