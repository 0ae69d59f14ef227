// SPDX-License-Identifier: Apache-2.0
// `kiteseal verify`: targets, a trusted root, a rule → a verdict for each. Loads nothing that signs.
import type { Command } from "commander";
import { loadConfig } from "../config.ts";
import type { Renderer } from "../report/run.ts";
import { styleFor } from "../terminal/style.ts";
import { defineVerification, runVerification } from "../verification.ts";
import { checkedFormat, type Invocation } from "./command.ts";

const FORMATS = ["text", "json", "jsonl", "junit", "sarif", "markdown"];

export function define(command: Command): void {
  defineVerification(command, {
    flags: "--format <format>",
    description: `text on standard error; on standard output ${FORMATS.slice(1).join(", ")}`,
    choices: FORMATS,
  });
  command.addHelpText("after", EXAMPLE);
}

const EXAMPLE = `
Example:
  kiteseal verify dist/app.tgz --trusted-root trusted_root.json --org acme --pipeline app --branch main

Exit codes: 0 everything verified, 2 usage, 20 refused, 21 no attestation, 30 could not tell. Only 0 may proceed.`;

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  const config = await loadConfig(options, io);
  const format = checkedFormat(config.format, FORMATS);
  const render = await rendererFor(format, invocation);
  const sink = format === "text" ? io.stderr : io.stdout;
  return runVerification(invocation, { config, render, write: (text) => sink.write(text) });
}

/** Each is loaded only when it is the one asked for. */
const RENDERERS: Readonly<Record<string, () => Promise<Renderer>>> = {
  json: async () => (await import("../report/json.ts")).renderJson,
  jsonl: async () => (await import("../report/jsonl.ts")).renderJsonLines,
  junit: async () => (await import("../report/junit.ts")).renderJunit,
  sarif: async () => (await import("../report/sarif.ts")).renderSarif,
  markdown: async () => (await import("../report/markdown.ts")).renderMarkdown,
};

async function rendererFor(format: string, { options, io }: Invocation): Promise<Renderer> {
  const load = RENDERERS[format];
  if (load !== undefined) return load();
  const { textRenderer } = await import("../report/text.ts");
  return textRenderer({ style: styleFor(io.stderr, io.env), terminal: io.stderr.isTty, quiet: options.flag("quiet") });
}
