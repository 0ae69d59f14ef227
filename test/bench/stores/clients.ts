// SPDX-License-Identifier: Apache-2.0
// The common client of each store, with its defaults and with what makes it fastest against a near server. Credentials
// go by environment or by a file in the measurement's own folder, as with us.
import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Invocation } from "../../support/program.ts";
import { runProgram } from "../../support/program.ts";
import { BUCKET } from "../../peers/peer.testkit.ts";
import { programOf } from "./programs.ts";
import type { StoreName, StoreServer } from "./servers.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `name`: with its version. Paths are absolute; the object is called after the file. */
export interface Client {
  readonly name: string;
  upload(server: StoreServer, file: string): Command;
  /** Absent: it is measured under another name already. */
  readonly download?: (server: StoreServer, file: string) => Command;
  readonly uploadFolder?: (server: StoreServer, folder: string) => Command;
}

export interface Clients {
  readonly found: readonly Client[];
  /** Names of those that are not measured: not on this machine. */
  readonly missing: readonly string[];
}

interface Tool {
  readonly program: string;
  readonly version: string;
}

export async function clientsOf(store: StoreName, directory: string): Promise<Clients> {
  const found: Client[] = [];
  // Not to be had where this was written, so nothing here drives it.
  const missing: string[] = store === "azure" ? ["azcopy"] : [];
  for (const [name, make] of Object.entries(CLIENTS[store])) {
    const tool = await findTool(name, directory);
    if (tool === undefined) missing.push(name);
    else found.push(...(await make(tool, directory)));
  }
  return { found, missing };
}

/** The version is the first number of what it prints about itself. */
async function findTool(name: string, cwd: string): Promise<Tool | undefined> {
  const program = programOf(name);
  if (program === undefined) return undefined;
  const invocation: Invocation = { args: [name === "rclone" ? "version" : "--version"], cwd, env: outside(cwd) };
  const { stdout, stderr } = await runProgram(program, invocation);
  const version = /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] ?? "?";
  return { program, version: `${name} ${version}` };
}

function outside(home: string): Readonly<Record<string, string>> {
  return { PATH: process.env["PATH"] ?? "", HOME: home };
}

type Make = (tool: Tool, directory: string) => Promise<readonly Client[]>;

const CLIENTS: Readonly<Record<StoreName, Readonly<Record<string, Make>>>> = {
  s3: {
    aws: awsClients,
    rclone: rclone("s3", {
      tuned: ["--s3-chunk-size", "32M", "--s3-upload-concurrency", "4", "--s3-no-head"],
      noDigest: ["--s3-disable-checksum"],
      env: (server) => ({
        RCLONE_CONFIG_BENCH_TYPE: "s3",
        RCLONE_CONFIG_BENCH_PROVIDER: "Other",
        RCLONE_CONFIG_BENCH_ENDPOINT: server.endpoint,
        RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: server.account,
        RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: server.secret,
        RCLONE_CONFIG_BENCH_REGION: "us-east-1",
        RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: "true",
      }),
    }),
  },
  gcs: {
    rclone: rclone("gcs", {
      tuned: [],
      env: (server) => ({
        RCLONE_CONFIG_BENCH_TYPE: "google cloud storage",
        RCLONE_CONFIG_BENCH_ANONYMOUS: "true",
        RCLONE_CONFIG_BENCH_BUCKET_POLICY_ONLY: "true",
        RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: "true",
        RCLONE_CONFIG_BENCH_ENDPOINT: `${server.endpoint}/storage/v1/`,
      }),
    }),
  },
  azure: {
    rclone: rclone("azure", {
      tuned: ["--azureblob-chunk-size", "32M", "--azureblob-upload-concurrency", "4"],
      env: (server) => ({
        RCLONE_CONFIG_BENCH_TYPE: "azureblob",
        RCLONE_CONFIG_BENCH_ACCOUNT: server.account,
        RCLONE_CONFIG_BENCH_KEY: server.secret,
        RCLONE_CONFIG_BENCH_NO_CHECK_CONTAINER: "true",
        RCLONE_CONFIG_BENCH_ENDPOINT: server.endpoint,
      }),
    }),
  },
  artifactory: { curl: curlClients },
};

/** Its own multipart settings live in its configuration only. */
async function awsClients({ program, version }: Tool, directory: string): Promise<readonly Client[]> {
  const tuned = join(directory, "aws-tuned");
  await writeFile(
    tuned,
    "[default]\ns3 =\n  max_concurrent_requests = 4\n  multipart_chunksize = 32MB\n  multipart_threshold = 256MB\n",
  );
  const configurations = [
    { name: version, file: join(directory, "aws-defaults"), more: [] },
    { name: `${version}, 4 × 32 MB`, file: tuned, more: [] },
    { name: `${version}, 4 × 32 MB, SHA-256`, file: tuned, more: ["--checksum-algorithm", "SHA256"] },
  ];
  await writeFile(join(directory, "aws-defaults"), "");
  return configurations.map(({ name, file: configuration, more }) => {
    const command = (server: StoreServer, args: readonly string[]): Command => ({
      program,
      args: ["s3", "cp", "--only-show-errors", "--endpoint-url", server.endpoint, ...args],
      env: { ...outside(directory), ...server.env, AWS_CONFIG_FILE: configuration },
    });
    const url = `s3://${BUCKET}/base/`;
    return {
      name,
      upload: (server, file) => command(server, [...more, file, `${url}${basename(file)}`]),
      ...(more.length > 0
        ? {}
        : { download: (server: StoreServer, file: string) => command(server, [`${url}${basename(file)}`, file]) }),
      uploadFolder: (server, folder) => command(server, [...more, "--recursive", folder, url]),
    };
  });
}

interface Remote {
  /** Flags of its best case for one large object. */
  readonly tuned: readonly string[];
  /** Without a digest of the whole. */
  readonly noDigest?: readonly string[];
  readonly env: (server: StoreServer) => Readonly<Record<string, string>>;
}

/** Compares nothing with what is there, as we do not: it only copies. */
const RCLONE = ["--config", "/dev/null", "--no-check-dest", "--ignore-times"];
const FOLDER_LANES = ["--transfers", "32", "--checkers", "32"];

function rclone(store: StoreName, { tuned, noDigest, env }: Remote): Make {
  return async ({ program, version }, directory) => {
    const remote = `bench:${BUCKET}/base`;
    const client = (name: string, flags: { file: readonly string[]; folder: readonly string[] }): Client => {
      const command = (server: StoreServer, args: readonly string[]): Command => ({
        program,
        args: [...args, ...RCLONE],
        env: { ...outside(directory), ...env(server) },
      });
      return {
        name,
        upload: (server, file) => command(server, ["copyto", file, `${remote}/${basename(file)}`, ...flags.file]),
        download: (server, file) => command(server, ["copyto", `${remote}/${basename(file)}`, file, ...flags.file]),
        ...(store === "s3" && {
          uploadFolder: (server, folder) => command(server, ["copy", folder, remote, ...flags.folder]),
        }),
      };
    };
    const folder = [...FOLDER_LANES, ...tuned];
    return [
      client(version, { file: [], folder: [] }),
      ...(tuned.length === 0 ? [] : [client(`${version}, tuned`, { file: tuned, folder })]),
      ...(noDigest === undefined
        ? []
        : [
            client(`${version}, tuned, no digest`, { file: [...tuned, ...noDigest], folder: [...folder, ...noDigest] }),
          ]),
    ];
  };
}

/** Artifactory's own description of an upload is curl's; the digest that it is to check has to be made first. */
async function curlClients({ program, version }: Tool, directory: string): Promise<readonly Client[]> {
  const netrc = join(directory, "netrc");
  const command = (server: StoreServer, line: string, file: string): Command => {
    writeFileSync(netrc, `machine 127.0.0.1 login ${server.account} password ${server.secret}\n`, { mode: 0o600 });
    const args = ["-c", `exec "$CURL" -sSf --netrc-file "$NETRC" ${line}`, "sh", file];
    const url = `${server.endpoint}/base/${basename(file)}`;
    return { program: "/bin/sh", args: [...args, url], env: { ...outside(directory), CURL: program, NETRC: netrc } };
  };
  const upload = (name: string, digest: string | undefined): Client => {
    const header = digest === undefined ? "" : `-H "X-Checksum-Sha256: $(${digest} "$1" | cut -d" " -f1)"`;
    return { name, upload: (server, file) => command(server, `-o /dev/null -T "$1" ${header} "$2"`, file) };
  };
  return [
    {
      ...upload(`${version}, no digest`, undefined),
      download: (server, file) => command(server, '-o "$1" "$2"', file),
    },
    upload(`${version}, openssl's digest`, "openssl dgst -sha256 -r"),
    upload(`${version}, sha256sum's digest`, "sha256sum"),
  ];
}
