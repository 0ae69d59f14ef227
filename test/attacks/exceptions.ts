// SPDX-License-Identifier: Apache-2.0
// Attacks on the two ways in which several verdicts meet: exceptions, which let through exactly what they name, and runs
// that demand every subject.
import { createHash } from "node:crypto";
import { attacksOn, type BundleFile, type Spec } from "./spec.ts";
import { reference } from "./forge/stored.ts";
import { BYTES, DAY, NAME, sha256Hex, type Forge } from "./forge.ts";

const day = (time: Date): string => time.toISOString().slice(0, 10);

interface Exception {
  readonly sha256?: string;
  readonly rule?: string;
  readonly expires?: string;
}

const except = (f: Forge, change: Exception = {}): Spec => {
  const { sha256 = sha256Hex(BYTES), rule = "app", expires = day(f.now) } = change;
  return {
    policy: `version: 1
rules:
  app:
    artifacts: dist/**
    builder: { organization: acme, pipeline: app }
    source: { branch: main }
  tools:
    artifacts: tools/**
    builder: { organization: acme, pipeline: app }
    source: { branch: main }
exceptions:
  - { sha256: "${sha256}", rule: ${rule}, reason: incident, owner: on-call, expires: "${expires}" }
`,
  };
};
const LAX: Spec = { job: { pipeline: "lax" } };
const excepted = "excepted" as const;

export const EXCEPTION_ATTACKS = attacksOn("identity", "ERR_IDENTITY", [
  {
    id: "exception-of-other-bytes",
    why: "exactly the bytes that it names",
    twinOutcome: excepted,
    base: LAX,
    attack: (f) => except(f, { sha256: "1".repeat(64) }),
    twin: (f) => except(f),
  },
  {
    id: "exception-of-another-rule",
    why: "only the rule that it names",
    twinOutcome: excepted,
    base: LAX,
    attack: (f) => except(f, { rule: "tools" }),
    twin: (f) => except(f),
  },
  {
    id: "exception-expired",
    why: "yesterday was the last day",
    twinOutcome: excepted,
    base: LAX,
    attack: (f) => except(f, { expires: day(new Date(f.now.getTime() - DAY)) }),
    twin: (f) => except(f),
  },
  {
    id: "exception-long-expired",
    why: "last year's incident",
    twinOutcome: excepted,
    base: LAX,
    attack: (f) => except(f, { expires: "2020-01-01" }),
    twin: (f) => except(f, { expires: "2199-01-01" }),
  },
]);

export const EXCEPTION_OUTCOME_ATTACKS = attacksOn("none", "ERR_CANDIDATE_UNREADABLE", [
  {
    id: "exception-of-other-bytes-in-an-outage",
    why: "what could not be told stays untold",
    outcome: "undetermined",
    twinOutcome: excepted,
    base: { stored: (b) => [reference(b)] },
    attack: (f) => except(f, { sha256: "1".repeat(64) }),
    twin: (f) => except(f),
  },
  {
    id: "exception-without-a-rule",
    code: "ERR_NO_RULE",
    why: "no rule is about this name, so no exception is",
    twinOutcome: excepted,
    base: (f) => ({ ...except(f), ...LAX }),
    attack: { name: "elsewhere/app.tgz" },
  },
  {
    id: "exception-of-an-unknown-rule",
    code: "ERR_POLICY_INVALID",
    why: "an exception that never counts is a mistake",
    outcome: "input",
    twinOutcome: excepted,
    base: LAX,
    attack: (f) => except(f, { rule: "missing" }),
    twin: (f) => except(f),
  },
  {
    id: "exception-of-no-day",
    code: "ERR_POLICY_INVALID",
    why: "the thirtieth of February never ends",
    outcome: "input",
    twinOutcome: excepted,
    base: LAX,
    attack: (f) => except(f, { expires: "2199-02-30" }),
    twin: (f) => except(f),
  },
]);

const OTHER = { name: "dist/b.tgz", bytes: "the other half\n" };
const app = { name: NAME, digest: { sha256: sha256Hex(BYTES) } };
const other = { name: OTHER.name, digest: { sha256: sha256Hex(OTHER.bytes) } };
/** Of all subjects' lines, written down from the reference and not from the code. */
const SET = createHash("sha256")
  .update(`${app.digest.sha256}  ${app.name}\n${other.digest.sha256}  ${other.name}\n`)
  .digest("hex");

const inSet = (index: number, change: { count?: number; sha256?: string } = {}): NonNullable<Spec["provenance"]> => {
  const set = { index, count: 2, sha256: SET, ...change };
  return (p) => void Object.assign(p.buildDefinition.internalParameters, { kiteseal: { set } });
};
const second: Spec = { subject: [other], provenance: inSet(1) };
const both = (spec: Spec = second): Spec => ({
  others: [OTHER],
  files: (bundle, f): readonly BundleFile[] => [
    { name: "a.json", bytes: bundle },
    { name: "b.json", bytes: f.bundle(spec) },
  ],
});
const whole: Spec = { complete: true, provenance: inSet(0) };

export const SET_ATTACKS = attacksOn("none", "ERR_SET_INCOMPLETE", [
  {
    id: "second-statement-withheld",
    why: "a statement of the set, with its artifact, is not shown",
    base: whole,
    attack: {},
    twin: both(),
  },
  {
    id: "subject-not-among-the-artifacts",
    why: "a verified statement names a file that nobody brought",
    base: { complete: true, subject: [app, other] },
    attack: {},
    twin: { others: [OTHER] },
  },
  {
    id: "subject-of-another-algorithm",
    why: "a file named by sha512 alone is named too",
    base: { complete: true },
    attack: { subject: [app, { name: "dist/b.tgz", digest: { sha512: "1".repeat(128) } }] },
  },
  {
    id: "set-index-repeated",
    why: "the first statement twice is not the second",
    base: whole,
    attack: both({ ...second, provenance: inSet(0) }),
    twin: both(),
  },
  {
    id: "set-of-one",
    why: "the number of statements understated",
    base: { complete: true },
    attack: { provenance: inSet(0, { count: 1 }) },
  },
  {
    id: "set-of-other-subjects",
    why: "the statements do not add up to the set that they name",
    base: { complete: true },
    attack: {
      provenance: inSet(0, { sha256: "1".repeat(64) }),
      ...both({ ...second, provenance: inSet(1, { sha256: "1".repeat(64) }) }),
    },
    twin: { provenance: inSet(0), ...both() },
  },
  {
    id: "set-unreadable",
    why: "a set that cannot be read hides what it says",
    base: { complete: true },
    attack: {
      provenance: (p) => void Object.assign(p.buildDefinition.internalParameters, { kiteseal: { set: "all" } }),
    },
  },
]);
