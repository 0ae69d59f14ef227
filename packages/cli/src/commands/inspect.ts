// SPDX-License-Identifier: Apache-2.0
// `kiteseal inspect`: what an attestation says, believed by nobody. For eyes and debugging; exits 0 for anything that can
// be read, so it must never gate anything, and says so first and last.
import type { Command } from "commander";
import { inspectBundle, type Inspection } from "@kiteseal/core";
import { loadConfig } from "../config.ts";
import { addOptions, COMMON_OPTIONS } from "../flags.ts";
import { readBundles } from "../input.ts";
import { inspectionJson, inspectionText } from "../report/inspection.ts";
import { styleFor } from "../terminal/style.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

export function define(command: Command): void {
  command.argument("<bundle>", "an attestation file (.json, or .jsonl with one a line)");
  addOptions(command, [
    { flags: "--format <format>", description: "text or json", choices: ["text", "json"] },
    ...COMMON_OPTIONS,
  ]);
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation;
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, ["text", "json"]);
  const [path = ""] = args;
  const inspections: Inspection[] = [];
  const ctx = { now: () => io.now(), signal: io.signal };
  for (const handle of await readBundles(path, io.cwd)) inspections.push(inspectBundle(await handle.read(ctx)));
  await io.stdout.write(
    format === "json" ? inspectionJson(inspections) : inspectionText(inspections, styleFor(io.stdout, io.env)),
  );
  return 0;
}
