// SPDX-License-Identifier: Apache-2.0
// The house stays as docs/ARCHITECTURE.md draws it: which package and which layer may import which, what belongs in one
// room only, what an entry loads, and how large a file may be.
import { describe, expect, test } from "vitest";
import { PERMITTED_INVERSIONS, ROOMS } from "./support/rooms.ts";
import {
  allSources,
  type Import,
  label,
  lineCount,
  loadGraph,
  PACKAGES,
  type PackageName,
  resolveImport,
  type SourceFile,
} from "./support/sources.ts";

const sources = allSources();
const files = [...sources.values()];
const of = (...names: readonly PackageName[]): readonly SourceFile[] => files.filter((f) => names.includes(f.package));

/** One line an offence, so that a failure says where. */
function offences(
  among: readonly SourceFile[],
  judge: (file: SourceFile) => Iterable<string | undefined>,
): readonly string[] {
  return among.flatMap((file) => [...judge(file)].filter((o) => o !== undefined).map((o) => `${label(file)}: ${o}`));
}

function importOffences(
  among: readonly SourceFile[],
  isOffence: (found: Import, file: SourceFile) => boolean,
): readonly string[] {
  return offences(among, (file) =>
    file.imports.filter((i) => isOffence(i, file)).map((i) => `${i.kind} ${i.specifier}`),
  );
}

/** The lines of code on which `pattern` stands. */
function linesWith(file: SourceFile, pattern: RegExp): readonly string[] {
  return file.code
    .split("\n")
    .flatMap((line, i) => (pattern.test(line) ? [`line ${i + 1} has ${pattern.source}`] : []));
}

test("there are sources to judge, and the scanner sees their imports", () => {
  for (const name of PACKAGES) expect(of(name), name).not.toEqual([]);
  const entry = sources.get("packages/core/src/index.ts");
  expect(entry?.imports).toContainEqual({ specifier: "./errors.ts", kind: "static", reexport: true });
  expect(importOffences(files, (i) => i.specifier === "(computed)")).toEqual([]);
});

describe("packages", () => {
  const ALLOWED: Readonly<Record<PackageName, RegExp>> = {
    "in-toto-attestation": /^(?:node:|\.)/,
    core: /^(?:node:|\.|@kiteseal\/in-toto-attestation(?:\/json)?$|@sigstore\/(?:bundle|core|protobuf-specs|tuf|verify)$|tuf-js$|@noble\/curves|picomatch|yaml$|zod)/,
    "storage-adapters":
      /^(?:node:|\.|@kiteseal\/core\/store$|@aws-sdk\/|@smithy\/|@google-cloud\/|google-auth-library$|@azure\/)/,
    sandbox: /^(?:node:|\.|@noble\/curves|@peculiar\/x509$)/,
    cli: /^(?:node:|\.|(?:commander|yaml)$|@kiteseal\/(?:core|core\/sign|core\/store|core\/operations|in-toto-attestation|storage-adapters|sandbox)$)/,
  };

  test.each(PACKAGES)("%s imports nothing but what the direction allows", (name) => {
    expect(importOffences(of(name), (i) => !ALLOWED[name].test(i.specifier))).toEqual([]);
  });

  test("no relative import leaves its package", () => {
    const leaves = (i: Import, file: SourceFile): boolean =>
      i.specifier.startsWith(".") &&
      !resolveImport(label(file), i.specifier)?.startsWith(`packages/${file.package}/src/`);
    expect(importOffences(files, leaves)).toEqual([]);
  });

  test("the sandbox is loaded by its command only, when it runs", () => {
    const early = (i: Import, file: SourceFile): boolean =>
      i.specifier === "@kiteseal/sandbox" &&
      i.kind !== "type" &&
      !(i.kind === "dynamic" && file.path === "commands/sandbox.ts");
    expect(importOffences(of("cli"), early)).toEqual([]);
  });
});

describe("layers of core", () => {
  const ORDER = "artifact sigstore buildkite provenance signing verification revocation policy store audit operations";
  const LAYERS = ORDER.split(" ");
  const LEAVES = [
    "errors.ts",
    "limits.ts",
    "context.ts",
    "decode.ts",
    "glob.ts",
    "http.ts",
    "retry.ts",
    "concurrency.ts",
    "thread-errors.ts",
  ];
  /** Runs verification for what a policy asks about, so it stands behind both. */
  const AFTER_POLICY = ["compute.ts", "pool.ts", "worker.ts"];
  const ENTRIES = ["index.ts", "sign.ts", "store.ts", "operations.ts"];

  /** 0 for leaves, then the layers in order, the entries last. */
  function rank(path: string): number | undefined {
    const [first = "", rest] = path.split("/");
    if (rest !== undefined) return LAYERS.includes(first) ? LAYERS.indexOf(first) + 1 : undefined;
    if (LEAVES.includes(first)) return 0;
    if (AFTER_POLICY.includes(first)) return LAYERS.indexOf("policy") + 1.5;
    return ENTRIES.includes(first) ? LAYERS.length + 1 : undefined;
  }

  test("every file stands in a layer, is a leaf or is an entry", () => {
    expect(
      of("core")
        .filter((file) => rank(file.path) === undefined)
        .map(label),
    ).toEqual([]);
  });

  test("a file imports its own layer and earlier ones only", () => {
    const used = new Set<string>();
    const isLater = (i: Import, file: SourceFile): boolean => {
      if (!i.specifier.startsWith(".")) return false;
      const target = resolveImport(label(file), i.specifier)?.replace("packages/core/src/", "") ?? "";
      const exception = `${file.path} → ${target}`;
      const later = (rank(target) ?? Infinity) > (rank(file.path) ?? -1);
      if (later) used.add(exception);
      return later && !(i.kind === "type" && Object.hasOwn(PERMITTED_INVERSIONS, exception));
    };
    expect(importOffences(of("core"), isLater)).toEqual([]);
    expect(Object.keys(PERMITTED_INVERSIONS).filter((e) => !used.has(e))).toEqual([]);
  });

  test("entries are imported by nobody", () => {
    const imports = (i: Import, file: SourceFile): boolean =>
      ENTRIES.some((entry) => resolveImport(label(file), i.specifier) === `packages/core/src/${entry}`);
    expect(importOffences(of("core"), imports)).toEqual([]);
  });

  test("an operation is one verb; only publish is made of another, attest, and find shows what inspect reads", () => {
    const madeOf: Readonly<Record<string, string>> = {
      "operations/publish.ts": "./attest.ts",
      "operations/find.ts": "./inspect.ts",
    };
    const operations = of("core").filter((file) => file.path.startsWith("operations/"));
    const other = (i: Import, file: SourceFile): boolean =>
      i.specifier.startsWith("./") && madeOf[file.path] !== i.specifier;
    expect(importOffences(operations, other)).toEqual([]);
    expect(
      offences(operations, (f) => [lineCount(f) > 150 ? `${lineCount(f)} lines of at most 150` : undefined]),
    ).toEqual([]);
  });
});

describe("rooms", () => {
  test.each(ROOMS)("$what is only in $where", ({ packages, pattern, where }) => {
    const allowed = where.map((path) => `packages/${path}`);
    const outside = of(...packages).filter((file) => !allowed.includes(label(file)));
    expect(offences(outside, (file) => linesWith(file, pattern))).toEqual([]);
  });

  test("@sigstore/verify is run by verification/sigstore.ts and its trust material only; signature.ts knows its types", () => {
    const importers = ["verification/sigstore.ts", "verification/trust-material.ts"];
    const stray = (i: Import, file: SourceFile): boolean =>
      i.specifier === "@sigstore/verify" &&
      !importers.includes(file.path) &&
      !(i.kind === "type" && file.path === "verification/signature.ts");
    expect(importOffences(of("core"), stray)).toEqual([]);
  });

  test("node:process is imported at the command line's edge only", () => {
    const edge = ["bin.ts", "io.ts"];
    const stray = (i: Import, file: SourceFile): boolean =>
      /^(?:node:)?process$/.test(i.specifier) && !(file.package === "cli" && edge.includes(file.path));
    expect(importOffences(files, stray)).toEqual([]);
  });

  test("modules export by name, from one index a package, and nothing in between passes exports on", () => {
    const entries = /^(?:index|json|sign|store|operations)\.ts$/;
    expect(offences(files, (file) => linesWith(file, /^export \*/))).toEqual([]);
    expect(offences(files, (file) => linesWith(file, /^export default /))).toEqual([]);
    expect(files.filter((f) => f.path.endsWith("/index.ts")).map(label)).toEqual([]);
    expect(importOffences(files, (i, file) => i.reexport && !entries.test(file.path))).toEqual([]);
  });

  test("no file is named after nothing", () => {
    const vague = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|manager|service|types|constants)\.ts$/;
    expect(files.filter((file) => vague.test(file.path)).map(label)).toEqual([]);
  });

  test("every file states its licence first, then what it is for", () => {
    const header = /^(?:#!.*\n)?\/\/ SPDX-License-Identifier: Apache-2\.0\n\/\/ \S/;
    expect(files.filter((file) => !header.test(file.text)).map(label)).toEqual([]);
  });
});

describe("sizes", () => {
  test("no file is over 400 lines", () => {
    expect(offences(files, (f) => [lineCount(f) > 400 ? `${lineCount(f)} lines` : undefined])).toEqual([]);
  });

  test("half of all files are at most 130 lines", () => {
    const counts = files.map(lineCount).toSorted((a, b) => a - b);
    expect(counts[Math.floor(counts.length / 2)]).toBeLessThanOrEqual(130);
  });
});

describe("what an entry loads", () => {
  const SDKS = /^(?:@aws-sdk|@google-cloud|@azure)\//;
  const table: readonly { entry: string; never: readonly RegExp[] }[] = [
    {
      entry: "core/src/index.ts",
      never: [
        /core\/src\/signing\//,
        /core\/src\/(?:http|retry)\.ts/,
        /token-source/,
        /agent-api/,
        /^(?:zod|yaml|tuf-js|commander)$/,
        /^@sigstore\/(?:tuf|sign)$/,
        /^@noble\//,
      ],
    },
    { entry: "core/src/sign.ts", never: [/^(?:zod|yaml|tuf-js|commander)$/, /^@sigstore\/(?:tuf|sign)$/, /^@noble\//] },
    {
      entry: "core/src/operations.ts",
      never: [
        /core\/src\/signing\//,
        /core\/src\/(?:http|retry)\.ts/,
        /^(?:zod|yaml|tuf-js|commander)$/,
        /^@sigstore\/(?:tuf|sign)$/,
        /^@noble\//,
      ],
    },
    {
      entry: "core/src/store.ts",
      never: [
        /core\/src\/(?:verification|policy|signing|provenance|operations|audit)\//,
        /^@sigstore\//,
        /^(?:zod|yaml|picomatch)/,
        /core\/src\/sigstore\//,
      ],
    },
    { entry: "in-toto-attestation/src/index.ts", never: [/^(?!node:|packages\/in-toto-attestation\/)/] },
    {
      entry: "in-toto-attestation/src/json.ts",
      never: [/^(?!node:|packages\/in-toto-attestation\/)/, /predicates\//, /src\/statement\.ts/],
    },
    {
      entry: "storage-adapters/src/index.ts",
      never: [
        SDKS,
        /storage-adapters\/src\/(?:file|s3|gcs|azure|artifactory|credentials)\//,
        /core\/src\/(?:verification|signing|policy)\//,
        /^@sigstore\//,
      ],
    },
    {
      entry: "cli/src/bin.ts",
      never: [
        /core\/src\/signing\//,
        /^(?:zod|yaml)/,
        SDKS,
        /packages\/sandbox\//,
        /cli\/src\/(?:commands\/(?!table\.ts)|doctor\/|hook\/)/,
      ],
    },
  ];

  test.each(table)("$entry", ({ entry, never }) => {
    const { files: loaded, external } = loadGraph(`packages/${entry}`, sources);
    const all = [...loaded, ...external];
    expect(all.filter((name) => never.some((pattern) => pattern.test(name)))).toEqual([]);
  });
});
