// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { decodeSlsaProvenance, decodeStatement, encodeStatement, parseJson } from "@kiteseal/in-toto-attestation";
import { provenanceFacts } from "./facts.ts";
import { COMMIT, FACTS, job, JOB_ID, token } from "./job.testkit.ts";
import { subjectSetDigest } from "./set.ts";
import { buildProvenance, statementForPredicate, type ProvenanceInput } from "./statements.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const SHA = "c".repeat(40);
const subject = (name: string, sha256 = A) => ({ name, digests: { sha256 } });
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

function input(changes?: Partial<ProvenanceInput>): ProvenanceInput {
  return {
    job: job(),
    token: token(),
    subjects: [subject("dist/app.tgz")],
    dependencies: [],
    checkoutCommit: COMMIT,
    kitesealVersion: "0.1.0",
    split: "batched",
    ...changes,
  };
}

const many = (count: number) => Array.from({ length: count }, (_, n) => subject(`f${String(n).padStart(5, "0")}`));
const sets = (changes: Partial<ProvenanceInput>) =>
  buildProvenance(input(changes)).statements.map((s) => s.predicate.buildDefinition.internalParameters?.["kiteseal"]);
const source = (changes: Partial<ProvenanceInput>) =>
  buildProvenance(input(changes)).statements[0]?.predicate.buildDefinition.resolvedDependencies;
const external = (changes: Partial<ProvenanceInput>) =>
  buildProvenance(input(changes)).statements[0]?.predicate.buildDefinition.externalParameters;

describe("buildProvenance", () => {
  it("writes the build type field for field, the token's facts apart from the environment's", () => {
    const { statements, warnings } = buildProvenance(
      input({
        startedOn: new Date("2026-11-21T10:00:00Z"),
        dependencies: [{ name: "package-lock.json", digest: { sha256: B } }],
      }),
    );
    expect(warnings).toEqual([]);
    const [statement, ...others] = statements;
    expect(others).toEqual([]);
    expect(JSON.stringify(statement)).toBe(
      JSON.stringify({
        _type: "https://in-toto.io/Statement/v1",
        subject: [{ name: "dist/app.tgz", digest: { sha256: A } }],
        predicateType: "https://slsa.dev/provenance/v1",
        predicate: {
          buildDefinition: {
            buildType: "https://buildkite.github.io/slsa-buildtypes/job/v1",
            externalParameters: {
              pipeline: "https://buildkite.com/acme/app-release",
              repository: "github.com:acme/app.git",
              build: { branch: "main", commit: COMMIT },
              step: { key: "package", command: "make package" },
            },
            internalParameters: {
              buildkite: {
                build_number: 1514,
                job_id: JOB_ID,
                build_source: "webhook",
                runner_environment: "self-hosted",
                unverified: {
                  build_source: "webhook",
                  runner_environment: "self-hosted",
                  queue: "deploy",
                  retry_count: 0,
                },
              },
            },
            resolvedDependencies: [
              { name: "source", uri: "git+https://github.com/acme/app@refs/heads/main", digest: { gitCommit: COMMIT } },
              { name: "package-lock.json", digest: { sha256: B } },
            ],
          },
          runDetails: {
            builder: { id: "https://buildkite.com/acme/app-release", version: { kiteseal: "0.1.0" } },
            metadata: {
              invocationId: `https://buildkite.com/acme/app-release/builds/1514#${JOB_ID}`,
              startedOn: "2026-11-21T10:00:00.000Z",
            },
          },
        },
      }),
    );
  });

  it("is what the strict decoders read back", () => {
    for (const statement of buildProvenance(input({ subjects: many(1025) })).statements) {
      const decoded = decodeStatement(parseJson(encodeStatement(statement)));
      expect(decoded.ignoredFields).toEqual([]);
      expect(decodeSlsaProvenance(decoded.statement.predicate).ignoredFields).toEqual([]);
      expect(provenanceFacts(decoded.statement.predicate)).toMatchObject({ facts: FACTS, problems: [] });
    }
  });

  it("leaves out what is absent or empty", () => {
    const { step: _step, ref: _ref, ...facts } = FACTS;
    const { command: _command, repository: _repository, branch: _branch, ...bare } = job({ facts, unverified: {} });
    const { branch: _tokenBranch, ...claims } = token({ facts });
    expect(external({ job: bare, token: claims })).toEqual({
      pipeline: "https://buildkite.com/acme/app-release",
      build: { commit: COMMIT },
    });
    expect(external({ job: job({ repository: "", command: "" }) })).toEqual({
      pipeline: "https://buildkite.com/acme/app-release",
      build: { branch: "main", commit: COMMIT },
      step: { key: "package" },
    });
  });

  it("states what only the token knows", () => {
    const { step: _step, ...facts } = FACTS;
    expect(external({ job: job({ facts }) })).toMatchObject({ step: { key: "package" } });
  });

  it("states the tag of a tag build, its branch as the label that it is", () => {
    const facts = { ...FACTS, ref: { kind: "tag", name: "v1.2.3" } } as const;
    const changes = { job: job({ facts }), token: token({ facts, branch: "v1.2.3" }) };
    expect(external(changes)).toMatchObject({ build: { branch: "v1.2.3", tag: "v1.2.3", commit: COMMIT } });
    expect(source(changes)?.[0]?.uri).toBe("git+https://github.com/acme/app@refs/tags/v1.2.3");
  });

  it("keeps a symbolic commit as asked for, records the checkout's as a claim and warns", () => {
    const { commit: _commit, ...facts } = FACTS;
    const changes = {
      job: job({ facts, requestedCommit: "HEAD" }),
      token: token({ facts, commitText: "HEAD" }),
      checkoutCommit: SHA,
    };
    expect(external(changes)).toMatchObject({ build: { commit: "HEAD" } });
    expect(source(changes)).toMatchObject([{ name: "source", digest: { gitCommit: SHA } }]);
    expect(buildProvenance(input(changes)).warnings).toHaveLength(1);
    const [unknown] = source({ ...changes, checkoutCommit: undefined }) ?? [];
    expect(unknown).toEqual({ name: "source", uri: "git+https://github.com/acme/app@refs/heads/main" });
  });

  it("states the token's symbolic commit where the agent has replaced the variable", () => {
    const { commit: _commit, ...facts } = FACTS;
    expect(external({ token: token({ facts, commitText: "HEAD" }) })).toMatchObject({ build: { commit: "HEAD" } });
  });

  it("records a checkout that stands elsewhere beside the build's commit", () => {
    expect(source({ checkoutCommit: SHA })).toEqual([
      { name: "source", uri: "git+https://github.com/acme/app@refs/heads/main", digest: { gitCommit: COMMIT } },
      { name: "checkout", uri: "git+https://github.com/acme/app", digest: { gitCommit: SHA } },
    ]);
    expect(buildProvenance(input({ checkoutCommit: SHA })).warnings).toHaveLength(1);
  });

  it("records a repository that is no address by its commit only", () => {
    expect(source({ job: job({ repository: "/srv/git/app.git" }) })).toEqual([
      { name: "source", digest: { gitCommit: COMMIT } },
    ]);
  });

  it("lists plugins and the images that the command names by digest", () => {
    const plugins = [{ source: `github.com/buildkite-plugins/docker-buildkite-plugin#${SHA}` }];
    const command = `docker run node:24@sha256:${A} make`;
    expect(source({ job: job({ plugins, command }) })?.slice(1)).toEqual([
      {
        name: "plugin",
        uri: `git+https://github.com/buildkite-plugins/docker-buildkite-plugin@${SHA}`,
        digest: { gitCommit: SHA },
      },
      { name: "image", uri: "docker://node:24", digest: { sha256: A } },
    ]);
  });

  it("keeps 1,024 subjects in one statement and splits more, each naming the whole set", () => {
    expect(sets({ subjects: many(1024) })).toEqual([undefined]);
    const subjects = many(2049);
    const sha256 = createHash("sha256")
      .update(subjects.map((s) => `${A}  ${s.name}\n`).join(""))
      .digest("hex");
    expect(sets({ subjects })).toEqual([0, 1, 2].map((index) => ({ set: { index, count: 3, sha256 } })));
    const { statements } = buildProvenance(input({ subjects: subjects.toReversed() }));
    expect(statements.map((s) => s.subject.length)).toEqual([1024, 1024, 1]);
    expect(statements.flatMap((s) => s.subject.map((one) => one.name))).toEqual(subjects.map((s) => s.name));
  });

  it("makes one statement an artifact when asked to, none of them part of a set", () => {
    expect(sets({ subjects: many(3), split: "per-artifact" })).toEqual([undefined, undefined, undefined]);
  });

  it("refuses no subjects, repeated names and names that no verifier accepts", () => {
    expect(() => buildProvenance(input({ subjects: [] }))).toThrow(code("ERR_NO_MATCH"));
    expect(() => buildProvenance(input({ subjects: [subject("x"), subject("x", B)] }))).toThrow(
      code("ERR_DUPLICATE_NAME"),
    );
    expect(() => buildProvenance(input({ subjects: [subject("../x")] }))).toThrow(code("ERR_NAME_INVALID"));
  });
});

describe("subjectSetDigest", () => {
  it("does not depend on the order of the subjects", () => {
    const names = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        names.chain((n) => fc.tuple(fc.constant(n), fc.shuffledSubarray(n, { minLength: n.length }))),
        ([one, other]) => {
          expect(subjectSetDigest(other.map((n) => subject(n)))).toBe(subjectSetDigest(one.map((n) => subject(n))));
        },
      ),
    );
  });

  it("changes with a digest, a name and a missing subject", () => {
    const digests = [
      [subject("a"), subject("b")],
      [subject("a"), subject("b", B)],
      [subject("a"), subject("c")],
      [subject("a")],
    ];
    expect(new Set(digests.map(subjectSetDigest)).size).toBe(4);
  });
});

describe("statementForPredicate", () => {
  it("makes a statement of any predicate, up to as many subjects as one holds", () => {
    const statement = statementForPredicate([subject("b"), subject("a")], "https://spdx.dev/Document", {
      spdxVersion: "SPDX-2.3",
    });
    expect(statement.subject.map((s) => s.name)).toEqual(["a", "b"]);
    expect(statement.predicate).toEqual({ spdxVersion: "SPDX-2.3" });
    expect(() => statementForPredicate(many(1025), "https://spdx.dev/Document", {})).toThrow(
      code("ERR_LIMIT_EXCEEDED"),
    );
    expect(() => statementForPredicate([], "https://spdx.dev/Document", {})).toThrow(code("ERR_NO_MATCH"));
  });
});
