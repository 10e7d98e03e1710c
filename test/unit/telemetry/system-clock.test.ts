import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/telemetry/system-clock.js";

function steppable() {
  const time = { wall: 1_000_000, steady: 0 };
  return {
    clock: systemClock({ wall: () => time.wall, steady: () => time.steady }),
    pass: (ms: number) => {
      time.wall += ms;
      time.steady += ms;
    },
    step: (ms: number) => {
      time.wall += ms;
    },
  };
}

describe("the system clock", () => {
  it("tells the time of day, also after it stepped forward", () => {
    const { clock, pass, step } = steppable();
    pass(10);
    expect(clock.now()).toBe(1_000_010);
    step(3_600_000);
    expect(clock.now()).toBe(4_600_010);
  });

  it("never goes back, runs at half speed after a step back, and is right again once the wall has caught up", () => {
    const { clock, pass, step } = steppable();
    step(-1000);
    expect(clock.now()).toBe(1_000_000);
    pass(100);
    expect(clock.now()).toBe(1_000_050);
    pass(1800);
    expect(clock.now()).toBe(1_000_900);
    pass(200);
    expect(clock.now()).toBe(1_001_100);
    pass(1);
    expect(clock.now()).toBe(1_001_101);
  });

  it("bears a second step back during the first", () => {
    const { clock, pass, step } = steppable();
    step(-1000);
    clock.now();
    pass(100);
    const before = clock.now();
    step(-5000);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    pass(12_000);
    expect(clock.now()).toBe(1_000_000 - 1000 + 100 - 5000 + 12_000);
  });
});
