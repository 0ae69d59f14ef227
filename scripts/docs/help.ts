// SPDX-License-Identifier: Apache-2.0
// The command's own help, in the blocks of documents that show it.
import { spawnSync } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";

const STUB = fileURLToPath(new URL("../../packages/cli/bin/kiteseal.mjs", import.meta.url));
/** A block that opens with ```text help is the overview, ```text help:COMMAND one command's. */
const BLOCK = /^(```text help(?::([a-z]+(?: [a-z]+)*))?\n)[\s\S]*?^```$/gm;

function helpOf(command: string | undefined): string {
  const args = [STUB, ...(command?.split(" ") ?? []), "--help"];
  const { status, stdout, stderr } = spawnSync(execPath, args, { encoding: "utf8", env: { COLUMNS: "100" } });
  if (status !== 0) throw new Error(`kiteseal ${command ?? ""} --help: ${stderr}`);
  return stdout.trimEnd();
}

/** The document with every help block as it is now. */
export function withHelp(document: string): string {
  return document.replaceAll(BLOCK, (_, open: string, command?: string) => `${open}${helpOf(command)}\n\`\`\``);
}
