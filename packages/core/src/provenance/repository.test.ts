// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { canonicalRepository, locationAt } from "./repository.ts";

describe("canonicalRepository", () => {
  it.each([
    "git@github.com:acme/app.git",
    "github.com:acme/app.git",
    "github.com:/acme/app",
    "ssh://git@github.com/acme/app.git",
    "ssh://git@github.com:22/acme/app.git/",
    "git://github.com/acme/app.git",
    "https://github.com/acme/app",
    "https://user:token@GitHub.com/acme/app.git?x=1#y",
    "git+https://github.com/acme/app",
    "git+ssh://git@github.com/acme/app.git",
  ])("gives one spelling for %s", (text) => {
    expect(canonicalRepository(text)).toBe("git+https://github.com/acme/app");
  });

  it("keeps what tells repositories apart: port, scheme, case of the path", () => {
    expect(canonicalRepository("https://git.acme.test:8443/App.git")).toBe("git+https://git.acme.test:8443/App");
    expect(canonicalRepository("http://git.acme.test/app")).toBe("git+http://git.acme.test/app");
    expect(canonicalRepository("https://host/a@b")).toBe("git+https://host/a%40b");
  });

  it.each([
    "/srv/git/app.git",
    "../app",
    "file:///srv/app.git",
    "C:\\git\\app",
    "app",
    "",
    "https://github.com/",
    "https://",
    "a b:c",
  ])("knows no address in %j", (text) => {
    expect(canonicalRepository(text)).toBeUndefined();
  });
});

describe("locationAt", () => {
  it("encodes what would end or change the ref", () => {
    expect(locationAt("git+https://host/a", "refs/heads/feat/x")).toBe("git+https://host/a@refs/heads/feat/x");
    expect(locationAt("git+https://host/a", "refs/heads/a#b@c d")).toBe("git+https://host/a@refs/heads/a%23b%40c%20d");
  });
});
