// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { COMMIT, JOB_ID } from "../loopback.testkit.ts";
import type { SignerIdentity } from "../sigstore/certificate.ts";
import { certificateFacts, parseBuildNumber } from "./certificate-facts.ts";
import { parseTokenSubject } from "./token-subject.ts";

const SUBJECT = `organization:acme-inc:pipeline:app:ref:refs/heads/main:commit:${COMMIT}:step:build`;
const OTHER = "b".repeat(40);

describe("parseTokenSubject", () => {
  it("reads the standard form", () => {
    expect(parseTokenSubject(SUBJECT)).toEqual({
      kind: "standard",
      commitText: COMMIT,
      facts: {
        organization: "acme-inc",
        pipeline: "app",
        ref: { kind: "branch", name: "main" },
        commit: COMMIT,
        step: "build",
      },
    });
  });

  it("reads a tag, an absent step and a symbolic commit", () => {
    const subject = parseTokenSubject("organization:o:pipeline:p:ref:refs/tags/v1:commit:HEAD:step:");
    expect(subject).toEqual({
      kind: "standard",
      commitText: "HEAD",
      facts: { organization: "o", pipeline: "p", ref: { kind: "tag", name: "v1" } },
    });
  });

  it("takes a lone UUID as a customised subject", () => {
    expect(parseTokenSubject(JOB_ID)).toEqual({ kind: "custom", value: JOB_ID });
  });

  it.each([
    ["a branch that imitates commit and step", SUBJECT.replace("main", `main:commit:${OTHER}:step:x`)],
    ["a fork's branch", SUBJECT.replace("main", "mallory:main")],
    ["a step key with a colon", `${SUBJECT}:x`],
    ["a step key that imitates a second subject", `${SUBJECT}:${SUBJECT}`],
    ["a missing field", SUBJECT.replace(":step:build", "")],
    ["fields in another order", `pipeline:app:organization:acme-inc:ref:refs/heads/main:commit:${COMMIT}:step:build`],
    ["a ref that is neither branch nor tag", SUBJECT.replace("refs/heads/main", "refs/pull/1/head")],
    ["a branch without a name", SUBJECT.replace("refs/heads/main", "refs/heads/")],
    ["an empty organisation", SUBJECT.replace("acme-inc", "")],
    ["an empty commit", SUBJECT.replace(COMMIT, "")],
    ["a line break", SUBJECT.replace("main", "main\nx")],
    ["a space before", ` ${SUBJECT}`],
    ["a UUID in capitals", JOB_ID.toUpperCase()],
    ["a UUID with a line break", `${JOB_ID}\n`],
    ["nothing", ""],
  ])("refuses %s as ambiguous", (_what, subject) => expect(parseTokenSubject(subject).kind).toBe("ambiguous"));
});

describe("parseBuildNumber", () => {
  it.each([
    ["1", 1],
    ["999999", 999_999],
    ["1.234567e+06", 1_234_567],
    ["1e+06", 1_000_000],
    ["9.007199254740991e+15", Number.MAX_SAFE_INTEGER],
    ["9.007199254740992e+15", undefined],
    ["1.2345678e+06", undefined],
    ["1e+21", undefined],
    ["0", undefined],
    ["01", undefined],
    ["1e-06", undefined],
    ["-1", undefined],
    ["1.0", undefined],
    ["Infinity", undefined],
    ["", undefined],
  ])("reads %j as %s", (text, expected) => expect(parseBuildNumber(text)).toBe(expected));
});

describe("certificateFacts", () => {
  const signer = (
    extensions: SignerIdentity["extensions"] = {},
    subject = "https://buildkite.com/acme-inc/app",
  ): SignerIdentity => ({
    issuer: "https://agent.buildkite.com",
    subject,
    extensions: {
      runnerEnvironment: "self-hosted",
      sourceRepositoryDigest: COMMIT,
      buildTrigger: "ui",
      runInvocationUri: `https://buildkite.com/acme-inc/app/builds/1514#${JOB_ID}`,
      tokenSubject: SUBJECT,
      ...extensions,
    },
  });

  it("reads every fact of a current certificate", () => {
    expect(certificateFacts(signer())).toEqual({
      facts: {
        organization: "acme-inc",
        pipeline: "app",
        buildNumber: 1514,
        jobId: JOB_ID,
        commit: COMMIT,
        ref: { kind: "branch", name: "main" },
        step: "build",
        trigger: "ui",
        runner: "self-hosted",
      },
      commitText: COMMIT,
      subjectKind: "standard",
      contradictions: [],
      problems: [],
    });
  });

  it("reads a build number in exponent form", () => {
    const uri = `https://buildkite.com/acme-inc/app/builds/1.234567e+06#${JOB_ID}`;
    expect(certificateFacts(signer({ runInvocationUri: uri })).facts.buildNumber).toBe(1_234_567);
  });

  it("proves organisation and pipeline alone when an older authority left the extensions out", () => {
    const old = {
      issuer: "https://agent.buildkite.com",
      subject: "https://buildkite.com/acme-inc/app",
      extensions: {},
    };
    expect(certificateFacts(old)).toEqual({
      facts: { organization: "acme-inc", pipeline: "app" },
      subjectKind: "absent",
      contradictions: [],
      problems: [],
    });
  });

  it("keeps a customised subject apart and proves no ref or step from it", () => {
    const read = certificateFacts(signer({ tokenSubject: JOB_ID }));
    expect(read).toMatchObject({ subjectKind: "custom", customSubject: JOB_ID, facts: { commit: COMMIT } });
    expect([read.facts.ref, read.facts.step]).toEqual([undefined, undefined]);
  });

  it("proves no ref, step or commit from an ambiguous subject, and says so", () => {
    const tokenSubject = SUBJECT.replace("main", `main:commit:${OTHER}:step:x`);
    const read = certificateFacts(signer({ tokenSubject }));
    expect(read.subjectKind).toBe("ambiguous");
    expect([read.facts.ref, read.facts.step, read.facts.commit]).toEqual([undefined, undefined, COMMIT]);
    expect(read.problems).toHaveLength(1);
  });

  it.each([
    ["organization", { tokenSubject: SUBJECT.replace("acme-inc", "evil") }],
    ["pipeline", { tokenSubject: SUBJECT.replace("app", "evil") }],
    ["commit", { sourceRepositoryDigest: OTHER }],
    ["commit", { tokenSubject: SUBJECT.replace(COMMIT, "HEAD") }],
    ["organization", { runInvocationUri: `https://buildkite.com/evil/app/builds/1#${JOB_ID}` }],
    ["pipeline", { runInvocationUri: `https://buildkite.com/acme-inc/evil/builds/1#${JOB_ID}` }],
  ])("proves nothing when two fields disagree about the %s (%o)", (fact, extensions) => {
    const read = certificateFacts(signer(extensions));
    expect(read.contradictions.map((difference) => difference.fact)).toEqual([fact]);
    expect(read.facts).toEqual({});
  });

  it("does not call two equal symbolic commits a contradiction, nor prove them", () => {
    const read = certificateFacts(
      signer({ sourceRepositoryDigest: "HEAD", tokenSubject: SUBJECT.replace(COMMIT, "HEAD") }),
    );
    expect([read.contradictions, read.facts.commit]).toEqual([[], undefined]);
  });

  it.each([
    "https://buildkite.com/acme-inc",
    "https://buildkite.com/acme-inc/app/",
    "https://buildkite.com/acme-inc/app?x",
    "https://buildkite.com.evil.example/acme-inc/app",
    "http://buildkite.com/acme-inc/app",
    "https://buildkite.com/acme-inc/app\nhttps://buildkite.com/x/y",
    "https://buildkite.com/acme-inc/../app",
  ])("takes no pipeline from the name %j", (subject) => {
    const read = certificateFacts({ ...signer({}, subject), extensions: {} });
    expect(read.facts).toEqual({});
    expect(read.problems).toHaveLength(1);
  });

  it("reports an unknown trigger, an unknown runner and an unreadable invocation", () => {
    const read = certificateFacts(signer({ buildTrigger: "x", runnerEnvironment: "y", runInvocationUri: "z" }));
    expect(read.problems).toHaveLength(2);
    expect([read.facts.trigger, read.facts.runner, read.facts.buildNumber]).toEqual([undefined, undefined, undefined]);
  });
});
