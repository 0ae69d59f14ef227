// SPDX-License-Identifier: Apache-2.0
import { createRedactor } from "@kiteseal/core";
import { startSandbox } from "@kiteseal/sandbox";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./io.testkit.ts";
import { destinationOptions, type StoreIo, storeOptions } from "./stores.ts";

const NOTHING = { write: {}, transfer: {} };

function ioWith(env: StoreIo["env"]): StoreIo {
  const agentSecrets = { obtained: [], get: () => Promise.resolve(undefined) };
  return { env, now: () => new Date(), redactor: createRedactor([]), clients: new Map(), agentSecrets };
}

test("a job's stores may have its identity tokens, which are hidden before anything else", async () => {
  await using directory = await temporaryDirectory();
  const sandbox = await startSandbox({ stateDir: directory.path });
  try {
    const io = ioWith(sandbox.jobEnv());
    const token = await storeOptions(io).tokens?.("sts.amazonaws.com", { now: () => new Date() });
    expect(token).toMatch(/^ey/);
    expect(io.redactor(`a line with ${token} in it`)).not.toContain(token);
  } finally {
    await sandbox.close();
  }
});

test("no store gets a token that signs, wherever its address and audience come from", async () => {
  const io = ioWith({
    BUILDKITE_JOB_ID: "j",
    BUILDKITE_AGENT_ACCESS_TOKEN: "a",
    BUILDKITE_AGENT_ENDPOINT: "http://127.0.0.1:1",
  });
  const own = (): Promise<string> => Promise.resolve("a token");
  for (const { tokens } of [storeOptions(io), destinationOptions(io, { ...NOTHING, tokens: own })]) {
    await expect(tokens?.("sigstore", { now: () => new Date() })).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
  }
});

test("outside of a job there are no tokens, and stores ask their SDK", () => {
  expect(storeOptions(ioWith({})).tokens).toBeUndefined();
});

test("what one run reads shares clients; what is written has its own, which know how to keep things", () => {
  const io = ioWith({});
  expect(storeOptions(io).clients).toBe(storeOptions(io).clients);
  expect(destinationOptions(io, NOTHING).clients).not.toBe(storeOptions(io).clients);
});

test.each([
  [{ KITESEAL_STATE_DIR: "/own", XDG_STATE_HOME: "/xdg", HOME: "/home/u" }, "/own"],
  [{ XDG_STATE_HOME: "/xdg", HOME: "/home/u" }, "/xdg/kiteseal"],
  [{ XDG_STATE_HOME: "relative", HOME: "/home/u" }, "/home/u/.local/state/kiteseal"],
  [{}, undefined],
])("unfinished uploads of %j are noted in %j", (env, directory) => {
  expect(destinationOptions(ioWith(env), NOTHING).transfer?.stateDirectory).toBe(directory);
});

test("a state directory that depends on where one stands is refused", () => {
  expect(() => destinationOptions(ioWith({ KITESEAL_STATE_DIR: "state" }), NOTHING)).toThrow(
    expect.objectContaining({ code: "ERR_CONFIG_INVALID" }),
  );
});
