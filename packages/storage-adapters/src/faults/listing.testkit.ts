// SPDX-License-Identifier: Apache-2.0
// Faults while a prefix is listed. The rule: complete or an error; a listing that ends early would turn an attested
// artifact into an unattested one.
import { expect } from "vitest";
import type { Happening } from "../../../../test/doubles/proxy.ts";
import type { Outcome } from "./outcomes.testkit.ts";
import { redirects, waitsAsAsked } from "./reading.testkit.ts";
import { FOREIGN, PREFIX, count, key, listed, outcomeOf } from "./wire.testkit.ts";
import type { Bench, PageEntry } from "./wire.testkit.ts";

/** What is read of a reply before it is given up, and what is on its way then. */
const FLOOD_LIMIT = 320 * 1_048_576;
const PAGES = 3000;

async function plantedListing(bench: Bench): Promise<string[]> {
  for (const name of ["a", "b", "c"]) await bench.wire.plant(key(name), name);
  return [key("a"), key("b"), key("c"), FOREIGN].sort();
}

/** The listing while `does` happens to `times` of its pages: complete, if it comes to an end. */
async function listWhile(bench: Bench, does: Happening, times = Infinity): Promise<Outcome> {
  const all = await plantedListing(bench);
  bench.wire.proxy.add(bench.profile.is.list, does, times);
  return outcomeOf(listed(bench).then((keys) => expect(keys).toEqual(all)));
}

/** Page after page made up by the server; stops by itself only if the client does not. */
async function listPages(
  bench: Bench,
  page: (number: number) => { entries: readonly PageEntry[]; next: string },
): Promise<Outcome> {
  let number = 0;
  const change = () => {
    number += 1;
    const { entries, next } = page(number);
    return bench.profile.page(entries, number < PAGES ? next : undefined);
  };
  bench.wire.proxy.add(bench.profile.is.list, { change }, Infinity);
  return outcomeOf(listed(bench));
}

async function garbage(bench: Bench): Promise<Outcome> {
  await plantedListing(bench);
  const bodies = ["", " ", "<html><body>Sign in</body></html>", "{}", "[]", "null", '"x"', "<?xml version='1.0'?><x/>"];
  const outcomes = new Set<Outcome>();
  for (const body of bodies) {
    bench.wire.proxy.heal();
    bench.wire.proxy.add(bench.profile.is.list, { reply: { status: 200, body } }, Infinity);
    outcomes.add(await outcomeOf(listed(bench)));
  }
  bench.wire.proxy.heal();
  const half = {
    change: ({ text, ...reply }: { text: string; status: number }) => ({
      ...reply,
      body: text.slice(0, text.length / 2),
    }),
  };
  bench.wire.proxy.add(bench.profile.is.list, half, Infinity);
  outcomes.add(await outcomeOf(listed(bench)));
  expect([...outcomes]).toHaveLength(1);
  return [...outcomes][0] ?? "done";
}

async function endless(bench: Bench): Promise<Outcome> {
  bench.wire.proxy.add(bench.profile.is.list, "endless", Infinity);
  const outcome = await outcomeOf(listed(bench));
  expect(bench.wire.proxy.flood).toBeLessThan(FLOOD_LIMIT);
  return outcome;
}

async function foreignKey(bench: Bench): Promise<Outcome> {
  const page = bench.profile.page([{ key: "elsewhere/a", size: 1 }], undefined);
  bench.wire.proxy.add(bench.profile.is.list, { reply: page }, Infinity);
  return outcomeOf(listed(bench, `${PREFIX}x`).then((keys) => expect(keys).toEqual([])));
}

/** Where other tools would deploy it, and nothing here could say that it was not verified. */
async function keyless(bench: Bench): Promise<Outcome> {
  const names = ["a//evil.sh", "a/../evil.sh", "./evil.sh", "a/./evil.sh", "evil.sh/", "/evil.sh", "evil\u007f.sh"];
  const outcomes = new Set<Outcome>();
  for (const name of names) {
    const entries = [PREFIX + name, key("b")].map((entry) => ({ key: entry, size: 1 }));
    bench.wire.proxy.heal();
    bench.wire.proxy.add(bench.profile.is.list, { reply: bench.profile.page(entries, undefined) }, Infinity);
    outcomes.add(await outcomeOf(listed(bench)));
  }
  expect([...outcomes]).toHaveLength(1);
  return [...outcomes][0] ?? "done";
}

async function folderMarkers(bench: Bench): Promise<Outcome> {
  const markers = ["", "folder/", "folder/inner/"].map((name) => ({ key: PREFIX + name, size: 0 }));
  const page = bench.profile.page([...markers, { key: key("folder/a"), size: 1 }], undefined);
  bench.wire.proxy.add(bench.profile.is.list, { reply: page });
  return outcomeOf(listed(bench).then((keys) => expect(keys).toEqual([key("folder/a")])));
}

export const LISTING = {
  "list.busy": async (bench: Bench) => {
    const all = await plantedListing(bench);
    return waitsAsAsked(bench, { on: bench.profile.is.list, reply: bench.profile.says.busy }, async () =>
      expect(await listed(bench)).toEqual(all),
    );
  },
  "list.cut": (bench: Bench) => listWhile(bench, "cut", 1),
  "list.down": (bench: Bench) => listWhile(bench, { reply: bench.profile.says.busy }),
  "list.silent": (bench: Bench) => listWhile(bench, "silent"),
  "list.denied": (bench: Bench) => listWhile(bench, { reply: bench.profile.says.denied }),
  "list.redirect": (bench: Bench) => redirects(bench, bench.profile.is.list, () => listed(bench)),
  "list.garbage": garbage,
  "list.endless": endless,
  "list.no-token": async (bench: Bench) => {
    const outcome = await listPages(bench, (n) => ({ entries: [{ key: key(`k${n}`), size: 1 }], next: "" }));
    expect(count(bench, bench.profile.is.list)).toBe(1);
    return outcome;
  },
  "list.same-token": (bench: Bench) =>
    listPages(bench, (n) => ({ entries: [{ key: key(`k${n}`), size: 1 }], next: "same" })),
  "list.same-page": (bench: Bench) =>
    listPages(bench, (n) => ({ entries: [{ key: key("k"), size: 1 }], next: `token${n}` })),
  "list.empty-pages": (bench: Bench) => listPages(bench, (n) => ({ entries: [], next: `token${n}` })),
  "list.reordered": async (bench: Bench) => {
    const names = ["c", "a", "b"].map((name) => ({ key: key(name), size: 1 }));
    bench.wire.proxy.add(bench.profile.is.list, { reply: bench.profile.page(names, undefined) });
    return outcomeOf(listed(bench).then((keys) => expect(keys).toEqual(names.map((entry) => entry.key).sort())));
  },
  "list.foreign-key": foreignKey,
  "list.no-key": keyless,
  "list.folder": folderMarkers,
  "list.no-size": (bench: Bench) => {
    bench.wire.proxy.add(
      bench.profile.is.list,
      {
        reply: bench.profile.page([{ key: key("a"), size: undefined }], undefined),
      },
      Infinity,
    );
    return outcomeOf(listed(bench));
  },
} as const;
