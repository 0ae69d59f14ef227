// SPDX-License-Identifier: Apache-2.0
// `kiteseal attest`: signs for bytes that something else stores. The attestation goes to a store's root, beside the
// file, or into a file or standard output.
import { resolve } from "node:path";
import type { Command } from "commander";
import {
  checkedName,
  collectArtifacts,
  type Context,
  digestFile,
  KitesealError,
  LIMITS,
  quote,
  SIDECAR_SUFFIX,
} from "@kiteseal/core";
import { attest, type Attestation, type AttestSubject, type Job, storeAttestation } from "@kiteseal/core/sign";
import type { Location } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import { type Config, loadConfig } from "../config.ts";
import { type DestinationRun, openDestination, writingOptions } from "../destination.ts";
import { addOptions, type Options, parseDigest } from "../flags.ts";
import type { RedactedIo } from "../io.ts";
import { checkOutput, writeOutput, WRITTEN } from "../output.ts";
import { attestReady } from "../ready-statement.ts";
import { madeJson, madeText } from "../report/publication.ts";
import { addSigningOptions, prepareSigning } from "../signing.ts";
import { createStatusLine } from "../terminal/progress.ts";
import { styleFor } from "../terminal/style.ts";
import { WRITE_OPTIONS } from "../write-settings.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

export function define(command: Command): void {
  command.argument("[path...]", "files and globs: *, ? and ** as a whole segment");
  command.optionsGroup("Subject, instead of paths:");
  addOptions(command, [
    { flags: "--digest <sha256:hex>", description: "bytes that are elsewhere" },
    { flags: "--name <name>", description: "their name" },
    { flags: "--in-toto <file>", description: "a ready in-toto statement, signed as it is; with --bundle only" },
  ]);
  command.optionsGroup("Where the attestation goes (at least one):");
  addOptions(command, [
    { flags: "--to <url>", description: "the store that the artifact is, or will be, below" },
    { flags: "--attestations <url>", description: "below this root" },
    { flags: "--sidecar", description: "FILE.sigstore.json beside each file" },
    { flags: "-b, --bundle <file>", description: "into this file (several: .jsonl), or - for standard output" },
  ]);
  command.optionsGroup("How it is kept there:");
  addOptions(command, WRITE_OPTIONS);
  addSigningOptions(command);
}

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, ["text", "json"]);
  const quiet = options.flag("quiet");
  const status = createStatusLine(io, quiet);
  const ctx: Context = { now: () => io.now(), signal: io.signal, progress: (progress) => status.show(progress) };
  const outputs = chooseOutputs(options, { config, format });
  const setup = await prepareSigning({ options, config, io }, ctx);
  const ready = options.text("inToto");
  if (ready !== undefined) {
    const said = await attestReady(ready, { args: invocation.args, options, io, setup }, ctx);
    await status.clear();
    if (!quiet) await io.stderr.write(said);
    return 0;
  }
  const subjects = await readSubjects(invocation, ctx);
  checkBundleName(outputs, { count: subjects.length, perArtifact: options.has("statement") });
  const root = await openRoot(outputs, setup.job, { options, config, io, tokens: setup.tokens });
  await root?.store.prepare(0, ctx);
  for (const path of outputs.bundle === undefined || outputs.bundle === "-" ? [] : [outputs.bundle])
    await checkOutput(resolve(io.cwd, path), WRITTEN.bundle);
  const { attestations, warnings } = await attest({ ...setup.request, subjects }, ctx);
  if (root !== undefined) for (const attestation of attestations) await storeAttestation(root, attestation, ctx);
  const files = [
    ...(outputs.sidecar ? await writeSidecars(subjects, attestations) : []),
    ...(await writeBundles(outputs.bundle, attestations, io)),
  ];
  await status.clear();
  const { job, trust } = setup;
  const made = {
    kind: "kiteseal.attest",
    job,
    trust,
    artifacts: [],
    attestations,
    files,
    warnings: [...setup.warnings, ...warnings],
  } as const;
  await io.stderr.write(madeText(made, { style: styleFor(io.stderr, io.env), quiet: quiet || format === "json" }));
  if (format === "json") await io.stdout.write(madeJson(made));
  return 0;
}

interface Outputs {
  readonly to: string | undefined;
  readonly attestations: string | undefined;
  readonly sidecar: boolean;
  readonly bundle: string | undefined;
}

/** A store that only the configuration names is used if nothing else was asked for. */
function chooseOutputs(options: Options, { config, format }: { config: Config; format: string }): Outputs {
  const [sidecar, bundle, attestations] = [
    options.flag("sidecar"),
    options.text("bundle"),
    options.text("attestations"),
  ];
  const other = sidecar || bundle !== undefined || attestations !== undefined;
  const to = options.text("to") ?? (other ? undefined : config.store?.value);
  if (!other && to === undefined) {
    throw new KitesealError("ERR_USAGE", "nothing says where the attestation goes", {
      hint: "add --to URL, --attestations URL, --sidecar or --bundle FILE",
    });
  }
  if (sidecar && options.has("digest"))
    throw new KitesealError("ERR_USAGE", "--sidecar is written beside a file, and --digest names none");
  if (bundle === "-" && format === "json") {
    throw new KitesealError("ERR_USAGE", "--bundle - and --format json both want standard output: expected one");
  }
  return { to, attestations, sidecar, bundle };
}

interface FileSubject extends AttestSubject {
  readonly path?: string;
}

async function readSubjects({ args, options, io }: Invocation, ctx: Context): Promise<readonly FileSubject[]> {
  const digest = options.text("digest");
  const name = options.text("name");
  if (digest !== undefined) {
    const sha256 = parseDigest("--digest", digest);
    if (name === undefined || args.length > 0)
      throw new KitesealError("ERR_USAGE", "--digest: expected --name NAME and no paths");
    return [{ name: checkedName(name.normalize("NFC")), digests: { sha256 } }];
  }
  if (args.length === 0)
    throw new KitesealError("ERR_USAGE", "nothing to attest is named: expected paths, or --digest and --name");
  const base = resolve(io.cwd, options.text("base") ?? ".");
  const { files } = await collectArtifacts(args, { cwd: io.cwd, base }, ctx);
  if (name !== undefined && files.length !== 1) throw new KitesealError("ERR_USAGE", "--name is for a single file");
  const subjects: FileSubject[] = [];
  for (const file of files) {
    const plan = { algorithms: options.flag("sha512") ? (["sha256", "sha512"] as const) : (["sha256"] as const) };
    const { digests } = await digestFile(file.path, plan, ctx);
    subjects.push({
      name: name === undefined ? file.name : checkedName(name.normalize("NFC")),
      digests,
      path: file.path,
    });
  }
  return subjects;
}

function checkBundleName({ bundle }: Outputs, o: { count: number; perArtifact: boolean }): void {
  const several = o.perArtifact ? o.count > 1 : o.count > LIMITS.subjects;
  if (!several || bundle === undefined || bundle === "-" || bundle.endsWith(".jsonl")) return;
  throw new KitesealError(
    "ERR_USAGE",
    `${quote(bundle)} would hold several attestations: expected a name that ends in .jsonl`,
  );
}

async function openRoot({ to, attestations }: Outputs, job: Job, run: DestinationRun): Promise<Location | undefined> {
  if (to !== undefined) return (await openDestination(to, job, run)).attestations;
  return attestations === undefined ? undefined : openStore(attestations, writingOptions(run));
}

/** A rebuilt file has a new attestation: what lies there is replaced. */
async function writeSidecars(
  subjects: readonly FileSubject[],
  attestations: readonly Attestation[],
): Promise<readonly string[]> {
  const written: string[] = [];
  for (const { name, path } of subjects) {
    const attestation = attestations.find((a) => a.subjects.some((subject) => subject.name === name));
    if (attestation === undefined || path === undefined)
      throw new KitesealError("ERR_OUTPUT", `no attestation is about ${quote(name)}`);
    await writeOutput(path + SIDECAR_SUFFIX, attestation.bundle);
    written.push(path + SIDECAR_SUFFIX);
  }
  return written;
}

async function writeBundles(
  target: string | undefined,
  attestations: readonly Attestation[],
  io: RedactedIo,
): Promise<readonly string[]> {
  if (target === undefined) return [];
  const lines = attestations.map(({ bundle }) => Buffer.from(bundle).toString("utf8").trimEnd());
  const bytes = Buffer.from(`${lines.join("\n")}\n`);
  if (target === "-") {
    await io.data.write(bytes);
    return [];
  }
  const path = resolve(io.cwd, target);
  await writeOutput(path, bytes);
  return [path];
}
