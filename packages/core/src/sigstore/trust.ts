// SPDX-License-Identifier: Apache-2.0
// Where the trusted root comes from. A source is chosen by a flag, the plugin's options or machine config, never by
// the environment or the checkout (design §4). Another source (TUF) is another case of TrustSource.
import { sha256Hex } from "../artifact/digest.ts";
import { readSmallFile } from "../artifact/small-file.ts";
import type { Context } from "../context.ts";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { decodeTrustedRoot } from "./trusted-root.ts";

export type TrustSource = { readonly kind: "file"; readonly path: string };

/** A trusted root that has been read and decodes. `asOf` is when its bytes were last known to be current. */
export interface Trust {
  readonly rootBytes: Uint8Array;
  /** sha256 of `rootBytes`, hex; printed with every report. */
  readonly digest: string;
  readonly source: TrustSource;
  readonly asOf: Date;
  /** True if an authority names itself a sandbox's: announced loudly, never for production. */
  readonly sandbox: boolean;
}

const SANDBOX_MARK = "kiteseal-sandbox";

/** Errors: ERR_TRUST_ROOT_INVALID (also a file that is missing, unreadable or too large). */
export async function loadTrust(source: TrustSource, _ctx: Context): Promise<Trust> {
  const { bytes, modified } = await readRoot(source.path);
  const root = decodeTrustedRoot(bytes);
  const names = [...root.certificateAuthorities, ...root.timestampAuthorities].flatMap((a) => [
    a.organization,
    a.commonName,
    a.operator,
    a.uri,
  ]);
  const logs = [...root.logs, ...root.ctLogs].flatMap((l) => [l.operator, l.baseUrl]);
  return {
    rootBytes: bytes,
    digest: sha256Hex(bytes),
    source,
    asOf: modified,
    sandbox: [...names, ...logs].some((name) => name.includes(SANDBOX_MARK)),
  };
}

function readRoot(path: string): ReturnType<typeof readSmallFile> {
  const fail = (why: string, { cause }: { cause?: unknown }): KitesealError =>
    new KitesealError("ERR_TRUST_ROOT_INVALID", `the trusted root ${quote(path)} ${why}`, {
      cause,
      hint: "pass the path of a trusted_root.json with --trusted-root",
    });
  return readSmallFile({ path, maxBytes: LIMITS.trustedRootBytes, fail });
}
