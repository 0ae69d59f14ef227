// SPDX-License-Identifier: Apache-2.0
// Dependencies that somebody names by digest: `--dependency URI@sha256:HEX`, and images in the step's command. Claims of
// the build, useful in an incident; nothing is fetched or checked.
import { isDigest, type ResourceDescriptor } from "@kiteseal/in-toto-attestation";
import { KitesealError, quote } from "../errors.ts";

const PINNED = /^(.+)@(sha256|sha384|sha512|gitCommit):([0-9a-f]+)$/s;
const IMAGE =
  /(?<![\w@/.:-])((?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9._/-]+(?::[\w.-]+)?)@sha256:([0-9a-f]{64})(?![0-9a-f])/g;
const MAX_IMAGES = 64;

/** `URI@ALGORITHM:HEX` with sha256, sha384, sha512 or gitCommit. Throws ERR_USAGE. */
export function parseDependency(text: string): ResourceDescriptor {
  const [, uri, algorithm, digest] = PINNED.exec(text) ?? [];
  if (
    uri === undefined ||
    algorithm === undefined ||
    digest === undefined ||
    !isDigest(algorithm, digest) ||
    !isUri(uri)
  ) {
    throw new KitesealError("ERR_USAGE", `expected a dependency as URI@sha256:HEX, found ${quote(text)}`, {
      hint: "sha384, sha512 and gitCommit are understood too; digests are lower-case hex",
    });
  }
  return { uri, digest: { [algorithm]: digest } };
}

/** Absolute and printable, without a password: provenance is public. */
function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && !/^[^:]+:\/\/[^/?#]*@/.test(text);
}

/** The container images that a command names by digest, each once. */
export function imagesInCommand(command: string): ResourceDescriptor[] {
  const images = new Map<string, ResourceDescriptor>();
  for (const [, image, sha256] of command.matchAll(IMAGE)) {
    if (image === undefined || sha256 === undefined || images.size >= MAX_IMAGES) continue;
    images.set(`${image}@${sha256}`, { name: "image", uri: `docker://${image}`, digest: { sha256 } });
  }
  return [...images.values()];
}
