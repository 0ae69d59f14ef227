// SPDX-License-Identifier: Apache-2.0
// What belongs to the checkout, and so to whoever wrote the code that is being built: everything below its git root.
import { access, realpath } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";

/** Only what is proven not to be there is absent: a directory that cannot be looked into may hold a checkout. */
async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"));
  }
}

/** Directories from `cwd` up to the git root, nearest first; only `cwd` where there is no git root above. */
export async function checkoutDirectories(cwd: string): Promise<readonly string[]> {
  const directories: string[] = [];
  for (let directory = cwd; ; directory = dirname(directory)) {
    directories.push(directory);
    if (await exists(join(directory, ".git"))) return directories;
    if (dirname(directory) === directory) return [cwd];
  }
}

function isBelow(path: string, directory: string): boolean {
  const inside = relative(directory, path);
  return inside !== ".." && !inside.startsWith(`..${sep}`) && resolve(directory, inside) === path;
}

/**
 * The checkout that `path` lies in, by its own name or by where links lead: any git work tree above it, from wherever the
 * command was started. In a job, the directory that the agent checked out counts too: a variable may make this stricter,
 * never laxer.
 */
export async function checkoutHolding(
  path: string,
  o: { env: Readonly<Record<string, string | undefined>> },
): Promise<string | undefined> {
  const names = [path, await resolved(path)];
  for (const name of names) {
    for (let directory = dirname(name); ; directory = dirname(directory)) {
      if (await exists(join(directory, ".git"))) return directory;
      if (dirname(directory) === directory) break;
    }
  }
  const named = o.env["BUILDKITE_BUILD_CHECKOUT_PATH"];
  if (named === undefined) return undefined;
  const roots = [resolve(named), await resolved(resolve(named))];
  return names.some((name) => roots.some((root) => isBelow(name, root))) ? roots[0] : undefined;
}

/** Links resolved; a path that leads nowhere stays as it is. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
