// SPDX-License-Identifier: Apache-2.0
// What belongs to the checkout, and so to whoever wrote the code that is being built: everything below its git root.
import { access, realpath } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
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
 * The checkout that `path` lies in, by its own name or by where links lead. In a job, the directory that the agent
 * checked out counts too: a variable may make this stricter, never laxer.
 */
export async function checkoutHolding(
  path: string,
  o: { cwd: string; env: Readonly<Record<string, string | undefined>> },
): Promise<string | undefined> {
  const directories = await checkoutDirectories(o.cwd);
  const root = directories.at(-1);
  const roots = [
    ...(root !== undefined && (await exists(join(root, ".git"))) ? [root] : []),
    ...(o.env["BUILDKITE_BUILD_CHECKOUT_PATH"] === undefined ? [] : [resolve(o.env["BUILDKITE_BUILD_CHECKOUT_PATH"])]),
  ];
  const names = [path, await resolved(path)];
  for (const candidate of roots) {
    const real = await resolved(candidate);
    if (names.some((name) => isBelow(name, candidate) || isBelow(name, real))) return candidate;
  }
  return undefined;
}

/** Links resolved; a path that leads nowhere stays as it is. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
