// SPDX-License-Identifier: Apache-2.0
// The agent API's annotations: what `buildkite-agent annotate` writes and `annotation remove` takes away.
// Requests are untrusted. Buildkite agent, api/annotations.go.
import { optionalString, parseObject } from "../json.ts";
import { Refusal, type Route } from "../server.ts";
import { type Access, requireJob } from "./access.ts";

export interface Annotation {
  readonly body: string;
  readonly style: string;
}

const STYLES = ["default", "success", "info", "warning", "error"];

/** Annotations by context, kept in the map that is handed in. */
export function annotationRoutes(access: Access, annotations: Map<string, Annotation>): readonly Route[] {
  return [
    {
      id: "agent.annotate",
      method: "POST",
      path: /^\/agent\/v3\/jobs\/([^/]+)\/annotations$/,
      // one MiB of text, as JSON
      maxBytes: 8 * 1024 * 1024,
      handle(request) {
        requireJob(access, request);
        const input = parseObject(request.body);
        const context = optionalString(input, "context") ?? "default";
        const earlier = annotations.get(context);
        const style = optionalString(input, "style") ?? earlier?.style ?? "default";
        if (!STYLES.includes(style)) throw new Refusal(422, "style is not known");
        const text = optionalString(input, "body") ?? "";
        const body = input["append"] === true ? `${earlier?.body ?? ""}${text}` : text;
        if (Buffer.byteLength(body) > 1024 * 1024) throw new Refusal(422, "annotation is larger than 1 MiB");
        annotations.set(context, { body, style });
        return { status: 201, body: {} };
      },
    },
    {
      id: "agent.annotation-remove",
      method: "DELETE",
      path: /^\/agent\/v3\/jobs\/([^/]+)\/annotations\/([^/]+)$/,
      maxBytes: 1024,
      handle(request) {
        requireJob(access, request);
        if (!annotations.delete(request.parameters[1] ?? "")) throw new Refusal(404, "no such annotation");
        return { status: 204 };
      },
    },
  ];
}
