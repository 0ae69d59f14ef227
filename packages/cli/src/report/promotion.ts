// SPDX-License-Identifier: Apache-2.0
// What promote did: where each artifact is now and how that was checked; or, if anything did not pass, why, as verify says
// it, and that nothing was copied.
import type { PromotedArtifact, Promotion } from "@kiteseal/core/operations";
import { escapeText } from "./escape.ts";
import { REPORT_VERSION, rowRecord, runRecord, toJson } from "./record.ts";
import type { Row, Run } from "./run.ts";
import type { Tally } from "./tally.ts";
import { qualifications, type TextOptions, textRenderer, trailer } from "./text.ts";

export interface PromotionReport {
  readonly rows: readonly Row[];
  readonly tally: Tally;
  readonly run: Run;
  /** One artifact a row, in their order; undefined if nothing was copied. */
  readonly promotion: Promotion | undefined;
}

export async function* promotionText(report: PromotionReport, options: TextOptions): AsyncGenerator<string> {
  const { rows, run, tally, promotion } = report;
  const { style, quiet } = options;
  if (promotion === undefined) {
    yield* textRenderer(options)(each(rows), run, tally);
    yield `${style("bad", "nothing was promoted")}\n`;
    return;
  }
  const lines = [
    ...(quiet ? [] : promotion.artifacts.map((artifact) => `${style("good", "✓ promoted")} ${placeText(artifact)}`)),
    ...promotion.warnings.map((warning) => style("loud", `warning: ${escapeText(warning)}`)),
    ...(quiet ? qualifications(run, style) : trailer(run, tally, style)),
  ];
  for (const line of lines) yield `${line}\n`;
}

const MOVED = { "server-copy": "copied by the store", stream: "copied", nothing: "was there" } as const;
const CHECKED = { "server-sha256": "sha256 by the store", "re-read": "re-read" } as const;

function placeText({ name, url, by, verifiedBy }: PromotedArtifact): string {
  return `${escapeText(name)}  ${escapeText(url)} (${MOVED[by]}, ${CHECKED[verifiedBy]})`;
}

async function* each(rows: readonly Row[]): AsyncGenerator<Row> {
  for (const row of rows) yield await Promise.resolve(row);
}

function artifactRecords({ rows, promotion }: PromotionReport): readonly object[] {
  return rows.map((row, i) => ({ ...rowRecord(row), promoted: promotion?.artifacts[i] }));
}

function endOf({ run, tally, promotion }: PromotionReport): object {
  const { exitCode, counts } = tally;
  const outcome = promotion === undefined ? "not-promoted" : "promoted";
  const warnings = promotion?.warnings ?? [];
  return { ...runRecord(run), outcome, exitCode, tally: counts, attestationsLeftOut: run.leftOut.count, warnings };
}

export function promotionJson(report: PromotionReport): string {
  const head = { version: REPORT_VERSION, kind: "kiteseal.promote", ...endOf(report) };
  return `${toJson({ ...head, artifacts: artifactRecords(report) }, 2)}\n`;
}

/** An artifact a line, and last the run with the outcome. */
export function promotionJsonLines(report: PromotionReport): string {
  const kind = "kiteseal.promote.artifact";
  const lines = artifactRecords(report).map((record) => ({ version: REPORT_VERSION, kind, ...record }));
  const all = [...lines, { version: REPORT_VERSION, kind: "kiteseal.promote", ...endOf(report) }];
  return all.map((line) => `${toJson(line)}\n`).join("");
}
