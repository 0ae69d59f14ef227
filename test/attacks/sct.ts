// SPDX-License-Identifier: Apache-2.0
// Attacks on certificate transparency: certificates that no listed log promised to publish.
import { type CtLog, createCtLog } from "@kiteseal/sandbox";
import { DAY, type Forge } from "./forge.ts";
import { attacksOn } from "./spec.ts";

/** A log that answers with bytes of the attacker's choice. */
const forged = (log: CtLog, edit: (sct: Buffer) => Uint8Array): CtLog => ({
  ...log,
  timestamp: (precertificate, issuer, time) => edit(Buffer.from(log.timestamp(precertificate, issuer, time))),
});
const flipLast = (sct: Buffer): Buffer => {
  sct[sct.length - 1] = (sct.at(-1) ?? 0) ^ 1;
  return sct;
};
const own = (forge: Forge): CtLog => forge.authorities.ctLog;

export const SCT_ATTACKS = attacksOn("sct", "ERR_SCT", [
  { id: "no-sct", why: "a certificate that no log has seen; the root demands one", attack: { leaf: { ctLogs: [] } } },
  {
    id: "no-sct-but-old-fulcio",
    why: "an older certificate is no excuse",
    base: { release: "1.7.0", rule: { branch: undefined, anyRef: true } },
    attack: { leaf: { ctLogs: [] } },
  },
  {
    id: "sct-of-an-unknown-log",
    why: "a log that the root does not list",
    attack: (f) => ({ leaf: { ctLogs: [f.other.ctLog] } }),
  },
  {
    id: "good-sct-beside-an-unknown",
    why: "every SCT must verify, not one of them",
    attack: (f) => ({ leaf: { ctLogs: [own(f), f.other.ctLog] } }),
  },
  {
    id: "sct-signature-changed",
    why: "the last byte of the log's signature",
    attack: (f) => ({ leaf: { ctLogs: [forged(own(f), flipLast)] } }),
  },
  {
    id: "sct-time-changed",
    why: "the time of a genuine SCT",
    attack: (f) => ({
      leaf: {
        ctLogs: [
          forged(own(f), (sct) => {
            sct[40] = (sct[40] ?? 0) ^ 1;
            return sct;
          }),
        ],
      },
    }),
  },
  {
    id: "sct-of-another-certificate",
    why: "a genuine SCT moved from another certificate",
    attack: (f) => {
      let stolen: Buffer | undefined;
      f.parts({ leaf: { ctLogs: [forged(own(f), (sct) => (stolen = sct))] } });
      return { leaf: { ctLogs: [forged(own(f), (sct) => stolen ?? sct)] } };
    },
  },
  {
    id: "sct-by-an-impostor",
    why: "the listed log's id, another key",
    attack: (f) => {
      const impostor = createCtLog(f.otherKey);
      return {
        leaf: { ctLogs: [forged(impostor, (sct) => Buffer.concat([sct.subarray(0, 1), own(f).id, sct.subarray(33)]))] },
      };
    },
  },
  {
    id: "ct-log-removed",
    why: "the root lists another log instead",
    attack: { root: (r, f) => void (r.ctlogs = f.otherRoot.ctlogs) },
  },
  {
    id: "ct-log-expired",
    why: "the log's key in the root ended before the SCT",
    attack: { root: (r, f) => r.ctlogs.forEach((l) => (l.publicKey.validFor.end = f.at(-DAY).toISOString())) },
    twin: { root: (r, f) => r.ctlogs.forEach((l) => (l.publicKey.validFor.end = f.at(DAY).toISOString())) },
  },
  {
    id: "sct-that-the-root-knows-no-log-for",
    why: "a root without logs does not excuse an SCT that cannot be checked",
    attack: { root: (r) => void (r.ctlogs = []) },
    twin: { root: (r) => void (r.ctlogs = []), leaf: { ctLogs: [] } },
  },
  {
    id: "same-sct-twice",
    why: "one SCT repeated to reach a threshold",
    attack: (f) => ({ leaf: { ctLogs: [own(f), own(f)] } }),
  },
]);
