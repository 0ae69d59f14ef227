// SPDX-License-Identifier: Apache-2.0
// One test a titled block of test/scripts. Two test files run them, so that two workers share the time.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Ended, Invocation } from "./program.ts";
import { parseScript } from "./script-syntax.ts";
import { runScript } from "./script.ts";

const SCRIPTS = join(import.meta.dirname, "../scripts");
/** First line of a script whose subject is a process: it is run as one only. */
const AS_PROCESS_ONLY = "# only bundle\n";

export function testScripts(as: "main()" | "the bundle", run: (invocation: Invocation) => Promise<Ended>): void {
  const files = readdirSync(SCRIPTS).filter((name) => name.endsWith(".txt"));
  test("there are scripts", () => expect(files.length).toBeGreaterThan(5));

  for (const file of files) {
    const text = readFileSync(join(SCRIPTS, file), "utf8");
    if (as === "main()" && text.startsWith(AS_PROCESS_ONLY)) continue;
    describe(file, () => {
      test.each(parseScript(text))("$title", (script) => runScript(script, run));
    });
  }
}
