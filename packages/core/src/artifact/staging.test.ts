// SPDX-License-Identifier: Apache-2.0
import {
  chmod,
  chown,
  type FileHandle,
  lutimes,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isKitesealError } from "../errors.ts";
import { sha256Hex, SHA256_PLAN } from "./digest.ts";
import { createStaging, type Staging } from "./staging.ts";

const ctx = { now: (): Date => new Date() };
const DAY_MS = 24 * 60 * 60 * 1000;
let work: string;
let output: string;

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-staging-")));
  output = join(work, "out");
});
afterEach(() => rm(work, { recursive: true }));

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

function put(staging: Staging, path: string, ...texts: readonly string[]): ReturnType<Staging["receive"]> {
  return staging.receive(path, { bytes: pieces(...texts), plan: SHA256_PLAN }, ctx);
}

async function code(work_: Promise<unknown>): Promise<unknown> {
  try {
    return await work_;
  } catch (error) {
    return isKitesealError(error) ? error.code : error;
  }
}

/** Permissions do not bind root, so the test gives up being root while it is taken away. */
async function makeWriteOnly(path: string): Promise<() => Promise<void>> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) await chown(path, 65_534, 65_534);
  await chmod(path, 0o300);
  if (isRoot) process.seteuid?.(65_534);
  return async () => {
    if (isRoot) process.seteuid?.(0);
    await chmod(path, 0o700);
  };
}

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const leftover = (): Promise<readonly string[]> => readdir(work);

describe("a staged directory", () => {
  it("appears when it is published, with everything that was received, readable by its owner only", async () => {
    const staging = await createStaging(output, ctx);
    const [first, second] = await Promise.all([put(staging, "a/b/one", "1", "23"), put(staging, "a/b/two")]);
    await put(staging, "three", "3");
    expect(first.digests.sha256).toBe(sha256Hex("123"));
    expect(second).toMatchObject({ size: 0, digests: { sha256: sha256Hex("") } });
    expect(await leftover()).toEqual([expect.stringMatching(/^\.kiteseal-fetch-[0-9a-f]{12}-[0-9a-f]{32}$/)]);
    await staging.publish();
    await staging.remove();
    expect(await leftover()).toEqual(["out"]);
    expect(await readFile(join(output, "a/b/one"), "utf8")).toBe("123");
    expect(await readFile(join(output, "three"), "utf8")).toBe("3");
    expect(await Promise.all(["", "a", "a/b"].map((path) => mode(join(output, path))))).toEqual([0o700, 0o700, 0o700]);
    expect(await mode(join(output, "a/b/one"))).toBe(0o600);
  });

  it("has no name where that could not be made durable, as the directory above it cannot be opened", async () => {
    const staging = await createStaging(output, ctx);
    await put(staging, "one", "1");
    const allow = await makeWriteOnly(work);
    try {
      expect(await code(staging.publish())).toBe("ERR_OUTPUT");
      await staging.remove();
    } finally {
      await allow();
    }
    expect(await leftover()).not.toContain("out");
  });

  it("says so where it stands whole and the disk fails to say that it will last", async () => {
    const staging = await createStaging(output, ctx);
    await put(staging, "one", "1");
    const opened = await open(work);
    const failing = vi.spyOn(Object.getPrototypeOf(opened) as FileHandle, "sync").mockImplementation(async () => {
      if ((await leftover()).includes("out")) throw Object.assign(new Error(), { code: "EIO", syscall: "fsync" });
    });
    await opened.close();
    const error: unknown = await staging.publish().catch((thrown: unknown) => thrown);
    failing.mockRestore();
    await staging.remove();
    expect(error).toMatchObject({ code: "ERR_OUTPUT", details: { placed: true } });
    expect(await leftover()).toEqual(["out"]);
    expect(await readFile(join(output, "one"), "utf8")).toBe("1");
  });

  it("leaves nothing when it is removed instead", async () => {
    const staging = await createStaging(output, ctx);
    await put(staging, "a/one", "1");
    await staging.remove();
    expect(await leftover()).toEqual([]);
  });

  it("drops what could not be received whole, and never writes over what was", async () => {
    const staging = await createStaging(output, ctx);
    const broken = (async function* () {
      yield* pieces("half");
      throw new RangeError("the rest is gone");
    })();
    await expect(staging.receive("one", { bytes: broken, plan: SHA256_PLAN }, ctx)).rejects.toThrow(RangeError);
    await put(staging, "two", "2");
    expect(await code(put(staging, "two", "3"))).toBe("ERR_OUTPUT");
    await staging.publish();
    expect(await readdir(output)).toEqual(["two"]);
    expect(await readFile(join(output, "two"), "utf8")).toBe("2");
  });
});

describe("what is there already", () => {
  it.each([
    ["a directory", () => mkdir(output)],
    ["a file", () => writeFile(output, "")],
    ["a link to nothing", () => symlink(join(work, "elsewhere"), output)],
    ["a link to a directory", () => mkdir(join(work, "d")).then(() => symlink(join(work, "d"), output))],
  ])("%s is refused before anything, and stays as it is", async (_, plant) => {
    await plant();
    const before = await leftover();
    expect(await code(createStaging(output, ctx))).toBe("ERR_OUTPUT");
    expect(await leftover()).toEqual(before);
  });

  it.each([
    ["an empty directory", () => mkdir(output)],
    ["a link", () => symlink(work, output)],
    ["a file", () => writeFile(output, "")],
  ])("%s that appears meanwhile is not replaced", async (_, plant) => {
    const staging = await createStaging(output, ctx);
    await put(staging, "one", "1");
    await plant();
    expect(await code(staging.publish())).toBe("ERR_OUTPUT");
    await staging.remove();
    expect(await leftover()).toEqual(["out"]);
    expect(await readdir(output).catch(() => [])).not.toContain("one");
  });

  it("is refused where its parent is missing or a file", async () => {
    expect(await code(createStaging(join(work, "no/out"), ctx))).toBe("ERR_OUTPUT");
    await writeFile(join(work, "file"), "");
    expect(await code(createStaging(join(work, "file/out"), ctx))).toBe("ERR_OUTPUT");
  });
});

describe("somebody who may write beside it", () => {
  it("gains nothing by putting a link under the temporary name", async () => {
    const staging = await createStaging(output, ctx);
    const [name = ""] = await leftover();
    await rename(join(work, name), join(work, "moved"));
    await mkdir(join(work, "trap"));
    await symlink(join(work, "trap"), join(work, name));
    await put(staging, "one", "1");
    expect(await readdir(join(work, "trap"))).toEqual([]);
    expect(await code(staging.publish())).toBe("ERR_OUTPUT");
    await staging.remove();
    expect(await readdir(join(work, "moved"))).toEqual([]);
    expect(await leftover()).not.toContain("out");
  });

  it("gains nothing by putting a directory of his there", async () => {
    const staging = await createStaging(output, ctx);
    const [name = ""] = await leftover();
    await rename(join(work, name), join(work, "moved"));
    await mkdir(join(work, name));
    await writeFile(join(work, name, "evil"), "evil");
    expect(await code(staging.publish())).toBe("ERR_OUTPUT");
    await staging.remove();
    expect(await leftover()).not.toContain("out");
    expect(await readdir(join(work, name))).toEqual(["evil"]);
  });
});

describe("what killed runs left", () => {
  async function killed(path: string, ageMs: number): Promise<string> {
    const before = await leftover();
    await put(await createStaging(path, ctx), "a/one", "1");
    const [name = ""] = (await leftover()).filter((one) => !before.includes(one));
    const then = new Date(Date.now() - ageMs);
    await utimes(join(work, name), then, then);
    return name;
  }

  it("is removed after a day by the next run to the same place, and nothing else is", async () => {
    const old = await killed(output, DAY_MS + 60_000);
    const young = await killed(output, DAY_MS - 60_000);
    const others = await killed(join(work, "other"), DAY_MS + 60_000);
    const staging = await createStaging(output, ctx);
    await staging.remove();
    const names = await leftover();
    expect(names).not.toContain(old);
    expect(names.toSorted()).toEqual([young, others].toSorted());
  });

  it("what others may have written into, or is no directory, is left alone", async () => {
    const open = await killed(output, DAY_MS + 60_000);
    await chmod(join(work, open), 0o777);
    const file = `${open.slice(0, -32)}${"0".repeat(32)}`;
    await writeFile(join(work, file), "");
    const then = new Date(Date.now() - DAY_MS - 60_000);
    await utimes(join(work, file), then, then);
    const old = await killed(output, DAY_MS + 60_000);
    await (await createStaging(output, ctx)).remove();
    const names = await leftover();
    expect(names.toSorted()).toEqual([open, file].toSorted());
    expect(names).not.toContain(old);
  });

  it("a link of such a name is left alone", async () => {
    const old = await killed(output, DAY_MS + 60_000);
    await mkdir(join(work, "kept"));
    await writeFile(join(work, "kept/file"), "");
    const link = join(work, `${old.slice(0, -32)}${"0".repeat(32)}`);
    await symlink(join(work, "kept"), link);
    const then = new Date(Date.now() - DAY_MS - 60_000);
    await lutimes(link, then, then);
    await (await createStaging(output, ctx)).remove();
    expect(await readdir(link)).toEqual(["file"]);
  });

  it("is not this run's own, whatever its clock says", async () => {
    const staging = await createStaging(output, { now: () => new Date(Date.now() + 2 * DAY_MS) });
    await put(staging, "one", "1");
    await staging.publish();
    expect(await readdir(output)).toEqual(["one"]);
  });

  it("a run that is alive after all does not publish half of it", async () => {
    const slow = await createStaging(output, ctx);
    await put(slow, "one", "1");
    const [name = ""] = await leftover();
    const then = new Date(Date.now() - DAY_MS - 60_000);
    await utimes(join(work, name), then, then);
    const next = await createStaging(output, ctx);
    expect(await code(slow.publish())).toBe("ERR_OUTPUT");
    await slow.remove();
    await next.remove();
    expect(await leftover()).toEqual([]);
  });
});
