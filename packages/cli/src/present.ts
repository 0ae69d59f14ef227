// SPDX-License-Identifier: Apache-2.0
// Absent members are left out, never `undefined`.

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** A copy without the members that are undefined. */
export function present<T extends object>(values: T): Present<T> {
  const result: Present<T> = { ...values };
  for (const key in result) if (result[key] === undefined) delete result[key];
  return result;
}
