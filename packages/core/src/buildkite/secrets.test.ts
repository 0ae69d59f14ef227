// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { createRedactor } from "./redactor.ts";
import { compilePathMatch, readSecrets } from "./secrets.ts";

const values = (env: Record<string, string>): string[] => readSecrets(env).values.map((secret) => secret.value);

describe("readSecrets", () => {
  it("reads the variables that BUILDKITE_REDACTED_VARS names", () => {
    expect(
      values({ BUILDKITE_REDACTED_VARS: "ACME_?ODE, LICEN[CS]E", ACME_CODE: "12345-abcde", LICENSE: "lic-0000000" }),
    ).toEqual(["12345-abcde", "lic-0000000"]);
  });

  it("keeps the agent's defaults when BUILDKITE_REDACTED_VARS is empty or says less", () => {
    expect(values({ BUILDKITE_REDACTED_VARS: "", DEPLOY_SSH_KEY: "0123456789" })).toEqual(["0123456789"]);
    expect(values({ BUILDKITE_REDACTED_VARS: "X", DB_PASSWORD: "0123456789" })).toEqual(["0123456789"]);
  });

  it.each([
    "BUILDKITE_AGENT_ACCESS_TOKEN",
    "BUILDKITE_AGENT_JOB_API_TOKEN",
    "SIGSTORE_ID_TOKEN",
    "BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "COSIGN_PASSPHRASE",
    "TLS_PEM",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "ARTIFACTORY_APIKEY",
    "GITHUB_TOKEN",
    "NPM_TOKEN",
  ])("takes %s for a secret", (name) => {
    expect(values({ [name]: "value-0123456789" })).toContain("value-0123456789");
  });

  it.each([
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "ARTIFACTORY_URL",
    "PATH",
    "BUILDKITE_STEP_KEY",
  ])("does not take %s for a secret", (name) => {
    expect(readSecrets({ [name]: "value-0123456789" })).toEqual({ values: [], skipped: [] });
  });

  it("takes a password in an endpoint of AWS for a secret, and what an endpoint's name calls one", () => {
    expect(values({ AWS_ENDPOINT_URL_S3: "https://minio:hunter2-and-more@store.example" })).toEqual([
      "hunter2-and-more",
    ]);
    expect(values({ AWS_ENDPOINT_URL_S3_TOKEN: "value-0123456789" })).toEqual(["value-0123456789"]);
  });

  it("skips and names short values and values that are facts of the platform", () => {
    const job = "0190046e-e199-453b-a302-a21a4d649d31";
    const env = {
      BUILDKITE_JOB_ID: job,
      BUILDKITE_PIPELINE_SLUG: "release-app",
      A_TOKEN: "short",
      B_TOKEN: job,
      C_TOKEN: "release-app",
      D_TOKEN: "",
    };
    expect(readSecrets(env)).toEqual({
      values: [],
      skipped: [
        { name: "A_TOKEN", why: "under 8 bytes" },
        { name: "B_TOKEN", why: "equal to BUILDKITE_JOB_ID" },
        { name: "C_TOKEN", why: "equal to BUILDKITE_PIPELINE_SLUG" },
      ],
    });
  });

  it("does not let a variable of another form declare a secret a platform fact", () => {
    expect(values({ BUILDKITE_JOB_ID: "hunter2-hunter2", A_TOKEN: "hunter2-hunter2" })).toEqual(["hunter2-hunter2"]);
  });

  it("names a pattern that path.Match refuses", () => {
    expect(readSecrets({ BUILDKITE_REDACTED_VARS: "A_[" }).skipped).toEqual([
      { name: "A_[", why: "not a pattern (BUILDKITE_REDACTED_VARS)" },
    ]);
  });

  it("finds the keys and signatures of connection strings, and nothing else of them", () => {
    const key =
      "BlobEndpoint=https://acmereleasesarchive.example/;AccountName=acmereleasesarchive;AccountKey=a2V5LWtleQ==;";
    expect(values({ A_CONNECTION_STRING: key })).toEqual(expect.arrayContaining(["a2V5LWtleQ=="]));
    expect(values({ A_CONNECTION_STRING: key })).not.toContain("acmereleasesarchive");
    const signed = "BlobEndpoint=https://acme.example/;SharedAccessSignature=sv=2026&sig=abc%2Fdefghi%3D";
    expect(values({ A_CONNECTION_STRING: signed })).toEqual(
      expect.arrayContaining(["sv=2026&sig=abc%2Fdefghi%3D", "abc%2Fdefghi%3D", "abc/defghi="]),
    );
  });

  it("takes the names of the agent's secrets for what they are", () => {
    expect(readSecrets({ KITESEAL_AGENT_SECRETS: "AWS_SECRET_ACCESS_KEY=a-name-of-a-secret" })).toEqual({
      values: [],
      skipped: [],
    });
  });

  it("finds passwords in URLs, also percent-decoded, and tokens in queries", () => {
    expect(values({ BUILDKITE_REPO: "https://x-access-token:gh%70_0123456789@github.com/acme/app.git" })).toEqual([
      "gh%70_0123456789",
      "ghp_0123456789",
    ]);
    expect(values({ STORE_URL: "https://acme.blob.core.windows.net/c?sv=2026&sig=abcdefghij" })).toEqual([
      "abcdefghij",
    ]);
    expect(
      values({ BUILDKITE_COMMAND: "git clone https://0123456789abcdef@host/x && curl ftp://u:passw0rd1@h" }),
    ).toEqual(["0123456789abcdef", "passw0rd1"]);
  });

  it("takes neither a login name nor a shell variable in a URL for a password", () => {
    expect(readSecrets({ BUILDKITE_REPO: "ssh://deploy-user@host/acme/app.git" })).toEqual({ values: [], skipped: [] });
    expect(readSecrets({ BUILDKITE_COMMAND: "git push https://ci:$DEPLOY_TOKEN@host/x" })).toEqual({
      values: [],
      skipped: [],
    });
  });

  it.each(["?token=abcdefgh1", "?x=1&access_token=abcdefgh1", "?X-Amz-Signature=abcdefgh1", "?api_key=abcdefgh1"])(
    "takes the value in %s for a secret",
    (query) => {
      expect(values({ BUILDKITE_COMMAND: `curl 'https://host/x${query}'` })).toEqual(["abcdefgh1"]);
    },
  );

  it.each(["?design=something", "?token=$DEPLOY_TOKEN", "?token=%DEPLOY_TOKEN%", "?key=v1-${SECRET_KEY}"])(
    "does not take the value in %s for one",
    (query) => {
      expect(values({ BUILDKITE_COMMAND: `curl 'https://host/x${query}'` })).toEqual([]);
    },
  );

  it("looks for the secrets inside a JSON credential, a header list and a JWT", () => {
    const json = JSON.stringify({
      type: "service_account",
      private_key: "line-one-0123456789\nline-two-0123456789\n",
      token_uri: "https://oauth2.example/token",
    });
    expect(values({ BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON: json })).toEqual([
      json,
      "line-one-0123456789\nline-two-0123456789",
      "line-one-0123456789",
      "line-two-0123456789",
    ]);
    expect(values({ OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer abcdefgh12345,x-team=a" })).toContain(
      "abcdefgh12345",
    );
    expect(values({ A_TOKEN: "aaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb.cccccccccccccccccccc" })).toEqual([
      "aaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb.cccccccccccccccccccc",
      "bbbbbbbbbbbbbbbbbbbb",
      "cccccccccccccccccccc",
    ]);
  });
});

describe("compilePathMatch", () => {
  it.each([
    ["*_TOKEN", "A_TOKEN", true],
    ["*_TOKEN", "A_TOKENS", false],
    ["A?C", "ABC", true],
    ["A?C", "AC", false],
    ["[A-C]X", "BX", true],
    ["[^A-C]X", "BX", false],
    ["[^A-C]X", "DX", true],
    ["\\*", "*", true],
    ["\\*", "A", false],
    ["[\\]]", "]", true],
    ["a.c", "abc", false],
    ["[z-a]", "b", false],
    ["*", "a/b", false],
  ])("%s on %s is %s", (pattern, name, expected) => {
    expect(compilePathMatch(pattern)?.test(name)).toBe(expected);
  });

  it.each(["[", "[]", "[a", "a\\", "[a-]", "[-a]"])("refuses %s as Go does", (pattern) => {
    expect(compilePathMatch(pattern)).toBeUndefined();
  });
});

describe("createRedactor", () => {
  it("replaces every form of a secret", () => {
    const redact = createRedactor([{ name: "A", value: "pa55/word+1" }]);
    const base64 = Buffer.from("pa55/word+1").toString("base64url");
    expect(redact(`a pa55/word+1 b ${encodeURIComponent("pa55/word+1")} c ${base64}`)).toMatch(
      /^a \[REDACTED\] b \[REDACTED\] c \[REDACTED\].{0,3}$/,
    );
    expect(redact("nothing here")).toBe("nothing here");
  });

  it("covers overlapping secrets with one mark", () => {
    const redact = createRedactor([
      { name: "A", value: "abcdefgh" },
      { name: "B", value: "efghijkl" },
    ]);
    expect(redact("-abcdefghijkl-")).toBe("-[REDACTED]-");
  });

  it("leaves nothing of a secret around a shorter one inside it", () => {
    const redact = createRedactor([
      { name: "A", value: "abcdefghijklmnop" },
      { name: "B", value: "cdefghij" },
    ]);
    expect(redact("-abcdefghijklmnop-cdefghij-")).toBe("-[REDACTED]-[REDACTED]-");
  });

  it("knows JSON as Go writes it, with and without escapes for what is not ASCII", () => {
    const redact = createRedactor([{ name: "A", value: "<gr\u00fc\u00df>&12345" }]);
    expect(redact("\\u003cgr\u00fc\u00df\\u003e\\u002612345")).toBe("[REDACTED]");
    expect(redact("\\u003cgr\\u00fc\\u00df\\u003e\\u002612345")).toBe("[REDACTED]");
    expect(redact("<gr\\u00fc\\u00df>&12345")).toBe("[REDACTED]");
  });

  it("redacts what is added later", () => {
    const redact = createRedactor([]);
    expect(redact("token eyJhbGciOi")).toBe("token eyJhbGciOi");
    redact.add({ name: "id token", value: "eyJhbGciOi" });
    expect(redact("token eyJhbGciOi")).toBe("token [REDACTED]");
  });
});
