// SPDX-License-Identifier: Apache-2.0
// `npm run docs`: writes what documents have from the program, after a build. The docs test fails where this would
// change anything.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedDocuments } from "./generated.ts";
import { withHelp } from "./help.ts";

const ROOT = join(import.meta.dirname, "../..");
for (const [path, content] of generatedDocuments()) writeFileSync(join(ROOT, path), content);
for (const path of globSync(["*.md", "docs/**/*.md", "packages/*/*.md"], { cwd: ROOT })) {
  const document = readFileSync(join(ROOT, path), "utf8");
  const current = withHelp(document);
  if (current !== document) writeFileSync(join(ROOT, path), current);
}
