// SPDX-License-Identifier: Apache-2.0
// Options: how they are declared, and how a command reads what was given. commander hands over untyped values; they
// become types here. A single-valued option given twice is refused: with flags that decide, the last must not win silently.
import { type Command, InvalidArgumentError, Option } from "commander";
import { isSha256Hex, KitesealError, quote } from "@kiteseal/core";

export interface OptionSpec {
  /** As commander reads it: `--to <url>`, `-q, --quiet`. */
  readonly flags: string;
  readonly description: string;
  /** May be given several times. */
  readonly repeat?: true;
  readonly choices?: readonly string[];
  /** Another tool's name for one of ours: understood, not shown. */
  readonly alias?: true;
}

export function addOptions(command: Command, specs: readonly OptionSpec[]): void {
  for (const spec of specs) command.addOption(toOption(spec));
}

function toOption({ flags, description, repeat, choices, alias }: OptionSpec): Option {
  const option = new Option(flags, description);
  if (alias === true) option.hideHelp();
  if (!option.required && !option.optional) return option;
  const check = (value: string): string => {
    if (choices === undefined || choices.includes(value)) return value;
    throw new InvalidArgumentError(`expected ${choices.join(", ")}`);
  };
  if (repeat === true) return option.argParser<string[]>((value, previous) => [...(previous ?? []), check(value)]);
  return option.argParser<string>((value, previous) => {
    if (previous !== undefined) throw new InvalidArgumentError("given twice");
    return check(value);
  });
}

/** What was given, by commander's camel-case names. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** The value of the one of these names that was given; names are an option and its aliases. Throws ERR_USAGE for two. */
  text(...names: readonly string[]): string | undefined {
    const given = names.flatMap((name) => {
      const value = this.#values[name];
      return typeof value === "string" ? [{ name, value }] : [];
    });
    const [first, second] = given;
    if (first !== undefined && second !== undefined) {
      throw new KitesealError(
        "ERR_USAGE",
        `${flagName(first.name)} and ${flagName(second.name)} are the same option: expected one`,
      );
    }
    if (first?.value === "") throw emptyValue(flagName(first.name));
    return first?.value;
  }

  list(name: string): readonly string[] | undefined {
    const value = this.#values[name];
    if (!Array.isArray(value)) return undefined;
    const texts = value.filter((item): item is string => typeof item === "string");
    if (texts.includes("")) throw emptyValue(flagName(name));
    return texts;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }
}

/** An unset variable of a script must not become "everything" or "here". */
function emptyValue(flag: string): KitesealError {
  return new KitesealError("ERR_USAGE", `${flag} is empty`, { hint: "is a variable of the script unset?" });
}

/** `trustedRoot` → `--trusted-root`. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

/** The hex of a digest as users write it, `sha256:…`. Throws ERR_USAGE. */
export function parseDigest(flag: string, text: string): string {
  const sha256 = text.startsWith("sha256:") ? text.slice("sha256:".length) : "";
  if (isSha256Hex(sha256)) return sha256;
  throw new KitesealError("ERR_USAGE", `${flag} ${quote(text)}: expected sha256: and 64 lower-case hex digits`);
}

const DURATION = /^(0|[1-9]\d{0,5})(s|m|h)$/;
const MILLISECONDS = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `90s`, `10m`, `1h` in milliseconds. Throws ERR_USAGE. */
export function parseDuration(flag: string, text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount === undefined || (unit !== "s" && unit !== "m" && unit !== "h")) {
    throw new KitesealError("ERR_USAGE", `${flag} ${quote(text)}: expected a duration such as 90s, 10m, 1h`);
  }
  return Number(amount) * MILLISECONDS[unit];
}

/** A name or an ARN of a key, or the name of an encryption scope: it is sent in a header. */
export const ENCRYPTION_KEY: RegExp = /^[!-~]{1,2048}$/;
/** An AWS account. */
export const BUCKET_OWNER: RegExp = /^\d{12}$/;

const RETENTION = /^(governance|compliance):([1-9]\d{0,4})$/;

/** `governance:30`, `compliance:365`; undefined for anything else. */
export function retentionOf(text: string): { mode: "governance" | "compliance"; days: number } | undefined {
  const [, mode, days] = RETENTION.exec(text) ?? [];
  return mode === "governance" || mode === "compliance" ? { mode, days: Number(days) } : undefined;
}

/** Of every command. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { flags: "--config <file>", description: "read this kiteseal.yaml instead of looking for one" },
  { flags: "--debug", description: "say what was read from where, and show causes of errors" },
];

export const QUIET_OPTION: OptionSpec = { flags: "-q, --quiet", description: "say nothing but warnings and errors" };
