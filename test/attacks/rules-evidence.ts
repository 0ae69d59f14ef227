// SPDX-License-Identifier: Apache-2.0
// Attacks on rules that ask for more evidence than one log, one authority or one attestation gives, and on what provenance
// says of its dependencies.
import { attacksOn, type BundleFile, type Spec, type SubjectSpec } from "./spec.ts";
import { BYTES, NAME, publicPem, sha256Hex, type Forge } from "./forge.ts";

const rule = (words: NonNullable<Spec["rule"]>): Spec => ({ rule: words });
const COMMIT = "4".repeat(40);

export const LOGS_ATTACKS = attacksOn("rule.logs", "ERR_RULE", [
  {
    id: "one-log-of-two",
    why: "one log where two must have seen it",
    base: rule({ logs: 2 }),
    attack: {},
    twin: { logs: [{ kind: "v2" }, { kind: "v1-dsse" }] },
  },
  {
    id: "two-entries-of-one-log",
    why: "the same log asked twice",
    base: rule({ logs: 2 }),
    attack: (f) => ({ logs: [{ kind: "v1-dsse" }, { kind: "v1-intoto", integrated: f.at(1000) }] }),
    twin: { logs: [{ kind: "v1-dsse" }, { kind: "v2" }] },
  },
  {
    id: "two-kinds-of-entry-in-one-log",
    why: "another kind of entry is not another log",
    base: rule({ logs: 2 }),
    attack: (f) => ({ logs: [{ kind: "v1-dsse" }, { kind: "v1-hashedrekord", integrated: f.at(1000) }] }),
    twin: { logs: [{ kind: "v1-dsse" }, { kind: "v2" }] },
  },
  {
    id: "second-log-unlisted",
    why: "a log that the trusted root does not list",
    base: rule({ logs: 2 }),
    attack: (f) => ({ logs: [{ kind: "v2" }, { kind: "v2", in: f.other.rekorV2 }] }),
    twin: { logs: [{ kind: "v2" }, { kind: "v1-dsse" }] },
  },
  {
    id: "two-logs-of-one-operator",
    why: "one operator can rewrite both",
    base: { ...rule({ logs: 2 }), logs: [{ kind: "v2" }, { kind: "v1-dsse" }] },
    attack: { root: (r) => r.tlogs.forEach((log) => Object.assign(log, { operator: "one" })) },
    twin: { root: (r) => r.tlogs.forEach((log, i) => Object.assign(log, { operator: `operator ${i}` })) },
  },
  {
    id: "three-logs-asked",
    why: "two are not three",
    base: { logs: [{ kind: "v2" }, { kind: "v1-dsse" }] },
    attack: rule({ logs: 3 }),
    twin: rule({ logs: 2 }),
  },
]);

const second =
  (change: { uri?: string }): NonNullable<Spec["root"]> =>
  (r, f) =>
    void r.timestampAuthorities.push(...f.otherRoot.timestampAuthorities.map((a) => ({ ...a, ...change })));
const twoAuthorities: Spec = { ...rule({ timestamps: 2 }), root: second({ uri: "http://second.localhost" }) };
const bothStamps = (f: Forge): Spec => ({ stamps: [{}, { by: f.other.timestamp }] });

export const TIMESTAMPS_ATTACKS = attacksOn("rule.timestamps", "ERR_RULE", [
  {
    id: "one-stamp-of-two",
    why: "one authority where two are asked for",
    base: twoAuthorities,
    attack: {},
    twin: bothStamps,
  },
  {
    id: "two-stamps-of-one-authority",
    why: "the same authority asked twice",
    base: twoAuthorities,
    attack: (f) => ({ stamps: [{}, { time: f.at(1000) }] }),
    twin: bothStamps,
  },
  {
    id: "two-hashes-of-one-authority",
    why: "another hash is not another authority",
    base: twoAuthorities,
    attack: (f) => ({ stamps: [{}, { digest: "sha512", time: f.at(1000) }] }),
    twin: bothStamps,
  },
  {
    id: "second-authority-unlisted",
    why: "an authority that the trusted root does not list",
    base: (f) => ({ ...rule({ timestamps: 2 }), ...bothStamps(f) }),
    attack: {},
    twin: twoAuthorities,
  },
  {
    id: "two-authorities-of-one-name",
    why: "two certificates of one authority",
    base: (f) => ({ ...rule({ timestamps: 2 }), ...bothStamps(f) }),
    attack: { root: second({}) },
    twin: twoAuthorities,
  },
  {
    id: "promise-as-second-stamp",
    why: "a log's promise is no timestamp authority's word",
    base: twoAuthorities,
    attack: { logs: [{ kind: "v1-dsse" }] },
    twin: bothStamps,
  },
]);

const depends = (...list: readonly Record<string, unknown>[]): Spec => ({
  provenance: (p) => void p.buildDefinition.resolvedDependencies.push(...list),
});
const PLUGIN = "git+https://github.com/acme/deploy-buildkite-plugin";
const pinnedPlugin = { name: "plugin", uri: `${PLUGIN}@${COMMIT}`, digest: { gitCommit: COMMIT } };
const IMAGE = { name: "image", uri: "docker://registry.example/build:1" };
const pinnedImage = { ...IMAGE, digest: { sha256: "5".repeat(64) } };
const plugins = rule({ dependencies: { plugins: "pinned" } });
const images = rule({ dependencies: { images: "digest" } });

export const DEPENDENCIES_ATTACKS = attacksOn("rule.dependencies", "ERR_RULE", [
  {
    id: "plugin-by-tag",
    why: "a tag may move",
    base: plugins,
    attack: depends({ name: "plugin", uri: `${PLUGIN}@v1.2.3` }),
    twin: depends(pinnedPlugin),
  },
  {
    id: "plugin-by-the-hash-of-an-archive",
    why: "forty digits of something else",
    base: plugins,
    attack: depends({ ...pinnedPlugin, digest: { sha1: COMMIT } }),
    twin: depends(pinnedPlugin),
  },
  {
    id: "plugin-with-another-digest",
    why: "a digest of something else than the commit",
    base: plugins,
    attack: depends({ ...pinnedPlugin, digest: { sha256: "4".repeat(64) } }),
    twin: depends(pinnedPlugin),
  },
  {
    id: "loose-plugin-among-pinned",
    why: "every plugin, not one of them",
    base: plugins,
    attack: depends(pinnedPlugin, { name: "plugin", uri: `${PLUGIN}@main` }, pinnedPlugin),
    twin: depends(pinnedPlugin, pinnedPlugin),
  },
  { id: "image-by-tag", why: "a tag may move", base: images, attack: depends(IMAGE), twin: depends(pinnedImage) },
  {
    id: "image-with-a-commit",
    why: "a commit is no image's digest",
    base: images,
    attack: depends({ ...IMAGE, digest: { gitCommit: COMMIT } }),
    twin: depends(pinnedImage),
  },
  {
    id: "both-conditions",
    why: "pinned plugins do not excuse a loose image",
    base: rule({ dependencies: { plugins: "pinned", images: "digest" } }),
    attack: depends(pinnedPlugin, IMAGE),
    twin: depends(pinnedPlugin, pinnedImage),
  },
  {
    id: "dependencies-of-an-sbom",
    code: "ERR_RULE_UNPROVEN",
    why: "an SBOM says nothing about the builder's dependencies",
    base: { predicateType: "https://cyclonedx.org/bom", predicate: {} },
    attack: rule({ type: "cyclonedx", dependencies: { plugins: "pinned" } }),
    twin: rule({ type: "cyclonedx" }),
  },
]);

const SBOM: Spec = { predicateType: "https://cyclonedx.org/bom", predicate: { bomFormat: "CycloneDX" } };
const about = (digest: string, name = NAME): readonly SubjectSpec[] => [{ name, digest: { sha256: digest } }];
const beside = (spec: Spec | ((f: Forge) => Spec)): Spec => ({
  files: (bundle, f): readonly BundleFile[] => [
    { name: "a.json", bytes: bundle },
    { name: "b.json", bytes: f.bundle(typeof spec === "function" ? spec(f) : spec) },
  ],
});
const asked = rule({ alsoRequired: [{ type: "cyclonedx" }] });
const by = (f: Forge, words: string): Spec => ({
  policy: `version: 1
rules:
  app:
    artifacts: dist/**
    builder: { organization: acme, pipeline: app }
    source: { branch: main }
    also-required: { type: cyclonedx, by: boms }
  boms:
    artifacts: boms/**
    key: ${JSON.stringify(publicPem(f.otherKey))}
${words}`,
});

export const ALSO_REQUIRED_ATTACKS = attacksOn("rule.also-required", "ERR_RULE", [
  { id: "sbom-missing", why: "no SBOM at all", base: asked, attack: {}, twin: beside(SBOM) },
  {
    id: "sbom-of-another-build",
    why: "yesterday's SBOM",
    base: asked,
    attack: beside({ ...SBOM, job: { build: 1513 } }),
    twin: beside(SBOM),
  },
  {
    id: "sbom-of-another-pipeline",
    why: "somebody else's SBOM of the same number",
    base: rule({ pipeline: ["app", "tools"], alsoRequired: [{ type: "cyclonedx" }] }),
    attack: beside({ ...SBOM, job: { pipeline: "tools" } }),
    twin: beside(SBOM),
  },
  {
    id: "sbom-of-another-branch",
    why: "a pull request's SBOM",
    base: asked,
    attack: beside({ ...SBOM, job: { branch: "evil" } }),
    twin: beside(SBOM),
  },
  {
    id: "sbom-of-other-bytes",
    why: "an SBOM about another file",
    base: asked,
    attack: beside({ ...SBOM, subject: about("1".repeat(64)) }),
    twin: beside(SBOM),
  },
  {
    id: "sbom-under-another-name",
    why: "an SBOM of these bytes as something else",
    base: asked,
    attack: beside({ ...SBOM, subject: about(sha256Hex(BYTES), "tools/x") }),
    twin: beside(SBOM),
  },
  {
    id: "same-type-only",
    why: "a second provenance is no SBOM",
    base: asked,
    attack: beside({ logs: [{ kind: "v1-dsse" }] }),
    twin: beside(SBOM),
  },
  {
    id: "spdx-for-cyclonedx",
    why: "types are compared whole",
    base: asked,
    attack: beside({ ...SBOM, predicateType: "https://spdx.dev/Document" }),
    twin: beside(SBOM),
  },
  {
    id: "sbom-badly-signed",
    why: "what is beside must pass every check of its own",
    base: asked,
    attack: beside({ ...SBOM, signature: () => Buffer.from([0]) }),
    twin: beside(SBOM),
  },
  {
    id: "one-of-two-required",
    why: "each of them, not one of them",
    base: { ...beside(SBOM) },
    attack: rule({ alsoRequired: [{ type: "cyclonedx" }, { type: "https://acme.example/approval/v1" }] }),
    twin: rule({ alsoRequired: [{ type: "cyclonedx" }] }),
  },
  {
    id: "builds-unproven",
    why: "without a build number nothing is the same build",
    base: rule({ branch: undefined, anyRef: true, alsoRequired: [{ type: "cyclonedx" }] }),
    attack: { without: [21], ...beside({ ...SBOM, without: [21] }) },
    twin: beside(SBOM),
  },
  {
    id: "sbom-by-the-builder-instead-of-the-key",
    why: "the rule names another signer",
    base: (f) => by(f, ""),
    attack: beside(SBOM),
    twin: beside({ ...SBOM, keyed: "other" }),
  },
  {
    id: "blob-as-sbom",
    why: "a signature over the bytes is of no type, even where `by` takes blobs",
    attack: (f) => ({ ...by(f, "    content: blob\n"), ...beside({ message: {}, keyed: "other" }) }),
    twin: (f) => ({ ...by(f, ""), ...beside({ ...SBOM, keyed: "other" }) }),
  },
  {
    id: "blob-beside-itself",
    why: "a blob's signature is not the SBOM that it asks for",
    attack: { ...rule({ content: "blob", alsoRequired: [{ type: "cyclonedx" }] }), message: {} },
    twin: { ...rule({ content: "blob", alsoRequired: [{ type: "cyclonedx" }] }), message: {}, ...beside(SBOM) },
  },
]);
