// SPDX-License-Identifier: Apache-2.0
// The DOUBLE of Artifactory, reached as the real servers are: no real one can be had.
import { startArtifactoryDouble } from "../doubles/artifactory/server.ts";
import type { RealServer } from "./peer.testkit.ts";

export async function artifactoryDouble(): Promise<Omit<RealServer, "makeBucket">> {
  const double = await startArtifactoryDouble();
  const envBy = (origin: string) => ({
    BUILDKITE_ARTIFACTORY_URL: `${origin}/artifactory`,
    BUILDKITE_ARTIFACTORY_USER: "ci",
    BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
  });
  const { platform: origin } = double;
  return { origin, url: `rt://${double.repository}`, env: envBy(origin), envBy, stop: () => double.close() };
}
