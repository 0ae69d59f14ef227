#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Checks the version of Node, then runs the program. In the syntax of old Nodes, so that they can say why they refuse;
// committed, because npm links no bin whose file is missing.
import fs from "fs";

var version = process.versions.node.split(".").map(Number);
var supported = (version[0] === 24 && version[1] >= 15) || version[0] >= 26;
var program = new URL("../dist/bin.mjs", import.meta.url);

if (!supported) {
  process.stderr.write(
    "kiteseal: this is Node " +
      process.versions.node +
      " and kiteseal needs Node 24.15 or later 24.x, or 26 and later\n",
  );
  process.exitCode = 2;
} else if (!fs.existsSync(program)) {
  process.stderr.write("kiteseal: the program is not built yet: run `npm run build` in this checkout\n");
  process.exitCode = 2;
} else {
  import(program.href).catch(function (error) {
    process.stderr.write("kiteseal: the program cannot be loaded: " + error.message + "\n");
    process.exitCode = 1;
  });
}
