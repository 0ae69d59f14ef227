// SPDX-License-Identifier: Apache-2.0
// What find found, for people and for machines. All of it is what somebody wrote into a store; both forms say so where it
// cannot be missed.
import { errorEntry, type KitesealError } from "@kiteseal/core";
import type { FoundAttestations, FoundBundle } from "@kiteseal/core/operations";
import type { Style } from "../terminal/style.ts";
import { escapeText } from "./escape.ts";
import { REPORT_VERSION, toJson } from "./record.ts";
import { describeBuild, placeText } from "./text.ts";

/** What became of one target. */
export type Finding =
  | { readonly kind: "looked"; readonly label: string; readonly found: FoundAttestations }
  | { readonly kind: "failure"; readonly label: string; readonly error: KitesealError };

const WARNING = "NOT VERIFIED: anybody who writes the store can put these there; `kiteseal verify` says what is true";

export function findingsText(findings: readonly Finding[], style: Style): string {
  const lines = [style("loud", WARNING), ...findings.flatMap((finding) => describe(finding, style))];
  return `${[...lines, style("loud", "NOT VERIFIED")].join("\n")}\n`;
}

function row(label: string, value: string | undefined, indent = "    "): readonly string[] {
  return value === undefined ? [] : [`${indent}${label.padEnd(10)} ${escapeText(value)}`];
}

function describe(finding: Finding, style: Style): readonly string[] {
  if (finding.kind === "failure") {
    const { code, message, hint } = finding.error;
    const title = `${style("bad", "✗ error")} ${escapeText(finding.label)}  ${code}`;
    return [title, ...row("found", message), ...row("hint", hint ?? errorEntry(code).next)];
  }
  const { artifact, outcome, bundles, places } = finding.found;
  const name = artifact.name ?? finding.label;
  return [
    `${style(outcome === "found" ? "good" : "bad", outcome)} ${escapeText(name)}  sha256:${artifact.digest["sha256"] ?? "none"}`,
    ...bundles.flatMap(describeBundle),
    ...places.flatMap((place) => row("looked", placeText(place, `${place.outcome}, ${place.count}`), "  ")),
  ];
}

function describeBundle(bundle: FoundBundle): readonly string[] {
  const title = `  bundle ${bundle.digest === undefined ? "" : `sha256:${bundle.digest}`}`.trimEnd();
  if (bundle.kind === "unreadable") {
    return [title, ...row("place", bundle.place), ...row("unreadable", `${bundle.code}: ${bundle.message}`)];
  }
  const { unverifiedSigner, unverifiedBuild, unverifiedStatement } = bundle.unverified;
  return [
    title,
    ...row("place", bundle.place),
    ...row("about", ABOUT[String(bundle.claimsTheseBytes)]),
    ...row("predicate", unverifiedStatement?.predicateType),
    ...row("signer?", unverifiedSigner?.subject),
    ...row("build?", describeBuild(unverifiedBuild)),
    ...bundle.unverified.problems.flatMap((problem) => row("problem", problem)),
  ];
}

const ABOUT: Readonly<Record<string, string>> = {
  false: "other bytes: its statement does not name these",
  undefined: "unknown: there is no statement to read",
};

function record(finding: Finding): object {
  if (finding.kind === "failure") {
    const { code, message, hint, details } = finding.error;
    return { name: finding.label, outcome: "error", code, message, hint, details, places: [], bundles: [] };
  }
  const { artifact, outcome, places, bundles } = finding.found;
  const { name = finding.label, digest, size, origin } = artifact;
  return { name, digest, size, origin, outcome, places, bundles };
}

export function findingsJson(findings: readonly Finding[], o: { exitCode: number; lines: boolean }): string {
  const head = { version: REPORT_VERSION, verified: false };
  const end = { ...head, kind: "kiteseal.find", exitCode: o.exitCode };
  const artifacts = findings.map(record);
  if (!o.lines) return `${toJson({ ...end, artifacts }, 2)}\n`;
  const lines = artifacts.map((artifact) => ({ ...head, kind: "kiteseal.find.artifact", ...artifact }));
  return [...lines, end].map((line) => `${toJson(line)}\n`).join("");
}
