// SPDX-License-Identifier: Apache-2.0
// `attest --in-toto`: an in-toto statement that something else made, guarded like our own, signed, and written as a file.
import { resolve } from "node:path";
import {
  DecodeError,
  decodeStatement,
  JsonError,
  parseJson,
  PREDICATE_TYPES,
  type Statement,
} from "@kiteseal/in-toto-attestation";
import { type Context, KitesealError, LIMITS, quote } from "@kiteseal/core";
import { signStatement } from "@kiteseal/core/sign";

import type { Options } from "./flags.ts";
import { readInput } from "./input.ts";
import type { RedactedIo } from "./io.ts";
import { checkOutput, writeOutput, WRITTEN } from "./output.ts";
import { escapeText } from "./report/escape.ts";
import type { SigningSetup } from "./signing.ts";

/** Of `attest`: each says what is signed or where it goes in a way that a ready statement has no room for. */
const CONTRADICTORY = ["digest", "name", "to", "attestations", "sidecar", "statement", "dependency", "sha512"] as const;

interface ReadyRequest {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: RedactedIo;
  readonly setup: SigningSetup;
}

/** Throws ERR_USAGE, ERR_OUTPUT, ERR_PREDICATE_INVALID and those of signStatement. */
export async function attestReady(path: string, request: ReadyRequest, ctx: Context): Promise<string> {
  const { args, options, io, setup } = request;
  const given = [...CONTRADICTORY, "type", "predicate"].filter((name) => options.has(name));
  const target = options.text("bundle");
  if (args.length > 0 || given.length > 0 || target === undefined || options.text("format") === "json") {
    throw new KitesealError(
      "ERR_USAGE",
      "--in-toto FILE takes --bundle FILE and nothing else about subjects or places",
    );
  }
  if (target !== "-") await checkOutput(resolve(io.cwd, target), WRITTEN.bundle);
  const statement = await readStatementFile(path, io);
  const { identity, secrets, leakAllow, consent, compute } = setup.request;
  const signed = await signStatement({ statement, identity, secrets, leakAllow, consent, compute }, ctx);
  const bytes = Buffer.concat([signed.bundle, Buffer.from("\n")]);
  if (target === "-") await io.data.write(bytes);
  else await writeOutput(resolve(io.cwd, target), bytes);
  const lines = [
    `✓ signed    ${escapeText(statement.predicateType)} of ${statement.subject.length} subjects  by ${escapeText(signed.signer)}  bundle sha256:${signed.bundleDigest}`,
    ...[...setup.warnings, ...signed.warnings].map((warning) => `warning: ${escapeText(warning)}`),
    ...(setup.trust.sandbox ? ["SANDBOX: signed by a sandbox; this proves nothing in production"] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** What would be left out when the statement is written again must not be left out silently. */
async function readStatementFile(path: string, io: RedactedIo): Promise<Statement> {
  const code = "ERR_PREDICATE_INVALID";
  const maxBytes = LIMITS.predicateBytes;
  const bytes = await readInput({ path: resolve(io.cwd, path), what: "the statement", maxBytes, code });
  try {
    const { statement, ignoredFields } = decodeStatement(parseJson(bytes, { maxBytes, maxDepth: LIMITS.jsonDepth }));
    if (ignoredFields.length > 0)
      throw new KitesealError(
        code,
        `${quote(path)} has fields that no statement has: ${ignoredFields.map(quote).join(", ")}`,
      );
    if (statement.predicateType !== PREDICATE_TYPES.slsaProvenanceV1) return statement;
    throw new KitesealError(code, "provenance is made from the job, not from a file", {
      hint: "attest the files themselves",
    });
  } catch (cause) {
    if (!(cause instanceof DecodeError) && !(cause instanceof JsonError)) throw cause;
    throw new KitesealError(code, `${quote(path)} is no in-toto statement: ${cause.message}`, { cause });
  }
}
