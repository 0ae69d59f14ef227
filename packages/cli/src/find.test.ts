// SPDX-License-Identifier: Apache-2.0
// `kiteseal find`: what it finds, where it looked, and that nothing hostile in a store makes it fail or believe.
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { onlyBundle, useFixture } from "./fixture.testkit.ts";

const fixture = useFixture();
const ELSEWHERE = `sha256:${"ab".repeat(32)}`;

interface Answer {
  readonly verified: boolean;
  readonly artifacts: readonly {
    readonly outcome: string;
    readonly digest: { readonly sha256: string };
    readonly places: readonly { readonly place: string; readonly outcome: string }[];
    readonly bundles: readonly Readonly<Record<string, unknown>>[];
  }[];
}

async function find(...argv: readonly string[]): Promise<{ code: number; answer: Answer }> {
  const { code, stdout } = await fixture.cli(["find", ...argv, "--format", "json"]);
  return { code, answer: JSON.parse(stdout) as Answer };
}

describe("find", () => {
  test("names each bundle with its place, type and claims, unverified and without a trusted root", async () => {
    const store = await fixture.published();
    const { code, answer } = await find(`file://${store}/1/dist/app.tgz`);
    expect(code).toBe(0);
    expect(answer).toMatchObject({
      verified: false,
      artifacts: [
        {
          outcome: "found",
          bundles: [
            {
              kind: "readable",
              claimsTheseBytes: true,
              unverified: {
                unverifiedBuild: { organization: "acme", pipeline: "app" },
                unverifiedStatement: { predicateType: "https://slsa.dev/provenance/v1" },
              },
            },
          ],
        },
      ],
    });
  });

  test("says in words that nothing is verified, first and last", async () => {
    const store = await fixture.published();
    const { stdout } = await fixture.cli(["find", join(store, "1/dist/app.tgz")]);
    const lines = stdout.trim().split("\n");
    expect([lines[0], lines.at(-1)].every((line) => line?.startsWith("NOT VERIFIED"))).toBe(true);
  });

  test("does not set a place where it looked below the last bundle", async () => {
    const store = await fixture.published();
    const { stdout } = await fixture.cli(["find", join(store, "1/dist/app.tgz")]);
    const indents = (word: string): readonly (string | undefined)[] =>
      stdout.split("\n").flatMap((line) => (line.trim().startsWith(`${word} `) ? [/^ */.exec(line)?.[0]] : []));
    expect(new Set(indents("looked"))).toStrictEqual(new Set(indents("bundle")));
  });

  test("finds the attestations of a digest below a root, and needs one", async () => {
    const store = await fixture.published();
    const target = await find(`file://${store}/1/dist/app.tgz`);
    const digest = `sha256:${target.answer.artifacts[0]?.digest.sha256}`;
    const root = ["--attestations", `file://${store}/.kiteseal`];
    expect((await find("--digest", digest, ...root)).code).toBe(0);
    expect((await find("--digest", ELSEWHERE, ...root)).code).toBe(21);
    expect((await find("--digest", digest)).code).toBe(2);
    expect((await find("--digest", digest, "dist/app.tgz", ...root)).code).toBe(2);
  });

  test("lists every place where there was nothing", async () => {
    const folder = join(fixture.root, `empty-${fixture.next()}`);
    await mkdir(folder);
    await writeFile(join(folder, "app"), "x");
    const { code, answer } = await find(`file://${folder}/app`);
    expect(code).toBe(21);
    expect(answer.artifacts[0]?.places.map(({ outcome }) => outcome)).not.toContain("found");
    expect(answer.artifacts[0]?.places.length).toBeGreaterThan(2);
  });

  test("calls a bundle about other bytes what it is, and that is not found", async () => {
    const store = await fixture.published();
    const subjects = join(store, ".kiteseal/subjects/sha256");
    const [name = ""] = (await readdir(subjects, { recursive: true })).filter((n) => n.split("/").length === 4);
    const [, , signer = "", reference = ""] = name.split("/");
    const claimed = ELSEWHERE.slice("sha256:".length);
    await mkdir(join(subjects, "ab", claimed, signer), { recursive: true });
    await writeFile(join(subjects, "ab", claimed, signer, reference), "");
    const { code, answer } = await find("--digest", ELSEWHERE, "--attestations", `file://${store}/.kiteseal`);
    expect(code).toBe(21);
    expect(answer.artifacts[0]?.bundles).toMatchObject([{ kind: "readable", claimsTheseBytes: false }]);
  });

  test("shows a hostile bundle as unreadable, with its code, and cannot tell", async () => {
    const store = await fixture.published();
    const bundle = await onlyBundle(store);
    await writeFile(bundle, "{}");
    await writeFile(join(store, "1/dist/app.tgz.sigstore.json"), "[".repeat(100_000));
    const { code, answer } = await find(`file://${store}/1/dist/app.tgz`);
    expect(code).toBe(30);
    expect(answer.artifacts[0]?.bundles.map(({ kind, code: why }) => `${String(kind)} ${String(why)}`)).toStrictEqual([
      "unreadable ERR_BUNDLE_INVALID",
      "unreadable ERR_STORE_TAMPERED",
    ]);
  });

  test("cannot tell if what is referred to is gone, or a place cannot be listed", async () => {
    const store = await fixture.published();
    await rm(await onlyBundle(store));
    expect((await find(`file://${store}/1/dist/app.tgz`)).code).toBe(30);
    const folder = join(store, ".kiteseal/subjects/sha256/ab", ELSEWHERE.slice("sha256:".length));
    await mkdir(folder, { recursive: true });
    await symlink("/", join(folder, "link"));
    const { code, answer } = await find("--digest", ELSEWHERE, "--attestations", `file://${store}/.kiteseal`);
    expect(answer.artifacts[0]?.places.map(({ outcome }) => outcome)).toContain("unavailable");
    expect(code).toBe(30);
  });

  test("lists at most a hundred, and says that there are more", async () => {
    const store = await fixture.published();
    const folder = join(store, ".kiteseal/subjects/sha256/ab", ELSEWHERE.slice("sha256:".length), "cd".repeat(32));
    await mkdir(folder, { recursive: true });
    for (let i = 0; i < 101; i += 1)
      await writeFile(join(folder, `0000000001-${i.toString(16).padStart(64, "0")}`), "");
    const { code, answer } = await find("--digest", ELSEWHERE, "--attestations", `file://${store}/.kiteseal`);
    expect(code).toBe(30);
    expect(answer.artifacts[0]?.bundles).toHaveLength(100);
    expect(answer.artifacts[0]?.places).toMatchObject([{ outcome: "capped" }]);
  });

  test("cannot tell if a hundred are about other bytes and there are more", async () => {
    const store = await fixture.published();
    const bundle = await onlyBundle(store);
    const digest = bundle.slice(bundle.lastIndexOf("/") + 1).replace(".sigstore.json", "");
    const folder = join(store, ".kiteseal/subjects/sha256/ab", ELSEWHERE.slice("sha256:".length), "cd".repeat(32));
    await mkdir(folder, { recursive: true });
    for (let i = 0; i < 1001; i += 1) await writeFile(join(folder, `${String(i).padStart(10, "0")}-${digest}`), "");
    const { code, answer } = await find("--digest", ELSEWHERE, "--attestations", `file://${store}/.kiteseal`);
    expect(code).toBe(30);
    expect(answer.artifacts[0]?.bundles).toMatchObject([{ kind: "readable", claimsTheseBytes: false }]);
  });

  test("answers for every target, and with the worst of the answers", async () => {
    const store = await fixture.published();
    const { code, answer } = await find(`file://${store}/1/dist/app.tgz`, `file://${store}/1/dist/none`);
    expect(code).toBe(2);
    expect(answer.artifacts.map(({ outcome }) => outcome)).toStrictEqual(["found", "error"]);
  });
});
