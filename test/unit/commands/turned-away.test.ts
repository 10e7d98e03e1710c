import { expect, it } from "vitest";
import { TurnedAway } from "../../../src/commands/turned-away.js";

function stage() {
  const lines: string[] = [];
  const counted: string[] = [];
  const turnedAway = new TurnedAway(
    { warn: (line) => lines.push(line) },
    { turnedAway: (door, why) => counted.push(`${door} ${why}`) },
  );
  return { turnedAway, lines, counted };
}

it("the first stranger at a door is told of at once, and the rest by their number and the last of them", () => {
  const { turnedAway, lines, counted } = stage();
  const tell = turnedAway.at("grpc");
  tell({ why: "missing", told: "nothing says who calls", peer: "10.0.0.1:4000" });
  tell({ why: "wrong_key", told: "the API key 3fK9mQ2x is not one of the policy's", peer: "10.0.0.2:4000" });
  tell({ why: "another", told: undefined, peer: "10.0.0.3:4000" });
  turnedAway.at("admin")({ why: "malformed", told: undefined, peer: "a Unix socket" });
  expect(lines).toEqual([
    "a call at --listen from 10.0.0.1:4000 was refused (missing: nothing says who calls)",
    "a call at --admin from a Unix socket was refused (malformed)",
  ]);
  turnedAway.close();
  expect(lines.slice(2)).toEqual([
    "2 more calls at --listen were refused for who makes them; the last: a call at --listen from 10.0.0.3:4000 was refused (another: it claims, or its credentials mean, another than was proved)",
  ]);
  expect(counted).toEqual(["grpc missing", "grpc wrong_key", "grpc another", "admin malformed"]);
});
