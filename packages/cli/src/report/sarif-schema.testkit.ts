// SPDX-License-Identifier: Apache-2.0
// The part of SARIF 2.1.0 that reports use, written from the specification (sections 3.13 sarifLog, 3.14 run, 3.18 tool,
// 3.19 toolComponent, 3.20 invocation, 3.27 result, 3.28 location, 3.49 reportingDescriptor), with everything else refused.
import type { Schema } from "./json-schema.testkit.ts";

const text = { type: "string" };
const message = { type: "object", required: ["text"], properties: { text }, additionalProperties: false };
const bag = { type: "object" };

export const SARIF: Schema = {
  type: "object",
  required: ["version", "runs"],
  additionalProperties: false,
  properties: {
    $schema: { type: "string", pattern: "^https://" },
    version: { const: "2.1.0" },
    runs: { type: "array", items: { $ref: "#/definitions/run" } },
  },
  definitions: {
    run: {
      type: "object",
      required: ["tool"],
      additionalProperties: false,
      properties: {
        tool: {
          type: "object",
          required: ["driver"],
          additionalProperties: false,
          properties: { driver: { $ref: "#/definitions/driver" } },
        },
        columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
        results: { type: "array", items: { $ref: "#/definitions/result" } },
        invocations: { type: "array", items: { $ref: "#/definitions/invocation" } },
        properties: bag,
      },
    },
    driver: {
      type: "object",
      required: ["name"],
      additionalProperties: false,
      properties: {
        name: text,
        version: text,
        semanticVersion: { type: "string", pattern: "^\\d+\\.\\d+\\.\\d+" },
        rules: { type: "array", items: { $ref: "#/definitions/rule" } },
      },
    },
    rule: {
      type: "object",
      required: ["id"],
      additionalProperties: false,
      properties: { id: text, shortDescription: message, help: message },
    },
    invocation: {
      type: "object",
      required: ["executionSuccessful"],
      additionalProperties: false,
      properties: {
        executionSuccessful: { type: "boolean" },
        exitCode: { type: "integer" },
        startTimeUtc: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$" },
      },
    },
    result: {
      type: "object",
      required: ["message"],
      additionalProperties: false,
      properties: {
        ruleId: text,
        ruleIndex: { type: "integer" },
        kind: { enum: ["notApplicable", "pass", "fail", "review", "open", "informational"] },
        level: { enum: ["none", "note", "warning", "error"] },
        message,
        locations: { type: "array", items: { $ref: "#/definitions/location" } },
        partialFingerprints: { type: "object", additionalProperties: text },
        properties: bag,
      },
    },
    location: {
      type: "object",
      additionalProperties: false,
      properties: {
        physicalLocation: {
          type: "object",
          required: ["artifactLocation"],
          additionalProperties: false,
          properties: {
            artifactLocation: {
              type: "object",
              additionalProperties: false,
              properties: { uri: { type: "string", pattern: "^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$" } },
            },
          },
        },
        logicalLocations: {
          type: "array",
          items: {
            type: "object",
            additionalProperties: false,
            properties: { fullyQualifiedName: text, kind: text },
          },
        },
      },
    },
  },
};
