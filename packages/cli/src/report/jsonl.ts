// SPDX-License-Identifier: Apache-2.0
// One JSON object a line: an artifact each, and last the run with the outcome. Without that last line it did not end.
import { endRecord, REPORT_VERSION, rowRecord, runRecord, toJson } from "./record.ts";
import type { Row, Run } from "./run.ts";
import type { Tally } from "./tally.ts";

export async function* renderJsonLines(rows: AsyncIterable<Row>, run: Run, tally: Tally): AsyncGenerator<string> {
  for await (const row of rows)
    yield `${toJson({ version: REPORT_VERSION, kind: "kiteseal.verify.artifact", ...rowRecord(row) })}\n`;
  yield `${toJson({ version: REPORT_VERSION, kind: "kiteseal.verify", ...runRecord(run), ...endRecord(run, tally) })}\n`;
}
