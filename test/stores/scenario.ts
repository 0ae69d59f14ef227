// SPDX-License-Identifier: Apache-2.0
// From publish to verify through main(), against one remote store: every way an attestation is found, and an outage or a
// refusal at each request in turn, which may end in anything but a verdict.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Match, Reply } from "../doubles/proxy.ts";
import { settingsFile, useStore } from "./bench.ts";
import type { RemoteKind } from "./store.ts";

const DOWN: Reply = { status: 503 };
const UNDETERMINED = 30;

/** Everything from the request `from` on, in order of arrival. */
function after(from: number): Match {
  let seen = 0;
  return () => (seen += 1) > from;
}

export function describeRoots(kind: RemoteKind): void {
  describe(`${kind.name}: where attestations are found`, () => {
    const bench = useStore(kind);
    const at = (path: string): string => bench.store.url + path;

    test("placeholders in --to, the walk up to its fixed part, --recursive", async () => {
      expect(await bench.publish("rel/{pipeline}/{branch}/{build}")).toMatchObject({ code: 0 });
      expect(bench.store.keys()).toContain("rel/app/main/1/dist/app.tgz");
      expect(bench.store.keys().filter((key) => key.startsWith("rel/.kiteseal/bundles/"))).toHaveLength(1);
      expect(await bench.verify([at("rel/app/main/1/dist/app.tgz")])).toMatchObject({ code: 0 });
      expect(await bench.verify([at("rel/"), "--recursive"])).toMatchObject({ code: 0 });
      const again = await bench.publish("rel/{pipeline}/{branch}/{build}");
      expect(again).toMatchObject({ code: 0 });
    });

    test("--pins", async () => {
      const pins = join(bench.fixture.root, `pins-${bench.fixture.next()}.json`);
      expect(await bench.publish("p/{build}", "--pins", pins)).toMatchObject({ code: 0 });
      expect(await bench.verify(["--pins", pins])).toMatchObject({ code: 0 });
      bench.store.remove("p/1/dist/app.tgz");
      const { code, stderr } = await bench.verify(["--pins", pins]);
      expect(code).toBe(20);
      expect(stderr).toContain("ERR_PIN_CHANGED");
    });

    test("sidecars", async () => {
      expect(await bench.publish("s/{build}", "--sidecar")).toMatchObject({ code: 0 });
      for (const key of bench.store.keys()) if (key.includes("/.kiteseal/")) bench.store.remove(key);
      expect(await bench.verify([at("s/1/dist/app.tgz")])).toMatchObject({ code: 0 });
      bench.store.remove("s/1/dist/app.tgz.sigstore.json");
      expect(await bench.verify([at("s/1/dist/app.tgz")])).toMatchObject({ code: 21 });
    });

    test("--attestations, and only there", async () => {
      const root = ["--attestations", at("roots/one")];
      expect(await bench.publish("a/{build}", ...root)).toMatchObject({ code: 0 });
      expect(await bench.verify([at("a/1/dist/app.tgz"), ...root])).toMatchObject({ code: 0 });
      expect(await bench.verify([at("a/1/dist/app.tgz")])).toMatchObject({ code: 21 });
      expect(await bench.verify([at("a/1/dist/app.tgz"), "--attestations", at("roots/two")])).toMatchObject({
        code: 21,
      });
    });

    test("the mapping of the settings", async () => {
      const text = `attestations:\n  "${at("m/")}": "${at("roots/mapped")}"\n`;
      const config = ["--config", settingsFile(bench.fixture.root, text)];
      expect(await bench.publish("m/{build}", ...config)).toMatchObject({ code: 0 });
      expect(bench.store.keys().filter((key) => key.startsWith("roots/mapped/bundles/"))).toHaveLength(1);
      expect(await bench.verify([at("m/1/dist/app.tgz"), ...config])).toMatchObject({ code: 0 });
    });

    test("attest --to, for bytes that something else uploaded", async () => {
      const uploaded = await bench.upload("u/1");
      expect(await bench.verify([uploaded])).toMatchObject({ code: 21 });
      expect(await bench.inJob(["attest", "dist/app.tgz", "--to", at("u/{build}/")])).toMatchObject({ code: 0 });
      expect(await bench.verify([uploaded])).toMatchObject({ code: 0 });
    });

    test("where nothing is found: 21, and every place is named", async () => {
      const uploaded = await bench.upload("n/1");
      const { exitCode, artifacts } = await bench.report([uploaded]);
      expect(exitCode).toBe(21);
      const [artifact] = artifacts;
      expect(artifact).toMatchObject({ outcome: "unattested" });
      const places = JSON.stringify(artifact?.places);
      for (const folder of ["n/1/dist/", "n/1/", "n/", ""]) expect(places).toContain(`${at(folder)}.kiteseal/`);
      expect(places).toContain(`${uploaded}.sigstore.json`);
      const text = await bench.verify([uploaded]);
      for (const folder of ["n/1/dist/", "n/1/", "n/", ""]) expect(text.stderr).toContain(`${at(folder)}.kiteseal`);
    });

    test("--wait looks again until there is one", async () => {
      const uploaded = await bench.upload("w/1");
      bench.store.proxy.requests.length = 0;
      const listings = (): number => bench.store.proxy.requests.filter(kind.isListing).length;
      const verifying = bench.verify([uploaded, "--wait", "50s"]);
      await expect.poll(listings, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(await bench.inJob(["attest", "dist/app.tgz", "--to", at("w/{build}/")])).toMatchObject({ code: 0 });
      expect(await verifying).toMatchObject({ code: 0 });
    });

    test("--wait does not wait for what is denied", async () => {
      const uploaded = await bench.upload("d/1");
      bench.store.proxy.add(kind.isListing, { reply: kind.denied }, Infinity);
      bench.store.proxy.requests.length = 0;
      expect(await bench.verify([uploaded])).toMatchObject({ code: UNDETERMINED });
      const once = bench.store.proxy.requests.length;
      expect(await bench.verify([uploaded, "--wait", "50s"])).toMatchObject({ code: UNDETERMINED });
      expect(bench.store.proxy.requests.length).toBe(2 * once);
    });

    test("a denied listing is 30 only where there is no candidate", async () => {
      expect(await bench.publish("c/{build}", "--sidecar")).toMatchObject({ code: 0 });
      bench.store.proxy.add(kind.isListing, { reply: kind.denied }, Infinity);
      expect(await bench.verify([at("c/1/dist/app.tgz")])).toMatchObject({ code: 0 });
      bench.store.remove("c/1/dist/app.tgz.sigstore.json");
      expect(await bench.verify([at("c/1/dist/app.tgz")])).toMatchObject({ code: UNDETERMINED });
    });
  });
}

export function describeOutages(kind: RemoteKind): void {
  describe(`${kind.name}: an outage at any request`, () => {
    const bench = useStore(kind);

    test.each([
      ["503 from there on", { reply: DOWN }],
      ["no connection from there on", "reset"],
      ["403 from there on", { reply: kind.denied }],
    ] as const)("of verify: 30, never a verdict (%s)", async (_, does) => {
      expect(await bench.publish("o/{build}")).toMatchObject({ code: 0 });
      const target = `${bench.store.url}o/1/dist/app.tgz`;
      bench.store.proxy.requests.length = 0;
      expect(await bench.verify([target])).toMatchObject({ code: 0 });
      const healthy = bench.store.proxy.requests.length;
      expect(healthy).toBeGreaterThan(3);
      for (let from = 0; from < healthy; from += 1) {
        bench.store.proxy.add(after(from), does, Infinity);
        const ran = await bench.verify([target]);
        bench.store.proxy.heal();
        expect({ from, code: ran.code, stdout: ran.stdout }).toEqual({ from, code: UNDETERMINED, stdout: "" });
      }
    });

    test("of verify, of one request: overcome", async () => {
      expect(await bench.publish("o/{build}")).toMatchObject({ code: 0 });
      const target = `${bench.store.url}o/1/dist/app.tgz`;
      bench.store.proxy.requests.length = 0;
      await bench.verify([target]);
      const healthy = bench.store.proxy.requests.length;
      for (let from = 0; from < healthy; from += 1) {
        bench.store.proxy.add(after(from), { reply: DOWN }, 1);
        expect({ from, code: (await bench.verify([target])).code }).toEqual({ from, code: 0 });
        bench.store.proxy.heal();
      }
    });

    test("of publish: 30, and a rerun completes", async () => {
      bench.store.proxy.requests.length = 0;
      expect(await bench.publish("first/{build}")).toMatchObject({ code: 0 });
      const healthy = bench.store.proxy.requests.length;
      const codes: number[] = [];
      for (let from = 0; from < healthy; from += 1) {
        const to = `at-${from}/{build}`;
        bench.store.proxy.add(after(from), { reply: DOWN }, Infinity);
        const { code } = await bench.publish(to);
        codes.push(code);
        bench.store.proxy.heal();
        // What a server remembers makes a later run ask less: it may be done before the outage begins.
        if (code !== 0) expect({ from, code }).toEqual({ from, code: UNDETERMINED });
        expect(await bench.publish(to)).toMatchObject({ code: 0 });
        expect(await bench.verify([`${bench.store.url}at-${from}/`, "--recursive"])).toMatchObject({ code: 0 });
      }
      expect(codes.filter((code) => code === UNDETERMINED).length).toBeGreaterThan(3);
    });

    test("of publish, denied: 30, and what is shown by then is attested", async () => {
      bench.store.proxy.requests.length = 0;
      expect(await bench.publish("first/{build}")).toMatchObject({ code: 0 });
      const healthy = bench.store.proxy.requests.length;
      const codes: number[] = [];
      for (let from = 0; from < healthy; from += 1) {
        bench.store.proxy.add(after(from), { reply: kind.denied }, Infinity);
        codes.push((await bench.publish(`at-${from}/{build}`)).code);
        bench.store.proxy.heal();
        for (const key of bench.store.keys().filter((name) => name.startsWith(`at-${from}/1/`))) {
          const { code } = await bench.verify([bench.store.url + key]);
          expect({ from, key, code }).toEqual({ from, key, code: 0 });
        }
      }
      expect(codes.filter((code) => code !== 0).every((code) => code === UNDETERMINED)).toBe(true);
      expect(codes.filter((code) => code === UNDETERMINED).length).toBeGreaterThan(3);
    });
  });
}
