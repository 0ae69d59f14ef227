// SPDX-License-Identifier: Apache-2.0
// Settings and where each came from: flag, environment, kiteseal.yaml of the checkout, the machine's, in that order. Only
// what does not decide can come from the middle two (design §4); a key that the machine locks comes from nowhere else.
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { failureName, KitesealError, quote } from "@kiteseal/core";
import type { WriteSettings } from "@kiteseal/storage-adapters";
import { checkoutDirectories } from "./checkout.ts";
import { type AttestationRoots, CONFIG_NAME, type ConfigFile, readConfigFile } from "./config-file.ts";
import { flagName, type Options } from "./flags.ts";
import type { Io } from "./io.ts";

export interface Setting<T> {
  readonly value: T;
  /** `--to`, `KITESEAL_STORE`, or a file's path. */
  readonly origin: string;
}

export interface Config {
  readonly store?: Setting<string>;
  readonly attestations?: Setting<AttestationRoots>;
  /** Of what `promote` writes: `--attestations` is where it reads. */
  readonly toAttestations?: Setting<AttestationRoots>;
  readonly transparency?: Setting<"public">;
  readonly signingConfig?: Setting<string>;
  readonly signingRoot?: Setting<string>;
  readonly format: Setting<string>;
  /** How new objects are kept, as the checkout says. */
  readonly write: WriteSettings;
  /** From the machine's own configuration; flags are the command's. */
  readonly machine: Pick<ConfigFile, "path" | "trustedRoot" | "policy" | "locked" | "write">;
  /** Configuration files that were read. */
  readonly files: readonly string[];
}

/** Throws ERR_CONFIG_INVALID, ERR_CONFIG_DECIDES, ERR_USAGE (a locked key). */
export async function loadConfig(options: Options, io: Io): Promise<Config> {
  const machine = (await exists(io.machineConfig)) ? await readConfigFile(io.machineConfig, "machine") : undefined;
  const path = await findConfig(options.text("config"), io.cwd);
  const checkout = path === undefined || path === io.machineConfig ? undefined : await readConfigFile(path, "checkout");
  const pick = picker({ options, env: io.env, checkout, machine });
  const absolute = (setting: Setting<string> | undefined): Setting<string> | undefined =>
    setting === undefined ? undefined : { ...setting, value: resolve(io.cwd, setting.value) };
  return {
    ...optional("store", pick("store", { flag: "to", env: "KITESEAL_STORE", of: (f) => f.store })),
    ...optional("attestations", pickRoots(pick, { flag: "attestations", checkout, machine })),
    ...optional("toAttestations", pickRoots(pick, { flag: "toAttestations", checkout, machine })),
    ...optional(
      "transparency",
      asTransparency(
        pick("transparency", { flag: "transparency", env: "KITESEAL_TRANSPARENCY", of: (f) => f.transparency }),
      ),
    ),
    ...optional(
      "signingConfig",
      absolute(pick("signing", { flag: "signingConfig", env: "KITESEAL_SIGNING_CONFIG", of: (f) => f.signingConfig })),
    ),
    ...optional("signingRoot", absolute(pick("signing", { env: "KITESEAL_SIGNING_ROOT", of: (f) => f.signingRoot }))),
    format: pick("format", { flag: "format", env: "KITESEAL_FORMAT", of: (f) => f.format }) ?? {
      value: "text",
      origin: "default",
    },
    write: writeOf(machine, checkout),
    machine: machine ?? { path: io.machineConfig, locked: [] },
    files: [machine, checkout].flatMap((file) => (file === undefined ? [] : [file.path])),
  };
}

function writeOf(machine: ConfigFile | undefined, checkout: ConfigFile | undefined): WriteSettings {
  if (checkout?.write !== undefined && machine?.locked.includes("write") === true)
    throw lockedKey("write", checkout.path, machine.path);
  return checkout?.write ?? {};
}

function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  const result: { [P in K]?: T } = {};
  if (value !== undefined) result[key] = value;
  return result;
}

/** A file that is there and cannot be looked at is not absent: it may lock something. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    const code = failureName(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw new KitesealError("ERR_CONFIG_INVALID", `the configuration ${quote(path)} cannot be read: ${code}`, {
      cause,
    });
  }
}

async function findConfig(named: string | undefined, cwd: string): Promise<string | undefined> {
  if (named !== undefined) return resolve(cwd, named);
  for (const directory of await checkoutDirectories(cwd)) {
    const path = join(directory, CONFIG_NAME);
    if (await exists(path)) return path;
  }
  return undefined;
}

interface Places {
  readonly options: Options;
  readonly env: Io["env"];
  readonly checkout: ConfigFile | undefined;
  readonly machine: ConfigFile | undefined;
}

interface Place {
  /** commander's name. */
  readonly flag?: string;
  readonly env?: string;
  readonly of: (file: ConfigFile) => string | undefined;
}

type Picker = (key: string, place: Place) => Setting<string> | undefined;

function picker({ options, env, checkout, machine }: Places): Picker {
  return (key, { flag, env: variable, of }) => {
    const candidates: [string | undefined, string][] = [
      [flag === undefined ? undefined : options.text(flag), flagName(flag ?? "")],
      [variable === undefined || env[variable] === "" ? undefined : env[variable], variable ?? ""],
      [checkout === undefined ? undefined : of(checkout), checkout?.path ?? ""],
    ];
    const given = candidates.find(([value]) => value !== undefined);
    const own = machine === undefined ? undefined : of(machine);
    if (machine?.locked.includes(key) === true && given !== undefined && given[0] !== own)
      throw lockedKey(key, given[1], machine.path);
    if (given?.[0] !== undefined) return { value: given[0], origin: given[1] };
    return own === undefined ? undefined : { value: own, origin: machine?.path ?? "" };
  };
}

/** `origin` set what `path` locks. */
export function lockedKey(key: string, origin: string, path: string): KitesealError {
  return new KitesealError("ERR_USAGE", `${origin} sets ${quote(key)}, which ${quote(path)} locks`, {
    hint: "this machine's administrator decides it; leave it out",
  });
}

function pickRoots(
  pick: Picker,
  o: { flag: string; checkout: ConfigFile | undefined; machine: ConfigFile | undefined },
): Setting<AttestationRoots> | undefined {
  const single = pick("attestations", {
    flag: o.flag,
    env: "KITESEAL_ATTESTATIONS",
    of: (file) =>
      file.attestations === undefined || typeof file.attestations === "string"
        ? file.attestations
        : `mapping of ${file.path}`,
  });
  const mapping = [o.checkout, o.machine].find(
    (file) => file !== undefined && file.path === single?.origin,
  )?.attestations;
  return single === undefined || mapping === undefined ? single : { value: mapping, origin: single.origin };
}

function asTransparency(setting: Setting<string> | undefined): Setting<"public"> | undefined {
  if (setting === undefined) return undefined;
  if (setting.value === "public") return { value: "public", origin: setting.origin };
  throw new KitesealError(
    "ERR_CONFIG_INVALID",
    `${setting.origin}: transparency is ${quote(setting.value)}: expected public`,
  );
}

/** The root for attestations of what lies at `url`: the one there is, or that of the longest prefix. */
export function attestationRoot(roots: AttestationRoots, url: string): string | undefined {
  if (typeof roots === "string") return roots;
  const prefixes = [...roots.keys()].filter(
    (prefix) => url === prefix || url.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`),
  );
  const longest = prefixes.toSorted((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : roots.get(longest);
}

/** Names of ours that would decide a verdict, were they believed. */
const DECIDING_VARIABLES = (
  "TRUSTED_ROOT TRUST TUF_ROOT TUF_MIRROR POLICY POLICY_SHA256 POLICY_FROM_CHECKOUT ORG ORGANIZATION PIPELINE STEP BRANCH " +
  "TAG REF ANY_REF BUILD TRIGGER RUNNER REPOSITORY COMMIT MAX_AGE TYPE PREDICATE_TYPE NAME ANY_NAME IDENTITY " +
  "CERTIFICATE_IDENTITY CERTIFICATE_IDENTITY_REGEXP CERT_IDENTITY CERTIFICATE_OIDC_ISSUER CERTIFICATE_OIDC_ISSUER_REGEXP " +
  "CERT_OIDC_ISSUER KEY CONTENT LOGS TIMESTAMPS REQUIRE_ALL_SUBJECTS FAIL_FAST"
)
  .split(" ")
  .map((name) => `KITESEAL_${name}`);

const PEERS_VARIABLES =
  /^(?:COSIGN_|SIGSTORE_(?!ID_TOKEN$)|TUF_(?:ROOT|MIRROR)|REKOR_|FULCIO_|SLSA_VERIFIER_|GH_(?:HOST|ATTESTATION))/;

/**
 * Refuses an environment that would decide; lists other tools' variables, which are ignored. Throws ERR_CONFIG_DECIDES, also
 * beside a flag: a variable that looks as if it counted is a trap either way.
 */
export function checkDecidingEnvironment(env: Io["env"]): readonly string[] {
  const deciding = DECIDING_VARIABLES.filter((name) => (env[name] ?? "") !== "");
  if (deciding.length > 0) {
    throw new KitesealError(
      "ERR_CONFIG_DECIDES",
      `the environment sets ${deciding.join(", ")}, which would decide what may pass`,
      {
        hint: "use flags or the machine's own configuration; whoever runs code in this job also writes its environment",
        details: { variables: deciding },
      },
    );
  }
  return Object.keys(env)
    .filter((name) => PEERS_VARIABLES.test(name) && env[name] !== "")
    .toSorted();
}
