// SPDX-License-Identifier: Apache-2.0
// A real server as Kiteseal meets it (addresses for `--to`, and the environment that leads there), and as the clients of
// others do.
/** The bucket or container that is there from the start. */
export const BUCKET = "plain";

export interface RealServer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Address of the bucket that is there from the start, without a final "/". */
  readonly url: string;
  /** Where the server is and who asks. */
  readonly env: Readonly<Record<string, string>>;
  /** The same by way of another origin: a front that passes every request on. */
  readonly envBy: (origin: string) => Readonly<Record<string, string>>;
  /** What other clients are given as the server's address. */
  readonly endpoint: string;
  /** Who asks; empty, as is the secret, where the server asks nobody. */
  readonly account: string;
  readonly secret: string;
  /** Another bucket or container, empty; its address as `url`. */
  readonly makeBucket: (name: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}
