// SPDX-License-Identifier: Apache-2.0
// Mutations: of bytes, of text, of JSON trees, and of the bytes behind base64 in a JSON tree (certificates, stamps,
// payloads, log bodies). Each says what it did, so that a mutant can be told from its report.
import type { Random } from "./random.ts";

export interface Mutant {
  readonly bytes: Uint8Array;
  readonly what: string;
}

type Bytes = (bytes: Buffer, random: Random) => { bytes: Buffer; what: string };

export function changeOneByte(bytes: Buffer, random: Random): { bytes: Buffer; what: string } {
  const at = random.below(bytes.length);
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 + random.below(255));
  return { bytes: copy, what: `byte ${at}` };
}

const BYTES: readonly Bytes[] = [
  changeOneByte,
  changeOneByte,
  (bytes, random) => {
    const at = random.below(bytes.length);
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return { bytes: copy, what: `bit of byte ${at}` };
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    return {
      bytes: Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]),
      what: `cut at ${at}`,
    };
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return {
      bytes: Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(4)), bytes.subarray(at)]),
      what: `inserted at ${at}`,
    };
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    const part = bytes.subarray(at, at + 1 + random.below(64));
    return { bytes: Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]), what: `repeated at ${at}` };
  },
  (bytes, random) => {
    const end = random.below(bytes.length);
    return { bytes: bytes.subarray(0, end), what: `cut off at ${end}` };
  },
  (bytes, random) => ({ bytes: Buffer.concat([bytes, random.bytes(1 + random.below(8))]), what: "appended" }),
];

export function mutateBytes(bytes: Uint8Array, random: Random): Mutant {
  return random.of(BYTES)(Buffer.from(bytes), random);
}

type Json = unknown;
type Node = { readonly holder: Record<string, Json>; readonly key: string; readonly path: string };

function nodesOf(value: Json, path = "$"): readonly Node[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, Json>;
  return Object.keys(holder).flatMap((key) => {
    const here = `${path}.${key}`;
    return [{ holder, key, path: here }, ...nodesOf(holder[key], here)];
  });
}

const ODD: readonly Json[] = [
  null,
  "",
  0,
  -1,
  1.5,
  true,
  [],
  {},
  [[]],
  "null",
  "\u0000",
  "\u202e",
  "x".repeat(5000),
  "9223372036854775808",
  "1e3",
  Number.MAX_SAFE_INTEGER,
  { __proto__: null, toString: 1 },
];

const isBase64 = (value: Json): value is string =>
  typeof value === "string" && value.length > 7 && /^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0;

/** Edits one node in place; returns what it did. */
const EDITS: readonly ((node: Node, all: readonly Node[], random: Random) => string)[] = [
  ({ holder, key }) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else Reflect.deleteProperty(holder, key);
    return "deleted";
  },
  ({ holder, key }, _, random) => {
    holder[key] = structuredClone(random.of(ODD));
    return `set to ${JSON.stringify(holder[key]).slice(0, 40)}`;
  },
  ({ holder, key }, all, random) => {
    const other = random.of(all);
    holder[key] = structuredClone(other.holder[other.key]);
    return `copied from ${other.path}`;
  },
  ({ holder, key }, all, random) => {
    const other = random.of(all.filter((n) => typeof n.holder[n.key] === typeof holder[key]));
    [holder[key], other.holder[other.key]] = [other.holder[other.key], holder[key]];
    return `exchanged with ${other.path}`;
  },
  ({ holder, key }) => {
    const value = holder[key];
    if (Array.isArray(value)) value.push(structuredClone(value[0] ?? null));
    else holder[`${key}2`] = structuredClone(value);
    return "doubled";
  },
  ({ holder, key }) => {
    const value = holder[key];
    if (Array.isArray(value)) value.reverse();
    else if (typeof value === "string") holder[key] = ` ${value}`;
    else holder[key] = [value];
    return "turned";
  },
  ({ holder, key }, _, random) => {
    const value = holder[key];
    if (typeof value === "string" && /^\d+$/.test(value))
      holder[key] = String(BigInt(value) + BigInt(random.of([-1, 1, 256])));
    else if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value))
      holder[key] = new Date(Date.parse(value) + random.of([-1, 1, 500, -500]) * 86_400_000).toISOString();
    else if (typeof value === "string" && value.length > 0)
      holder[key] = mutateBytes(Buffer.from(value), random).bytes.toString();
    return "shifted";
  },
];

function shuffled(value: Json, random: Random): Json {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, shuffled(item, random)] as const);
  return Object.fromEntries(
    entries
      .map((entry) => ({ entry, at: random.below(1000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ entry }) => entry),
  );
}

/** One to three edits of a JSON document; half of them behind base64, where there is any. */
export function mutateJson(bytes: Uint8Array, random: Random): Mutant {
  const document: Json = JSON.parse(Buffer.from(bytes).toString());
  if (random.below(20) === 0) {
    const text = JSON.stringify(shuffled(document, random), undefined, random.below(4));
    return { bytes: Buffer.from(`${text}\r\n`), what: "keys in another order, white space" };
  }
  const what: string[] = [];
  for (let edits = random.of([1, 1, 1, 2, 3]); edits > 0; edits--) {
    const all = nodesOf(document);
    if (all.length === 0) break;
    const inside = all.filter(({ holder, key }) => isBase64(holder[key]));
    if (inside.length > 0 && random.below(2) === 0) {
      const { holder, key, path } = random.of(inside);
      const mutant = mutateBytes(Buffer.from(String(holder[key]), "base64"), random);
      holder[key] = Buffer.from(mutant.bytes).toString("base64");
      what.push(`${path}: ${mutant.what} behind base64`);
    } else {
      const node = random.of(all);
      what.push(`${node.path}: ${random.of(EDITS)(node, all, random)}`);
    }
  }
  return { bytes: Buffer.from(JSON.stringify(document)), what: what.join("; ") };
}

const WORDS = [
  "any",
  "true",
  "false",
  "null",
  "~",
  "*",
  "**",
  "!",
  "&a",
  "*a",
  "<<",
  "main",
  "evil",
  "acme",
  "app",
  "0",
  "-1",
  "1e9",
  "[]",
  "{}",
  "'",
  '"',
  "#",
  "|",
  ">",
  ":",
  "-",
  "branch",
  "tag",
  "ref",
  "any-name",
  "otherwise",
  "\t",
  "\u2028",
];

/** Of a YAML text: bytes, words, lines. */
export function mutateText(bytes: Uint8Array, random: Random): Mutant {
  const text = Buffer.from(bytes).toString();
  const kind = random.below(4);
  if (kind === 0) return mutateBytes(bytes, random);
  if (kind === 1) {
    const words = [...text.matchAll(/[A-Za-z0-9*./-]+/g)];
    const word = random.of(words);
    const other = random.of([...WORDS, ...words.map(([w]) => w)]);
    const changed = text.slice(0, word.index) + other + text.slice(word.index + word[0].length);
    return { bytes: Buffer.from(changed), what: `${word[0]} became ${JSON.stringify(other)}` };
  }
  const lines = text.split("\n");
  const at = random.below(lines.length);
  if (kind === 2)
    lines.splice(
      at,
      1,
      ...random.of([[], [lines[at] ?? "", lines[at] ?? ""], [` ${lines[at] ?? ""}`], [(lines[at] ?? "").trimStart()]]),
    );
  else lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1));
  return { bytes: Buffer.from(lines.join("\n")), what: `line ${at + 1}` };
}
