// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { checkEligible } from "./eligibility.ts";
import { job } from "./job.testkit.ts";

const code = (expected: string): unknown => expect.objectContaining({ code: expected });
const fork = job({ pullRequest: { number: "12", repository: "https://github.com/mallory/app.git" } });

describe("checkEligible", () => {
  it("lets a job pass whose command succeeded or has not ended", () => {
    const { commandExitStatus: _status, ...running } = job();
    expect(() => checkEligible(job(), ["x"], "publish")).not.toThrow();
    expect(() => checkEligible(running, ["x"], "publish")).not.toThrow();
  });

  it("refuses a failed command", () => {
    expect(() => checkEligible(job({ commandExitStatus: 1 }), ["x"], "attest")).toThrow(code("ERR_JOB_FAILED"));
    expect(() => checkEligible(job({ commandExitStatus: -1 }), ["x"], "attest")).toThrow(code("ERR_JOB_FAILED"));
  });

  it("refuses an empty list of subjects", () => {
    expect(() => checkEligible(job(), [], "attest")).toThrow(code("ERR_NO_MATCH"));
  });

  it("refuses to publish from a fork, and nothing else about it", () => {
    expect(() => checkEligible(fork, ["x"], "publish")).toThrow(code("ERR_FORK_BUILD"));
    expect(() => checkEligible(fork, ["x"], "attest")).not.toThrow();
    const own = job({ pullRequest: { number: "12", repository: "https://github.com/acme/app" } });
    expect(() => checkEligible(own, ["x"], "publish")).not.toThrow();
  });
});
