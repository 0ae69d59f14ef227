// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a web server: whether it answers, and whether it says of what is not there that it is not. Nothing is
// written there, and whoever can reach it can read it.
import { randomBytes } from "node:crypto";
import { parseKey } from "@kiteseal/core/store";
import type { Finding, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { attempt, finding } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import type { Exchange } from "../exchange.ts";

const LATER: readonly number[] = [408, 425, 429];

/** https.identity, .absence, .list, .put, .versioning, .encryption, .public-access. */
export async function diagnose(
  { origin, base }: { origin: string; base: string },
  look: (key: Key) => Promise<Exchange>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tell: Tell = (id, told) => void findings.push(finding(`https.${id}`, `${origin}/${base}`, told));
  tell("identity", ["ok", "anonymous: no credentials are sent to web servers"]);
  const missing = parseKey(`${base === "" ? "" : `${base}/`}kiteseal-${randomBytes(16).toString("hex")}`);
  tell("absence", await absence(() => look(missing)));
  tell("list", ["ok", "is never listed: attestations are found beside their artifacts, as ARTIFACT.sigstore.json"]);
  tell("put", ["ok", "is never written to"]);
  tell("versioning", ["ok", "pins are strong ETags, where the server has them, and lengths; digests decide"]);
  tell("encryption", ["ok", origin.startsWith("https:") ? "is asked over TLS" : "is on this machine"]);
  tell("public-access", ["ok", "whoever can reach it can read it"]);
  return findings;
}

async function absence(look: () => Promise<Exchange>): Promise<Told> {
  const reply = await attempt(look);
  if (reply instanceof AdapterError) return ["broken", reply.message, reply.hint];
  reply.discard();
  const { status } = reply;
  if (status === 404 || status === 410) return ["ok", "says of what is not there that it is not"];
  if (LATER.includes(status) || status >= 500) throw new AdapterError("Transient", `the server answered ${status}`);
  if (status === 401 || status === 407) {
    return ["broken", `asks for an identity (${status})`, "name a server that answers without credentials"];
  }
  if (status < 300) {
    const what = `answers ${status} to a name that is not there: absence is never proven, and sign-in pages pass for files`;
    return ["broken", what, "let the server answer 404"];
  }
  const what = `answers ${status} to a name that is not there: a missing attestation then looks like an outage`;
  return ["advice", what, "let the server answer 404"];
}
