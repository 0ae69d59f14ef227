// SPDX-License-Identifier: Apache-2.0
// One JSON document a run, written as the rows come: its size is bounded by nothing, memory by one row.
import { endRecord, REPORT_VERSION, rowRecord, runRecord, toJson } from "./record.ts";
import type { Row, Run } from "./run.ts";
import type { Tally } from "./tally.ts";

export async function* renderJson(rows: AsyncIterable<Row>, run: Run, tally: Tally): AsyncGenerator<string> {
  const head = toJson({ version: REPORT_VERSION, kind: "kiteseal.verify", ...runRecord(run) });
  let separator = `${head.slice(0, -1)},"artifacts":[`;
  for await (const row of rows) {
    yield `${separator}\n${toJson(rowRecord(row))}`;
    separator = ",";
  }
  // No row at all: the document is still whole.
  if (separator !== ",") yield separator;
  yield `\n],${toJson(endRecord(run, tally)).slice(1)}\n`;
}
