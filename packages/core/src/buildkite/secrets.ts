// SPDX-License-Identifier: Apache-2.0
// Which variables of a job hold secrets, and which values to look for: the agent's own redaction patterns
// (BUILDKITE_REDACTED_VARS) and the names that those miss. The environment is the job's: an attacker inside the job
// can hide a secret from this, but he needs no signature of ours to publish it.
import { MIN_SECRET_BYTES, type Secret } from "./redactor.ts";

/** A value that is not looked for, and why. */
export interface SkippedSecret {
  readonly name: string;
  readonly why: string;
}

export interface Secrets {
  readonly values: readonly Secret[];
  readonly skipped: readonly SkippedSecret[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** The agent's defaults; they count even where a hook has emptied BUILDKITE_REDACTED_VARS. */
const AGENT_PATTERNS = [
  "*_PASSWORD",
  "*_SECRET",
  "*_TOKEN",
  "*_PRIVATE_KEY",
  "*_SSH_KEY",
  "*_ACCESS_KEY",
  "*_SECRET_KEY",
  "*_CONNECTION_STRING",
  "*_API_KEY",
];

/** Secrets that the agent's defaults miss. */
const OWN_NAMES = new RegExp(
  "(?:^|_)(?:TOKENS?|PASSWORD|PASSWD|PASSPHRASE|PASS|SECRETS?|PEM|PAT|JWT|APIKEY|ACCESSKEY|AUTH|SAS|KUBECONFIG" +
    "|WEBHOOK(?:_URL)?|ACCESS_KEY_ID|(?:ACCOUNT|AUTH|DEPLOY|ENCRYPTION|GPG|MASTER|SIGNING)_KEY)$" +
    "|AUTHTOKEN$|^BUILDKITE_REQUEST_HEADER_|^OTEL_.*HEADERS$",
  "i",
);
/** Says which secrets to ask the agent for: their names are none. */
const NAMES_OF_SECRETS = "KITESEAL_AGENT_SECRETS";
/** Families in which most things are secret, and the members that only say where something is. */
const OWN_FAMILIES = /CREDENTIALS|^(?:AWS|AZURE|ARTIFACTORY|BUILDKITE_ARTIFACTORY)_/i;
const NOT_SECRET = new RegExp(
  "_(?:FILE|PATH|DIR|URL|ENDPOINT_URL_[A-Z0-9_]+|URI|HOST|ENDPOINT|REGION|PROFILE|ARN|ACCOUNT|ACCOUNT_ID|TENANT_ID|CLIENT_ID|SUBSCRIPTION_ID" +
    "|REGISTRY|REPO|REPOSITORY|USER|USERNAME|VERSION|BUCKET|CONTAINER|MODE|OUTPUT|PAGER|SESSION_NAME)$" +
    "|(?:GOOGLE|GS)_APPLICATION_CREDENTIALS$",
  "i",
);

/** Variables whose text may hold whole URLs with a password in them, and which may end up in provenance. */
const TEXTS_WITH_URLS =
  /^BUILDKITE_(?:COMMAND|PLUGINS|PLUGIN_CONFIGURATION)$|_(?:URL|ENDPOINT_URL_[A-Z0-9_]+|URI|REPO|PROXY|REGISTRY|ENDPOINT)$/i;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What the platform itself assigns, and the only form in which it does. */
const PLATFORM_FACTS: Readonly<Record<string, RegExp>> = {
  BUILDKITE_ORGANIZATION_SLUG: /^[A-Za-z0-9_-]+$/,
  BUILDKITE_PIPELINE_SLUG: /^[A-Za-z0-9_-]+$/,
  BUILDKITE_BUILD_NUMBER: /^[0-9]+$/,
  BUILDKITE_COMMIT: /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/,
  BUILDKITE_ORGANIZATION_ID: UUID,
  BUILDKITE_PIPELINE_ID: UUID,
  BUILDKITE_BUILD_ID: UUID,
  BUILDKITE_JOB_ID: UUID,
  BUILDKITE_STEP_ID: UUID,
  BUILDKITE_AGENT_ID: UUID,
  BUILDKITE_CLUSTER_ID: UUID,
};

/**
 * The secrets of a job's environment: whole values, and the parts that are secrets of their own (lines of a PEM, a
 * password in a URL, a header's value, members of a JSON credential). Values under 8 bytes and values that are facts
 * of the platform are named in `skipped`: looked for, they would be found everywhere.
 */
export function readSecrets(env: Env): Secrets {
  const patterns = [...(env["BUILDKITE_REDACTED_VARS"] ?? "").split(",").map((p) => p.trim()), ...AGENT_PATTERNS];
  const skipped: SkippedSecret[] = [];
  const redacted = patterns
    .filter((p) => p !== "")
    .flatMap((pattern) => {
      const compiled = compilePathMatch(pattern);
      if (compiled === undefined) skipped.push({ name: pattern, why: "not a pattern (BUILDKITE_REDACTED_VARS)" });
      return compiled === undefined ? [] : [compiled];
    });
  const isOwn = (name: string): boolean =>
    name !== NAMES_OF_SECRETS && (OWN_NAMES.test(name) || (OWN_FAMILIES.test(name) && !NOT_SECRET.test(name)));
  const facts = platformFacts(env);
  const values = new Map<string, Secret>();
  const consider = (name: string, value: string, whole: boolean): void => {
    const why = skipReason(value, facts);
    if (why === undefined) values.set(`${name}\0${value}`, { name, value });
    else if (whole && value !== "") skipped.push({ name, why });
  };
  for (const [name, text] of Object.entries(env)) {
    const value = (text ?? "").trim();
    if (redacted.some((pattern) => pattern.test(name)) || isOwn(name)) {
      consider(name, value, true);
      for (const part of secretParts(value)) consider(name, part, false);
    }
    if (TEXTS_WITH_URLS.test(name)) for (const part of urlSecrets(value)) consider(name, part, true);
  }
  return { values: [...values.values()], skipped };
}

function platformFacts(env: Env): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  for (const [name, form] of Object.entries(PLATFORM_FACTS)) {
    const value = env[name];
    if (value !== undefined && form.test(value)) facts.set(value, name);
  }
  return facts;
}

function skipReason(value: string, facts: ReadonlyMap<string, string>): string | undefined {
  if (Buffer.byteLength(value) < MIN_SECRET_BYTES) return `under ${MIN_SECRET_BYTES} bytes`;
  const fact = facts.get(value);
  return fact === undefined ? undefined : `equal to ${fact}`;
}

/** Long enough, and without the spaces of prose or markup, so that a line is a secret and not a word. */
const PART = /^[^\s]{16,}$/;
const SECRET_MEMBER = /key|secret|token|password|passphrase|credential|auth/i;
const MAX_JSON_DEPTH = 8;

function* secretParts(value: string): Generator<string> {
  if (/[\r\n]/.test(value)) {
    for (const line of value.split(/[\r\n]+/)) {
      const trimmed = line.trim();
      if (PART.test(trimmed) && !trimmed.startsWith("-----")) yield trimmed;
    }
  }
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(value))
    yield* value
      .split(".")
      .slice(1)
      .filter((part) => PART.test(part));
  for (const header of value.split(",")) {
    const credential = /^(?:[\w-]+\s*[=:]\s*)?(?:Bearer|Basic|Token)[ +](\S+)$/i.exec(header.trim())?.[1];
    const assigned = /^[\w-]+=(\S{16,})$/.exec(header.trim())?.[1];
    for (const part of [credential, assigned]) if (part !== undefined) yield part;
  }
  if (value.startsWith("{")) yield* jsonSecrets(value);
  else yield* connectionSecrets(value);
}

/** `Name=value;Name=value`, and the signature of a signed address among them. */
function* connectionSecrets(value: string): Generator<string> {
  for (const member of value.split(";")) {
    const assigned = /^\s*(?:[a-z]*key|password|sharedaccesssignature)=(\S+)$/i.exec(member)?.[1];
    if (assigned !== undefined) yield assigned;
    for (const [, signature = ""] of member.matchAll(/(?:^|[?&=])sig=([^&\s]+)/g)) yield* written(signature);
  }
}

function* jsonSecrets(text: string): Generator<string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON after all: the whole value is looked for as it stands.
    return;
  }
  yield* members(parsed, MAX_JSON_DEPTH);
}

function* members(value: unknown, depth: number): Generator<string> {
  if (typeof value !== "object" || value === null || depth === 0) return;
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === "string") {
      if (!SECRET_MEMBER.test(key) || /^https?:/i.test(member)) continue;
      if (PART.test(member)) yield member;
      else if (/[\r\n]/.test(member)) yield* [member.trim(), ...secretParts(member.trim())];
    } else yield* members(member, depth - 1);
  }
}

const QUERY_SECRET = /(?:^|[_.-])(?:sig|signature|token|secret|password|credential|(?:api_?)?key)$/i;
/** `$TOKEN`, `${TOKEN}` or `%TOKEN%`: where the value comes from, not what it is. */
const SHELL_VARIABLE = /\$[A-Za-z_{(]|^%\w+%$/;

/** `scheme://user:password@`, `https://token@`, and query values whose names speak of a secret. */
function* urlSecrets(text: string): Generator<string> {
  for (const [, scheme, userinfo] of text.matchAll(/([a-z][a-z0-9+.-]*):\/\/([^\s/?#@"'<>\\]+)@/gi)) {
    const [user = "", ...password] = (userinfo ?? "").split(":");
    // A lone user name is a token over http(s); elsewhere it is a login such as git@.
    const secret = password.length > 0 ? password.join(":") : /^(?:git\+)?https?$/i.test(scheme ?? "") ? user : "";
    yield* written(secret);
  }
  for (const [, name, value] of text.matchAll(/[?&]([\w.-]+)=([^\s&#"'<>\\]+)/g)) {
    if (QUERY_SECRET.test(name ?? "")) yield* written(value ?? "");
  }
}

/** As written and percent-decoded. */
function* written(text: string): Generator<string> {
  if (SHELL_VARIABLE.test(text)) return;
  yield text;
  const decoded = text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
  if (decoded !== text) yield decoded;
}

const literal = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A pattern of Go's path.Match (`*`, `?`, `[a-z]`, `[^a]`, `\\c`), which is what the agent uses; undefined if malformed. */
export function compilePathMatch(pattern: string): RegExp | undefined {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "*") {
      if (!source.endsWith("[^/]*")) source += "[^/]*";
    } else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const found = /^\[(\^?)((?:(?:\\[^]|[^\\\]-])(?:-(?:\\[^]|[^\\\]-]))?)+)\]/.exec(pattern.slice(at));
      const ranges = found?.[2]?.matchAll(/(?:\\([^])|([^\\]))(?:-(?:\\([^])|([^\\])))?/g);
      if (found === null || ranges === undefined) return undefined;
      const body = [...ranges].map(([, escapedLow, low = escapedLow ?? "", escapedHigh, high = escapedHigh ?? low]) =>
        // Go takes an empty range such as z-a for one that matches nothing.
        low <= high ? `${literal(low)}-${literal(high)}` : "",
      );
      source += `[${found[1] ?? ""}${body.join("")}]`;
      at += found[0].length - 1;
    } else if (character === "\\") {
      at += 1;
      if (at === pattern.length) return undefined;
      source += literal(pattern.charAt(at));
    } else source += literal(character);
  }
  return new RegExp(`^${source}$`, "s");
}
