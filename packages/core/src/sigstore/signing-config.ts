// SPDX-License-Identifier: Apache-2.0
// A Sigstore signing configuration v0.2, strict bytes → SigningConfig (protobuf-specs, sigstore_trustroot.proto, JSON
// form). It names who is spoken to while signing; it decides no verdict. Unknown fields are listed and ignored, because
// the format grows; what is known must be right. Which services are used: signing/services.ts.
import type { ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { decodeDocument } from "../decode.ts";
import { KitesealError } from "../errors.ts";
import { unsafeUrlReason } from "../http.ts";
import { LIMITS } from "../limits.ts";

export interface ConfiguredService {
  /** Without a trailing slash, query or fragment; https, or http to this machine. */
  readonly url: string;
  readonly majorApiVersion: number;
  /** Both ends included; absent: always valid, and older than any dated one. */
  readonly start?: Date;
  readonly end?: Date;
  readonly operator: string;
}

/** How many services of different operators to use. */
export type Selector = { readonly kind: "ANY" | "ALL" } | { readonly kind: "EXACT"; readonly count: number };

export interface SelectableServices {
  readonly services: readonly ConfiguredService[];
  /** Absent only where there are no services. */
  readonly selector?: Selector;
}

export interface SigningConfig {
  readonly certificateAuthorities: readonly ConfiguredService[];
  readonly logs: SelectableServices;
  readonly timestampAuthorities: SelectableServices;
  /** Paths of fields that this version does not know. */
  readonly unknownFields: readonly string[];
}

const MEDIA_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const MAX_SERVICES = 64;
const WHAT = "the signing configuration";

/** Throws ERR_SIGNING_CONFIG_INVALID naming the field. */
export function decodeSigningConfig(bytes: Uint8Array): SigningConfig {
  const ignored = new Set<string>();
  const config = decodeDocument(bytes, {
    code: "ERR_SIGNING_CONFIG_INVALID",
    what: WHAT,
    maxBytes: LIMITS.signingConfigBytes,
    rules: { absent: "null", ignored },
    hint: "give the signing_config.v0.2.json of a Sigstore instance; `kiteseal sandbox --state DIR` writes one",
    read: (o) => {
      o.oneOf("mediaType", [MEDIA_TYPE]);
      // The job's own agent makes the tokens, whichever provider is named here.
      o.optionalObjects("oidcUrls", readService, { max: MAX_SERVICES });
      return {
        certificateAuthorities: o.objects("caUrls", readService, { min: 1, max: MAX_SERVICES }),
        logs: readSelectable(o, "rekorTlogUrls", "rekorTlogConfig"),
        timestampAuthorities: readSelectable(o, "tsaUrls", "tsaConfig"),
      };
    },
  });
  return { ...config, unknownFields: [...ignored] };
}

function readService(o: ObjectReader): ConfiguredService {
  const url = o.string("url", { min: 1, max: 2048 });
  const unsafe = unsafeUrlReason(url);
  if (unsafe !== undefined || /[?#]/.test(url)) {
    throw invalid(`${o.at("url")}: the address cannot be used: ${unsafe ?? "it has a query or a fragment"}`);
  }
  const validity = o.optionalObject("validFor", (v) => ({
    start: v.optionalDate("start"),
    end: v.optionalDate("end"),
  }));
  return {
    url: url.replace(/\/+$/, ""),
    majorApiVersion: o.optionalInteger("majorApiVersion", { min: 0, max: 1000 }) ?? 0,
    ...(validity?.start !== undefined && { start: validity.start }),
    ...(validity?.end !== undefined && { end: validity.end }),
    operator: o.optionalString("operator", { max: 1024 }) ?? "",
  };
}

function readSelectable(o: ObjectReader, list: string, config: string): SelectableServices {
  const services = o.optionalObjects(list, readService, { max: MAX_SERVICES }) ?? [];
  const selector = o.optionalObject(config, (c): Selector => {
    const kind = c.oneOf("selector", ["ANY", "ALL", "EXACT"]);
    const count = c.optionalInteger("count", { min: 0, max: MAX_SERVICES });
    if (kind !== "EXACT") return { kind };
    if (count === undefined || count === 0)
      throw invalid(`${c.at("count")}: expected 1 or more with EXACT, found none`);
    return { kind, count };
  });
  if (services.length === 0) return { services };
  // Without a selector other clients silently use no service at all.
  if (selector === undefined) throw invalid(`${o.at(config)}: missing, though ${list} names services`);
  return { services, selector };
}

function invalid(problem: string): KitesealError {
  return new KitesealError("ERR_SIGNING_CONFIG_INVALID", `${WHAT} cannot be used: ${problem}`);
}
