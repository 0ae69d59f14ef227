// SPDX-License-Identifier: Apache-2.0
// One spelling for the many ways to write a repository's address, so that they can be compared and stand in provenance
// as SPDX download locations (`git+https://host/owner/repo`), without credentials. Input: the build's own words.

const SCP = /^(?:[^@/\s]+@)?([A-Za-z0-9.-]{2,}):(?!\/\/)(.+)$/;
/** Schemes under which hosts serve the repository that they also serve over https; ports of ssh and git name nothing there. */
const SAME_AS_HTTPS = ["https:", "ssh:", "git:"];

/**
 * `git+https://host[:port]/path` of a clone URL in any form (https, ssh, git, scp-like, `git+…`), host in lower case, no
 * userinfo, query, fragment, final `.git` or slash. undefined for local paths, `file:` and what is no address.
 */
export function canonicalRepository(text: string): string | undefined {
  const url = parseAddress(text.trim().replace(/^git\+/i, ""));
  if (url === undefined || url.hostname === "") return undefined;
  const path = url.pathname
    .replace(/\/+$/, "")
    .replace(/\.git$/, "")
    .replaceAll("@", "%40");
  if (path === "" || path === "/") return undefined;
  if (SAME_AS_HTTPS.includes(url.protocol)) {
    const host = url.protocol === "https:" ? url.host : url.hostname;
    return `git+https://${host.toLowerCase()}${path}`;
  }
  return url.protocol === "http:" ? `git+http://${url.host}${path}` : undefined;
}

/** An SPDX location at a ref (`refs/heads/main`) or at a version of unknown kind (`v1.2.3`). */
export function locationAt(repository: string, ref: string): string {
  return `${repository}@${encodeURI(ref).replace(/[?#@]/g, encodeURIComponent)}`;
}

function parseAddress(text: string): URL | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return URL.parse(text) ?? undefined;
  const [, host, path] = SCP.exec(text) ?? [];
  if (host === undefined || path === undefined) return undefined;
  return URL.parse(`ssh://${host}/${path.replace(/^\/+/, "")}`) ?? undefined;
}
