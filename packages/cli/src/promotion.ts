// SPDX-License-Identifier: Apache-2.0
// What `promote` decides before it copies anything: every source verifies where it lies, and again, from the same bundles,
// under the name that it would get. So what is promoted passes the same policy at the destination.
import {
  type Artifact,
  type ArtifactPlace,
  type Context,
  isVerified,
  KitesealError,
  quote,
  type VerifiedArtifact,
} from "@kiteseal/core";
import { agreeingName, KeptEvidence, type Promotable } from "@kiteseal/core/operations";
import type { Location } from "@kiteseal/core/store";
import type { Authority } from "./authority.ts";
import type { Batch } from "./batch.ts";
import type { Config } from "./config.ts";
import type { Options } from "./flags.ts";
import type { RedactedIo } from "./io.ts";
import { openLookup, rehashing } from "./lookup.ts";
import type { PromotionSource, PromotionSources } from "./promotion-sources.ts";
import { type Row, rowName } from "./report/run.ts";
import { Tally } from "./report/tally.ts";
import { exceptionText } from "./report/text.ts";
import type { Target } from "./targets.ts";
import { type VerdictRequest, verdictRows } from "./verdicts.ts";

export interface Judgement {
  /** Of the sources; if all of them pass, of what they would be at the destination. */
  readonly rows: readonly Row[];
  readonly tally: Tally;
  /** Absent unless everything passed. */
  readonly promotable?: readonly Promotable[];
}

export interface JudgeRequest {
  readonly sources: PromotionSources;
  readonly destination: Location;
  readonly authority: Authority;
  readonly batch: Batch;
  readonly options: Options;
  readonly config: Config;
  readonly io: RedactedIo;
}

/** Errors: those of opening the places to look in. What is wrong with a source is its row. */
export async function judgeSources(request: JudgeRequest, ctx: Context): Promise<Judgement> {
  const { sources, authority, options, config, io, destination } = request;
  const { policy } = authority;
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const evidence = new KeptEvidence();
  const found = await openLookup({ options, config, io, pins: sources.pins, places, waitMs: 0 }, ctx);
  const { compute, parallel } = request.batch;
  const common = { policy, compute, parallel, rehash: rehashing(io) };
  const requireAllSubjects = options.flag("requireAllSubjects");
  const here = { ...common, lookup: evidence.watch(found), requireAllSubjects };
  const first = await decideAll({ set: sources, verify: here, places }, (verdict) => evidence.keep(verdict), ctx);
  if (first.tally.exitCode !== 0) return first;
  const targets = first.verdicts.map((verdict) => renamed(verdict, { sources, destination }));
  const set = { targets: each(targets), leftOut: sources.leftOut };
  const there = { ...common, lookup: evidence.lookup };
  const second = await decideAll({ set, verify: there, places }, () => undefined, ctx);
  if (second.tally.exitCode !== 0) return second;
  const promotable = second.verdicts.map((verified) => ({
    verified,
    from: sourceOf(verified, sources).place,
    bundles: evidence.of(verified),
  }));
  return { ...second, promotable };
}

/** The rows of a whole run, kept until it is known that nothing of it fails. */
async function decideAll(
  request: VerdictRequest,
  onPass: (verdict: VerifiedArtifact) => void,
  ctx: Context,
): Promise<{ rows: readonly Row[]; tally: Tally; verdicts: readonly VerifiedArtifact[] }> {
  const tally = new Tally();
  const rows: Row[] = [];
  const verdicts: VerifiedArtifact[] = [];
  for await (const row of tally.count(withoutExceptions(verdictRows(request, ctx)), { failFast: false })) {
    rows.push(row);
    if (row.kind !== "verdict" || !isVerified(row.verdict)) continue;
    onPass(row.verdict);
    verdicts.push(row.verdict);
  }
  return { rows, tally, verdicts };
}

/** An exception lets bytes pass here and now by somebody's word; there is nothing that could be carried on with them. */
async function* withoutExceptions(rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  for await (const row of rows) {
    if (row.kind === "failure" || row.verdict.outcome !== "excepted") {
      yield row;
      continue;
    }
    const word = exceptionText(row.verdict) ?? "";
    const message = `${quote(rowName(row))} passes only by an exception of the policy, ${word}: expected an attestation, found ${row.verdict.code}`;
    yield { kind: "failure", label: rowName(row), error: new KitesealError("ERR_EXCEPTED", message) };
  }
}

/** The artifact under its name at the destination: the longer of its path and the name that its attestation gives it. */
function renamed(
  { artifact, statement }: VerifiedArtifact,
  o: { sources: PromotionSources; destination: Location },
): Target {
  const { path } = sourceOf({ artifact }, o.sources);
  const attested = agreeingName(artifact, statement?.subject ?? []) ?? "";
  const name = `${o.destination.prefix}${attested.length > path.length ? attested : path}`.normalize("NFC");
  return { label: name, locate: () => Promise.resolve({ artifact: { ...artifact, name } }) };
}

function sourceOf({ artifact }: Pick<VerifiedArtifact, "artifact">, sources: PromotionSources): PromotionSource {
  const source = sources.located.get(artifact.origin);
  if (source === undefined) throw new TypeError("a verdict on what was not asked about");
  return source;
}

async function* each(targets: Iterable<Target>): AsyncGenerator<Target> {
  for (const target of targets) yield await Promise.resolve(target);
}
