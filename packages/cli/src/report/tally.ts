// SPDX-License-Identifier: Apache-2.0
// Folds rows into counts and the exit code. Success is made here and only here: at least one artifact, every one of
// them verified or excepted by the policy, and the stream read to its end.
import { EXIT, type ExitCode, exitCodeOf, worstExitCode } from "../exit-codes.ts";
import { type Outcome, outcomeOf, type Row } from "./run.ts";

const EXIT_OF = {
  error: exitCodeOf("usage"),
  rejected: exitCodeOf("refused"),
  unattested: exitCodeOf("unattested"),
  undetermined: exitCodeOf("undetermined"),
} as const;

const NONE: Readonly<Record<Outcome, number>> = {
  verified: 0,
  excepted: 0,
  rejected: 0,
  unattested: 0,
  undetermined: 0,
  error: 0,
};

export class Tally {
  readonly #counts: Record<Outcome, number> = { ...NONE };
  #complete = false;
  #endedEarly = false;

  /** Passes rows through, counting them; with `failFast` up to the first that does not pass. */
  async *count(rows: AsyncIterable<Row>, o: { readonly failFast: boolean }): AsyncGenerator<Row> {
    for await (const row of rows) {
      const outcome = outcomeOf(row);
      this.#counts[outcome] += 1;
      yield row;
      if (o.failFast && outcome !== "verified" && outcome !== "excepted") {
        this.#endedEarly = true;
        break;
      }
    }
    this.#complete = true;
  }

  get counts(): Readonly<Record<Outcome, number>> {
    return { ...this.#counts };
  }

  /** What came after the first failure was not looked at. */
  get endedEarly(): boolean {
    return this.#endedEarly;
  }

  /** A stream that was not read to its end says nothing: that is a bug of ours, and no pass. */
  get exitCode(): ExitCode {
    if (!this.#complete) return EXIT.bug;
    const failures = (["error", "rejected", "unattested", "undetermined"] as const).filter(
      (outcome) => this.#counts[outcome] > 0,
    );
    const worst = worstExitCode(failures.map((outcome) => EXIT_OF[outcome]));
    if (worst !== undefined) return worst;
    return this.#counts.verified + this.#counts.excepted > 0 ? EXIT.ok : EXIT.usage;
  }
}
