// SPDX-License-Identifier: Apache-2.0
// The plugins of a step as resolved dependencies: their hooks run in the job, so an incident asks for them. Only a plugin
// pinned to a full commit has a digest; a tag or branch names what may change.
import type { ResourceDescriptor } from "@kiteseal/in-toto-attestation";
import { isFullCommit } from "../buildkite/facts.ts";
import type { PluginReference } from "../buildkite/job.ts";
import { canonicalRepository, locationAt } from "./repository.ts";

/** One descriptor a plugin, without repeats. Plugins vendored in the checkout are part of the source and not listed. */
export function pluginDependencies(plugins: readonly PluginReference[]): ResourceDescriptor[] {
  const byUri = new Map<string, ResourceDescriptor>();
  for (const { source } of plugins) {
    const [address = "", version = ""] = source.split("#", 2);
    if (address === "" || /^\.{0,2}\//.test(address)) continue;
    const repository = canonicalRepository(cloneUrl(address)) ?? address;
    const uri = version === "" ? repository : locationAt(repository, version);
    const pinned = isFullCommit(version) && { digest: { gitCommit: version } };
    byUri.set(uri, { name: "plugin", uri, ...pinned });
  }
  return [...byUri.values()];
}

/** Buildkite's own short forms: `docker`, `acme/deploy`, `github.com/acme/deploy-buildkite-plugin`. */
function cloneUrl(address: string): string {
  if (address.includes(":")) return address;
  const segments = address.split("/");
  if (segments.length === 1) return `https://github.com/buildkite-plugins/${address}-buildkite-plugin`;
  const [owner = ""] = segments;
  if (segments.length === 2 && !owner.includes(".")) return `https://github.com/${address}-buildkite-plugin`;
  return `https://${address}`;
}
