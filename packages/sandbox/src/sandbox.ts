// SPDX-License-Identifier: Apache-2.0
// Starts everything: authorities from the state directory, their services on one loopback port, the Job API on a Unix
// socket, and the files a client needs. One Buildkite job runs in each sandbox.
import { type KeyObject, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Annotation, annotationRoutes } from "./agent/annotations.ts";
import { metaDataRoutes } from "./agent/meta-data.ts";
import { tokenRoutes } from "./agent/oidc.ts";
import { redactionRoutes } from "./agent/redactions.ts";
import { type Authorities, openAuthorities } from "./authorities.ts";
import { ctLogRoutes } from "./ct-log.ts";
import { createFaults, type FaultControl } from "./faults.ts";
import { type FulcioOptions, type FulcioRelease, fulcioRoutes, issueFor, type LeafOverrides } from "./fulcio.ts";
import { createJob, type Job, jobEnvironment, shellLines } from "./job.ts";
import { BUILDKITE_ISSUER, type Claims, jobClaims, oidcRoutes, signToken, type TokenSignature } from "./oidc.ts";
import { publish, type RekorChoice } from "./publish.ts";
import { rekorV1Routes } from "./rekor-v1.ts";
import { rekorV2Routes } from "./rekor-v2.ts";
import { type Route, type RunningServer, startServer } from "./server.ts";
import { openState, type State } from "./state.ts";
import { timestampRoutes } from "./timestamp.ts";
import type { SigningConfig, TrustedRoot } from "./trust.ts";
import { tufRoutes } from "./tuf.ts";

export interface SandboxOptions {
  /** Keys, logs and files are kept here; absent: a temporary directory that `close` removes. */
  readonly stateDir?: string;
  /** Time of everything that is signed; default the system's. */
  readonly clock?: () => Date;
  readonly job?: Partial<Job>;
  /** Logs in the signing config; default `v2`. Both run and are trusted, except with `none`. */
  readonly rekor?: RekorChoice;
  /** Whether the signing config names the timestamp authority; default yes unless `rekor` is `v1`. */
  readonly timestamps?: boolean;
  /** Whether certificates carry SCTs; default yes. */
  readonly ctLog?: boolean;
  /** Default `1.8.8`. */
  readonly fulcioRelease?: FulcioRelease;
  /** Lifetime of tokens that ask for none; default 300. */
  readonly tokenLifetimeSeconds?: number;
  /** Default 7200. */
  readonly maxTokenLifetimeSeconds?: number;
  /** `loopback` names the sandbox's own URL in tokens, for relying parties that fetch its keys; default `buildkite`. */
  readonly issuer?: "buildkite" | "loopback";
}

/** What a token says otherwise than the job's own. */
export interface TokenOverrides {
  readonly job?: Partial<Job>;
  /** Default `sigstore`. */
  readonly audience?: string;
  readonly lifetimeSeconds?: number;
  readonly issuedAt?: Date;
  readonly optionalClaims?: readonly string[];
  readonly subjectClaim?: string;
  /** Laid over the claims; `undefined` removes one. */
  readonly claims?: Claims;
  /** Default `valid`. */
  readonly signature?: TokenSignature;
}

/** What the services have done so far. */
export interface Stats {
  tokens: number;
  certificates: number;
  logEntries: number;
  timestamps: number;
  /** Requests by route, such as `rekor-v2.create`; those hit by a fault or refused count too. */
  readonly requests: Record<string, number>;
}

export interface Sandbox {
  /** Base URL of every service, without a trailing slash. */
  readonly url: string;
  readonly directory: string;
  readonly job: Job;
  readonly trustedRoot: TrustedRoot;
  readonly trustedRootPath: string;
  readonly signingConfig: SigningConfig;
  readonly signingConfigPath: string;
  /** Environment of the job; overrides are laid over it. */
  jobEnv(overrides?: Readonly<Record<string, string>>): Record<string, string>;
  /** A token that the agent API would give, or one that it would not. Not counted. */
  mintToken(overrides?: TokenOverrides): string;
  /** A certificate that Fulcio would issue for the job, or one that it would not, DER. Not counted. */
  issueCertificate(publicKey: KeyObject, overrides?: LeafOverrides & { readonly claims?: Claims }): Uint8Array;
  readonly authorities: Authorities;
  readonly faults: FaultControl;
  readonly stats: Stats;
  readonly annotations: ReadonlyMap<string, Annotation>;
  readonly metaData: ReadonlyMap<string, string>;
  /** Values handed to the Job API for redaction, in order. */
  readonly redactions: readonly string[];
  /** Ends every connection and both servers; removes the socket, and the state if it is temporary. */
  close(): Promise<void>;
}

/** Everything that exists before the server listens. */
interface Parts {
  readonly options: SandboxOptions;
  readonly state: State;
  readonly clock: () => Date;
  readonly job: Job;
  readonly authorities: Authorities;
  readonly fulcio: FulcioOptions;
  readonly stats: Stats;
  readonly accessToken: string;
  readonly annotations: Map<string, Annotation>;
  readonly metaData: Map<string, string>;
  /** Base URL, empty until the server listens. */
  readonly base: { url: string };
  readonly issuer: () => string;
}

/** Starts a sandbox. Throws the file system's errors. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const temporary = mkdtempSync(join(tmpdir(), "kiteseal-"));
  const started: RunningServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.close()));
    rmSync(temporary, { recursive: true, force: true });
  };
  try {
    const parts = await prepare(options, options.stateDir ?? join(temporary, "state"));
    return await serve(parts, { temporary, started, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function prepare(options: SandboxOptions, directory: string): Promise<Parts> {
  const clock = options.clock ?? ((): Date => new Date());
  const state = await openState(directory, clock());
  const authorities = openAuthorities(state, clock);
  const stats: Stats = { tokens: 0, certificates: 0, logEntries: 0, timestamps: 0, requests: {} };
  const base = { url: "" };
  const issuer = (): string => (options.issuer === "loopback" ? base.url : BUILDKITE_ISSUER);
  const fulcio: FulcioOptions = {
    authority: authorities.fulcio,
    ctLogs: options.ctLog === false ? [] : [authorities.ctLog],
    release: options.fulcioRelease ?? "1.8.8",
    clock,
    tokenKey: state.keys.oidc,
    issuer,
    count: () => void (stats.certificates += 1),
  };
  return {
    options,
    state,
    clock,
    job: createJob(options.job ?? {}),
    authorities,
    fulcio,
    stats,
    accessToken: `bkaj_${randomBytes(24).toString("hex")}`,
    annotations: new Map(),
    metaData: new Map(),
    base,
    issuer,
  };
}

function routes(parts: Parts, repository: ReadonlyMap<string, string>): readonly Route[] {
  const { authorities, clock, job, options, stats } = parts;
  const access = { jobId: job.jobId, accessToken: parts.accessToken };
  const logged = (): void => void (stats.logEntries += 1);
  const key = parts.state.keys.oidc;
  return [
    ...oidcRoutes({ key, issuer: parts.issuer, url: () => parts.base.url }),
    ...tokenRoutes({
      access,
      job,
      key,
      clock,
      issuer: parts.issuer,
      lifetimeSeconds: options.tokenLifetimeSeconds ?? 300,
      maxLifetimeSeconds: options.maxTokenLifetimeSeconds ?? 7200,
      count: () => void (stats.tokens += 1),
    }),
    ...annotationRoutes(access, parts.annotations),
    ...metaDataRoutes(access, parts.metaData),
    ...fulcioRoutes(parts.fulcio),
    ...ctLogRoutes(authorities.ctLog, clock),
    ...rekorV1Routes(authorities.rekorV1, logged),
    ...rekorV2Routes(authorities.rekorV2, logged),
    ...timestampRoutes(authorities.timestamp, { clock, count: () => void (stats.timestamps += 1) }),
    ...tufRoutes(repository),
  ];
}

async function serve(
  parts: Parts,
  run: { temporary: string; started: RunningServer[]; close: () => Promise<void> },
): Promise<Sandbox> {
  const { options, state, job, stats, authorities, fulcio, clock } = parts;
  const faults = createFaults();
  const redactions: string[] = [];
  const jobApiToken = randomBytes(24).toString("hex");
  const repository = new Map<string, string>();
  const count = (id: string): void => void (stats.requests[id] = (stats.requests[id] ?? 0) + 1);
  const server = await startServer({ routes: routes(parts, repository), faults, count });
  run.started.push(server);
  parts.base.url = server.url;
  // the socket's path has a limit of about a hundred bytes, which a state directory may exceed
  const socketPath = join(run.temporary, "job-api.sock");
  run.started.push(await startServer({ routes: redactionRoutes(jobApiToken, redactions), faults, count, socketPath }));
  const { rekor = "v2", ctLog = true } = options;
  const files = publish(state, repository, {
    ...authorities,
    url: server.url,
    now: clock(),
    rekor,
    withCtLog: ctLog,
    timestamps: options.timestamps ?? rekor !== "v1",
  });
  const environment = jobEnvironment(job, {
    agent: `${server.url}/agent/v3`,
    accessToken: parts.accessToken,
    jobApiSocket: socketPath,
    jobApiToken,
    signingConfig: files.signingConfigPath,
    signingRoot: files.trustedRootPath,
  });
  state.write("job.env", shellLines(environment));
  return {
    ...files,
    url: server.url,
    directory: state.directory,
    job,
    jobEnv: (overrides = {}) => ({ ...environment, ...overrides }),
    mintToken: (overrides = {}) => mintToken(parts, overrides),
    issueCertificate(publicKey, { claims = {}, ...overrides } = {}) {
      const own = jobClaims(
        job,
        { lifetimeSeconds: 300, optionalClaims: [] },
        { issuer: parts.issuer(), now: clock() },
      );
      return issueFor(fulcio, { publicKey, claims: { ...own, ...claims } }, overrides);
    },
    authorities,
    faults,
    stats,
    annotations: parts.annotations,
    metaData: parts.metaData,
    redactions,
    close: run.close,
  };
}

function mintToken(parts: Parts, overrides: TokenOverrides): string {
  const request = {
    audience: overrides.audience ?? "sigstore",
    lifetimeSeconds: overrides.lifetimeSeconds ?? parts.options.tokenLifetimeSeconds ?? 300,
    optionalClaims: overrides.optionalClaims ?? [],
    ...(overrides.subjectClaim === undefined ? {} : { subjectClaim: overrides.subjectClaim }),
  };
  const time = { issuer: parts.issuer(), now: overrides.issuedAt ?? parts.clock() };
  const claims = jobClaims({ ...parts.job, ...overrides.job }, request, time);
  return signToken({ ...claims, ...overrides.claims }, parts.state.keys.oidc, overrides.signature ?? "valid");
}
