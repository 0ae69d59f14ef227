// SPDX-License-Identifier: Apache-2.0
// The subject row: the statement is about these bytes, under a name that agrees with the one that was asked for.
// Pure. Names in an attestation never choose the rule; they can only contradict it.
import type { DigestSet, Subject } from "@kiteseal/in-toto-attestation";
import type { Artifact } from "../artifact/source.ts";
import { failed, passed, type Check } from "../verification/check.ts";
import { compileGlob } from "../glob.ts";
import { quote } from "../errors.ts";
import type { Rule } from "./rule.ts";

/** Algorithms whose equality means equal bytes. */
export const KNOWN_ALGORITHMS = ["sha256", "sha384", "sha512"] as const;

/** The subject row of a signature over the bytes themselves: the digest alone; there is no name to compare. */
export function blobSubject(artifact: Artifact, digest: DigestSet): Check {
  if (compareDigests(artifact.digest, digest) === "same") {
    return passed("subject", { note: `${digestText(digest)}; a signature over a blob names nothing` });
  }
  return failed("subject", "ERR_SUBJECT_DIGEST", { expected: digestText(artifact.digest), found: digestText(digest) });
}

type Match = "same" | "other" | { readonly uncomputed: readonly string[] };

/** Every known digest of the subject equals the artifact's, and there is at least one. */
function compareDigests(artifact: DigestSet, subject: DigestSet): Match {
  const stated = KNOWN_ALGORITHMS.filter((algorithm) => subject[algorithm] !== undefined);
  const shared = stated.filter((algorithm) => artifact[algorithm] !== undefined);
  if (stated.length === 0 || shared.some((algorithm) => artifact[algorithm] !== subject[algorithm])) return "other";
  const uncomputed = stated.filter((algorithm) => artifact[algorithm] === undefined);
  return uncomputed.length === 0 ? "same" : { uncomputed };
}

/** Known digests that some possible subject states and the artifact lacks, so that the caller can compute them. */
export function missingDigests(
  artifact: Artifact,
  subjects: readonly { readonly digest: DigestSet }[],
): readonly string[] {
  const missing = subjects.flatMap((subject) => {
    const match = compareDigests(artifact.digest, subject.digest);
    return typeof match === "object" ? match.uncomputed : [];
  });
  return [...new Set(missing)];
}

/** One name is a whole-segment suffix of the other; both relative and in NFC. */
export function namesAgree(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  return long === short || long.endsWith(`/${short}`);
}

/** The longest name under which a statement is about these bytes, of those that agree with the requested one. */
export function agreeingName({ name, digest }: Artifact, subjects: readonly Subject[]): string | undefined {
  if (name === undefined) return undefined;
  const same = subjects.flatMap((s) =>
    s.name !== undefined && compareDigests(digest, s.digest) === "same" ? [s.name] : [],
  );
  return same.filter((subjectName) => namesAgree(subjectName, name)).toSorted((a, b) => b.length - a.length)[0];
}

function digestText(digest: DigestSet): string {
  return KNOWN_ALGORITHMS.filter((a) => digest[a] !== undefined)
    .map((a) => `${a}:${digest[a]}`)
    .join(" ");
}

function otherBytes(artifact: Artifact, subjects: readonly Subject[]): Check {
  const { name } = artifact;
  const named = name === undefined ? undefined : subjects.find((s) => s.name !== undefined && namesAgree(s.name, name));
  return failed("subject", "ERR_SUBJECT_DIGEST", {
    expected: digestText(artifact.digest),
    found:
      named === undefined
        ? `${subjects.length} subject${subjects.length === 1 ? "" : "s"}, none with this digest`
        : `${quote(named.name ?? "")} is ${digestText(named.digest)}`,
    hint: "these are not the bytes that were signed: fetch the artifact again from where it was published",
  });
}

function wrongName(rule: Rule, artifact: Artifact, same: readonly Subject[]): Check | undefined {
  if (rule.anyName) return undefined;
  const { name } = artifact;
  if (name === undefined) {
    const found = same.map((s) => quote(s.name ?? "")).join(", ");
    const hint = "say the name with --name, or waive it with `any-name`";
    return failed("subject", "ERR_SUBJECT_NAME", { expected: "a requested name", found, hint });
  }
  const globs = rule.artifacts.map(compileGlob);
  const agreeing = same.filter(
    (s) => s.name !== undefined && namesAgree(s.name, name) && globs.some((glob) => glob(s.name ?? "")),
  );
  if (agreeing.length > 0) return undefined;
  return failed("subject", "ERR_SUBJECT_NAME", {
    expected: `a subject named like ${quote(name)}, matching ${rule.artifacts.map(quote).join(" or ")}`,
    found: same.map((s) => quote(s.name ?? "")).join(", "),
    hint: "these bytes were signed under another name: check for swapped files, or pass --name or --base",
  });
}

/** The subject row (design §5, Names). */
export function subject(rule: Rule, artifact: Artifact, subjects: readonly Subject[]): Check {
  const matches = subjects.map((s) => ({ s, match: compareDigests(artifact.digest, s.digest) }));
  const same = matches.filter(({ match }) => match === "same").map(({ s }) => s);
  if (same.length === 0) {
    const uncomputed = matches.find(({ match }) => typeof match === "object");
    if (uncomputed === undefined) return otherBytes(artifact, subjects);
    return failed("subject", "ERR_SUBJECT_DIGEST", {
      expected: digestText(uncomputed.s.digest),
      found: digestText(artifact.digest),
      hint: "the subject states digests that were not given: verify the file itself, or give all of them",
    });
  }
  const wrong = wrongName(rule, artifact, same);
  if (wrong !== undefined) return wrong;
  const name =
    same.map((s) => s.name ?? "").find((n) => artifact.name === undefined || namesAgree(n, artifact.name)) ?? "";
  const waived = rule.anyName ? "; the name was not compared" : "";
  const short = artifact.name !== undefined && !artifact.name.includes("/") && name.includes("/");
  return passed("subject", {
    note: `${quote(name)} ${digestText(artifact.digest)}${waived}${short ? "; the requested name has one segment and cannot tell folders apart" : ""}`,
  });
}
