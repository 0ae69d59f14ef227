// SPDX-License-Identifier: Apache-2.0
// What a secret looks like in the encodings that are easily undone.

export function encodings(secret: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    return bytes.toString("base64").slice(offset === 0 ? 0 : offset + 1, -4);
  });
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString("hex"),
    ...inBase64,
  ];
}
