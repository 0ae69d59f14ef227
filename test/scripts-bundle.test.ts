// SPDX-License-Identifier: Apache-2.0
// Every script of test/scripts against the bundle that users run.
import { runBundle } from "./support/program.ts";
import { testScripts } from "./support/script-suite.ts";

testScripts("the bundle", runBundle);
