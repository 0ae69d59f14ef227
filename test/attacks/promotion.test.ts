// SPDX-License-Identifier: Apache-2.0
// Every attack on promote: stopped with the code that says so, and with nothing visible at the destination that was not
// verified. Where the destination itself lies, what it wrote is visible and does not pass for promoted.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as core from "@kiteseal/core";
import { KeptEvidence, promote } from "@kiteseal/core/operations";
import { attackPromotion, PROMOTION_ATTACKS, type Published } from "./promotion.ts";
import { publishForPromotion } from "./promotion-published.ts";

let published: Published & AsyncDisposable;

beforeAll(async () => {
  published = await publishForPromotion();
});
afterAll(() => published[Symbol.asyncDispose]());

describe("promote", () => {
  test.each(PROMOTION_ATTACKS)("$id", async (attack) => {
    expect(await attackPromotion({ ...core, KeptEvidence, promote }, attack, published)).toBe(attack.seen);
  });
});
