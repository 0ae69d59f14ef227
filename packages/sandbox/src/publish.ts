// SPDX-License-Identifier: Apache-2.0
// The files that clients are handed, in the state directory and in the TUF repository: trusted root, signing config.
import type { Authorities } from "./authorities.ts";
import type { State } from "./state.ts";
import { HOSTS, type SigningConfig, signingConfig, type TrustedRoot, trustedRoot } from "./trust.ts";
import { tufRepository } from "./tuf.ts";

/** Logs offered for signing. `none` also leaves them out of the trusted root; otherwise both are trusted. */
export type RekorChoice = "v1" | "v2" | "both" | "none";

const OFFERED = { v1: [1], v2: [2], both: [2, 1], none: [] } as const;

export interface Publication extends Authorities {
  readonly url: string;
  readonly now: Date;
  readonly rekor: RekorChoice;
  readonly withCtLog: boolean;
  readonly timestamps: boolean;
}

export interface PublishedFiles {
  readonly trustedRoot: TrustedRoot;
  readonly trustedRootPath: string;
  readonly signingConfig: SigningConfig;
  readonly signingConfigPath: string;
}

/** Writes `trusted_root.json`, `signing_config.json`, `tuf_root.json`, and fills the repository. */
export function publish(state: State, repository: Map<string, string>, publication: Publication): PublishedFiles {
  const { rekorV1, rekorV2, rekor } = publication;
  const logs = [
    { host: HOSTS.rekorV2, log: rekorV2.log },
    { host: HOSTS.rekorV1, log: rekorV1.log },
  ];
  const root = trustedRoot({
    created: state.created,
    fulcio: publication.fulcio,
    ctLog: publication.withCtLog ? publication.ctLog : undefined,
    logs: rekor === "none" ? [] : logs,
    timestamp: publication.timestamp,
  });
  const config = signingConfig({
    url: publication.url,
    created: state.created,
    rekor: OFFERED[rekor],
    timestamps: publication.timestamps,
  });
  const text = { root: `${JSON.stringify(root, null, 2)}\n`, config: `${JSON.stringify(config, null, 2)}\n` };
  const tuf = tufRepository({
    rootKey: state.keys["tuf-root"],
    onlineKey: state.keys["tuf-online"],
    created: state.created,
    now: publication.now,
    version: state.nextVersion(),
    targets: { "trusted_root.json": text.root, "signing_config.v0.2.json": text.config },
  });
  for (const [path, content] of tuf.files) repository.set(path, content);
  state.write("tuf_root.json", tuf.root);
  return {
    trustedRoot: root,
    trustedRootPath: state.write("trusted_root.json", text.root),
    signingConfig: config,
    signingConfigPath: state.write("signing_config.json", text.config),
  };
}
