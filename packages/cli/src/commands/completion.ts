// SPDX-License-Identifier: Apache-2.0
// `kiteseal completion`: a script for the user's shell, made from the commands as they are declared.
import { Command } from "commander";
import { KitesealError, quote } from "@kiteseal/core";
import type { Invocation } from "./command.ts";
import { type CommandEntry, COMMANDS } from "./table.ts";

const SHELLS = ["bash", "zsh", "fish"];

export function define(command: Command): void {
  command.argument("<shell>", SHELLS.join(", "));
}

interface Described {
  readonly name: string;
  readonly summary: string;
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  /** Of its subcommands together, where it has some. */
  readonly options: readonly { readonly long: string; readonly description: string }[];
}

export async function run({ args, io }: Invocation): Promise<number> {
  const [shell = ""] = args;
  const commands = await Promise.all(COMMANDS.map(describe));
  const script = { bash, zsh, fish }[shell];
  if (script === undefined || !SHELLS.includes(shell)) {
    throw new KitesealError("ERR_USAGE", `the shell ${quote(shell)} is unknown: expected ${SHELLS.join(", ")}`);
  }
  await io.stdout.write(script(commands));
  return 0;
}

async function describe(entry: CommandEntry): Promise<Described> {
  const { name, summary } = entry;
  const subcommands = "load" in entry ? [] : entry.subcommands;
  const options = new Map<string, string>();
  for (const { load } of "load" in entry ? [entry] : subcommands) {
    const command = new Command(name);
    (await load()).define(command);
    for (const { hidden, long, description } of command.options)
      if (!hidden && long !== undefined && long !== null) options.set(long, description);
  }
  return { name, summary, subcommands, options: [...options].map(([long, description]) => ({ long, description })) };
}

function bash(commands: readonly Described[]): string {
  const cases = commands.map(({ name, options, subcommands }) => {
    const subs = subcommands.length === 0 ? "" : ` subs="${subcommands.map((s) => s.name).join(" ")}"`;
    return `    ${name}) words="${options.map((o) => o.long).join(" ")}"${subs} ;;`;
  });
  return `# kiteseal completion for bash: source <(kiteseal completion bash)
_kiteseal() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" subs=""
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((c) => c.name).join(" ")} help --help --version" -- "$current"))
  elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$subs" ]; then
    COMPREPLY=($(compgen -W "$subs" -- "$current"))
  elif [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _kiteseal kiteseal
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function zsh(commands: readonly Described[]): string {
  const colon = (text: string): string => text.replaceAll(":", "\\:");
  const bracket = (text: string): string => text.replace(/[[\]:]/g, "\\$&");
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${colon(summary)}`)}`);
  const cases = commands.map(
    ({ name, options, subcommands }) =>
      `    ${name}) _arguments ${[
        ...options.map((o) => quoted(`*${o.long}[${bracket(o.description)}]`)),
        ...(subcommands.length === 0 ? [] : [quoted(`1:command:(${subcommands.map((s) => s.name).join(" ")})`)]),
        quoted("*:file:_files"),
      ].join(" ")} ;;`,
  );
  return `#compdef kiteseal
# kiteseal completion for zsh: kiteseal completion zsh > "\${fpath[1]}/_kiteseal"
_kiteseal() {
  local -a commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words; (( CURRENT-- ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
compdef _kiteseal kiteseal
`;
}

function fish(commands: readonly Described[]): string {
  const lines = commands.flatMap(({ name, summary, options, subcommands }) => [
    `complete -c kiteseal -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...subcommands.map(
      (s) =>
        `complete -c kiteseal -n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${subcommands.map((o) => o.name).join(" ")}' -a ${s.name} -d ${quoted(s.summary)}`,
    ),
    ...options.map(
      (o) =>
        `complete -c kiteseal -n '__fish_seen_subcommand_from ${name}' -l ${o.long.slice(2)} -d ${quoted(o.description)}`,
    ),
  ]);
  return `# kiteseal completion for fish: kiteseal completion fish | source\n${lines.join("\n")}\n`;
}
