// SPDX-License-Identifier: Apache-2.0
// `kiteseal policy explain`: `verify` that shows every row of each decision, for whoever is woken by a refusal. Decides and
// exits exactly as `verify` does.
import type { Command } from "commander";
import { loadConfig } from "../config.ts";
import type { Renderer } from "../report/run.ts";
import { styleFor } from "../terminal/style.ts";
import { defineVerification, runVerification } from "../verification.ts";
import { checkedFormat, type Invocation } from "./command.ts";

const FORMATS = ["text", "json"];

export function define(command: Command): void {
  defineVerification(command, {
    flags: "--format <format>",
    description: "text or json, on standard output",
    choices: FORMATS,
  });
}

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  const config = await loadConfig(options, io);
  const format = checkedFormat(config.format, FORMATS);
  const render = await rendererFor(format, invocation);
  return runVerification(invocation, { config, render, write: (text) => io.stdout.write(text) });
}

async function rendererFor(format: string, { io }: Invocation): Promise<Renderer> {
  if (format === "json") return (await import("../report/json.ts")).renderJson;
  return (await import("../report/explanation.ts")).explanationRenderer(styleFor(io.stdout, io.env));
}
