// SPDX-License-Identifier: Apache-2.0
// Artifacts of a web server: their attestation lies beside them or nowhere.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useFixture } from "./fixture.testkit.ts";

const fixture = useFixture();

/** Serves `files`, one of them without its length; `otherwise` is the status of everything else. */
async function serving(
  files: ReadonlyMap<string, Uint8Array>,
  { otherwise = 404, chunked }: { otherwise?: number; chunked?: string } = {},
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    const body = files.get(request.url ?? "");
    const length = request.url === chunked ? {} : { "content-length": body?.length ?? 0 };
    response.writeHead(body === undefined ? otherwise : 200, length);
    response.end(request.method === "HEAD" ? undefined : body);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

async function filesOf(names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const store = await fixture.published("--sidecar");
  const read = async (name: string): Promise<[string, Uint8Array]> => [
    `/${name}`,
    await readFile(join(store, "1", name)),
  ];
  return new Map(await Promise.all(names.map(read)));
}

test("verifies by the sidecar", async () => {
  await using server = await serving(await filesOf(["dist/app.tgz", "dist/app.tgz.sigstore.json"]));
  expect((await fixture.verify([`${server.url}/dist/app.tgz`])).code).toBe(0);
});

test("is no place to publish to, which is said before anything is signed", async () => {
  const { tokens } = fixture.sandbox.stats;
  const argv = ["dist/app.tgz", "--to", "https://host.invalid/x/{build}"];
  for (const line of [
    ["publish", ...argv],
    ["attest", ...argv],
    ["attest", "dist/app.tgz", "--attestations", argv[2] ?? ""],
    ["publish", "dist/app.tgz", "--to", `file://${fixture.root}/S`, "--attestations", "https://host.invalid/x/"],
  ]) {
    expect((await fixture.cli(line, { env: fixture.sandbox.jobEnv() })).code, line.join(" ")).toBe(2);
  }
  expect(fixture.sandbox.stats.tokens).toBe(tokens);
});

test("is no root to look for attestations in, which is said without asking it", async () => {
  const store = await fixture.published();
  const target = `file://${join(store, "1", "dist/app.tgz")}`;
  const root = ["--attestations", "https://host.invalid/x/"];
  expect((await fixture.verify([target, ...root])).code).toBe(2);
  expect((await fixture.cli(["find", target, ...root])).code).toBe(2);
});

test("as a root is in nobody's way who does not look there", async () => {
  const store = await fixture.published("--sidecar");
  const file = join(store, "1", "dist/app.tgz");
  const root = ["--attestations", "https://host.invalid/x/"];
  expect((await fixture.verify([file, "--bundle", `${file}.sigstore.json`, "--any-name", ...root])).code).toBe(0);
});

test.each([
  "https://user:hunter2-secret@host.example/a",
  "https://acct.blob.core.windows.net/box/a?sig=hunter2-secret",
  "s3://AKIA:hunter2-secret@bucket/a",
  "gs://b/a#hunter2-secret",
])("what is no part of an address is not repeated: %s", async (url) => {
  for (const format of ["text", "json", "junit", "sarif"]) {
    const ran = await fixture.verify([url, "--format", format]);
    expect(ran.code).toBe(2);
    expect(ran.stdout + ran.stderr).not.toContain("hunter2-secret");
  }
});

test("without a sidecar is unattested: there is nothing else to look at", async () => {
  await using server = await serving(await filesOf(["dist/app.tgz"]));
  const { artifacts } = await fixture.report([`${server.url}/dist/app.tgz`]);
  expect(artifacts).toMatchObject([{ outcome: "unattested", code: "ERR_UNATTESTED" }]);
});

test("that answers with an error cannot be judged", async () => {
  await using server = await serving(await filesOf(["dist/app.tgz"]), { otherwise: 403 });
  const { artifacts } = await fixture.report([`${server.url}/dist/app.tgz`]);
  const message: unknown = expect.stringContaining("403");
  const hint: unknown = expect.any(String);
  const why = { code: "ERR_STORE_DENIED", message, hint };
  expect(artifacts).toMatchObject([{ outcome: "undetermined", places: [{ outcome: "denied", ...why }] }]);
});

test("that does not say how long the attestation is says why it cannot be looked at, in every form", async () => {
  const files = await filesOf(["dist/app.tgz", "dist/app.tgz.sigstore.json"]);
  await using server = await serving(files, { chunked: "/dist/app.tgz.sigstore.json" });
  const url = `${server.url}/dist/app.tgz`;
  const { artifacts } = await fixture.report([url]);
  const [{ message } = { message: "" }] = (artifacts[0]?.places ?? []) as { message?: string }[];
  expect(artifacts).toMatchObject([
    { code: "ERR_STORE_UNAVAILABLE", places: [{ outcome: "unavailable", code: "ERR_STORE_UNAVAILABLE" }] },
  ]);
  expect(message).toContain("app.tgz.sigstore.json");
  expect(artifacts[0]?.hint).toContain(message);
  expect((await fixture.verify([url])).stderr).toContain(message);
  expect((await fixture.cli(["find", url])).stdout).toContain(message);
  const found = await fixture.cli(["find", url, "--format", "json"]);
  expect(JSON.parse(found.stdout)).toMatchObject({
    artifacts: [{ places: [{ code: "ERR_STORE_UNAVAILABLE", message }] }],
  });
});
