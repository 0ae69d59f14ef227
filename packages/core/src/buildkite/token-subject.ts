// SPDX-License-Identifier: Apache-2.0
// The subject of a Buildkite identity token, as certificates carry it in extension .24:
// `organization:ORG:pipeline:PIPELINE:ref:REF:commit:COMMIT:step:KEY`, or one UUID where the pipeline asked for a
// customised subject. Branch names and step keys may hold colons, so a branch called `main:commit:…:step:x` could pass
// for another build: it is read whole, and whatever has more than one reading is refused.
import { isFullCommit, type BuildFacts, type Ref } from "./facts.ts";

export type TokenSubject =
  | {
      readonly kind: "standard";
      readonly facts: BuildFacts;
      /** The commit field as it stands, possibly symbolic. */
      readonly commitText: string;
    }
  /** The id of an organisation, pipeline, cluster, queue, build, job or agent: the subject does not say which. */
  | { readonly kind: "custom"; readonly value: string }
  | { readonly kind: "ambiguous"; readonly reason: string };

const LABELS = ["organization", "pipeline", "ref", "commit", "step"] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const REFS = [
  { prefix: "refs/heads/", kind: "branch" },
  { prefix: "refs/tags/", kind: "tag" },
] as const;

/** Never throws: an unusable subject is `ambiguous`. Exactly ten fields means that no value holds a colon. */
export function parseTokenSubject(subject: string): TokenSubject {
  if (UUID.test(subject)) return { kind: "custom", value: subject };
  const fields = subject.split(":");
  if (fields.length !== LABELS.length * 2) return ambiguous(`expected 10 fields, found ${fields.length}`);
  if (/[\u0000-\u001f\u007f]/.test(subject)) return ambiguous("it holds a control character");
  const wrong = LABELS.find((label, index) => fields[index * 2] !== label);
  if (wrong !== undefined) return ambiguous(`expected the field ${wrong} at its place`);
  const value = (label: (typeof LABELS)[number]): string => fields[LABELS.indexOf(label) * 2 + 1] ?? "";
  const ref = parseRef(value("ref"));
  if (ref === undefined) return ambiguous("its ref is neither a branch nor a tag");
  const [organization, pipeline, commitText, step] = [
    value("organization"),
    value("pipeline"),
    value("commit"),
    value("step"),
  ];
  if (organization === "" || pipeline === "" || commitText === "") return ambiguous("a field is empty");
  const facts: BuildFacts = {
    organization,
    pipeline,
    ref,
    ...(isFullCommit(commitText) && { commit: commitText }),
    ...(step !== "" && { step }),
  };
  return { kind: "standard", facts, commitText };
}

function ambiguous(reason: string): TokenSubject {
  return { kind: "ambiguous", reason };
}

/** `refs/heads/NAME` or `refs/tags/NAME`. */
function parseRef(text: string): Ref | undefined {
  const form = REFS.find(({ prefix }) => text.startsWith(prefix) && text.length > prefix.length);
  return form === undefined ? undefined : { kind: form.kind, name: text.slice(form.prefix.length) };
}
