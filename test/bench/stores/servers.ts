// SPDX-License-Identifier: Apache-2.0
// The stores that are measured: the servers of test/peers, as processes of the benchmark's own on loopback, and the double
// of Artifactory. Each measurement gets a fresh one: what an earlier one left in its memory would be measured with it.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { artifactoryDouble } from "../../peers/artifactory.testkit.ts";
import { azurite } from "../../peers/azurite.testkit.ts";
import { fakeGcs } from "../../peers/fake-gcs.testkit.ts";
import type { RealServer } from "../../peers/peer.testkit.ts";
import type { PeerName } from "../../peers/programs.ts";
import { versitygw } from "../../peers/versitygw.testkit.ts";

export type StoreServer = Omit<RealServer, "makeBucket">;

export type StoreName = "s3" | "gcs" | "azure" | "artifactory";

export interface StoreKind {
  readonly name: StoreName;
  /** For people. */
  readonly label: string;
  /** What has to be installed for it. */
  readonly peer?: PeerName;
  /** May keep its data below `directory`. */
  start(directory: string): Promise<StoreServer>;
}

export const STORE_KINDS: readonly StoreKind[] = [
  { name: "s3", label: "S3 (versitygw)", peer: "versitygw", start: onDisk(versitygw) },
  { name: "gcs", label: "GCS (fake-gcs-server)", peer: "fake-gcs-server", start: onDisk(fakeGcs) },
  { name: "azure", label: "Azure (azurite)", start: azurite },
  { name: "artifactory", label: "Artifactory (double)", start: artifactoryDouble },
];

/** In a folder of its own, which goes with the server. */
function onDisk(start: (root: string) => Promise<StoreServer>): StoreKind["start"] {
  return async (directory) => {
    const root = await mkdtemp(join(directory, "server-"));
    const server = await start(root);
    const stop = async (): Promise<void> => {
      await server.stop();
      await rm(root, { recursive: true, force: true });
    };
    return { ...server, stop };
  };
}
