// SPDX-License-Identifier: Apache-2.0
// docs/reference/contract.md from the results of the contract suites, and the sentences that it has rows for.

/** One test of vitest's JSON report. */
interface Result {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  /** `gap`: why the store cannot keep the sentence (declareGaps). */
  readonly meta: { readonly gap?: string };
}

export interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Result[] }[];
}

export const SUITES = ["store", "adapter"] as const;
type Suite = (typeof SUITES)[number];

/** Titles of the suites and of what a server does not enforce. A comma tells variants of one column apart. */
const SUITE = /^(?<name>[^,]+)(?:, .*)? keeps the (?<suite>store|adapter) contract$/;
const SERVER_GAPS = /^gaps of (?<server>.+)$/;
/** Left to right; a store that is missing here is an error. */
const COLUMNS = [
  "file",
  "S3 (double)",
  "S3 (versitygw)",
  "GCS (double)",
  "GCS (fake-gcs-server)",
  "Azure (double)",
  "Azure (azurite)",
  "Artifactory (double)",
];

interface Sentence {
  readonly suite: Suite;
  readonly column: string;
  readonly text: string;
  readonly result: Result;
}

/** The suite that a path of titles belongs to, and what it says there. */
export function sentenceOf(titles: readonly string[]): { suite: Suite; name: string; text: string } | undefined {
  for (const [index, title] of titles.entries()) {
    const { name, suite } = SUITE.exec(title)?.groups ?? {};
    if (name === undefined || (suite !== "store" && suite !== "adapter")) continue;
    return { suite, name, text: titles.slice(index + 1).join(" ") };
  }
  return undefined;
}

/** Throws if a sentence is not settled for a column: a document is written of whole results or not at all. */
export function contractDocument(report: Report): string {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const sentences = results.flatMap((result): Sentence[] => {
    const found = sentenceOf([...result.ancestorTitles, result.title]);
    return found === undefined ? [] : [{ ...found, column: found.name, result }];
  });
  const failed = sentences.filter(({ result }) => result.status !== "passed");
  if (failed.length > 0) throw new Error(`not passed: ${failed.map(({ text }) => text).join("; ")}`);
  const unknown = sentences.find(({ column }) => !COLUMNS.includes(column));
  if (unknown !== undefined) throw new Error(`the store ${unknown.column} has no column`);
  const reasons: string[] = [];
  const tables = SUITES.map((suite) => table(suite, sentences, reasons));
  const [stores = [], adapters = []] = tables;
  const parts: readonly (readonly [heading: string, body: readonly string[]])[] = [
    ["Stores", stores],
    ["Adapters", adapters],
    ["Declared gaps", reasons.map((reason, index) => `${index + 1}. ${sentenceCase(reason)}.`)],
    ["What the servers do not enforce", serverGaps(results)],
  ];
  return [...INTRODUCTION, ...parts.flatMap(([heading, body]) => [`## ${heading}`, "", ...body, ""])].join("\n");
}

const INTRODUCTION = [
  "# The store contract",
  "",
  "Each row is one test of the contract suites (`store-contract.testkit.ts`, `adapter-contract.testkit.ts`), each column a",
  "store and the server that it was run against: a real one, or a double of ours that refuses what the service refuses.",
  "**ok**: passed, in every variant (S3: buckets with and without versions, all objects in parts). **gap _n_**: the store",
  "cannot keep the sentence; the test asserts that it does not. Artifactory's sentences that replace are run with",
  "Delete/Overwrite, the others without: create-only is a matter of permissions there. No cloud itself was asked: see",
  "[CONTRIBUTING](../../CONTRIBUTING.md#real-servers). `https` only reads and has no column.",
  "",
  "This file is generated from results: `npm run contract-table`.",
  "",
];

function table(suite: Suite, all: readonly Sentence[], reasons: string[]): readonly string[] {
  const own = all.filter((sentence) => sentence.suite === suite);
  const columns = COLUMNS.filter((column) => own.some((sentence) => sentence.column === column));
  const rows = [...new Set(own.map(({ text }) => text))].map((text) => {
    const cells = columns.map((column) => {
      const here = own.filter((sentence) => sentence.column === column && sentence.text === text);
      if (here.length === 0) throw new Error(`${column} was not asked: ${text}`);
      return cellOf(here, reasons);
    });
    return `| ${[cellText(text), ...cells].join(" | ")} |`;
  });
  return [`| ${["the store", ...columns].join(" | ")} |`, `| --- |${columns.map(() => " --- |").join("")}`, ...rows];
}

/** One sentence in one column: all variants passed, or those that have a gap say which. */
function cellOf(variants: readonly Sentence[], reasons: string[]): string {
  const gaps = [...new Set(variants.flatMap(({ result }) => result.meta.gap ?? []))];
  const numbers = gaps.map((gap) => {
    if (!reasons.includes(gap)) reasons.push(gap);
    return `gap ${reasons.indexOf(gap) + 1}`;
  });
  return numbers.length === 0 ? "ok" : numbers.join(", ");
}

function serverGaps(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ ancestorTitles, title, status }) => {
    const server = ancestorTitles.map((titles) => SERVER_GAPS.exec(titles)?.groups?.["server"]).find(Boolean);
    if (server === undefined) return [];
    if (status !== "passed") throw new Error(`not passed: ${title}`);
    return [`- ${server}: ${cellText(title)}`];
  });
}

/** A title as it stands in a table, and as the test of the rows looks for it. */
export function cellText(text: string): string {
  return text.replaceAll(/[\\|*_<`]/g, String.raw`\$&`);
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** First cells of the table below the heading of `suite`. */
export function rowsOf(document: string, suite: Suite): readonly string[] {
  const heading = suite === "store" ? "\n## Stores\n" : "\n## Adapters\n";
  const section = document.split(heading)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| (.+?) \| /gm)]
    .map(([, cell = ""]) => cell)
    .filter((cell) => cell !== "the store" && cell !== "---");
}
