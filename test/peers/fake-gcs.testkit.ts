// SPDX-License-Identifier: Apache-2.0
// fake-gcs-server, a real server of Google Cloud Storage's JSON interface.
import { BUCKET } from "./peer.testkit.ts";
import type { RealServer } from "./peer.testkit.ts";
import { serve } from "./process.testkit.ts";
import { peerProgram } from "./programs.ts";

export interface FakeGcs extends RealServer {
  /** With the settings of a bucket resource. */
  readonly makeBucket: (name: string, settings?: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** `directory`: where the data lies; absent: in memory. */
export async function fakeGcs(directory?: string): Promise<FakeGcs> {
  const backend =
    directory === undefined ? ["-backend", "memory"] : ["-backend", "filesystem", "-filesystem-root", directory];
  const served = await serve({
    command: peerProgram("fake-gcs-server"),
    args: (port) => [
      ...`-scheme http -host 127.0.0.1 -port ${port} -log-level error -external-url http://127.0.0.1:${port}`.split(
        " ",
      ),
      ...backend,
    ],
    probe: "/storage/v1/b?project=kiteseal",
  });
  const envBy = (origin: string) => ({ KITESEAL_GCS_ENDPOINT: origin });
  const makeBucket: FakeGcs["makeBucket"] = async (name, settings = {}) => {
    const reply = await fetch(`${served.origin}/storage/v1/b?project=kiteseal`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name, ...settings }),
    });
    if (!reply.ok) throw new Error(`the server made no bucket: ${reply.status}`);
    return `gs://${name}`;
  };
  return {
    origin: served.origin,
    url: await makeBucket(BUCKET),
    env: envBy(served.origin),
    envBy,
    endpoint: served.origin,
    account: "",
    secret: "",
    makeBucket,
    stop: served.stop,
  };
}
