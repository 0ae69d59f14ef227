// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { LIMITS } from "../limits.ts";
import { imagesInCommand, parseDependency } from "./dependencies.ts";
import { readFileDependencies } from "./lock-files.ts";
import { pluginDependencies } from "./plugins.ts";

const A = "a".repeat(64);
const SHA = "c".repeat(40);

describe("parseDependency", () => {
  it("reads a URI and a digest", () => {
    expect(parseDependency(`pkg:npm/left-pad@1.0.0@sha256:${A}`)).toEqual({
      uri: "pkg:npm/left-pad@1.0.0",
      digest: { sha256: A },
    });
    expect(parseDependency(`git+https://host/x@gitCommit:${SHA}`)).toEqual({
      uri: "git+https://host/x",
      digest: { gitCommit: SHA },
    });
  });

  it.each([
    `pkg:npm/x`,
    `@sha256:${A}`,
    `left-pad@sha256:${A}`,
    `pkg:npm/x@sha256:${A.slice(1)}`,
    `pkg:npm/x@sha256:${A.toUpperCase()}`,
    `pkg:npm/x@md5:${A}`,
    `https://user:password@host/x@sha256:${A}`,
  ])("refuses %s", (text) => {
    expect(() => parseDependency(text)).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
  });
});

describe("imagesInCommand", () => {
  it("finds each image that is named by digest once", () => {
    const command = `docker run reg.acme.test:5000/team/tool:1.2@sha256:${A} x && podman run alpine@sha256:${A}; docker run alpine@sha256:${A} node:24`;
    expect(imagesInCommand(command)).toEqual([
      { name: "image", uri: "docker://reg.acme.test:5000/team/tool:1.2", digest: { sha256: A } },
      { name: "image", uri: "docker://alpine", digest: { sha256: A } },
    ]);
  });

  it("takes a longer or shorter run of hex for no digest", () => {
    expect(imagesInCommand(`alpine@sha256:${A}0 alpine@sha256:${A.slice(1)}`)).toEqual([]);
  });

  it("stays quick on a hostile command", () => {
    expect(imagesInCommand(`${"a.".repeat(20_000)}@sha256`)).toEqual([]);
  });
});

describe("pluginDependencies", () => {
  it.each([
    [`docker#${SHA}`, `git+https://github.com/buildkite-plugins/docker-buildkite-plugin@${SHA}`],
    [`acme/deploy#${SHA}`, `git+https://github.com/acme/deploy-buildkite-plugin@${SHA}`],
    [`github.com/acme/deploy-buildkite-plugin#${SHA}`, `git+https://github.com/acme/deploy-buildkite-plugin@${SHA}`],
    [`ssh://git@host/deploy.git#${SHA}`, `git+https://host/deploy@${SHA}`],
    [`file:///srv/deploy#${SHA}`, `file:///srv/deploy@${SHA}`],
  ])("gives %s its digest", (source, uri) => {
    expect(pluginDependencies([{ source }])).toEqual([{ name: "plugin", uri, digest: { gitCommit: SHA } }]);
  });

  it("names a plugin that is not pinned without a digest, each once, and leaves vendored ones out", () => {
    const plugins = ["docker#v5.0.0", "docker#v5.0.0", "acme/x", "./.buildkite/plugins/y"].map((source) => ({
      source,
    }));
    expect(pluginDependencies(plugins)).toEqual([
      { name: "plugin", uri: "git+https://github.com/buildkite-plugins/docker-buildkite-plugin@v5.0.0" },
      { name: "plugin", uri: "git+https://github.com/acme/x-buildkite-plugin" },
    ]);
  });
});

describe("readFileDependencies", () => {
  it("records the pipeline's definition and lock files, and says what it could not", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kiteseal-lock-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    await mkdir(join(directory, ".buildkite"));
    await writeFile(join(directory, ".buildkite/pipeline.yml"), "steps: []");
    await writeFile(join(directory, "package-lock.json"), "{}");
    await symlink("package-lock.json", join(directory, "yarn.lock"));
    await mkdir(join(directory, "go.sum"));
    await writeFile(join(directory, "Cargo.lock"), "");
    await truncate(join(directory, "Cargo.lock"), LIMITS.lockFileBytes + 1);
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    const { dependencies, warnings } = await readFileDependencies(directory, { now: () => new Date(0) });
    expect(dependencies).toEqual([
      { name: ".buildkite/pipeline.yml", digest: { sha256: sha256("steps: []") } },
      { name: "package-lock.json", digest: { sha256: sha256("{}") } },
      { name: "yarn.lock", digest: { sha256: sha256("{}") } },
    ]);
    expect(warnings).toHaveLength(2);
  });
});
