// SPDX-License-Identifier: Apache-2.0
// `kiteseal verify`: targets, a trusted root, a rule → a verdict for each. Loads nothing that signs.
import type { Command } from "commander";
import { loadConfig } from "../config.ts";
import { REPORT_FORMATS, reportFor } from "../verification-report.ts";
import { defineVerification, runVerification } from "../verification.ts";
import type { Invocation } from "./command.ts";

export function define(command: Command): void {
  defineVerification(command, REPORT_FORMATS);
  command.addHelpText("after", EXAMPLE);
}

const EXAMPLE = `
Example:
  kiteseal verify dist/app.tgz --trusted-root trusted_root.json --org acme --pipeline app --branch main

Exit codes: 0 everything verified, 2 usage, 20 refused, 21 no attestation, 30 could not tell. Only 0 may proceed.`;

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  const config = await loadConfig(options, io);
  return runVerification(invocation, { config, ...(await reportFor(config, invocation)) });
}
