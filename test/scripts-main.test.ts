// SPDX-License-Identifier: Apache-2.0
// Every script of test/scripts against main() in this process.
import { runInProcess } from "./support/main.ts";
import { testScripts } from "./support/script-suite.ts";

testScripts("main()", runInProcess);
