// SPDX-License-Identifier: Apache-2.0
// The real servers of `npm run test:peers`: which versions, where they are installed, and how. A version that is
// installed stays: each has a directory of its own, marked when it is whole.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { env } from "node:process";
import { promisify } from "node:util";

interface Peer {
  readonly version: string;
  /** Below its directory. */
  readonly program: string;
  readonly install: (directory: string, version: string) => Promise<void>;
}

const MARK = "installed";
const MAX_OUTPUT = 2 ** 26;
const run = promisify(execFile);

const fromGo = (module: string) => async (directory: string, version: string) => {
  await run("go", ["install", `${module}@${version}`], {
    env: { ...env, GOBIN: directory, GOFLAGS: "", GOTOOLCHAIN: "local" },
    maxBuffer: MAX_OUTPUT,
  });
};

const fromPyPi = (requirement: string) => async (directory: string, version: string) => {
  await run("python3", ["-m", "venv", directory]);
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `${requirement}==${version}`];
  await run(join(directory, "bin/python"), args, { maxBuffer: MAX_OUTPUT });
};

export const PEERS = {
  versitygw: {
    version: "v1.8.0",
    program: "versitygw",
    install: fromGo("github.com/versity/versitygw/cmd/versitygw"),
  },
  "fake-gcs-server": {
    version: "v1.56.1",
    program: "fake-gcs-server",
    install: fromGo("github.com/fsouza/fake-gcs-server"),
  },
  moto: { version: "5.2.5", program: "bin/moto_server", install: fromPyPi("moto[server]") },
} as const satisfies Readonly<Record<string, Peer>>;

export type PeerName = keyof typeof PEERS;
const PEER_NAMES: readonly PeerName[] = ["versitygw", "fake-gcs-server", "moto"];

/** KITESEAL_PEERS_DIR, else a cache of this user's. */
export function peersDirectory(): string {
  const given = env["KITESEAL_PEERS_DIR"] ?? "";
  const cache = env["XDG_CACHE_HOME"] ?? "";
  return given === "" ? join(cache === "" ? join(homedir(), ".cache") : cache, "kiteseal-peers") : resolve(given);
}

function directoryOf(name: PeerName): string {
  return join(peersDirectory(), `${name}-${PEERS[name].version}`);
}

export function isInstalled(name: PeerName): boolean {
  return existsSync(join(directoryOf(name), MARK));
}

/** Where the executable is. A peer that is missing is a failure, never a reason to test less. */
export function peerProgram(name: PeerName): string {
  const directory = directoryOf(name);
  if (isInstalled(name)) return join(directory, PEERS[name].program);
  throw new Error(`${name} ${PEERS[name].version} is not installed in ${directory}: npm run test:peers installs it`);
}

/** Installs what is missing; rejects with what the installer said. */
export async function installPeers(tell: (text: string) => void): Promise<void> {
  for (const name of PEER_NAMES) {
    const directory = directoryOf(name);
    const { version, install } = PEERS[name];
    if (isInstalled(name)) continue;
    tell(`installing ${name} ${version}`);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await install(directory, version);
    await writeFile(join(directory, MARK), "");
  }
}
