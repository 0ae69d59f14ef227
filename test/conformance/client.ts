// SPDX-License-Identifier: Apache-2.0
// The sigstore-conformance client protocol (docs/cli_protocol.md there): verify-bundle, and sign-bundle --in-toto. Exit
// code 0 if it verified or signed, 1 if not; one line of JSON says which check refused with which code. Without
// --trusted-root the root is the file that KITESEAL_CONFORMANCE_ROOT names; no instance's root is built in.
import { writeFile } from "node:fs/promises";
import { argv, env, exit, stdout } from "node:process";
import { parseArgs } from "node:util";
import { type Context, isKitesealError, isVerified, KitesealError } from "@kiteseal/core";
import { signBundle } from "./sign-bundle.ts";
import { verifyBundle } from "./verify-bundle.ts";

const ctx: Context = { now: () => new Date() };

interface Answer {
  readonly outcome: string;
  readonly check?: string | undefined;
  readonly code?: string;
  readonly message?: string | undefined;
}

function usage(message: string): KitesealError {
  return new KitesealError("ERR_USAGE", message);
}

function required(value: string | undefined, flag: string): string {
  if (value === undefined) throw usage(`${flag} is missing`);
  return value;
}

const OPTIONS = {
  bundle: { type: "string" },
  "certificate-identity": { type: "string" },
  "certificate-oidc-issuer": { type: "string" },
  "identity-token": { type: "string" },
  "in-toto": { type: "boolean" },
  key: { type: "string" },
  "signing-config": { type: "string" },
  staging: { type: "boolean" },
  "trusted-root": { type: "string" },
} as const;

async function answer(): Promise<Answer> {
  const { values, positionals } = parseArgs({ args: argv.slice(2), allowPositionals: true, options: OPTIONS });
  const [command, input, ...rest] = positionals;
  if (rest.length > 0) throw usage(`expected one file, found ${rest.length + 1}`);
  if (values.staging === true) throw usage("--staging: name the instance with --trusted-root and --signing-config");
  const artifact = required(input, "the file");
  const bundle = required(values.bundle, "--bundle");
  const trustedRoot = required(values["trusted-root"] ?? env["KITESEAL_CONFORMANCE_ROOT"], "--trusted-root");
  if (command === "sign-bundle") {
    if (values["in-toto"] !== true) throw usage("sign-bundle signs statements: --in-toto is missing");
    const signingConfig = required(values["signing-config"], "--signing-config");
    const token = required(values["identity-token"], "--identity-token");
    await writeFile(bundle, await signBundle({ statement: artifact, token, trustedRoot, signingConfig, env }, ctx));
    return { outcome: "signed" };
  }
  if (command !== "verify-bundle") throw usage(`${command ?? "no command"}: expected verify-bundle or sign-bundle`);
  const signer =
    values.key === undefined
      ? {
          identity: required(values["certificate-identity"], "--certificate-identity"),
          issuer: required(values["certificate-oidc-issuer"], "--certificate-oidc-issuer"),
        }
      : { key: values.key };
  const verdict = await verifyBundle({ bundle, trustedRoot, artifact, signer }, ctx);
  if (isVerified(verdict)) return { outcome: "accepted" };
  const failing = verdict.checks.find(({ status }) => status === "failed" || status === "undetermined");
  return { outcome: verdict.outcome, check: failing?.id, code: verdict.code, message: failing?.found };
}

async function main(): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (isKitesealError(error)) return { outcome: "error", code: error.code, message: error.message };
    if (isUsage(error)) return { outcome: "error", code: "ERR_USAGE", message: error.message };
    // Of ours: whatever was asked, the suite reports it.
    return { outcome: "bug", message: error instanceof Error ? error.stack : String(error) };
  }
}

function isUsage(error: unknown): error is Error & { code: string } {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}

const said = await main();
stdout.write(`${JSON.stringify(said)}\n`, () => exit(["accepted", "signed"].includes(said.outcome) ? 0 : 1));
