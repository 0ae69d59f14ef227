// SPDX-License-Identifier: Apache-2.0
// The reports of `verify` and `fetch`: text on standard error, documents on standard output.
import type { Config } from "./config.ts";
import { checkedFormat, type Invocation } from "./commands/command.ts";
import type { OptionSpec } from "./flags.ts";
import type { Renderer } from "./report/run.ts";
import { styleFor } from "./terminal/style.ts";

const FORMATS = ["text", "json", "jsonl", "junit", "sarif", "markdown"];

export const REPORT_FORMATS: OptionSpec = {
  flags: "--format <format>",
  description: `text on standard error; on standard output ${FORMATS.slice(1).join(", ")}`,
  choices: FORMATS,
};

interface Output {
  readonly render: Renderer;
  readonly write: (text: string) => Promise<void>;
}

/** Throws ERR_CONFIG_INVALID for a format that a file or a variable made up. */
export async function reportFor(config: Config, invocation: Invocation): Promise<Output> {
  const { io } = invocation;
  const format = checkedFormat(config.format, FORMATS);
  const sink = format === "text" ? io.stderr : io.stdout;
  return { render: await rendererFor(format, invocation), write: (text) => sink.write(text) };
}

/** Each is loaded only when it is the one asked for. */
const RENDERERS: Readonly<Record<string, () => Promise<Renderer>>> = {
  json: async () => (await import("./report/json.ts")).renderJson,
  jsonl: async () => (await import("./report/jsonl.ts")).renderJsonLines,
  junit: async () => (await import("./report/junit.ts")).renderJunit,
  sarif: async () => (await import("./report/sarif.ts")).renderSarif,
  markdown: async () => (await import("./report/markdown.ts")).renderMarkdown,
};

async function rendererFor(format: string, { options, io }: Invocation): Promise<Renderer> {
  const load = RENDERERS[format];
  if (load !== undefined) return load();
  const { textRenderer } = await import("./report/text.ts");
  return textRenderer({ style: styleFor(io.stderr, io.env), terminal: io.stderr.isTty, quiet: options.flag("quiet") });
}
