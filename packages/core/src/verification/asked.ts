// SPDX-License-Identifier: Apache-2.0
// Which kinds of bundle a run has asked for. Certificates over statements always; keys and blobs only where a rule says
// so in so many words: a bundle cannot choose by which evidence it is judged.
import { KitesealError } from "../errors.ts";
import type { Bundle } from "../sigstore/bundle.ts";
import type { TrustedKey } from "../sigstore/trusted-key.ts";
import type { AskedBundle } from "./sigstore.ts";
import { blobSignature, envelopeSignature, type PrehashVerifier } from "./signature.ts";

export interface Asked {
  /** Keys that some rule names. */
  readonly keys: readonly TrustedKey[];
  /** Present if some rule asks for blob signatures. */
  readonly verifyPrehash?: PrehashVerifier | undefined;
}

/** One reading a key that may have signed; exactly one for certificates. Throws ERR_BUNDLE_INVALID for what nobody asked for. */
export function askedReadings(bundle: Bundle, asked: Asked): readonly AskedBundle[] {
  const { signer, logEntries, timestamps } = bundle;
  const common = { signature: signatureOf(bundle, asked), logEntries, timestamps };
  if (signer.kind === "certificate") return [{ signer, ...common }];
  if (asked.keys.length === 0) throw unasked("a certificate", "a public key");
  return asked.keys.map((key) => ({ signer: { kind: "key", key }, ...common }));
}

function signatureOf({ content }: Bundle, { verifyPrehash }: Asked): AskedBundle["signature"] {
  if (content.kind === "dsse") return envelopeSignature(content.envelope);
  if (verifyPrehash === undefined) throw unasked("a signed statement", "a signature over a blob");
  return blobSignature(content.message, verifyPrehash);
}

function unasked(expected: string, found: string): KitesealError {
  return new KitesealError("ERR_BUNDLE_INVALID", `the bundle: expected ${expected}, found ${found}`, {
    details: { expected, found },
    hint: "a rule must ask for keys (`key`) or blobs (`content: blob`) before such a bundle is looked into",
  });
}
