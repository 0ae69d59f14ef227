// SPDX-License-Identifier: Apache-2.0
// Addresses in a job's environment: repositories and plugins. They may embed passwords and tokens, so nothing leaves
// this file without userinfo and query, and no error quotes one.
import { parseJson } from "@kiteseal/in-toto-attestation/json";
import { KitesealError } from "../errors.ts";

/** One `plugins:` entry; its configuration is left out, because it may hold secrets. */
export interface PluginReference {
  /** As written, without userinfo and query, with the `#version`. */
  readonly source: string;
}

const PLUGINS_BYTES = 1_048_576;

/**
 * An address without userinfo, query and fragment: `https://u:p@host/x?t=1` → `https://host/x`. The scp form loses its
 * user too: `git@host:o/r.git` → `host:o/r.git`. What cannot be parsed loses everything up to its last `@`.
 */
export function withoutCredentials(address: string): string {
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(address)?.[0];
  const end = address.search(/[?#]/);
  const trimmed = end === -1 ? address : address.slice(0, end);
  if (scheme === undefined) return /^[^/]*@(.*)$/s.exec(trimmed)?.[1] ?? trimmed;
  const rest = trimmed.slice(scheme.length);
  const userinfo = URL.canParse(trimmed) ? /^[^/]*@/ : /^.*@/s;
  return scheme + rest.replace(userinfo, "");
}

/** BUILDKITE_PLUGINS: an array of sources, or of objects with the source as their one key. Throws ERR_JOB_CONTRADICTORY. */
export function readPlugins(text: string | undefined): PluginReference[] {
  if (text === undefined) return [];
  try {
    const parsed: unknown = parseJson(text, { maxBytes: PLUGINS_BYTES });
    const entries: readonly unknown[] = Array.isArray(parsed) ? parsed : fail();
    return entries.map((entry) => ({ source: pluginSource(typeof entry === "string" ? entry : onlyKey(entry)) }));
  } catch {
    // The parser's own error quotes the text, and a plugin's configuration may hold secrets.
    throw new KitesealError("ERR_JOB_CONTRADICTORY", "BUILDKITE_PLUGINS is not a JSON list of plugins", {
      details: { variables: ["BUILDKITE_PLUGINS"] },
    });
  }
}

function onlyKey(entry: unknown): string {
  const keys = typeof entry === "object" && entry !== null && !Array.isArray(entry) ? Object.keys(entry) : [];
  const [key] = keys;
  return key !== undefined && keys.length === 1 ? key : fail();
}

function fail(): never {
  throw new TypeError("not a list of plugins");
}

function pluginSource(source: string): string {
  const hash = source.indexOf("#");
  return hash === -1 ? withoutCredentials(source) : withoutCredentials(source.slice(0, hash)) + source.slice(hash);
}

/** Whether two addresses name one repository: under git://, https://, ssh:// or scp form, in any case, with or without `.git`. */
export function sameRepository(one: string, other: string): boolean {
  return hostAndPath(one) === hostAndPath(other);
}

function hostAndPath(address: string): string {
  const bare = withoutCredentials(address);
  const url = bare.includes("://") ? URL.parse(bare) : null;
  const plain = url === null ? bare.replace(":", "/") : `${url.hostname}${url.pathname}`;
  return plain
    .toLowerCase()
    .replace(/\/{2,}/g, "/")
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
}
