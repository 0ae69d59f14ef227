// SPDX-License-Identifier: Apache-2.0
// Hygiene of subject names. A name is the signer's text and ends up in reports, terminals and file systems, so a verifier
// refuses names that do not look like what they are. Pure; inputs are untrusted.

/** What is wrong with a name, in the words of a report. */
export type UnsafeNameReason =
  | "empty"
  | "lone surrogate"
  | "control character"
  | "bidirectional mark"
  | "invisible character"
  | "backslash"
  | "leading slash"
  | "empty segment"
  | "dot segment"
  | "not NFC";

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const BIDIRECTIONAL = /\p{Bidi_Control}/u;
// Zero-width and other characters without a glyph: two names that look alike must be one name.
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Why `name` is no clean relative `/`-separated path in Unicode NFC, or undefined if it is one. The first reason in the
 * order of UnsafeNameReason.
 */
export function unsafeNameReason(name: string): UnsafeNameReason | undefined {
  if (name === "") return "empty";
  if (!name.isWellFormed()) return "lone surrogate";
  if (CONTROL.test(name)) return "control character";
  if (BIDIRECTIONAL.test(name)) return "bidirectional mark";
  if (INVISIBLE.test(name)) return "invisible character";
  if (name.includes("\\")) return "backslash";
  if (name.startsWith("/")) return "leading slash";
  const segments = name.split("/");
  if (segments.includes("")) return "empty segment";
  if (segments.includes(".") || segments.includes("..")) return "dot segment";
  return name.normalize("NFC") === name ? undefined : "not NFC";
}
