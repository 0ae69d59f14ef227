// SPDX-License-Identifier: Apache-2.0
// What a command is: how it declares itself to commander, and what it does with what was given.
import type { Command } from "commander";
import { KitesealError, quote } from "@kiteseal/core";
import type { Config, Setting } from "../config.ts";
import type { Options } from "../flags.ts";
import type { RedactedIo } from "../io.ts";
import { escapeText } from "../report/escape.ts";

export interface Invocation {
  /** Operands, as given. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: RedactedIo;
}

export interface CommandModule {
  /** Adds operands and options; commander refuses everything else. */
  define(command: Command): void;
  /** Resolves with the exit code. Throws KitesealErrors for main to map. */
  run(invocation: Invocation): Promise<number>;
}

/** With --debug, one line on what was done with what. */
export async function debug({ options, io }: Invocation, line: string): Promise<void> {
  if (options.flag("debug")) await io.stderr.write(`debug: ${escapeText(line)}\n`);
}

/** With --debug, which settings count and where each came from. */
export async function debugConfig(invocation: Invocation, config: Config): Promise<void> {
  for (const path of config.files) await debug(invocation, `read ${path}`);
  for (const name of ["store", "attestations", "transparency", "signingConfig", "signingRoot", "format"] as const) {
    const setting = config[name];
    if (setting === undefined) continue;
    const value = typeof setting.value === "string" ? setting.value : `${setting.value.size} prefixes`;
    await debug(invocation, `${name} = ${value} (from ${setting.origin})`);
  }
}

/**
 * One of the formats that a command has; lines are a document for a command that has one answer. Throws ERR_CONFIG_INVALID
 * for one that a file or a variable made up.
 */
export function checkedFormat({ value, origin }: Setting<string>, formats: readonly string[]): string {
  if (formats.includes(value)) return value;
  if (value === "jsonl" && formats.includes("json")) return "json";
  throw new KitesealError("ERR_CONFIG_INVALID", `${origin}: format is ${quote(value)}: expected ${formats.join(", ")}`);
}
