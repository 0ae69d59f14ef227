// SPDX-License-Identifier: Apache-2.0
// The bundles that a pass rests on, carried over to another root: their bytes are read again and count only under the
// digest in the verdict, and a reference is written for the promoted subjects alone, by the signer that was proven.
import { sha256Hex } from "../artifact/digest.ts";
import { forEachLimited } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { AttestationReport, VerifiedArtifact } from "../policy/verdict.ts";
import { isKeyIdentity } from "../sigstore/certificate.ts";
import { putAttestation, type BundleHandle } from "./attestations.ts";
import type { Location } from "./contract.ts";

/** One bundle with the artifacts that passed by it. */
interface Passed {
  readonly handle: BundleHandle;
  readonly report: AttestationReport;
  readonly digest: string;
  readonly subjects: Set<string>;
}

/** The bytes of a bundle that passed. Throws ERR_STORE_TAMPERED for others, and what `read` throws. */
export async function readPassed(handle: BundleHandle, digest: string, ctx: Context): Promise<Uint8Array> {
  const bytes = await handle.read(ctx);
  const found = sha256Hex(bytes);
  if (found === digest) return bytes;
  throw new KitesealError("ERR_STORE_TAMPERED", `${handle.place} is no longer the attestation that was verified`, {
    details: { expected: digest, found },
    hint: "somebody changed it since; nothing of it was taken over",
  });
}

/** `bundles`: one handle for each digest of `restsOn`, in that order. */
export interface Attested {
  readonly verified: VerifiedArtifact;
  readonly sha256: string;
  readonly bundles: readonly BundleHandle[];
}

/** Each bundle once, then its references. Throws readPassed's, putAttestation's. */
export async function putPassed(root: Location, attested: readonly Attested[], ctx: Context): Promise<void> {
  await forEachLimited(byDigest(attested), LIMITS.parallelFiles, async ({ handle, report, digest, subjects }) => {
    const bundle = await readPassed(handle, digest, ctx);
    const { signer, build } = report;
    if (signer === undefined) throw new TypeError("a bundle that passed has a signer");
    const buildNumber = build?.buildNumber;
    await putAttestation(
      root,
      {
        bundle,
        signer: isKeyIdentity(signer) ? signer : signer.subject,
        subjects: [...subjects],
        ...(buildNumber === undefined ? {} : { buildNumber }),
      },
      ctx,
    );
  });
}

function byDigest(attested: readonly Attested[]): readonly Passed[] {
  const passed = new Map<string, Passed>();
  for (const { verified, sha256, bundles } of attested) {
    for (const [i, digest] of verified.restsOn.entries()) {
      const handle = bundles[i];
      const report = verified.attestations.find(({ bundleDigest }) => bundleDigest === digest);
      if (handle === undefined || report === undefined) throw new TypeError(`no bundle for ${digest}`);
      const one = passed.get(digest) ?? { handle, report, digest, subjects: new Set<string>() };
      one.subjects.add(sha256);
      passed.set(digest, one);
    }
  }
  return [...passed.values()];
}
