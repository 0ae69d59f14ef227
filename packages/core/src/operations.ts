// SPDX-License-Identifier: Apache-2.0
// Entry `@kiteseal/core/operations`: what is done with artifacts and attestations that are already in stores.
export { promote } from "./operations/promote.ts";
export type { Promotable, PromotedArtifact, PromoteRequest, Promotion } from "./operations/promote.ts";
export { findAttestations } from "./operations/find.ts";
export type { FoundAttestations, FoundBundle } from "./operations/find.ts";
export { fetchArtifacts } from "./operations/fetch.ts";
export type { FetchRequest } from "./operations/fetch.ts";
export type { Fetched, FetchTarget, FoundObject } from "./store/receive.ts";
export { KeptEvidence } from "./store/evidence.ts";
export { agreeingName } from "./policy/subject.ts";
export { encodePins } from "./store/pins.ts";
