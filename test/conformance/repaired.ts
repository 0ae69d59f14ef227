// SPDX-License-Identifier: Apache-2.0
// Cases of the suite whose bundles are refused for their form before the defect that they are about is reached. Without
// the defect of form they must be refused for what they are about.
export interface Repaired {
  readonly name: string;
  /** What of its form is refused, and what is done about it. */
  readonly form: string;
  repair(bundle: string): string;
  /** As in the table. */
  readonly answer: string;
}

export const REPAIRED: readonly Repaired[] = [
  {
    name: "rekor2-timestamp-with-incorrect-time_fail",
    form: "line breaks in base64; taken out",
    repair: (bundle) => bundle.replaceAll(String.raw`\n`, (found, at: number) => (isInBase64(bundle, at) ? "" : found)),
    answer: "time: ERR_TIME",
  },
];

/** The timestamp's text, in which the line breaks are; a checkpoint's own belong there. */
function isInBase64(bundle: string, at: number): boolean {
  const start = bundle.indexOf('"signedTimestamp"');
  return start !== -1 && at > start && at < bundle.indexOf('"', bundle.indexOf('"', start + 17) + 1);
}
