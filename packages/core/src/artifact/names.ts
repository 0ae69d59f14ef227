// SPDX-License-Identifier: Apache-2.0
// From a path to the name under which an artifact is attested and asked for (docs: names). One function for signer and
// verifier, so that both mean the same file.
import { isAbsolute, parse, relative, sep } from "node:path";
import { unsafeNameReason } from "@kiteseal/in-toto-attestation";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/**
 * The path relative to `base`, `/`-separated, in normal form C; outside `base` the absolute path without its root. Both
 * are absolute. Throws ERR_NAME_INVALID for a name that no statement may hold.
 */
export function subjectName(path: string, base: string): string {
  const inside = relative(base, path);
  const outside = inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  const local = outside ? path.slice(parse(path).root.length) : inside;
  return checkedName((sep === "/" ? local : local.split(sep).join("/")).normalize("NFC"));
}

/** `name` itself. Throws ERR_NAME_INVALID for one that no statement may hold. */
export function checkedName(name: string): string {
  const why = nameProblem(name);
  if (why === undefined) return name;
  throw new KitesealError("ERR_NAME_INVALID", `${quote(name)} cannot be a subject's name: ${why}`, {
    hint: "rename the file; Kiteseal never rewrites a name silently",
  });
}

function nameProblem(name: string): string | undefined {
  if (Buffer.byteLength(name) > LIMITS.nameBytes) return `longer than ${LIMITS.nameBytes} bytes`;
  // What Node puts in place of a file name's bytes that are not UTF-8.
  return name.includes("\ufffd") ? "not UTF-8" : unsafeNameReason(name);
}

/** Sorted by the bytes of the names' UTF-8, which is not the order of JavaScript's strings. */
export function sortByName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, bytes: Buffer.from(item.name) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ item }) => item);
}
