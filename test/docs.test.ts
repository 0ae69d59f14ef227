// SPDX-License-Identifier: Apache-2.0
// What the documents say is so: marked commands run, links lead somewhere, generated parts are current. A block that
// opens with ```sh run is executed, each document in a folder of its own; ```text help[:COMMAND] holds real help.
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ERRORS } from "@kiteseal/core";
import { EXIT } from "../packages/cli/src/exit-codes.ts";
import { errorsDocument } from "../scripts/docs/errors.ts";
import { generatedDocuments } from "../scripts/docs/generated.ts";
import { withHelp } from "../scripts/docs/help.ts";
import { runProgram, STUB } from "./support/program.ts";
import { ROOT } from "./support/sources.ts";

const documents = globSync(["*.md", "docs/**/*.md", "packages/*/*.md", ".changeset/*.md"], { cwd: ROOT }).toSorted();
const textOf = (document: string): string => readFileSync(join(ROOT, document), "utf8");

interface Block {
  readonly info: string;
  readonly body: string;
}

function blocksOf(document: string): readonly Block[] {
  return [...textOf(document).matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = "", body = ""]) => ({
    info,
    body,
  }));
}

/** As GitHub makes them: lower case, words joined by hyphens, a number for each repetition. */
function anchorsOf(document: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const prose = textOf(document).replace(/^```[\s\S]*?^```$/gm, "");
  const anchors = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => {
    const text = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .trim()
      .toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
  const named = [...prose.matchAll(/<a (?:id|name)="([^"]+)">/g)].map(([, name = ""]) => name);
  return new Set([...anchors, ...named]);
}

describe("links", () => {
  test.each(documents)("of %s lead somewhere", (document) => {
    const prose = textOf(document)
      .replace(/^```[\s\S]*?^```$/gm, "")
      .replace(/`[^`\n]*`/g, "");
    const targets = [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(([, target = ""]) => target);
    const broken = targets.filter((target) => {
      if (/^[a-z][a-z0-9+.-]*:/.test(target)) return false;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? document : join(dirname(document), decodeURI(path));
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("no document names a path of somebody's machine", () => {
    const path = /(?:^|[\s"'`(])(?:\/home\/\w+|\/Users\/\w+|\/root\/|\/work\/)/;
    expect(documents.filter((document) => path.test(textOf(document)))).toEqual([]);
  });
});

describe("generated parts", () => {
  const generated = [...generatedDocuments()];
  test.each(generated)("%s is what `npm run docs` writes", (path, content) => {
    expect(textOf(path)).toBe(content);
  });

  test("its exit codes are the command's", () => {
    for (const { kind } of Object.values(ERRORS)) {
      if (kind !== "interrupted") expect(errorsDocument()).toContain(`Exit code ${EXIT[kind]}, kind \`${kind}\`.`);
    }
  });

  const helpful = documents.filter((document) => /^```text help/m.test(textOf(document)));
  test("the README shows help", () => expect(helpful).toContain("README.md"));
  test.each(helpful)("the help in %s is real", (document) => {
    expect(textOf(document)).toBe(withHelp(textOf(document)));
  });
});

describe("commands", () => {
  let work: string;
  beforeAll(async () => {
    work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-docs-")));
    await mkdir(join(work, "bin"));
    const kiteseal = `exec "${process.execPath}" "${STUB}" "$@"`;
    await writeFile(join(work, "bin/kiteseal"), `#!/bin/sh\n${kiteseal}\n`, { mode: 0o755 });
    await writeFile(join(work, "bin/npx"), `#!/bin/sh\ntest "$1" = kiteseal || exit 127\nshift\n${kiteseal}\n`, {
      mode: 0o755,
    });
  });
  afterAll(() => rm(work, { recursive: true }));

  const runnable = documents.filter((document) => blocksOf(document).some(({ info }) => info === "sh run"));
  test("the README has some", () => expect(runnable).toContain("README.md"));

  /** As a reader with the command installed: `kiteseal` and `npx kiteseal` are the bundle, the folder is empty. */
  test.each(runnable)("of %s work as written, one after the other", async (document) => {
    const cwd = await mkdtemp(join(work, "reader-"));
    const script = blocksOf(document)
      .filter(({ info }) => info === "sh run")
      .map(({ body }) => body);
    const env = { PATH: `${join(work, "bin")}:${process.env["PATH"] ?? ""}`, HOME: cwd };
    const ended = await runProgram("sh", { args: ["-euc", script.join("\n")], cwd, env });
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
  });
});
