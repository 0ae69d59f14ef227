// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, KitesealError, type UnverifiedArtifact } from "@kiteseal/core";
import { expect, test } from "vitest";
import type { Row } from "./run.ts";
import { Tally } from "./tally.ts";

function refused(outcome: UnverifiedArtifact["outcome"], code: ErrorCode): Row {
  const artifact = { name: "a", digest: {}, origin: { kind: "digest" } } as const;
  return { kind: "verdict", verdict: { outcome, code, artifact, checks: [], attestations: [], places: [] } };
}

function failed(code: ErrorCode): Row {
  return { kind: "failure", label: "a", error: new KitesealError(code, "x") };
}

async function* stream(rows: readonly Row[]): AsyncGenerator<Row> {
  for (const row of rows) yield await Promise.resolve(row);
}

async function tallied(rows: readonly Row[]): Promise<Tally> {
  const tally = new Tally();
  for await (const row of tally.count(stream(rows), { failFast: false })) expect(rows).toContain(row);
  return tally;
}

test("an empty stream is no success", async () => {
  expect((await tallied([])).exitCode).toBe(2);
});

test("a stream that was not read to its end is no success", async () => {
  const tally = new Tally();
  const rows = tally.count(stream([refused("unattested", "ERR_UNATTESTED"), failed("ERR_UNREADABLE")]), {
    failFast: false,
  });
  await rows.next();
  expect(tally.exitCode).toBe(1);
});

test("something that only looks verified is a bug, not a pass", async () => {
  const forged = { kind: "verdict", verdict: { outcome: "verified", code: "ERR_SIGNATURE" } } as unknown as Row;
  await expect(tallied([forged])).rejects.toThrow(TypeError);
});

test.each([
  [[refused("undetermined", "ERR_STORE_DENIED"), refused("rejected", "ERR_SIGNATURE")], 20],
  [[refused("undetermined", "ERR_STORE_DENIED"), refused("unattested", "ERR_UNATTESTED")], 21],
  [[refused("undetermined", "ERR_STORE_DENIED")], 30],
  [[refused("rejected", "ERR_SIGNATURE"), failed("ERR_UNREADABLE")], 2],
  [[failed("ERR_PIN_CHANGED")], 20],
  [[failed("ERR_STORE_UNAVAILABLE")], 30],
])("rows exit with the worst of them (%#)", async (rows, code) => {
  expect((await tallied(rows)).exitCode).toBe(code);
});

const exception = { sha256: "a", rule: "r", reason: "x", owner: "o", expires: new Date(0) };

function excepted(): Row {
  const artifact = { name: "a", digest: {}, origin: { kind: "digest" } } as const;
  const verdict = {
    outcome: "excepted",
    code: "ERR_RULE",
    artifact,
    checks: [],
    attestations: [],
    places: [],
  } as const;
  return { kind: "verdict", verdict: { ...verdict, exception } };
}

test("an exception passes, is counted apart, and hides no failure", async () => {
  const tally = await tallied([excepted()]);
  expect(tally.exitCode).toBe(0);
  expect(tally.counts).toMatchObject({ verified: 0, excepted: 1 });
  expect((await tallied([excepted(), refused("rejected", "ERR_RULE")])).exitCode).toBe(20);
});

test("an exception that no policy gave is a bug, not a pass", async () => {
  await expect(tallied([refused("excepted", "ERR_RULE")])).rejects.toThrow(TypeError);
});

test("failing fast ends with the first failure, which counts", async () => {
  const tally = new Tally();
  const seen: Row[] = [];
  const rows = stream([excepted(), refused("rejected", "ERR_RULE"), failed("ERR_UNREADABLE")]);
  for await (const row of tally.count(rows, { failFast: true })) seen.push(row);
  expect(seen).toHaveLength(2);
  expect(tally).toMatchObject({ exitCode: 20, endedEarly: true });
});

test("counts each outcome", async () => {
  const { counts } = await tallied([
    failed("ERR_UNREADABLE"),
    refused("rejected", "ERR_RULE"),
    failed("ERR_PIN_CHANGED"),
  ]);
  expect(counts).toStrictEqual({ verified: 0, excepted: 0, rejected: 2, unattested: 0, undetermined: 0, error: 1 });
});
