// SPDX-License-Identifier: Apache-2.0
// The commands there are, under the headings of --help. Each is loaded only when it is the one asked for.
import type { CommandModule } from "./command.ts";

export interface CommandEntry {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "publish",
    group: "Everyday:",
    summary: "attest files of this job and store both",
    load: () => import("./publish.ts"),
  },
  {
    name: "attest",
    group: "Everyday:",
    summary: "attest files or a digest that something else stores",
    load: () => import("./attest.ts"),
  },
  {
    name: "verify",
    group: "Everyday:",
    summary: "say whether artifacts may be released",
    load: () => import("./verify.ts"),
  },
  {
    name: "inspect",
    group: "Look:",
    summary: "show what an attestation says, verifying nothing",
    load: () => import("./inspect.ts"),
  },
  {
    name: "sandbox",
    group: "Other:",
    summary: "a complete Sigstore and Buildkite on this machine",
    load: () => import("./sandbox.ts"),
  },
  {
    name: "completion",
    group: "Other:",
    summary: "completion for bash, zsh or fish",
    load: () => import("./completion.ts"),
  },
];
