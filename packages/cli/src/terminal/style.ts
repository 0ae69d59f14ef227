// SPDX-License-Identifier: Apache-2.0
// Colour, where a person is looking and has not asked for none (NO_COLOR).
import { styleText } from "node:util";
import type { Io, Sink } from "../io.ts";

export type Style = (kind: "good" | "bad" | "loud" | "faint", text: string) => string;

const FORMATS: Readonly<Record<Parameters<Style>[0], Parameters<typeof styleText>[0]>> = {
  good: "green",
  bad: "red",
  loud: ["bold", "yellow"],
  faint: "dim",
};

export function styleFor(sink: Sink, env: Io["env"]): Style {
  const plain = !sink.isTty || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return plain ? (_, text) => text : (kind, text) => styleText(FORMATS[kind], text, { validateStream: false });
}
