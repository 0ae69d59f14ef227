// SPDX-License-Identifier: Apache-2.0
// Uploads one file in a process of its own, to be measured. Arguments: folder URL, file; the environment is the store's.
// Prints the size sent and the peak of memory. Imports no test runner.
import { stat } from "node:fs/promises";
import { digestFile } from "@kiteseal/core";
import { parseKey } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import { ownPeakBytes } from "../support/own-peak.ts";

const [url = "", file = ""] = process.argv.slice(2);
const ctx = { now: () => new Date() };
const { store, prefix } = await openStore(url, { env: process.env, now: ctx.now });
const { size } = await stat(file);
const source = await digestFile(file, store.digestPlan(size), ctx);
const { object } = await store.put(parseKey(`${prefix}large`), { source }, ctx);
process.stdout.write(JSON.stringify({ size: object.size, peakBytes: ownPeakBytes() }));
