// SPDX-License-Identifier: Apache-2.0
// Loaded with --import by modules.test.ts: writes the URL of every module that is loaded to the file RECORD_MODULES.
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import process from "node:process";

const loaded: string[] = [];
registerHooks({
  load: (url, context, next) => {
    loaded.push(url);
    return next(url, context);
  },
});
process.on("exit", () => writeFileSync(process.env["RECORD_MODULES"] ?? "", loaded.join("\n")));
