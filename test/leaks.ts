// SPDX-License-Identifier: Apache-2.0
// `node test/leaks.ts PATH…`: searches files, and all files below folders, for the credentials that the suites gave out.
// Ends with 1 if one shows, or if there was nothing to search.
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { shownIn } from "./support/given-out.ts";

function* filesAt(path: string): Generator<string> {
  const stats = lstatSync(path);
  if (stats.isFile()) yield path;
  if (stats.isDirectory()) for (const name of readdirSync(path)) yield* filesAt(join(path, name));
}

let searched = 0;
let found = 0;
for (const file of argv.slice(2).flatMap((path) => [...filesAt(path)])) {
  searched += 1;
  for (const secret of shownIn(readFileSync(file, "latin1"))) {
    found += 1;
    console.error(`${file} shows ${JSON.stringify(secret)}`);
  }
}
console.log(`${found} credentials in ${searched} files`);
process.exitCode = found > 0 || searched === 0 ? 1 : 0;
