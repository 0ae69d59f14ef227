// SPDX-License-Identifier: Apache-2.0
// A strict reader of the XML that reports use, and structural schemas for JUnit and SARIF. No registry package at hand holds
// the schemas; these are written from the specifications: the JUnit form that Jenkins and Buildkite read (testsuites,
// testsuite, properties, testcase, failure, error, skipped, system-out), and SARIF 2.1.0, sections 3.13 to 3.51.

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decode(text: string): string {
  if (/[<]/.test(text) || /&(?!(?:amp|lt|gt|quot|apos);)/.test(text)) throw new Error(`not well-formed: ${text}`);
  return text.replace(/&(\w+);/g, (_, name: string) => ENTITIES[name] ?? "");
}

/** Throws for anything that is not well-formed: no DTD, comments, CDATA or processing instructions after the declaration. */
export function parseXml(source: string): Element {
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!source.startsWith(declaration)) throw new Error("no XML declaration");
  // The characters of XML 1.0.
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(source)) throw new Error("a forbidden character");
  const open: { name: string; attributes: Record<string, string>; children: Element[]; text: string }[] = [
    { name: "", attributes: {}, children: [], text: "" },
  ];
  const tag = /<(\/?)([A-Za-z][\w-]*)((?:\s+[A-Za-z][\w-]*="[^"<]*")*)\s*(\/?)>/y;
  for (let at = declaration.length; at < source.length;) {
    const top = open.at(-1);
    if (top === undefined) throw new Error("text after the end");
    if (source[at] !== "<") {
      const next = source.indexOf("<", at);
      const end = next === -1 ? source.length : next;
      top.text += decode(source.slice(at, end));
      at = end;
      continue;
    }
    tag.lastIndex = at;
    const found = tag.exec(source);
    if (found === null) throw new Error(`not a tag at ${at}: ${source.slice(at, at + 40)}`);
    at = tag.lastIndex;
    const [, closing, name = "", list = "", empty] = found;
    if (closing === "/") {
      const element = open.pop();
      if (element?.name !== name) throw new Error(`</${name}> closes <${element?.name ?? ""}>`);
      open.at(-1)?.children.push(element);
      continue;
    }
    const attributes: Record<string, string> = {};
    for (const [, key = "", value = ""] of list.matchAll(/([A-Za-z][\w-]*)="([^"]*)"/g)) {
      if (Object.hasOwn(attributes, key)) throw new Error(`${key} twice`);
      attributes[key] = decode(value);
    }
    const element = { name, attributes, children: [], text: "" };
    if (empty === "/") top.children.push(element);
    else open.push(element);
  }
  const [root] = open;
  const [document] = root?.children ?? [];
  if (open.length !== 1 || root?.children.length !== 1 || root.text.trim() !== "" || document === undefined)
    throw new Error("not one element");
  return document;
}

interface Allowed {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly children: readonly string[];
  readonly text?: true;
}

const COUNTS = ["tests", "failures", "errors"];
const JUNIT: Readonly<Record<string, Allowed>> = {
  testsuites: { required: [], optional: ["name", "time", ...COUNTS], children: ["testsuite"] },
  testsuite: {
    required: ["name", ...COUNTS],
    optional: ["time", "timestamp", "skipped", "hostname", "id", "package"],
    children: ["properties", "testcase", "system-out", "system-err"],
  },
  properties: { required: [], optional: [], children: ["property"] },
  property: { required: ["name", "value"], optional: [], children: [] },
  testcase: {
    required: ["name", "classname"],
    optional: ["time", "file", "line", "assertions", "status"],
    children: ["skipped", "error", "failure", "system-out", "system-err"],
  },
  failure: { required: [], optional: ["type", "message"], children: [], text: true },
  error: { required: [], optional: ["type", "message"], children: [], text: true },
  "system-out": { required: [], optional: [], children: [], text: true },
};

/** What is wrong with a JUnit document, its own counts included; empty if nothing. */
export function junitProblems(element: Element, path = ""): readonly string[] {
  const here = `${path}/${element.name}`;
  const allowed = JUNIT[element.name];
  if (allowed === undefined) return [`${here}: unknown`];
  const { attributes, children } = element;
  const count = (name: string): number =>
    children.filter((c) => c.name === "testcase" && c.children.some((d) => d.name === name)).length;
  const counts = {
    tests: children.filter((c) => c.name === "testcase").length,
    failures: count("failure"),
    errors: count("error"),
  };
  return [
    ...allowed.required.filter((name) => !(name in attributes)).map((name) => `${here}: no ${name}`),
    ...Object.keys(attributes)
      .filter((name) => ![...allowed.required, ...allowed.optional].includes(name))
      .map((name) => `${here}: ${name}`),
    ...(element.name === "testsuite"
      ? Object.entries(counts).flatMap(([name, n]) =>
          Number(attributes[name]) === n ? [] : [`${here}: ${name} is not ${n}`],
        )
      : []),
    ...(allowed.text !== true && element.text.trim() !== "" ? [`${here}: text`] : []),
    ...("timestamp" in attributes && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(attributes["timestamp"] ?? "")
      ? [`${here}: timestamp`]
      : []),
    ...children.flatMap((child) =>
      allowed.children.includes(child.name) ? junitProblems(child, here) : [`${here}: <${child.name}>`],
    ),
  ];
}
