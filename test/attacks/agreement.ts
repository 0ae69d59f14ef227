// SPDX-License-Identifier: Apache-2.0
// Attacks by a genuine job of Buildkite that states, in what it signs, what its certificate does not: the provenance is
// the attacker's own text, the certificate is not.
import { attacksOn, type Spec } from "./spec.ts";
import type { Provenance } from "./forge/statement.ts";
import { fulcioExtension, fulcioOid } from "./forge/der.ts";
import { JOB } from "./forge.ts";

const states = (edit: (p: Provenance) => void): Spec => ({ provenance: edit });
const build = (key: string, value: unknown): Spec =>
  states((p) => void (p.buildDefinition.externalParameters.build[key] = value));
const proven = (key: string, value: unknown): Spec =>
  states((p) => void (p.buildDefinition.internalParameters.buildkite[key] = value));
const subject = (text: string): Spec => ({ claims: { sub: text } });
const SUB = (ref: string, commit: string, step: string): string =>
  `organization:acme:pipeline:app:ref:${ref}:commit:${commit}:step:${step}`;
const OTHER = "1".repeat(40);
/** Rules that ask for nothing that the token subject proves. */
const anyRef: Spec = { rule: { branch: undefined, anyRef: true } };

export const AGREEMENT_ATTACKS = attacksOn("agreement", "ERR_AGREEMENT", [
  {
    id: "forged-builder-id",
    why: "another pipeline's builder id",
    attack: states((p) => void (p.runDetails.builder.id = "https://buildkite.com/acme/app-release")),
  },
  {
    id: "forged-builder-whole",
    why: "builder id, pipeline and invocation of another pipeline, consistent in themselves",
    attack: states((p) => {
      const other = "https://buildkite.com/acme/app-release";
      p.runDetails.builder.id = other;
      p.buildDefinition.externalParameters.pipeline = other;
      p.runDetails.metadata["invocationId"] = `${other}/builds/1514#${JOB.jobId}`;
    }),
  },
  {
    id: "unknown-build-type",
    why: "a build type of the attacker's own to escape the comparison",
    attack: states((p) => void (p.buildDefinition.buildType = "https://example.com/anything/v1")),
  },
  {
    id: "build-type-slash",
    why: "the build type is compared whole",
    attack: states((p) => void (p.buildDefinition.buildType += "/")),
  },
  {
    id: "pipeline-parameter",
    why: "the parameter names another pipeline than the builder",
    attack: states((p) => void (p.buildDefinition.externalParameters.pipeline = "https://buildkite.com/acme/other")),
  },
  {
    id: "invocation-of-another-build",
    why: "another build's number",
    attack: states(
      (p) => void (p.runDetails.metadata["invocationId"] = `https://buildkite.com/acme/app/builds/1515#${JOB.jobId}`),
    ),
  },
  {
    id: "invocation-of-another-job",
    why: "another job of the same build",
    attack: states((p) => {
      const id = "0184990a-477b-4fa8-9968-000000000000";
      p.runDetails.metadata["invocationId"] = `https://buildkite.com/acme/app/builds/1514#${id}`;
      p.buildDefinition.internalParameters.buildkite["job_id"] = id;
    }),
  },
  {
    id: "invocation-absent",
    why: "provenance that does not say which job",
    attack: states((p) => void Reflect.deleteProperty(p.runDetails.metadata, "invocationId")),
  },
  {
    id: "build-number-two-ways",
    why: "the invocation says one number, the parameter another",
    attack: proven("build_number", 1),
  },
  {
    id: "exponent-build-number-wrong",
    why: "the certificate prints 1.234567e+06",
    base: { job: { build: 1_234_567 } },
    attack: { claims: { build_number: 1_234_568 } },
  },
  {
    id: "exponent-rounded",
    why: "a number that only looks the same when rounded",
    base: { job: { build: 12_345_678 } },
    attack: { claims: { build_number: 12_345_600 } },
  },
  { id: "commit-of-another-build", why: "another commit than the certificate's", attack: build("commit", OTHER) },
  {
    id: "commit-absent",
    why: "what the certificate states, the provenance must state",
    attack: build("commit", undefined),
  },
  {
    id: "commit-symbolic-in-the-provenance",
    why: "HEAD where the certificate states the commit",
    attack: build("commit", "HEAD"),
  },
  {
    id: "commit-two-in-the-certificate",
    why: "the source digest and the token subject disagree",
    attack: { claims: { build_commit: OTHER } },
  },
  {
    id: "commit-of-the-subject-differs",
    why: "the source digest is the provenance's, the token subject is another build's",
    attack: subject(SUB("refs/heads/main", OTHER, "package")),
  },
  {
    id: "commit-only-in-the-subject",
    why: "a certificate without .13: the token subject still proves the commit",
    base: { without: [13] },
    attack: build("commit", OTHER),
  },
  {
    id: "symbolic-commits-disagree",
    why: "HEAD in one field, a commit in the other",
    base: { job: { commit: "HEAD" } },
    attack: { claims: { build_commit: OTHER } },
  },
  {
    id: "symbolic-commit-differs",
    why: "the certificate says HEAD, the provenance says main",
    base: { job: { commit: "HEAD" } },
    attack: build("commit", "main"),
  },
  {
    id: "branch-of-another-build",
    why: "the provenance says main, the job ran on evil",
    base: anyRef,
    attack: { claims: { sub: SUB("refs/heads/evil", JOB.commit, "package") } },
  },
  {
    id: "pull-request-branch-as-main",
    why: "a pull request's job claims to have built main",
    base: anyRef,
    attack: { claims: { sub: SUB("refs/heads/pull/7/head", JOB.commit, "package") } },
  },
  { id: "branch-absent", why: "a branch that the provenance leaves out", attack: build("branch", undefined) },
  {
    id: "tag-claimed-by-a-branch-build",
    why: "a branch v1 is not the tag v1",
    base: { ...anyRef, job: { branch: "v1" } },
    attack: build("tag", "v1"),
  },
  {
    id: "branch-claimed-by-a-tag-build",
    why: "a tag main is not the branch main",
    base: { ...anyRef, job: { tag: "main" } },
    attack: build("tag", undefined),
  },
  {
    id: "step-of-another-job",
    why: "another step's output",
    attack: states((p) => void (p.buildDefinition.externalParameters.step["key"] = "release")),
  },
  {
    id: "step-absent",
    why: "a step that the provenance leaves out",
    attack: states((p) => void (p.buildDefinition.externalParameters.step["key"] = null)),
  },
  {
    id: "trigger-claimed",
    why: "a build from the UI claims to come from a push",
    attack: { claims: { build_source: "ui" } },
  },
  {
    id: "runner-claimed",
    why: "a self-hosted job claims a hosted runner",
    attack: proven("runner_environment", "buildkite-hosted"),
  },
  {
    id: "trigger-unknown-and-unproven",
    why: "a trigger that nobody knows, beside a certificate that proves none",
    base: { without: [20] },
    attack: proven("build_source", "carrier pigeon"),
  },
  {
    id: "runner-unknown-and-unproven",
    why: "a runner that nobody knows, beside a certificate that proves none",
    base: { without: [11] },
    attack: proven("runner_environment", "mine"),
  },
  { id: "trigger-unknown", why: "a trigger that nobody knows", attack: proven("build_source", "carrier pigeon") },
  {
    id: "unknown-external-parameter",
    why: "a parameter that may have decided what was built",
    attack: states((p) => void (p.buildDefinition.externalParameters["override"] = "https://evil.example/Makefile")),
  },
  { id: "unknown-build-parameter", why: "as above, deeper", attack: build("patch", "evil.diff") },
  {
    id: "branch-with-colons",
    why: "a branch called main:commit:…:step:x",
    base: anyRef,
    attack: { job: { branch: `main:commit:${JOB.commit}:step:x` } },
  },
  {
    id: "branch-with-colons-read-as-main",
    why: "the same branch, and provenance that states what a careless reader reads in it",
    attack: subject(SUB(`refs/heads/main:commit:${JOB.commit}:step:package`, JOB.commit, "package")),
  },
  {
    id: "step-with-colons-read-as-package",
    why: "a step that ends in another subject's fields",
    attack: subject(`${SUB("refs/heads/main", JOB.commit, "package")}:step:release`),
  },
  {
    id: "branch-with-a-whole-subject",
    why: "a branch that holds a complete subject",
    base: anyRef,
    attack: { job: { branch: SUB("refs/heads/main", JOB.commit, "package") } },
  },
  { id: "step-with-colons", why: "a step key with a colon", base: anyRef, attack: { job: { step: "a:b" } } },
  {
    id: "fork-branch",
    why: "user:main, as forks are built",
    base: anyRef,
    attack: { job: { branch: "mallory:main" } },
  },
  {
    id: "subject-other-ref-kind",
    why: "neither a branch nor a tag",
    base: anyRef,
    attack: subject(SUB("refs/pull/7/head", JOB.commit, "package")),
  },
  { id: "subject-control-character", why: "a NUL in the branch", base: anyRef, attack: { job: { branch: "main\0" } } },
  { id: "subject-newline", why: "a line feed in the branch", base: anyRef, attack: { job: { branch: "main\n" } } },
  { id: "subject-empty", why: "a token of nobody", base: anyRef, attack: subject("") },
  {
    id: "subject-upper-case-uuid",
    why: "neither a subject nor an id",
    base: { ...anyRef, claims: { sub: JOB.pipelineId } },
    attack: subject(JOB.pipelineId.toUpperCase()),
  },
  {
    id: "subject-of-another-pipeline",
    why: "alternative name and token subject disagree",
    attack: subject(SUB("refs/heads/main", JOB.commit, "package").replace(":app:", ":lax:")),
  },
  {
    id: "invocation-extension-of-another-pipeline",
    why: "alternative name and run invocation disagree",
    attack: {
      extensions: (list) =>
        list.map((e) =>
          e.oid === fulcioOid(21) ? fulcioExtension(21, `https://buildkite.com/acme/lax/builds/1514#${JOB.jobId}`) : e,
        ),
    },
  },
]);
