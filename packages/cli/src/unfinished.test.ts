// SPDX-License-Identifier: Apache-2.0
import { KitesealError } from "@kiteseal/core";
import { expect, test } from "vitest";
import { withWayOn } from "./unfinished.ts";

const failing = (error: Error): Promise<never> =>
  withWayOn("run it again", async () => {
    throw error;
  });

test.each(["ERR_INTERRUPTED", "ERR_STORE_UNAVAILABLE", "ERR_SERVICE_UNAVAILABLE"] as const)(
  "%s says how it goes on, and stays what it was",
  async (code) => {
    const details = { failure: "Transient" };
    const error = failing(new KitesealError(code, "no answer", { details }));
    await expect(error).rejects.toMatchObject({ code, message: "no answer", details, hint: "run it again" });
  },
);

test("a hint of its own stays", async () => {
  const error = new KitesealError("ERR_STORE_UNAVAILABLE", "no answer", { hint: "start the server" });
  await expect(failing(error)).rejects.toBe(error);
});

test.each([
  new KitesealError("ERR_STORE_CONFLICT", "other bytes"),
  new KitesealError("ERR_STORE_UNAVAILABLE", "full", { details: { failure: "Unavailable" } }),
  new TypeError("a bug"),
])("what another run would meet again has no such hint: %s", async (error) => {
  await expect(failing(error)).rejects.toBe(error);
});

test("a result is passed on", async () => {
  await expect(withWayOn("run it again", async () => 7)).resolves.toBe(7);
});
