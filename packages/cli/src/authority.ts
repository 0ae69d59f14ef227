// SPDX-License-Identifier: Apache-2.0
// What decides a verdict: the trusted root, and the policy or the rule that flags are. They come from flags or from the
// machine's own configuration, never from the environment or the checkout (design §4).
import { resolve } from "node:path";
import {
  type Context,
  isSha256Hex,
  KitesealError,
  LIMITS,
  loadTrust,
  parsePolicy,
  type Policy,
  quote,
  sha256Hex,
  type Trust,
} from "@kiteseal/core";
import { checkoutHolding } from "./checkout.ts";
import { type Config, lockedKey } from "./config.ts";
import type { Options, OptionSpec } from "./flags.ts";
import { readInput } from "./input.ts";
import type { Io } from "./io.ts";
import { givenRuleFlags, policyFromFlags, readKeys } from "./rule-flags.ts";
import { VERSION } from "./version.ts";

export const AUTHORITY_OPTIONS: readonly OptionSpec[] = [
  { flags: "--trusted-root <file>", description: "trusted_root.json of the Sigstore instance that signed" },
  { flags: "--custom-trusted-root <file>", description: "as --trusted-root", alias: true },
  { flags: "--policy <file>", description: "who may have built what, as rules in a file" },
  { flags: "--policy-sha256 <hex>", description: "the policy's own digest; needed if it lies in the checkout" },
  { flags: "--policy-from-checkout", description: "let the code that is being deployed say what may be deployed" },
];

export interface Authority {
  readonly trust: Trust;
  readonly policy: Policy;
}

export interface Sources {
  readonly options: Options;
  readonly config: Config;
  readonly io: Io;
}

/** Throws ERR_USAGE, ERR_TRUST_ROOT_INVALID, ERR_POLICY_INVALID, ERR_CONFIG_DECIDES. */
export async function loadAuthority(sources: Sources, ctx: Context): Promise<Authority> {
  const policy = await loadPolicy(sources);
  const trust = await loadVerificationTrust(sources, ctx);
  const checkout = await checkoutHolding(trust.source.path, { env: sources.io.env });
  if (checkout === undefined) return { policy, trust };
  const warning = `the trusted root lies in the checkout ${checkout}: whoever writes that decides who may sign`;
  return { policy: { ...policy, warnings: [...policy.warnings, warning] }, trust };
}

/** Throws ERR_USAGE, ERR_TRUST_ROOT_INVALID. */
export async function loadVerificationTrust({ options, config, io }: Sources, ctx: Context): Promise<Trust> {
  const flag = options.text("trustedRoot", "customTrustedRoot");
  const { machine } = config;
  const named = flag === undefined ? undefined : resolve(io.cwd, flag);
  if (named !== undefined && machine.locked.includes("trusted-root") && named !== machine.trustedRoot) {
    throw lockedKey("trusted-root", "--trusted-root", machine.path);
  }
  const path = named ?? machine.trustedRoot;
  if (path !== undefined) return loadTrust({ kind: "file", path }, ctx);
  throw new KitesealError("ERR_USAGE", "no trusted root is named", {
    hint: `pass --trusted-root FILE, or set trusted-root in ${machine.path}`,
  });
}

async function loadPolicy({ options, config, io }: Sources): Promise<Policy> {
  const { machine } = config;
  const flag = options.text("policy");
  const rules = givenRuleFlags(options);
  if (machine.locked.includes("policy")) {
    const [origin] = [
      ...(flag !== undefined && resolve(io.cwd, flag) !== machine.policy ? ["--policy"] : []),
      ...rules,
    ];
    if (origin !== undefined) throw lockedKey("policy", origin, machine.path);
  }
  if (flag !== undefined && rules.length > 0) {
    throw new KitesealError("ERR_USAGE", `--policy and ${rules.join(", ")}: expected a policy file or flags, not both`);
  }
  const expected = options.text("policySha256");
  const aboutKeys = options.flag("policyFromCheckout") && options.has("key");
  if (flag === undefined && (expected !== undefined || (options.flag("policyFromCheckout") && !aboutKeys))) {
    throw new KitesealError(
      "ERR_USAGE",
      "--policy-sha256 and --policy-from-checkout are about --policy, which is not given",
    );
  }
  if (flag === undefined && (rules.length > 0 || machine.policy === undefined)) {
    for (const key of options.list("key") ?? []) await checkKeyPlace(resolve(io.cwd, key), { options, config, io });
    return policyFromFlags(options, await readKeys(options, io.cwd), { env: io.env });
  }
  if (options.flag("anyName") && !options.has("digest")) {
    throw new KitesealError("ERR_USAGE", "--any-name and a policy file: expected `any-name: true` in the rule");
  }
  const path = flag === undefined ? (machine.policy ?? "") : resolve(io.cwd, flag);
  const bytes = await readInput({ path, what: "the policy", maxBytes: LIMITS.policyBytes, code: "ERR_POLICY_INVALID" });
  if (flag !== undefined) await checkPolicyPlace(path, bytes, { options, config, io });
  return parsePolicy(bytes, {
    path: flag ?? path,
    version: VERSION,
    env: io.env,
  });
}

/** As for a policy: whoever changes the code can change a key that lies beside it. */
async function checkKeyPlace(path: string, { options, io }: Sources): Promise<void> {
  if (options.flag("policyFromCheckout")) return;
  const checkout = await checkoutHolding(path, { env: io.env });
  if (checkout === undefined) return;
  throw new KitesealError("ERR_CONFIG_DECIDES", `the key ${quote(path)} lies in the checkout ${quote(checkout)}`, {
    hint: "keep it outside, or say --policy-from-checkout if the checkout may decide",
  });
}

/** Whoever changes the code can change a policy that lies beside it: its digest, or the words for that, are needed. */
async function checkPolicyPlace(path: string, bytes: Uint8Array, { options, io }: Sources): Promise<void> {
  const expected = options.text("policySha256");
  if (expected !== undefined) {
    if (!isSha256Hex(expected)) {
      throw new KitesealError("ERR_USAGE", `--policy-sha256 ${quote(expected)}: expected 64 lower-case hex digits`);
    }
    const found = sha256Hex(bytes);
    if (found === expected) return;
    throw new KitesealError(
      "ERR_POLICY_INVALID",
      `the policy ${quote(path)} has the sha256 ${found}, expected ${expected}`,
      {
        details: { expected, found },
      },
    );
  }
  if (options.flag("policyFromCheckout")) return;
  const checkout = await checkoutHolding(path, { env: io.env });
  if (checkout === undefined) return;
  throw new KitesealError("ERR_CONFIG_DECIDES", `the policy ${quote(path)} lies in the checkout ${quote(checkout)}`, {
    hint: "keep it outside, pin it with --policy-sha256, or say --policy-from-checkout if the checkout may decide",
  });
}
