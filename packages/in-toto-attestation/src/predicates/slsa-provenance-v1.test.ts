// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../decode.ts";
import { decodeSlsaProvenance } from "./slsa-provenance-v1.ts";

const dependency = { uri: "git+https://github.com/acme/app@refs/heads/main", digest: { gitCommit: "a".repeat(40) } };

const minimal = {
  buildDefinition: { buildType: "https://example.com/type/v1", externalParameters: { step: { command: null } } },
  runDetails: { builder: { id: "https://buildkite.com/acme/app" } },
};

const full = {
  buildDefinition: {
    ...minimal.buildDefinition,
    internalParameters: { buildkite: { agent: "x" } },
    resolvedDependencies: [dependency, { name: "lock", digest: { sha256: "b".repeat(64) }, annotations: { k: null } }],
  },
  runDetails: {
    builder: {
      id: "https://buildkite.com/acme/app",
      builderDependencies: [dependency],
      version: { kiteseal: "1.0.0" },
    },
    metadata: {
      invocationId: "https://buildkite.com/acme/app/builds/1#job",
      startedOn: "2026-11-21T11:42:00Z",
      finishedOn: "2026-11-21T11:43:00.5Z",
    },
    byproducts: [{ content: "AAAA" }],
  },
};

function withChange(path: string, value: unknown): unknown {
  const copy: unknown = structuredClone(full);
  const keys = path.split(".").slice(2);
  const last = keys.pop() ?? "";
  const parent = keys.reduce<unknown>((object, key) => Reflect.get(Object(object), key), copy);
  Reflect.set(Object(parent), last, value);
  return copy;
}

describe("decodeSlsaProvenance", () => {
  test.each([
    ["the least", minimal],
    ["everything", full],
  ])("reads %s as it is, in order", (_name, predicate) => {
    const decoded = decodeSlsaProvenance(predicate);
    expect(decoded).toEqual({ predicate, ignoredFields: [] });
    expect(JSON.stringify(decoded.predicate)).toBe(JSON.stringify(predicate));
  });

  test("keeps the external parameters whole, null and empty values too", () => {
    const externalParameters = { pipeline: "", repository: null, list: [], x_unknown: { deep: {} } };
    const predicate = { ...minimal, buildDefinition: { ...minimal.buildDefinition, externalParameters } };
    const decoded = decodeSlsaProvenance(predicate);
    expect(decoded.predicate.buildDefinition.externalParameters).toBe(externalParameters);
    expect(decoded.ignoredFields).toEqual([]);
  });

  test("null and empty values are absent", () => {
    const predicate = {
      buildDefinition: { ...minimal.buildDefinition, internalParameters: {}, resolvedDependencies: [] },
      runDetails: {
        builder: { ...minimal.runDetails.builder, builderDependencies: null, version: {} },
        metadata: { invocationId: "", startedOn: null },
        byproducts: null,
      },
    };
    expect(decodeSlsaProvenance(predicate).predicate).toEqual({
      ...minimal,
      runDetails: { ...minimal.runDetails, metadata: {} },
    });
  });

  test.each([
    "$.predicate.buildDefinition",
    "$.predicate.runDetails",
    "$.predicate.buildDefinition.buildType",
    "$.predicate.buildDefinition.externalParameters",
    "$.predicate.runDetails.builder",
    "$.predicate.runDetails.builder.id",
  ])("requires %s: neither missing, null nor empty", (path) => {
    for (const value of [undefined, null, "", {}, []]) {
      expect(() => decodeSlsaProvenance(withChange(path, value))).toThrow(expect.objectContaining({ path }));
    }
  });

  test.each<[string, unknown]>([
    ["$.predicate.buildDefinition.buildType", "job"],
    ["$.predicate.buildDefinition.externalParameters", ["x"]],
    ["$.predicate.buildDefinition.internalParameters", "x"],
    ["$.predicate.buildDefinition.resolvedDependencies", { 0: dependency }],
    ["$.predicate.runDetails.builder.id", 1],
    ["$.predicate.runDetails.builder.version", "1.0"],
    ["$.predicate.runDetails.metadata.invocationId", 7],
    ["$.predicate.runDetails.metadata.startedOn", "yesterday"],
    ["$.predicate.runDetails.metadata.startedOn", "2026-11-21T11:42:00+00:00"],
    ["$.predicate.runDetails.metadata.finishedOn", 1_700_000_000],
  ])("refuses another type at %s: %j", (path, value) => {
    expect(() => decodeSlsaProvenance(withChange(path, value))).toThrow(expect.objectContaining({ path }));
  });

  test("refuses a dependency that identifies nothing", () => {
    const changed = withChange("$.predicate.buildDefinition.resolvedDependencies", [dependency, { name: "x" }]);
    expect(() => decodeSlsaProvenance(changed)).toThrow(
      expect.objectContaining({ path: "$.predicate.buildDefinition.resolvedDependencies[1]" }),
    );
  });

  test("ignores and lists unknown fields at every level", () => {
    const predicate = {
      ...full,
      x_top: 1,
      runDetails: { ...full.runDetails, builder: { ...full.runDetails.builder, x_region: "eu" } },
    };
    const { ignoredFields } = decodeSlsaProvenance(predicate);
    expect(ignoredFields).toEqual(["$.predicate.runDetails.builder.x_region", "$.predicate.x_top"]);
  });

  test("only DecodeError escapes", () => {
    const paths = ["buildDefinition", "runDetails", "buildDefinition.resolvedDependencies", "runDetails.builder"];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        try {
          decodeSlsaProvenance(withChange(`$.predicate.${path}`, value));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
