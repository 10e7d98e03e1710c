import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress, formatFault, isLocal, parseAddress } from "../../../src/transport/address.js";

describe("an address to listen on", () => {
  test.each([
    ["127.0.0.1:50051", { kind: "tcp", host: "127.0.0.1", port: 50051 }, true],
    ["127.200.0.9:1", { kind: "tcp", host: "127.200.0.9", port: 1 }, true],
    ["localhost:50051", { kind: "tcp", host: "localhost", port: 50051 }, true],
    ["localhost:0", { kind: "tcp", host: "localhost", port: 0 }, true],
    ["[::1]:50051", { kind: "tcp", host: "::1", port: 50051 }, true],
    ["[0:0:0:0:0:0:0:1]:65535", { kind: "tcp", host: "0:0:0:0:0:0:0:1", port: 65535 }, true],
    ["[::ffff:127.0.0.1]:80", { kind: "tcp", host: "::ffff:127.0.0.1", port: 80 }, true],
    ["0.0.0.0:50051", { kind: "tcp", host: "0.0.0.0", port: 50051 }, false],
    ["[::]:50051", { kind: "tcp", host: "::", port: 50051 }, false],
    ["[::ffff:10.0.0.1]:80", { kind: "tcp", host: "::ffff:10.0.0.1", port: 80 }, false],
    ["[fe80::1%eth0]:80", { kind: "tcp", host: "fe80::1%eth0", port: 80 }, false],
    ["128.0.0.1:80", { kind: "tcp", host: "128.0.0.1", port: 80 }, false],
    ["unix:/run/windbreak.sock", { kind: "unix", path: "/run/windbreak.sock" }, true],
    ["unix:relative.sock", { kind: "unix", path: "relative.sock" }, true],
  ] as const)("%s is read, written the same, and known as local or not", (text, expected, local) => {
    const address = parseAddress(text);
    expect(address).toEqual(expected);
    if (address.kind === "fault") throw new Error(address.what);
    expect(formatAddress(address)).toBe(text);
    expect(isLocal(address)).toBe(local);
  });

  test("unix:///path is what gRPC clients write for unix:/path", () => {
    expect(parseAddress("unix:///run/windbreak.sock")).toEqual({ kind: "unix", path: "/run/windbreak.sock" });
  });

  test.each([
    ["", "no address to listen on"],
    ["50051", "no address to listen on"],
    ["127.0.0.1", "no address to listen on"],
    ["127.0.0.1:", "no address to listen on"],
    ["127.0.0.1:http", "no address to listen on"],
    ["http://127.0.0.1:80", "no address to listen on"],
    [":50051", "no host is no address to bind"],
    ["*:50051", '"*" is no address to bind'],
    ["example.org:50051", '"example.org" is no address to bind'],
    ["127.0.0.01:50051", '"127.0.0.01" is no address to bind'],
    ["[127.0.0.1]:50051", '"127.0.0.1" is no address to bind'],
    ["[localhost]:50051", '"localhost" is no address to bind'],
    ["::1", "an IPv6 address without brackets"],
    ["::1:50051", "an IPv6 address without brackets"],
    ["fe80::1%eth0:50051", "an IPv6 address without brackets"],
    ["127.0.0.1:65536", "the port is above 65535"],
    ["unix:", "no path of a Unix socket"],
    ["unix://host/run.sock", "no path of a Unix socket"],
    ["unix:/run/\0", "no path of a Unix socket"],
    [`unix:/${"é".repeat(54)}`, expect.stringMatching(/^the path is longer than 10\d bytes$/)],
  ])("%j is refused with a remedy", (text, what) => {
    expect(parseAddress(text)).toEqual({ kind: "fault", where: text, what, remedy: expect.stringMatching(/\w/) });
  });

  test("at fault is told in one line with its remedy", () => {
    const address = parseAddress("::1:50051");
    if (address.kind !== "fault") throw new Error("not at fault");
    expect(formatFault(address)).toBe("::1:50051: an IPv6 address without brackets; write [::1]:50051");
    const broken = parseAddress("unix:/run/a\n\u001b[2J\0.sock");
    if (broken.kind !== "fault") throw new Error("not at fault");
    expect(formatFault(broken)).toMatch(/^unix:\/run\/a\\u\{a\}\\u\{1b\}\[2J\\u\{0\}\.sock: no path/);
  });

  test("whatever the text, reading it does not throw, and what was read is written as it was given", () => {
    const part = fc.constantFrom("unix:", "localhost", "127.0.0.1", "::1", "[", "]", ":", "/", "0", "65535", "%", "\0");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join("")),
        ),
        (text) => {
          const address = parseAddress(text);
          if (address.kind === "fault") expect(address.where).toBe(text);
          else expect(parseAddress(formatAddress(address))).toEqual(address);
        },
      ),
    );
  });
});
