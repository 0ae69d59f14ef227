// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Context, Progress } from "../context.ts";
import { bytesSource, digestFile, digestStream, SHA256_PLAN } from "./digest.ts";
import type { FilePlan } from "./digest.ts";
import type { ByteRange, Unhashed } from "./source.ts";

const ctx: Context = { now: () => new Date(0) };
const MIB = 1_048_576;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kiteseal-digest-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

const hex = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest("hex");

async function read(source: Unhashed, range?: ByteRange): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.open(range)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** Bytes that repeat nowhere near a buffer's size. */
function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 2654435761) >>> 24;
  return bytes;
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe("digestFile", () => {
  it.each([0, 1, 1000, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB, 9 * MIB + 17])(
    "hashes a file of %i bytes",
    async (size) => {
      const bytes = bytesOf(size);
      const source = await digestFile(await file("sized", bytes), SHA256_PLAN, ctx);
      expect(source.size).toBe(size);
      expect(source.digests).toEqual({ sha256: hex("sha256", bytes) });
      expect((await read(source)).equals(bytes)).toBe(true);
    },
  );

  it("computes every algorithm and the parts in the same pass", async () => {
    const bytes = bytesOf(5 * MIB + 3);
    const path = await file("parts", bytes);
    const plan = { algorithms: ["sha512", "md5", "sha1", "sha384", "sha256"], partSize: 2 * MIB } as const;
    const { digests } = await digestFile(path, plan, ctx);
    const parts = [0, 1, 2].map((n) => hex("sha256", bytes.subarray(n * 2 * MIB, (n + 1) * 2 * MIB)));
    expect(digests).toEqual({
      sha256: hex("sha256", bytes),
      sha512: hex("sha512", bytes),
      md5: hex("md5", bytes),
      sha1: hex("sha1", bytes),
      sha384: hex("sha384", bytes),
      parts: { size: 2 * MIB, sha256: parts },
    });
    const md5 = [0, 1, 2].map((n) => hex("md5", bytes.subarray(n * 2 * MIB, (n + 1) * 2 * MIB)));
    const both = await digestFile(path, { ...plan, partMd5: true }, ctx);
    expect(both.digests.parts).toEqual({ size: 2 * MIB, sha256: parts, md5 });
  });

  it("has one empty part for no bytes and no empty part after a full one", async () => {
    const empty = await digestFile(await file("none", ""), { algorithms: [], partSize: 4 }, ctx);
    expect(empty.digests.parts?.sha256).toEqual([hex("sha256", Buffer.alloc(0))]);
    const full = await digestFile(await file("full", "12345678"), { algorithms: [], partSize: 4 }, ctx);
    expect(full.digests.parts?.sha256).toEqual([
      hex("sha256", Buffer.from("1234")),
      hex("sha256", Buffer.from("5678")),
    ]);
  });

  it("tells each part as soon as it is hashed, and the plan of the open file first", async () => {
    const bytes = bytesOf(9 * MIB + 5);
    const path = await file("told", bytes);
    const told: string[] = [];
    const progress = ({ done }: Progress): void => void told.push(`${done / MIB} MiB`);
    const plan = (unhashed: Unhashed): FilePlan => {
      told.push(`${unhashed.size} bytes`);
      return { algorithms: ["sha256"], partSize: 3 * MIB, onPart: ({ sha256 }) => told.push(sha256) };
    };
    const { digests } = await digestFile(path, plan, { ...ctx, progress });
    const [first, second, third, rest] = digests.parts?.sha256 ?? [];
    expect(told).toEqual([`${9 * MIB + 5} bytes`, first, "4 MiB", second, "8 MiB", third, `${9 + 5 / MIB} MiB`, rest]);
  });

  it("tells no part that a file grew to have while it was hashed", async () => {
    const path = await file("growing", bytesOf(9 * MIB));
    const told: string[] = [];
    const plan: FilePlan = { algorithms: ["sha256"], partSize: MIB, onPart: ({ sha256 }) => told.push(sha256) };
    let isFirst = true;
    const progress = (): void => {
      if (isFirst) execFileSync("sh", ["-c", 'head -c 9000000 /dev/zero >> "$1"', "sh", path]);
      isFirst = false;
    };
    await expect(digestFile(path, plan, { ...ctx, progress })).rejects.toThrow(code("ERR_FILE_CHANGED"));
    expect(told.length).toBeLessThanOrEqual(9);
  });

  it("lets a file be read while it is hashed, as it was when it was opened", async () => {
    const bytes = bytesOf(5 * MIB);
    const path = await file("read-ahead", bytes);
    const reading: Promise<Buffer>[] = [];
    const plan = (unhashed: Unhashed): FilePlan => {
      reading.push(read(unhashed, { start: MIB, end: 2 * MIB }));
      return SHA256_PLAN;
    };
    await digestFile(path, plan, ctx);
    expect((await Promise.all(reading))[0]?.equals(bytes.subarray(MIB, 2 * MIB))).toBe(true);
    let later: Unhashed | undefined;
    await digestFile(path, (unhashed) => ((later = unhashed), SHA256_PLAN), ctx);
    await writeFile(path, bytesOf(5 * MIB));
    await expect(later === undefined ? undefined : read(later)).rejects.toThrow(code("ERR_FILE_CHANGED"));
  });

  it.each([["small"], [bytesOf(70_000)]])(
    "gives the bytes that it was told to keep, without reading again",
    async (content) => {
      const path = await file("kept", content);
      const kept = await digestFile(path, { ...SHA256_PLAN, keep: true }, ctx);
      const memory = async (): Promise<ArrayBufferLike | undefined> => {
        for await (const chunk of kept.open()) return chunk.buffer;
        return undefined;
      };
      expect(await memory()).toBe(await memory());
      expect((await read(kept)).equals(Buffer.from(content))).toBe(true);
      expect((await read(kept, { start: 1, end: 3 })).equals(Buffer.from(content).subarray(1, 3))).toBe(true);
      expect(() => kept.open({ start: 0, end: 80_000 })).toThrow(RangeError);
      await utimes(path, 1, 1);
      await expect(read(kept)).rejects.toThrow(code("ERR_FILE_CHANGED"));
      await rm(path);
      await expect(read(kept)).rejects.toThrow(code("ERR_FILE_CHANGED"));
    },
  );

  it("follows a link to a file", async () => {
    await symlink(await file("target", "linked"), join(directory, "link"));
    expect((await digestFile(join(directory, "link"), SHA256_PLAN, ctx)).digests.sha256).toBe(
      hex("sha256", Buffer.from("linked")),
    );
  });

  it("reports progress up to the whole size", async () => {
    const seen: Progress[] = [];
    await digestFile(await file("progress", bytesOf(9 * MIB)), SHA256_PLAN, { ...ctx, progress: (p) => seen.push(p) });
    expect(seen.map((p) => [p.done / MIB, (p.total ?? 0) / MIB])).toEqual([
      [4, 9],
      [8, 9],
      [9, 9],
    ]);
  });

  it("stops when it is interrupted, before and while it reads", async () => {
    const path = await file("interrupted", bytesOf(9 * MIB));
    await expect(digestFile(path, SHA256_PLAN, { ...ctx, signal: AbortSignal.abort() })).rejects.toThrow(
      code("ERR_INTERRUPTED"),
    );
    const stop = new AbortController();
    const during = digestFile(path, SHA256_PLAN, { ...ctx, signal: stop.signal, progress: () => stop.abort() });
    await expect(during).rejects.toThrow(code("ERR_INTERRUPTED"));
  });

  it("refuses what is no regular file, without waiting for it", async () => {
    await mkdir(join(directory, "folder"));
    execFileSync("mkfifo", [join(directory, "fifo")]);
    const server = createServer().listen(join(directory, "socket"));
    await expect(digestFile(join(directory, "folder"), SHA256_PLAN, ctx)).rejects.toThrow(code("ERR_IS_DIRECTORY"));
    await expect(digestFile(join(directory, "fifo"), SHA256_PLAN, ctx)).rejects.toThrow(code("ERR_UNREADABLE"));
    await expect(digestFile(join(directory, "socket"), SHA256_PLAN, ctx)).rejects.toThrow(code("ERR_UNREADABLE"));
    await expect(digestFile("/dev/null", SHA256_PLAN, ctx)).rejects.toThrow(code("ERR_UNREADABLE"));
    await expect(digestFile(join(directory, "absent"), SHA256_PLAN, ctx)).rejects.toThrow(code("ERR_NO_MATCH"));
    server.close();
  });

  it("notices a file that grows, shrinks or is touched while it is read", async () => {
    const change = async (run: (path: string) => void): Promise<void> => {
      const path = await file("changing", bytesOf(9 * MIB));
      let first = true;
      const progress = (): void => {
        if (first) run(path);
        first = false;
      };
      await expect(digestFile(path, SHA256_PLAN, { ...ctx, progress })).rejects.toThrow(code("ERR_FILE_CHANGED"));
    };
    await change((path) => execFileSync("sh", ["-c", 'printf x >> "$1"', "sh", path]));
    await change((path) => execFileSync("truncate", ["-s", "5M", path]));
    await change((path) => execFileSync("chmod", ["600", path]));
  });
});

describe("digestFile in a thread", () => {
  const inThread = { ...SHA256_PLAN, inThread: true } as const;

  it("tells what it tells otherwise, the same parts in the same order", async () => {
    const bytes = bytesOf(9 * MIB + 5);
    const path = await file("threaded", bytes);
    const hashed = async (how: Pick<FilePlan, "inThread">) => {
      const told: unknown[] = [];
      const plan: FilePlan = {
        algorithms: ["sha512"],
        partSize: 3 * MIB,
        partMd5: true,
        onPart: (p) => told.push(p),
        ...how,
      };
      const progress = ({ subject, done, total }: Progress): void => void told.push([subject, done, total]);
      const source = await digestFile(path, plan, { ...ctx, progress });
      expect((await read(source)).equals(bytes)).toBe(true);
      return { told, digests: source.digests };
    };
    expect(await hashed({ inThread: true })).toEqual(await hashed({}));
  });

  it("stops when it is interrupted", async () => {
    const path = await file("stopped", bytesOf(9 * MIB));
    const stop = new AbortController();
    const during = digestFile(path, inThread, { ...ctx, signal: stop.signal, progress: () => stop.abort() });
    await expect(during).rejects.toThrow(code("ERR_INTERRUPTED"));
  });

  it("stops when it was interrupted before it began", async () => {
    const stop = new AbortController();
    const seen: Progress[] = [];
    const plan = (): FilePlan => (stop.abort(), inThread);
    const progress = (p: Progress): void => void seen.push(p);
    const path = await file("early", bytesOf(9 * MIB));
    await expect(digestFile(path, plan, { ...ctx, signal: stop.signal, progress })).rejects.toThrow(
      code("ERR_INTERRUPTED"),
    );
    expect(seen).toEqual([]);
  });

  it("fails with what the caller's functions throw", async () => {
    const path = await file("throwing", bytesOf(MIB));
    const bug = new TypeError("a bug of the caller");
    const thrown = (): never => {
      throw bug;
    };
    await expect(digestFile(path, inThread, { ...ctx, progress: thrown })).rejects.toBe(bug);
    await expect(digestFile(path, { ...inThread, partSize: MIB, onPart: thrown }, ctx)).rejects.toBe(bug);
  });

  it("hashes the file that was opened or none", async () => {
    const before = async (run: (path: string) => void): Promise<void> => {
      const path = await file("before", bytesOf(MIB));
      const plan = (): FilePlan => (run(path), inThread);
      await expect(digestFile(path, plan, ctx)).rejects.toThrow(code("ERR_FILE_CHANGED"));
      await rm(path, { force: true });
    };
    await before((path) => execFileSync("sh", ["-c", 'cp "$1" "$1.new" && mv "$1.new" "$1"', "sh", path]));
    await before((path) => execFileSync("rm", [path]));
    await before((path) => execFileSync("sh", ["-c", 'rm "$1" && mkfifo "$1"', "sh", path]));
  });

  it("notices a file that is touched while it is read", async () => {
    const path = await file("meanwhile", bytesOf(9 * MIB));
    let isFirst = true;
    const progress = (): void => {
      if (isFirst) execFileSync("chmod", ["600", path]);
      isFirst = false;
    };
    await expect(digestFile(path, inThread, { ...ctx, progress })).rejects.toThrow(code("ERR_FILE_CHANGED"));
  });

  it("says of what cannot be read what it says otherwise", async () => {
    await expect(digestFile(join(directory, "nothing"), inThread, ctx)).rejects.toThrow(code("ERR_NO_MATCH"));
  });
});

describe("a file's source", () => {
  it("reads ranges", async () => {
    const bytes = bytesOf(3 * MIB);
    const source = await digestFile(await file("ranges", bytes), SHA256_PLAN, ctx);
    expect(
      (await read(source, { start: MIB - 5, end: 2 * MIB + 5 })).equals(bytes.subarray(MIB - 5, 2 * MIB + 5)),
    ).toBe(true);
    expect((await read(source, { start: 7, end: 7 })).length).toBe(0);
    expect(() => source.open({ start: 0, end: 3 * MIB + 1 })).toThrow(RangeError);
  });

  it("throws if the file was replaced, changed, touched or removed since it was hashed", async () => {
    const later = async (run: (path: string) => Promise<void>): Promise<void> => {
      const path = await file("later", "the same bytes");
      const source = await digestFile(path, SHA256_PLAN, ctx);
      await run(path);
      await expect(read(source)).rejects.toThrow(code("ERR_FILE_CHANGED"));
      await rm(path, { force: true });
    };
    await later(async (path) => rename(await file("other", "the same bytes"), path));
    await later((path) => appendFile(path, "x"));
    await later((path) => utimes(path, 1, 1));
    await later((path) => chmod(path, 0o600));
    await later((path) => rm(path));
  });

  it("throws if the file changes while it is read", async () => {
    const path = await file("midway", bytesOf(3 * MIB));
    const source = await digestFile(path, SHA256_PLAN, ctx);
    const reader = source.open()[Symbol.asyncIterator]();
    await reader.next();
    await appendFile(path, "x");
    const rest = (async () => {
      while ((await reader.next()).done !== true);
    })();
    await expect(rest).rejects.toThrow(code("ERR_FILE_CHANGED"));
  });
});

describe("bytesSource and digestStream", () => {
  it("agree with the file's digests", async () => {
    const bytes = bytesOf(100_003);
    const plan = { algorithms: ["sha512"], partSize: 40_000 } as const;
    const expected = await digestFile(await file("agree", bytes), plan, ctx);
    const memory = bytesSource(bytes, plan);
    expect(memory.digests).toEqual(expected.digests);
    expect((await read(memory, { start: 10, end: 20 })).equals(bytes.subarray(10, 20))).toBe(true);
    expect(await digestStream(memory.open(), plan, ctx)).toEqual({ size: bytes.length, digests: expected.digests });
  });
});
