// SPDX-License-Identifier: Apache-2.0
// Folds rows into counts and the exit code. Success is made here and only here: at least one artifact, every one of
// them verified, and the stream read to its end.
import { EXIT, type ExitCode, exitCodeOf, worstExitCode } from "../exit-codes.ts";
import { type Outcome, outcomeOf, type Row } from "./run.ts";

const EXIT_OF = {
  error: exitCodeOf("usage"),
  rejected: exitCodeOf("refused"),
  unattested: exitCodeOf("unattested"),
  undetermined: exitCodeOf("undetermined"),
} as const;

export class Tally {
  readonly #counts: Record<Outcome, number> = { verified: 0, rejected: 0, unattested: 0, undetermined: 0, error: 0 };
  #complete = false;

  /** Passes rows through, counting them. */
  async *count(rows: AsyncIterable<Row>): AsyncGenerator<Row> {
    for await (const row of rows) {
      this.#counts[outcomeOf(row)] += 1;
      yield row;
    }
    this.#complete = true;
  }

  get counts(): Readonly<Record<Outcome, number>> {
    return { ...this.#counts };
  }

  /** A stream that was not read to its end says nothing: that is a bug of ours, and no pass. */
  get exitCode(): ExitCode {
    if (!this.#complete) return EXIT.bug;
    const failures = (["error", "rejected", "unattested", "undetermined"] as const).filter(
      (outcome) => this.#counts[outcome] > 0,
    );
    const worst = worstExitCode(failures.map((outcome) => EXIT_OF[outcome]));
    if (worst !== undefined) return worst;
    return this.#counts.verified > 0 ? EXIT.ok : EXIT.usage;
  }
}
