// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { expect, test } from "vitest";
import { addOptions, Options } from "./flags.ts";
import { givenRuleFlags, policyFromFlags, RULE_OPTIONS, ruleInput, SIGNER_OPTIONS } from "./rule-flags.ts";

function parse(...argv: string[]): Options {
  const command = new Command("verify").exitOverride().configureOutput({ writeErr: () => undefined });
  addOptions(command, [...RULE_OPTIONS, ...SIGNER_OPTIONS]);
  command.parse(argv, { from: "user" });
  return new Options(command.opts());
}

const BUILDER = ["--org", "acme", "--pipeline", "app"];

test("flags become one rule about any name", () => {
  const policy = policyFromFlags(
    parse(...BUILDER, "--branch", "main", "--branch", "release-*", "--step", "package"),
    [],
    { env: {} },
  );
  expect(policy.rules).toHaveLength(1);
  expect(policy.rules[0]).toMatchObject({
    artifacts: ["**"],
    anyName: false,
    signer: {
      kind: "buildkite",
      organizations: ["acme"],
      pipelines: ["app"],
      steps: ["package"],
      ref: [
        { kind: "branch", pattern: { value: "main" } },
        { kind: "branch", pattern: { value: "release-*" } },
      ],
    },
  });
});

test("every flag reaches the rule", () => {
  const argv = [...BUILDER, "--tag", "v*", "--build", "17", "--trigger", "webhook", "--runner", "self-hosted"];
  const claims = ["--commit", "a".repeat(40), "--repository", "https://github.com/acme/app", "--type", "cyclonedx"];
  const options = parse(...argv, ...claims, "--max-age", "90d");
  expect(ruleInput(options, [])).toMatchObject({
    tag: ["v*"],
    build: 17,
    trigger: ["webhook"],
    runner: ["self-hosted"],
    maxAge: "90d",
    commit: ["a".repeat(40)],
    repository: ["https://github.com/acme/app"],
    type: "cyclonedx",
  });
  expect(givenRuleFlags(options)).toContain("--max-age");
});

test.each([
  ["no organization", ["--pipeline", "app", "--branch", "main"], "ERR_USAGE"],
  ["no pipeline", ["--org", "acme", "--branch", "main"], "ERR_USAGE"],
  ["no ref", BUILDER, "ERR_USAGE"],
  ["an organization with a wildcard", ["--org", "ac*", "--pipeline", "app", "--branch", "main"], "ERR_POLICY_INVALID"],
  ["branch and tag", [...BUILDER, "--branch", "main", "--tag", "v1"], "ERR_POLICY_INVALID"],
  ["an empty branch", [...BUILDER, "--branch", ""], "ERR_USAGE"],
  ["a build that is no number", [...BUILDER, "--branch", "main", "--build", "1e3"], "ERR_USAGE"],
  [
    "a type under two names",
    [...BUILDER, "--branch", "main", "--type", "spdx", "--predicate-type", "spdx"],
    "ERR_USAGE",
  ],
])("refuses %s", (_, argv, code) => {
  expect(() => policyFromFlags(parse(...argv), [], { env: {} })).toThrow(expect.objectContaining({ code }));
});

test("a single-valued flag given twice is refused, not overridden", () => {
  expect(() => parse("--max-age", "1d", "--max-age", "900d")).toThrow(
    expect.objectContaining({ code: "commander.invalidArgument" }),
  );
});
