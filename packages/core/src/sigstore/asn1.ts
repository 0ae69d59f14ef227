// SPDX-License-Identifier: Apache-2.0
// DER encoding for @sigstore/core's ASN.1 tree. Its own `toDER` grows two 1 KiB buffers for each node, which is more than
// half of what verifying costs; this writes the same bytes into one buffer of the right size. asn1.test.ts holds that
// they are the same, and for which version of the dependency that was looked at.
import { ASN1Obj } from "@sigstore/core";

function toDer(this: ASN1Obj): Buffer {
  return exactDer(this);
}

/** Replaces the method of this process's @sigstore/core; again: nothing. Called where a trusted root is prepared. */
export function useExactEncoder(): void {
  ASN1Obj.prototype.toDER = toDer;
}

/** A new buffer each time: whoever asks for a timestamp's attributes writes into it. */
export function exactDer(tree: ASN1Obj): Buffer {
  const bytes = Buffer.allocUnsafe(encodedLength(tree));
  writeBefore(tree, bytes, bytes.length);
  return bytes;
}

/** Computed from the tree, not from the bytes it was parsed from: SCT verification removes nodes. */
function encodedLength({ subs, value }: ASN1Obj): number {
  const content = subs.length === 0 ? value.length : subs.reduce((sum, sub) => sum + encodedLength(sub), 0);
  let header = 2;
  if (content >= 128) for (let rest = content; rest > 0; rest = Math.floor(rest / 256)) header += 1;
  return header + content;
}

/** Writes the node so that it ends at `end`; returns where it begins. */
function writeBefore({ tag, subs, value }: ASN1Obj, into: Buffer, end: number): number {
  let at = end;
  if (subs.length === 0) {
    at -= value.length;
    into.set(value, at);
  }
  for (const sub of subs.toReversed()) at = writeBefore(sub, into, at);
  const content = end - at;
  if (content < 128) into[--at] = content;
  else {
    let count = 0;
    for (let rest = content; rest > 0; rest = Math.floor(rest / 256)) {
      into[--at] = rest % 256;
      count += 1;
    }
    into[--at] = 0x80 | count;
  }
  into[--at] = tag.toDER();
  return at;
}
