// SPDX-License-Identifier: Apache-2.0
// Command lines against the real sandbox: what each attack on a store meets.
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { onlyBundle, type Report, useFixture, WHO } from "./fixture.testkit.ts";

const fixture = useFixture();
const { cli, verify, published, report } = fixture;

describe("what an attacker meets", () => {
  test("one changed byte is not attested", async () => {
    const store = await published();
    await appendFile(join(store, "1", "dist", "app.tgz"), "!");
    const found = await report([store]);
    expect(found).toMatchObject({ exitCode: 21, tally: { verified: 1, unattested: 1 } });
    expect(found.artifacts[0]?.places.length).toBeGreaterThan(2);
  });

  test("two swapped artifacts of one build are rejected", async () => {
    const store = await published();
    const at = (name: string): string => join(store, "1", "dist", name);
    await rename(at("app.tgz"), at("swap"));
    await rename(at("notes.txt"), at("app.tgz"));
    await rename(at("swap"), at("notes.txt"));
    const { artifacts, exitCode } = await report([store]);
    expect(exitCode).toBe(20);
    expect(artifacts.map(({ code }) => code)).toStrictEqual(["ERR_SUBJECT_NAME", "ERR_SUBJECT_NAME"]);
  });

  test.each([
    ["another pipeline", ["--org", "acme", "--pipeline", "deploy", "--branch", "main"], "ERR_IDENTITY"],
    ["another branch", ["--org", "acme", "--pipeline", "app", "--branch", "release"], "ERR_IDENTITY"],
    ["another step", [...WHO, "--step", "test"], "ERR_IDENTITY"],
    ["another build", [...WHO, "--build", "2"], "ERR_RULE"],
  ])("an artifact of %s is rejected", async (_, who, code) => {
    const store = await published();
    const ran = await cli([
      "verify",
      join(store, "1", "dist", "app.tgz"),
      ...fixture.roots(),
      ...who,
      "--format",
      "json",
    ]);
    expect(ran.code).toBe(20);
    expect((JSON.parse(ran.stdout) as Report).artifacts[0]).toMatchObject({ outcome: "rejected", code });
  });

  test("an attestation edited in the store is rejected, one deleted is undetermined, all deleted is unattested", async () => {
    const store = await published();
    const bundle = await onlyBundle(store);
    const text = await readFile(bundle, "utf8");
    await writeFile(bundle, text.replace('"payload":"eyJ', '"payload":"eyK'));
    const target = [join(store, "1", "dist", "app.tgz")];
    expect((await report(target)).artifacts[0]).toMatchObject({ outcome: "rejected", code: "ERR_STORE_TAMPERED" });
    await rm(bundle);
    expect((await report(target)).artifacts[0]).toMatchObject({
      outcome: "undetermined",
      code: "ERR_CANDIDATE_UNREADABLE",
    });
    await rm(join(store, ".kiteseal"), { recursive: true });
    expect((await report(target)).artifacts[0]).toMatchObject({ outcome: "unattested", code: "ERR_UNATTESTED" });
  });

  test("a name from the store cannot write to the terminal", async () => {
    const store = join(fixture.root, "evil");
    await mkdir(store, { recursive: true });
    await writeFile(join(store, "a\u202eb"), "x");
    await writeFile(join(store, "plain"), "x");
    const ran = await verify([`file://${store}`, "--recursive"]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).not.toMatch(/[\u202e\u001b]/);
  });
});
