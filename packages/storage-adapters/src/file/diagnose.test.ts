// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testContext } from "../store-contract.testkit.ts";
import { diagnose } from "./diagnose.ts";

describe("diagnose of a directory", () => {
  let root: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-diagnose-")));
  });
  afterEach(() => rm(root, { recursive: true }));
  const severities = async (base: string): Promise<Record<string, string>> =>
    Object.fromEntries((await diagnose(base, testContext())).map((f) => [f.id, f.severity]));

  test("finds a good one good, and leaves nothing in it", async () => {
    expect(await severities(root)).toEqual({
      "file.identity": "ok",
      "file.base": "ok",
      "file.permissions": "ok",
      "file.public-access": "ok",
      "file.list": "ok",
      "file.read": "ok",
      "file.put": "ok",
      "file.create-only": "ok",
      "file.names": "ok",
      "file.durability": "ok",
      "file.overwrite": "advice",
      "file.delete": "advice",
      "file.abilities": "ok",
      "file.versioning": "advice",
      "file.immutability": "advice",
      "file.encryption": "ok",
      "file.lifecycle": "ok",
    });
    expect(await readdir(root)).toEqual([]);
  });

  test("says where a link leads", async () => {
    await mkdir(`${root}/real`);
    await symlink(`${root}/real`, `${root}/link`);
    const findings = await diagnose(`${root}/link`, testContext());
    expect(findings.find((f) => f.id === "file.base")?.message).toContain(`${root}/real`);
  });

  test("calls one that is not there yet advice, and something else there broken", async () => {
    await writeFile(`${root}/file`, "x");
    expect(await severities(`${root}/none`)).toEqual({ "file.identity": "ok", "file.base": "advice" });
    expect(await severities(`${root}/file`)).toEqual({ "file.identity": "ok", "file.base": "broken" });
  });

  test("calls one dangerous that everybody can write to, itself or above", async () => {
    await mkdir(`${root}/a/b`, { recursive: true });
    await chmod(`${root}/a/b`, 0o1777);
    expect(await severities(`${root}/a/b`)).toMatchObject({ "file.permissions": "dangerous" });
    await chmod(`${root}/a/b`, 0o755);
    await chmod(`${root}/a`, 0o777);
    const findings = await diagnose(`${root}/a/b`, testContext());
    expect(findings.filter((f) => f.severity === "dangerous")).toMatchObject([{ subject: `${root}/a` }]);
    await chmod(`${root}/a`, 0o1777);
    expect(await severities(`${root}/a/b`)).toMatchObject({ "file.permissions": "ok" });
  });
});
