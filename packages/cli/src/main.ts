// SPDX-License-Identifier: Apache-2.0
// Arguments → the one command asked for → exit code. The only place where errors become exit codes; every byte that
// leaves has passed the redactor.
import { Command, CommanderError } from "commander";
import { createRedactor, isKitesealError, KitesealError, readSecrets } from "@kiteseal/core";
import type { CommandModule } from "./commands/command.ts";
import { type CommandEntry, COMMANDS, type RunnableEntry } from "./commands/table.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { Options } from "./flags.ts";
import { type Io, redacted, type RedactedIo, signalExitCode } from "./io.ts";
import { hintForOption } from "./peer-flags.ts";
import { bugText, errorJson, errorText, hintText } from "./report/error.ts";
import { VERSION } from "./version.ts";

/** Runs one command line, without the program's name. Never rejects. */
export async function main(argv: readonly string[], plain: Io): Promise<number> {
  const io = redacted(plain, createRedactor(readSecrets(plain.env).values));
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return await report(error, argv, io);
  }
}

interface Parsed {
  readonly module: CommandModule;
  readonly args: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

async function dispatch(argv: readonly string[], io: RedactedIo): Promise<number> {
  const written: string[] = [];
  let parsed: Parsed | undefined;
  const program = await buildProgram({ asked: askedEntry(argv), written, onParsed: (result) => (parsed = result) });
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === "commander.help")
      return await showHelp({ text: written.join("") || program.helpInformation(), failed: error.exitCode !== 0 }, io);
    throw usageError(error);
  }
  if (parsed === undefined) return await showHelp({ text: program.helpInformation(), failed: true }, io);
  const { module, args, values } = parsed;
  return module.run({ args, options: new Options(values), io });
}

/** The one command whose module this line needs. */
function askedEntry(argv: readonly string[]): RunnableEntry | undefined {
  const words = argv.filter((arg) => !arg.startsWith("-"));
  const [first, second] = words[0] === "help" ? words.slice(1) : words;
  const entry = COMMANDS.find(({ name }) => name === first);
  if (entry === undefined || "load" in entry) return entry;
  return entry.subcommands.find(({ name }) => name === second);
}

async function showHelp({ text, failed }: { text: string; failed: boolean }, io: RedactedIo): Promise<number> {
  await (failed ? io.stderr : io.stdout).write(text);
  return failed ? EXIT.usage : EXIT.ok;
}

interface ProgramRequest {
  readonly asked: RunnableEntry | undefined;
  /** Gets what commander would print. */
  readonly written: string[];
  readonly onParsed: (parsed: Parsed) => void;
}

async function buildProgram({ asked, written, onParsed }: ProgramRequest): Promise<Command> {
  const configure = (command: Command): Command =>
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => void written.push(text), writeErr: (text) => void written.push(text) })
      .configureHelp({ showGlobalOptions: false, styleTitle: (text) => text });
  const program = configure(new Command("kiteseal"))
    .description("Signs what a Buildkite job built; refuses to release anything else.")
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "show this")
    .enablePositionalOptions();
  program.commandsGroup("Other:").helpCommand("help [command]", "show a command's options");
  const add = async (parent: Command, entry: CommandEntry | RunnableEntry): Promise<Command> => {
    const command = configure(parent.command(entry.name)).description(entry.summary);
    command.helpOption("-h, --help", "show this");
    if (!("load" in entry)) {
      command.helpCommand(false);
      for (const sub of entry.subcommands) await add(command, sub);
    } else if (entry === asked) {
      const module = await entry.load();
      module.define(command);
      command.action(() => onParsed({ module, args: command.args, values: command.opts() }));
    }
    return command;
  };
  for (const entry of COMMANDS) (await add(program, entry)).helpGroup(entry.group);
  return program;
}

/** commander's words in the house's form; a value after `=` may be anything and is not repeated. */
function usageError(error: CommanderError): KitesealError {
  const [first = "", ...more] = error.message.replace(/^error: /, "").split("\n");
  const option = /unknown option '(-[^'=]*)/.exec(first)?.[1];
  const suggestion = more
    .join(" ")
    .trim()
    .replace(/^\(|\)$/g, "");
  const hint = option === undefined ? undefined : hintForOption(option);
  return new KitesealError("ERR_USAGE", first.replace(/(--[\w-]+)=[^']*/g, "$1"), {
    hint:
      hint ?? (suggestion === "" ? "kiteseal --help lists commands, kiteseal help COMMAND its options" : suggestion),
    cause: error,
  });
}

async function report(error: unknown, argv: readonly string[], io: RedactedIo): Promise<number> {
  const debug = argv.includes("--debug");
  if (io.signal.aborted) {
    await io.stderr.write(`kiteseal: stopped by ${io.signal.reason === "SIGTERM" ? "SIGTERM" : "SIGINT"}\n`);
    if (isKitesealError(error) && error.kind === "interrupted") await io.stderr.write(hintText(error));
    return signalExitCode(io.signal);
  }
  if (!isKitesealError(error)) {
    await io.stderr.write(bugText(error, debug));
    return EXIT.bug;
  }
  const exitCode = error.kind === "interrupted" ? signalExitCode(io.signal) : exitCodeOf(error.kind);
  await io.stderr.write(errorText(error, debug));
  if (wantsJson(argv) && error.code !== "ERR_OUTPUT") await io.stdout.write(errorJson(error, exitCode));
  return exitCode;
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (arg, i) => /^--format=jsonl?$/.test(arg) || (arg === "--format" && /^jsonl?$/.test(argv[i + 1] ?? "")),
  );
}
