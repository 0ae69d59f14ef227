// SPDX-License-Identifier: Apache-2.0
// Faults that a double shows at the wire, each for the requests it names. Imports nothing of Kiteseal.
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Fault {
  readonly method?: string;
  /** Of path and query. */
  readonly path?: RegExp;
  /** How many requests it meets; once unless given. */
  times?: number;
  /**
   * reset: the connection ends while the request's body arrives. lost-reply: the request is carried out, its reply is not
   * sent. truncate: half of the reply's body. silent: no answer, ever. status: that reply, nothing is carried out.
   */
  readonly kind: "reset" | "lost-reply" | "truncate" | "silent" | "status";
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Faults {
  add(fault: Fault): void;
  /** Whether the request goes on to the double's own logic. */
  meet(request: IncomingMessage, response: ServerResponse): boolean;
}

export function createFaults(): Faults {
  const faults: Fault[] = [];
  return {
    add: (fault) => void faults.push(fault),
    meet: (request, response) => {
      const at = faults.findIndex(
        (fault) =>
          (fault.method ?? request.method) === request.method &&
          (fault.path ?? /^/).test(decodeURIComponent(request.url ?? "")),
      );
      const fault = faults[at];
      if (fault === undefined) return true;
      fault.times = (fault.times ?? 1) - 1;
      if (fault.times <= 0) faults.splice(at, 1);
      return show(fault, request, response);
    },
  };
}

function show(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.kind) {
    case "reset":
      request.once("data", () => request.socket.destroy());
      if (request.headers["content-length"] === undefined || request.headers["content-length"] === "0")
        request.socket.destroy();
      return false;
    case "silent":
      request.resume();
      return false;
    case "lost-reply":
      response.writeHead = () => {
        response.socket?.destroy();
        return response;
      };
      return true;
    case "truncate": {
      const end = response.end.bind(response);
      response.end = (chunk?: unknown) => {
        if (!(chunk instanceof Uint8Array)) return end();
        response.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => response.socket?.destroy());
        return response;
      };
      return true;
    }
    case "status":
      break;
  }
  request.resume();
  response.writeHead(fault.status ?? 500, { ...fault.headers });
  response.end(fault.body ?? "");
  return false;
}
