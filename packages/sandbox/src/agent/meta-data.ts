// SPDX-License-Identifier: Apache-2.0
// The agent API's build meta-data: set, get, exists, keys. Requests are untrusted.
// Buildkite agent, api/meta_data.go.
import { parseObject, stringField } from "../json.ts";
import { Refusal, type Reply, type Request, type Route } from "../server.ts";
import { type Access, requireJob } from "./access.ts";

/** Meta-data by key, kept in the map that is handed in. */
export function metaDataRoutes(access: Access, metaData: Map<string, string>): readonly Route[] {
  const route = (action: string, act: (request: Request) => Reply): Route => ({
    id: `agent.meta-data-${action}`,
    method: "POST",
    path: new RegExp(`^/agent/v3/jobs/([^/]+)/data/${action}$`),
    maxBytes: 1024 * 1024,
    handle(request) {
      requireJob(access, request);
      return act(request);
    },
  });
  const key = (request: Request): string => stringField(parseObject(request.body), "key");
  return [
    route("set", (request) => {
      const value = parseObject(request.body)["value"];
      if (typeof value !== "string") throw new Refusal(422, "value must be a string");
      metaData.set(key(request), value);
      return { status: 200, body: {} };
    }),
    route("get", (request) => {
      const value = metaData.get(key(request));
      if (value === undefined) throw new Refusal(404, "no such meta-data");
      return { status: 200, body: { key: key(request), value } };
    }),
    route("exists", (request) => ({ status: 200, body: { exists: metaData.has(key(request)) } })),
    route("keys", () => ({ status: 200, body: [...metaData.keys()] })),
  ];
}
