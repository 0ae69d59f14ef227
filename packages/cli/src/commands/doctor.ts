// SPDX-License-Identifier: Apache-2.0
// `kiteseal doctor`: what this job is to a store, what it may do there, and how the store is kept. Asks and tries; what it
// leaves behind are scratch objects with fixed names below .kiteseal/probe/.
import type { Command } from "commander";
import { type Context, isKitesealError, KitesealError } from "@kiteseal/core";
import type { Finding } from "@kiteseal/core/store";
import { fixedPart, openStore } from "@kiteseal/storage-adapters";
import { attestationRoot, type Config, loadConfig } from "../config.ts";
import { addOptions, COMMON_OPTIONS } from "../flags.ts";
import { doctorExitCode, doctorJson, doctorText, type Examined } from "../report/doctor.ts";
import { storeOptions } from "../stores.ts";
import { styleFor } from "../terminal/style.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

const FORMATS = ["text", "json"];

export function define(command: Command): void {
  command.optionsGroup("Store:");
  addOptions(command, [
    { flags: "--store <url>", description: "the store, or the --to of a publish step: its fixed part is looked at" },
    { flags: "--attestations <url>", description: "the root of attestations, if it is not .kiteseal/ in the store" },
  ]);
  command.optionsGroup("Other:");
  addOptions(command, [
    { flags: "--format <format>", description: "text or json, on standard output", choices: FORMATS },
    ...COMMON_OPTIONS,
  ]);
  command.addHelpText(
    "after",
    "\nExit codes: 0 nothing dangerous or broken, 2 something is, 30 could not tell. Run it in the job whose rights are in question.",
  );
}

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, FORMATS);
  const template = options.text("store");
  if (template === undefined) {
    throw new KitesealError("ERR_USAGE", "no store is named", {
      hint: "pass --store URL, for example --store s3://bucket/releases/",
    });
  }
  const examine = examiner(invocation);
  const fixed = fixedPart(template);
  const root = rootOf(config, fixed);
  const store = await examine("store", fixed);
  const places = [withPlans(store, { template, root }), ...(root === undefined ? [] : [await examine("root", root)])];
  await io.stdout.write(format === "json" ? doctorJson(places) : doctorText(places, styleFor(io.stdout, io.env)));
  return doctorExitCode(places);
}

function rootOf({ attestations }: Config, fixed: string): string | undefined {
  return attestations === undefined ? undefined : attestationRoot(attestations.value, fixed);
}

type Examine = (role: Examined["role"], url: string) => Promise<Examined>;

/** An outage of one place does not keep the other from being looked at. */
function examiner({ io }: Invocation): Examine {
  const ctx: Context = { now: () => io.now(), signal: io.signal };
  return async (role, url) => {
    try {
      const { store } = await openStore(url, storeOptions(io));
      return { role, url, findings: await store.diagnose(ctx) };
    } catch (error) {
      if (!isKitesealError(error) || error.kind !== "undetermined") throw error;
      return { role, url, findings: [], failure: error };
    }
  };
}

/** What would be done with the store, beside what it is. */
function withPlans(store: Examined, o: { template: string; root: string | undefined }): Examined {
  const { url } = store;
  const plans: Finding[] = [];
  if (/[{}]/.test(o.template)) {
    const message = "the placeholders below it are filled in by each job; what holds here is taken to hold there";
    plans.push({ id: "doctor.placeholders", severity: "ok", subject: url, message });
  }
  const isWeb = store.findings.some(({ id }) => id.startsWith("https."));
  const subject = o.root ?? (isWeb ? url : `${url}.kiteseal/`);
  const message = isWeb && o.root === undefined ? "attestations are found beside artifacts" : "attestations go here";
  plans.push({ id: "doctor.root", severity: "ok", subject, message });
  return { ...store, findings: [...plans, ...store.findings] };
}
