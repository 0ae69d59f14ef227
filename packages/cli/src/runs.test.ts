// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runsOfMachine } from "./runs.ts";

test("this run is at work, and so is another as long as its process lives", async () => {
  const runs = runsOfMachine();
  if (runs === undefined) return expect(() => readFileSync("/proc/self/stat")).toThrow();
  expect(runs.isRunning(runs.own)).toBe(true);
  expect(runs.own.split(".")[0]).toBe(String(process.pid));
  const script = `import(${JSON.stringify(new URL("runs.ts", import.meta.url).href)}).then((m) => {
    console.log(m.runsOfMachine().own); setInterval(() => {}, 1000); });`;
  const other = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(other.stdout, "data")) as [Buffer];
  const run = said.toString().trim();
  expect(runs.isRunning(run)).toBe(true);
  // The same number, given to a process that began at another time, or after another boot.
  expect(runs.isRunning(run.replace(/\.\d+\./, ".1."))).toBe(false);
  expect(runs.isRunning(run.replace(/[0-9a-f-]+$/, "another-boot"))).toBe(false);
  other.kill("SIGKILL");
  await once(other, "close");
  expect(runs.isRunning(run)).toBe(false);
});

test.each(["", "self", "self.1.2", "../1.2.3", "1", "999999999999.1.2"])("%j names no run", (run) => {
  expect(runsOfMachine()?.isRunning(run) ?? false).toBe(false);
});
