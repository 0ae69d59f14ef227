// SPDX-License-Identifier: Apache-2.0
// This program's version, as in package.json (a test compares): in provenance, in `requires` of policies, in reports.

export const VERSION = "0.1.0";
