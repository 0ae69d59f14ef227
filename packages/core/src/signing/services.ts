// SPDX-License-Identifier: Apache-2.0
// Which services sign: from a signing configuration by date, API version, operator and selector (protobuf-specs,
// sigstore_trustroot.proto, "Service"), and whether what they are sent becomes public for ever.
import type { UnverifiedClaims } from "../buildkite/claims.ts";
import { KitesealError, quote } from "../errors.ts";
import type { Pace } from "../retry.ts";
import type { ConfiguredService, SelectableServices, SigningConfig } from "../sigstore/signing-config.ts";

export interface LogService {
  /** Base address; `/api/v1` or `/api/v2` comes below it. */
  readonly url: string;
  readonly version: 1 | 2;
}

export interface SigningServices {
  /** Base address. */
  readonly certificateAuthority: string;
  readonly logs: readonly LogService[];
  /** Full addresses. */
  readonly timestampAuthorities: readonly string[];
  /** Whether any of them shows the world what it is sent. */
  readonly public: boolean;
  /** Addresses of the public ones. */
  readonly publicServices: readonly string[];
  /** SERVICE_PACE unless given. */
  readonly pace?: Pace;
}

/** What is chosen, and the API versions that this client speaks, best first. */
interface Wanted {
  readonly what: string;
  readonly versions: readonly number[];
}

const CERTIFICATE_AUTHORITY: Wanted = { what: "certificate authority", versions: [1] };
const LOG: Wanted = { what: "transparency log", versions: [2, 1] };
const TIMESTAMP_AUTHORITY: Wanted = { what: "timestamp authority", versions: [1] };

/**
 * Chooses services valid at `now`. `origin` "default": the configuration is the public instance's own, so everything in
 * it is public; "given": somebody named it, so only services under sigstore.dev are. Throws ERR_SIGNING_CONFIG_INVALID
 * if there are too few, or if nothing would state a verifiable time (neither a Rekor v1 log nor a timestamp authority).
 */
export function selectServices(config: SigningConfig, origin: "default" | "given", now: Date): SigningServices {
  const authorities: SelectableServices = { services: config.certificateAuthorities, selector: { kind: "ANY" } };
  const [certificateAuthority] = choose(authorities, CERTIFICATE_AUTHORITY, now).map(({ url }) => url);
  if (certificateAuthority === undefined) throw unusable("it names no certificate authority");
  const logs = choose(config.logs, LOG, now).map((log): LogService => ({
    url: log.url,
    version: log.majorApiVersion === 1 ? 1 : 2,
  }));
  const timestampAuthorities = choose(config.timestampAuthorities, TIMESTAMP_AUTHORITY, now).map(({ url }) => url);
  if (timestampAuthorities.length === 0 && !logs.some(({ version }) => version === 1)) {
    throw unusable(
      "it names neither a timestamp authority nor a Rekor v1 log: no signature would have a verifiable time",
    );
  }
  const all = [certificateAuthority, ...logs.map(({ url }) => url), ...timestampAuthorities];
  const publicServices = all.filter((url) => origin === "default" || isPublic(url));
  return { certificateAuthority, logs, timestampAuthorities, public: publicServices.length > 0, publicServices };
}

/** Of the highest usable API version only, the newest of each operator, as many as the selector says. */
function choose({ services, selector }: SelectableServices, wanted: Wanted, now: Date): readonly ConfiguredService[] {
  if (services.length === 0 || selector === undefined) return [];
  const usable = services.filter(
    (service) => isValidAt(service, now) && wanted.versions.includes(service.majorApiVersion),
  );
  const version = wanted.versions.find((wantedVersion) => usable.some((s) => s.majorApiVersion === wantedVersion));
  const newestFirst = usable
    .filter((service) => service.majorApiVersion === version)
    .sort((a, b) => (b.start?.getTime() ?? 0) - (a.start?.getTime() ?? 0));
  const operators = new Map<string, ConfiguredService>();
  for (const service of newestFirst) if (!operators.has(service.operator)) operators.set(service.operator, service);
  const distinct = [...operators.values()];
  const needed = selector.kind === "EXACT" ? selector.count : 1;
  if (distinct.length < needed) {
    const found = `found ${distinct.length} among ${services.length}`;
    const valid = `valid at ${now.toISOString()} and of version ${wanted.versions.join(" or ")}`;
    throw unusable(`expected ${needed} ${wanted.what}(s) of different operators ${valid}, ${found}`);
  }
  return selector.kind === "ALL" ? distinct : distinct.slice(0, needed);
}

function isValidAt({ start, end }: ConfiguredService, now: Date): boolean {
  return (start === undefined || start <= now) && (end === undefined || now <= end);
}

function isPublic(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "sigstore.dev" || hostname.endsWith(".sigstore.dev");
}

function unusable(problem: string): KitesealError {
  return new KitesealError("ERR_SIGNING_CONFIG_INVALID", `the signing configuration cannot be used: ${problem}`);
}

/** `unconfirmed` is everything but the words `transparency: public`. */
export type TransparencyConsent = "public" | "unconfirmed";

/**
 * Passes if nothing would become public or somebody said that it may. Else ERR_PUBLIC_LOG_UNCONFIRMED with exactly
 * what would be shown, and to whom, in `details.shown` and `details.services`.
 */
export function requireTransparencyConsent(
  services: SigningServices,
  consent: TransparencyConsent,
  whatWouldBeShown: readonly string[],
): void {
  if (!services.public || consent === "public") return;
  const origins = [...new Set(services.publicServices.map((url) => new URL(url).origin))];
  const message = `signing would publish for ever, through ${origins.join(" and ")}: ${whatWouldBeShown.map(quote).join(", ")}`;
  throw new KitesealError("ERR_PUBLIC_LOG_UNCONFIRMED", message, {
    details: { services: origins, shown: [...whatWouldBeShown] },
    hint: "say `transparency: public` (--transparency public) if that is meant, or name private services with --signing-config",
  });
}

/** Everything of a job that certificate and log would show the world. */
export function disclosure({ facts, subject, commitText }: UnverifiedClaims, artifacts: number): readonly string[] {
  const { organization = "unknown", pipeline = "unknown", buildNumber, jobId, trigger, runner } = facts;
  return [
    `job ${organization}/${pipeline}, build ${buildNumber ?? "unknown"}, ${jobId ?? "unknown"}`,
    `token subject ${subject}`,
    `commit ${commitText ?? "unknown"}`,
    `trigger ${trigger ?? "unknown"}, runner ${runner ?? "unknown"}`,
    `digests of ${artifacts} artifact${artifacts === 1 ? "" : "s"}`,
  ];
}
