// SPDX-License-Identifier: Apache-2.0
// The DOUBLE of Artifactory, reached as the real servers are: no real one can be had.
import { startArtifactoryDouble } from "../doubles/artifactory/server.ts";
import type { RealServer } from "./peer.testkit.ts";

const [account, secret] = ["ci", "secret-password"] as const;

export async function artifactoryDouble(): Promise<Omit<RealServer, "makeBucket">> {
  const double = await startArtifactoryDouble();
  const { platform: origin, url, repository } = double;
  const envBy = (by: string) => ({
    BUILDKITE_ARTIFACTORY_URL: `${by}/artifactory`,
    BUILDKITE_ARTIFACTORY_USER: account,
    BUILDKITE_ARTIFACTORY_PASSWORD: secret,
  });
  return {
    origin,
    url: `rt://${repository}`,
    env: envBy(origin),
    envBy,
    endpoint: `${url}/${repository}`,
    account,
    secret,
    stop: () => double.close(),
  };
}
