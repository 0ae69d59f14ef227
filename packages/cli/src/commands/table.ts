// SPDX-License-Identifier: Apache-2.0
// The commands there are, under the headings of --help. Each is loaded only when it is the one asked for.
import type { CommandModule } from "./command.ts";

interface Named {
  readonly name: string;
  readonly summary: string;
}

export interface RunnableEntry extends Named {
  readonly load: () => Promise<CommandModule>;
}

/** A command, or several under one name. */
export type CommandEntry = { readonly group: string } & (
  | RunnableEntry
  | (Named & { readonly subcommands: readonly RunnableEntry[] })
);

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
    name: "fetch",
    group: "Everyday:",
    summary: "download what may be released, or nothing",
    load: () => import("./fetch.ts"),
  },
  {
    name: "inspect",
    group: "Look:",
    summary: "show what an attestation says, verifying nothing",
    load: () => import("./inspect.ts"),
  },
  {
    name: "find",
    group: "Look:",
    summary: "list the attestations of some bytes and where they are, verifying nothing",
    load: () => import("./find.ts"),
  },
  {
    name: "policy",
    group: "Look:",
    summary: "write a policy, check one, explain what it decides",
    subcommands: [
      {
        name: "init",
        summary: "write a policy that an attestation at hand passes",
        load: () => import("./policy-init.ts"),
      },
      {
        name: "check",
        summary: "say what is wrong with a policy, and whose verdict a change would change",
        load: () => import("./policy-check.ts"),
      },
      {
        name: "explain",
        summary: "print the decision on each artifact, check by check, and what to do next",
        load: () => import("./policy-explain.ts"),
      },
    ],
  },
  {
    name: "doctor",
    group: "Look:",
    summary: "say what is wrong with a store, or with what this job may do there",
    load: () => import("./doctor.ts"),
  },
  {
    name: "promote",
    group: "Fleet:",
    summary: "copy artifacts that verify, with their attestations, to another store",
    load: () => import("./promote.ts"),
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
