// SPDX-License-Identifier: Apache-2.0
// Faults that the suite cannot show: where their tests are. test/faults.test.ts holds that they are there.

export interface FaultElsewhere {
  readonly fault: string;
  readonly outcome: string;
  /** From the repository's root. */
  readonly file: string;
  /** As the test is called, or the beginning of it. */
  readonly test: string;
}

const ADAPTERS = "packages/storage-adapters/src";

function of(file: string, test: string, row: { fault: string; outcome: string }): FaultElsewhere {
  return { ...row, file, test };
}

export const ELSEWHERE: readonly FaultElsewhere[] = [
  of(`${ADAPTERS}/file/faults.test.ts`, "a write that the disk does not take leaves nothing", {
    fault: "file: the disk takes no more",
    outcome: "`STORE_UNAVAILABLE`",
  }),
  of(`${ADAPTERS}/file/adapter.test.ts`, "a link to %s below the base is not followed on writing", {
    fault: "file: links planted below the base",
    outcome: "`STORE_TAMPERED`",
  }),
  of(`${ADAPTERS}/file/adapter.test.ts`, "a FIFO under the object's name does not hang anything", {
    fault: "file: a FIFO or link under the object's name",
    outcome: "`STORE_TAMPERED`",
  }),
  of(`${ADAPTERS}/file/adapter.test.ts`, "a file whose name no key can have makes the listing fail", {
    fault: "file: a listing with a name that no key can have",
    outcome: "`STORE_TAMPERED`",
  }),
  of("packages/cli/src/fetch-s3.test.ts", "below an address with %j, which no one could look at, nothing passes", {
    fault: "verify, find, promote, fetch --recursive: such a listing",
    outcome: "`STORE_TAMPERED`",
  }),
  of(`${ADAPTERS}/s3/multipart.test.ts`, "and whose list of parts %s is sent anew", {
    fault: "s3: a list of parts that goes round or never ends",
    outcome: "overcome",
  }),
  of(`${ADAPTERS}/azure/double.test.ts`, "a line that is slow and not silent is waited for", {
    fault: "Azure: a part that takes longer than silence may last",
    outcome: "overcome",
  }),
  of(`${ADAPTERS}/file/faults.test.ts`, "a name that differs only in case from another", {
    fault: "file: names that collide where case is ignored",
    outcome: "`STORE_CONFLICT`, or two objects",
  }),
  of(`${ADAPTERS}/file/faults.test.ts`, "a key with %s is refused, and nothing is written", {
    fault: "file: forbidden characters and names",
    outcome: "`KEY_INVALID`",
  }),
  of(`${ADAPTERS}/store-contract.testkit.ts`, "without permission is an error, never absence; so is a listing", {
    fault: "every store: no permission to look",
    outcome: "`STORE_DENIED`",
  }),
  of(`${ADAPTERS}/file/adapter.test.ts`, "a file rewritten in place while it is read ends in an error", {
    fault: "file: rewritten while it is read",
    outcome: "`PIN_CHANGED`",
  }),
  of(`${ADAPTERS}/file/crash.test.ts`, "at any moment leaves the whole object or none", {
    fault: "file: the writer is killed",
    outcome: "whole or nothing",
  }),
  of(`${ADAPTERS}/s3/expiry.test.ts`, "are renewed with a fresh token of the job, and the upload goes on", {
    fault: "s3: credentials expire in mid-upload",
    outcome: "overcome",
  }),
  of(`${ADAPTERS}/s3/expiry.test.ts`, "and are not renewed: undetermined, nothing is visible", {
    fault: "s3: credentials expire and are not renewed",
    outcome: "`STORE_DENIED`, resumable",
  }),
  of(`${ADAPTERS}/credentials/gcp.test.ts`, "has a fresh token of the job at each renewal", {
    fault: "gs: the access token ends",
    outcome: "overcome",
  }),
  of(`${ADAPTERS}/credentials/azure.test.ts`, "asks with a fresh job token each time an access token is about to end", {
    fault: "Azure: the access token ends",
    outcome: "overcome",
  }),
  of(`${ADAPTERS}/artifactory/wire.test.ts`, "a token that is refused in the middle is replaced", {
    fault: "rt: the access token is refused in the middle",
    outcome: "overcome",
  }),
  of(`${ADAPTERS}/gcs/adapter.test.ts`, "a session at another origin is refused, and nothing is sent there", {
    fault: "gs: a session at another origin",
    outcome: "`STORE_UNAVAILABLE`",
  }),
  of(`${ADAPTERS}/s3/adapter.test.ts`, "a server that ignores If-Match does not pass another version", {
    fault: "s3: conditions are ignored",
    outcome: "`PIN_CHANGED`",
  }),
  of(`${ADAPTERS}/transfer/plan.test.ts`, "has parts within each store's limits, up to the largest object", {
    fault: "every store: the limits of parts and objects",
    outcome: "`LIMIT_EXCEEDED` above",
  }),
  of(`${ADAPTERS}/transfer/resume.test.ts`, "that was killed sends only what is missing", {
    fault: "s3: killed in mid-upload",
    outcome: "gone on with",
  }),
  of("test/stores/memory.test.ts", "a large object into %s takes less than 250 MB of memory", {
    fault: "every store: large sparse objects",
    outcome: "memory is bounded",
  }),
  of("test/stores/scenario.ts", "of verify: 30, never a verdict (%s)", {
    fault: "`verify`: an outage or a refusal from any request on",
    outcome: "exit 30",
  }),
  of("test/stores/scenario.ts", "of verify, of one request: overcome", {
    fault: "`verify`: one request fails",
    outcome: "exit 0",
  }),
  of("test/stores/scenario.ts", "of publish: 30, and a rerun completes", {
    fault: "`publish`: an outage from any request on",
    outcome: "exit 30, then 0",
  }),
  of("test/stores/scenario.ts", "of publish, denied: 30, and what is shown by then is attested", {
    fault: "`publish`: refused from any request on",
    outcome: "exit 30",
  }),
  of("test/stores/scenario.ts", "a denied listing is 30 only where there is no candidate", {
    fault: "`verify`: the listing is denied",
    outcome: "exit 30, or 0 by another way",
  }),
];
