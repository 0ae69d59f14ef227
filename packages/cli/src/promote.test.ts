// SPDX-License-Identifier: Apache-2.0
// `kiteseal promote` on directories: what it takes over and under which names, and everything that it refuses before it
// copies anything.
import { existsSync } from "node:fs";
import { appendFile, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { onlyBundle, useFixture, WHO } from "./fixture.testkit.ts";
import type { Ran } from "./io.testkit.ts";

const fixture = useFixture();

interface Answer {
  readonly outcome: string;
  readonly artifacts: readonly {
    readonly code?: string;
    readonly promoted?: { readonly name: string; readonly outcome: string; readonly bundles: readonly string[] };
  }[];
}

function destination(): string {
  return join(fixture.root, `to-${fixture.next()}`);
}

/** With the sandbox's root, for its builder, as JSON. */
function promote(argv: readonly string[], who: readonly string[] = WHO): Promise<Ran> {
  return fixture.cli(["promote", ...argv, ...fixture.roots(), ...who, "--format", "json"]);
}

async function files(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(folder.length + 1));
  return names.toSorted();
}

async function artifacts(folder: string): Promise<readonly string[]> {
  return (await files(folder)).filter((name) => !name.startsWith(".kiteseal/"));
}

async function expectRefused(ran: Promise<Ran>, code: string, to: string): Promise<void> {
  const { stdout } = await ran;
  expect(stdout).toContain(`"${code}"`);
  expect(await files(to)).toStrictEqual([]);
}

describe("what is promoted", () => {
  test("keeps the name that its attestation gives it, and verifies at the destination by the same flags", async () => {
    const store = await fixture.published();
    const to = destination();
    expect((await promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`])).code).toBe(0);
    expect(await artifacts(to)).toStrictEqual(["dist/app.tgz"]);
    expect(await fixture.verify([`file://${to}/dist/app.tgz`])).toMatchObject({ code: 0 });
  });

  test("keeps the path below the address where that says more", async () => {
    const store = await fixture.published();
    const to = destination();
    expect((await promote([`file://${store}`, "--recursive", "--to", `file://${to}`])).code).toBe(0);
    expect(await artifacts(to)).toStrictEqual(["1/dist/app.tgz", "1/dist/notes.txt"]);
    expect(await fixture.verify([`file://${to}`, "--recursive"])).toMatchObject({ code: 0 });
  });

  test("has the name of its pin, and pins of the destination are written", async () => {
    const pins = join(fixture.root, `pins-${fixture.next()}.json`);
    await fixture.published("--pins", pins);
    const to = destination();
    const written = `${to}.json`;
    expect((await promote(["--pins", pins, "--to", `file://${to}`, "--write-pins", written])).code).toBe(0);
    expect(await artifacts(to)).toStrictEqual(["dist/app.tgz", "dist/notes.txt"]);
    expect(await readFile(written, "utf8")).toContain(`file://${to}/dist/app.tgz`);
    expect(await fixture.verify(["--pins", written])).toMatchObject({ code: 0 });
  });

  test("has one reference, by its own signer and build, and none of what was not promoted", async () => {
    const store = await fixture.published();
    const to = destination();
    await promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`]);
    const references = (await files(to)).filter((name) => name.startsWith(".kiteseal/subjects/"));
    expect(references).toHaveLength(1);
    expect((await files(store)).filter((name) => name === references[0])).toStrictEqual(references);
  });

  test("has a sidecar if asked for, which alone is enough; another that lies there stays", async () => {
    const store = await fixture.published();
    const [to, other] = [destination(), destination()];
    const argv = [`file://${store}/1/dist/app.tgz`, "--sidecar", "--to"];
    expect((await promote([...argv, `file://${to}`])).code).toBe(0);
    const sidecar = join(to, "dist/app.tgz.sigstore.json");
    expect(await fixture.verify([`file://${to}/dist/app.tgz`, "--bundle", sidecar])).toMatchObject({ code: 0 });
    await mkdir(join(other, "dist"), { recursive: true });
    await writeFile(join(other, "dist/app.tgz.sigstore.json"), "{}");
    expect(await promote([...argv, `file://${other}`])).toMatchObject({ code: 0 });
    expect(await readFile(join(other, "dist/app.tgz.sigstore.json"), "utf8")).toBe("{}");
    expect(await fixture.verify([`file://${other}/dist/app.tgz`])).toMatchObject({ code: 0 });
  });

  test("has its attestations below --to-attestations, or below the root that the configuration maps", async () => {
    const store = await fixture.published();
    const [to, root, mapped] = [destination(), destination(), destination()];
    const argv = [`file://${store}/1/dist/app.tgz`, "--attestations", `file://${store}/.kiteseal`, "--to"];
    expect((await promote([...argv, `file://${to}`, "--to-attestations", `file://${root}`])).code).toBe(0);
    expect(await files(to)).toStrictEqual(["dist/app.tgz"]);
    const flags = ["--attestations", `file://${root}`];
    expect(await fixture.verify([`file://${to}/dist/app.tgz`, ...flags])).toMatchObject({ code: 0 });
    const config = `${mapped}.yaml`;
    await writeFile(config, `attestations:\n  file://${mapped}: file://${mapped}-attested\n`);
    expect((await promote([...argv, `file://${mapped}`, "--config", config])).code).toBe(0);
    expect(await files(mapped)).toStrictEqual(["dist/app.tgz"]);
    expect(await files(`${mapped}-attested`)).toHaveLength(2);
  });

  test("brings what its rule also requires, so that it passes there too", async () => {
    const store = await fixture.published();
    await writeFile(join(fixture.root, "sbom.json"), JSON.stringify({ spdxVersion: "SPDX-2.3" }));
    const sbom = ["attest", "dist/app.tgz", "--type", "spdxjson", "--predicate", "sbom.json", "--to"];
    const env = fixture.sandbox.jobEnv();
    const policy = `${store}.yaml`;
    await writeFile(
      policy,
      `version: 1
rules:
  app:
    artifacts: "*.tgz"
    builder: { organization: acme, pipeline: app }
    source: { branch: main }
    also-required: [{ type: spdxjson }]
`,
    );
    const flags = ["--policy", policy, "--policy-from-checkout"];
    const to = destination();
    const argv = [`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`];
    expect((await promote(argv, flags)).code).toBe(20);
    expect(await fixture.cli([...sbom, `file://${store}/{build}`], { env })).toMatchObject({ code: 0 });
    expect((await promote(argv, flags)).code).toBe(0);
    expect((await files(to)).filter((name) => name.startsWith(".kiteseal/bundles/"))).toHaveLength(2);
    const there = [`file://${to}/dist/app.tgz`, "--attestations", `file://${to}/.kiteseal`];
    expect((await fixture.cli(["verify", ...there, ...fixture.roots(), ...flags])).code).toBe(0);
  });

  test("leaves behind what lies beside it and does not attest it", async () => {
    const store = await fixture.published();
    await writeFile(join(store, "1/dist/app.tgz.sigstore.json"), "{}");
    const to = destination();
    expect((await promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`])).code).toBe(0);
    expect(await files(to)).toHaveLength(3);
  });

  test("is found there by a second run, and what is missing is added", async () => {
    const store = await fixture.published();
    const to = destination();
    await promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`]);
    const ran = await promote([`file://${store}/1`, "--recursive", "--to", `file://${to}`]);
    const outcomes = (JSON.parse(ran.stdout) as Answer).artifacts.map(
      (a) => `${a.promoted?.name} ${a.promoted?.outcome}`,
    );
    expect(outcomes.toSorted()).toStrictEqual(["dist/app.tgz exists-same", "dist/notes.txt created"]);
  });

  test("text says where it is; lines are one an artifact and one for the run", async () => {
    const store = await fixture.published();
    const argv = ["promote", `file://${store}/1`, "--recursive", ...fixture.roots(), ...WHO, "--to"];
    const text = await fixture.cli([...argv, `file://${destination()}`]);
    expect(text).toMatchObject({ code: 0, stdout: "" });
    expect(text.stderr.split("\n").filter((line) => line.includes("promoted"))).toHaveLength(2);
    const lines = await fixture.cli([...argv, `file://${destination()}`, "--format", "jsonl"]);
    const kinds = lines.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds).toStrictEqual(["kiteseal.promote.artifact", "kiteseal.promote.artifact", "kiteseal.promote"]);
  });
});

test("what a signal stopped says how it goes on, and the same run again completes it", async () => {
  const store = await fixture.published();
  const copies = Array.from({ length: 20 }, (_, i) => join(store, "1/dist", `copy-${i}`));
  for (const copy of copies) await copyFile(join(store, "1/dist/app.tgz"), copy);
  const to = destination();
  const argv = ["promote", `file://${store}/1`, "--recursive", "--any-name", "--to", `file://${to}`];
  const line = [...argv, ...fixture.roots(), ...WHO];
  const stop = new AbortController();
  const onStderr = (): void => void (existsSync(join(to, "dist")) && stop.abort("SIGTERM"));
  // Progress is shown ten times a second.
  let later = Date.now();
  const now = (): Date => new Date((later += 100));
  const ran = await fixture.cli(line, { signal: stop.signal, onStderr, tty: true, now });
  expect(ran.code).toBe(143);
  expect(ran.stderr).toMatch(/^hint: ./m);
  expect((await artifacts(to)).length).toBeLessThan(22);
  expect((await fixture.cli(line)).code).toBe(0);
  expect(await artifacts(to)).toHaveLength(22);
});

describe("nothing is copied", () => {
  test("if one of the artifacts does not verify, and the exit code is verify's", async () => {
    const store = await fixture.published();
    await appendFile(join(store, "1/dist/notes.txt"), "!");
    const to = destination();
    const ran = await promote([`file://${store}/1`, "--recursive", "--to", `file://${to}`]);
    expect(ran.code).toBe(21);
    expect(JSON.parse(ran.stdout)).toMatchObject({ outcome: "not-promoted", exitCode: 21 });
    expect(await files(to)).toStrictEqual([]);
    const other = ["--org", "acme", "--pipeline", "deploy", "--branch", "main"];
    expect((await promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`], other)).code).toBe(20);
    expect(await files(to)).toStrictEqual([]);
  });

  test("for bytes that only an exception lets pass", async () => {
    const to = destination();
    const store = destination();
    await mkdir(store);
    await writeFile(join(store, "app.tgz"), "hello\n");
    const policy = `${store}.yaml`;
    await writeFile(
      policy,
      `version: 1
rules:
  app:
    artifacts: "**"
    builder: { organization: acme, pipeline: app }
    source: { branch: main }
exceptions:
  - sha256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
    rule: app
    reason: incident
    owner: sec@acme
    expires: 2999-01-31
`,
    );
    const flags = ["--policy", policy, "--policy-from-checkout"];
    const target = `file://${store}/app.tgz`;
    expect((await fixture.cli(["verify", target, ...fixture.roots(), ...flags])).code).toBe(0);
    const ran = promote([target, "--to", `file://${to}`], flags);
    expect((await ran).code).toBe(20);
    await expectRefused(ran, "ERR_EXCEPTED", to);
  });

  test("if the destination holds other bytes under one of the names", async () => {
    const store = await fixture.published();
    const to = destination();
    await mkdir(join(to, "dist"), { recursive: true });
    await writeFile(join(to, "dist/notes.txt"), "other notes");
    const ran = await promote([`file://${store}/1`, "--recursive", "--to", `file://${to}`]);
    expect(ran.code).toBe(20);
    expect(ran.stdout).toContain("ERR_STORE_CONFLICT");
    expect(await files(to)).toStrictEqual(["dist/notes.txt"]);
  });

  test("onto an attestation that was changed there: what its name says is no matter of another build", async () => {
    const store = await fixture.published();
    const to = destination();
    const argv = [`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`];
    expect((await promote(argv)).code).toBe(0);
    await writeFile(await onlyBundle(to), "junk");
    await rm(join(to, "dist/app.tgz"));
    const ran = await promote(argv);
    expect(ran.code).toBe(20);
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: "ERR_STORE_TAMPERED" } });
    expect(await artifacts(to)).toStrictEqual([]);
  });

  test("if the policy has no rule, or another one, for the name at the destination", async () => {
    const store = await fixture.published();
    const policy = join(fixture.root, `absolute-${fixture.next()}.yaml`);
    const rule = (artifacts: string, branch: string): string =>
      `    artifacts: "${artifacts}"\n    any-name: true\n    builder: { organization: acme, pipeline: app }\n    source: { branch: ${branch} }\n`;
    const from = rule(`${store}/**`, "main");
    const flags = ["--policy", policy, "--policy-from-checkout"];
    await writeFile(policy, `version: 1\nrules:\n  staging:\n${from}`);
    const to = destination();
    await expectRefused(promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`], flags), "ERR_NO_RULE", to);
    await writeFile(policy, `version: 1\nrules:\n  staging:\n${from}  release:\n${rule(`${to}/**`, "release")}`);
    await expectRefused(promote([`file://${store}/1/dist/app.tgz`, "--to", `file://${to}`], flags), "ERR_IDENTITY", to);
  });

  test("if two artifacts would get one name, or a subject is missing", async () => {
    const store = await fixture.published();
    const to = destination();
    const target = `file://${store}/1/dist/app.tgz`;
    await expectRefused(promote([target, target, "--to", `file://${to}`]), "ERR_DUPLICATE_NAME", to);
    await expectRefused(promote([target, "--require-all-subjects", "--to", `file://${to}`]), "ERR_SET_INCOMPLETE", to);
  });

  test.each([
    ["a placeholder in --to", ["file:///x/app", "--to", "file:///to/{build}"], "ERR_PLACEHOLDER"],
    ["no destination", ["file:///x/app"], "ERR_USAGE"],
    ["a path", ["dist/app.tgz", "--to", "file:///to"], "ERR_USAGE"],
    ["nothing named", ["--to", "file:///to"], "ERR_USAGE"],
    ["addresses beside pins", ["file:///x/app", "--pins", "p.json", "--to", "file:///to"], "ERR_USAGE"],
    ["a destination below the source", ["file:///x", "--recursive", "--to", "file:///x/release"], "ERR_USAGE"],
    ["the source itself as destination", ["file:///x", "--recursive", "--to", "file:///x/"], "ERR_USAGE"],
  ])("for %s", async (_, argv, code) => {
    const ran = await promote(argv);
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stdout).toContain(`"${code}"`);
  });

  test("with a deciding variable in the environment", async () => {
    const argv = ["promote", "file:///x/app", "--to", "file:///to", ...fixture.roots(), ...WHO, "--format", "json"];
    const ran = await fixture.cli(argv, { env: { KITESEAL_POLICY: "x" } });
    expect(ran.stdout).toContain("ERR_CONFIG_DECIDES");
  });
});
