import { expect } from "vitest";
import type { Ask, Stage } from "../../support/stage.js";
import { actualOf, type Bill, costOf, endOf, type Held, type Model, nameOf } from "./model.js";
import { POLICIES, type Step, WHO } from "./steps.js";

type Of<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>;

/** Play one step to a store and to the model, and hold every answer of the one against the other's. */
export async function play(stage: Stage, model: Model, step: Step): Promise<void> {
  switch (step.kind) {
    case "reserve":
      return reserve(stage, model, step);
    case "settle":
      return settle(stage, model, step);
    case "release":
      return release(stage, model, step);
    case "charge":
      return charge(stage, model, step);
    case "resend":
      return resend(stage, model, step);
    case "wait":
      return stage.clock.advance(step.ms);
    case "reload":
      return stage.reload(POLICIES[step.policy] ?? {});
  }
}

/** Hold every reading, every day's totals and every open reservation, against the model's. */
export async function compare(stage: Stage, model: Model): Promise<void> {
  const now = stage.clock.now();
  for (const who of WHO) {
    const caller = stage.caller(who);
    expect(Object.values(await stage.read(who))).toEqual(model.readings(caller, undefined, now));
  }
  for (const date of model.days()) expect(await stage.totals(date)).toEqual(model.totals(date, now));
  const open = await stage.open();
  expect(open.map(({ reservationId }) => reservationId).sort()).toEqual(
    model.held
      .filter((held) => model.isOpen(held, now))
      .map(({ id }) => id)
      .sort(),
  );
}

async function reserve(
  stage: Stage,
  model: Model,
  { who, id, input, output, dryRun, readAll }: Of<"reserve">,
): Promise<void> {
  const now = stage.clock.now();
  const ask: Ask = { ...WHO[who], id, input, output, dryRun, readAll };
  const caller = stage.caller(ask);
  const worst = { inputTokens: input, outputTokens: output, cost: costOf(input, 0, output) };
  const content = { text: `${input} ${output}`, worst };
  const readings = () => (readAll ? model.readings(caller, undefined, now) : undefined);
  const result = await stage.reserve(ask);

  const known = id !== "" && !dryRun && byRequest(model, ask, id, now);
  if (known) {
    known.again ||= model.isOpen(known, now);
    const same = model.isOpen(known, now) && known.content.text === content.text;
    if (same) expect(result).toMatchObject({ kind: "admitted", grant: grantOf(known), readings: readings() });
    else expect(result).toEqual({ kind: "conflict", message: expect.any(String) });
    return;
  }
  const { firm, shadow } = model.refusing(caller, worst, now);
  if (firm.length > 0) {
    expect(result).toEqual({ kind: "refused", shadowDenials: shadow, readings: model.readings(caller, worst, now) });
  } else if (dryRun) {
    expect(result).toEqual({ kind: "would_admit", shadowDenials: shadow, readings: readings() });
  } else {
    if (result.kind !== "admitted") throw new Error(`refused for nothing: ${JSON.stringify(result)}`);
    const { reservationTtlMs, unsettled } = caller.standing.workspace;
    const ends = endOf(now, reservationTtlMs);
    const { reservationId, requestId } = result.grant;
    expect(model.held.map((held) => held.id)).not.toContain(reservationId);
    model.add({
      id: reservationId,
      requestId: id || requestId,
      caller,
      content,
      at: now,
      ends,
      givesBack: unsettled === "release",
      shadowDenials: shadow,
    });
    const policyRevision = stage.policy.revision;
    const grant = {
      reservationId,
      requestId: id || requestId,
      expiresAt: ends,
      model: "small-1",
      outputTokens: output,
      cost: worst.cost,
      policyRevision,
      shadowDenials: shadow,
    };
    expect(result).toEqual({ kind: "admitted", grant, readings: readings() });
  }
}

async function settle(stage: Stage, model: Model, { which, by, usage, outcome }: Of<"settle">): Promise<void> {
  const now = stage.clock.now();
  const held = model.held[which % Math.max(1, model.held.length)];
  if (!held) {
    expect(await stage.settle({ request: "a" })).toEqual({ kind: "unknown" });
    return;
  }
  const { principal, workspace } = nameOf(held.caller);
  const name = by === "request" ? { request: held.requestId } : { reservation: held.id };
  const result = await stage.settle({
    ...name,
    as: principal,
    workspace,
    ...(by === "stranger" ? { claimant: { principal: "eve", workspace: undefined } } : {}),
    usage: usage && { inputTokens: usage.input, cachedInputTokens: usage.cached, outputTokens: usage.output },
    outcome,
  });

  const found =
    by === "request"
      ? byRequest(model, { as: principal, workspace }, held.requestId, now)
      : model.remembered(now).find(({ id }) => id === held.id);
  if (!found) return expect(result).toEqual({ kind: "unknown" });
  if (by === "stranger") return expect(result).toEqual({ kind: "foreign" });
  if (found.actual) {
    return expect(result).toMatchObject({
      kind: "settled",
      cost: found.actual.cost,
      already: true,
      unreserved: found.late,
    });
  }
  const amounts = actualOf(usage, outcome, found.content.worst);
  const unreserved = !model.isOpen(found, now);
  model.settle(found, amounts, now);
  expect(result).toEqual({
    kind: "settled",
    cost: amounts.cost,
    already: false,
    unreserved,
    caller: nameOf(found.caller),
    amounts,
    model: "small-1",
  });
}

async function release(stage: Stage, model: Model, { which, forget }: Of<"release">): Promise<void> {
  const now = stage.clock.now();
  const held = model.held[which % Math.max(1, model.held.length)];
  const result = await stage.release(held?.id ?? "none", forget);
  const isOpen = held !== undefined && model.isOpen(held, now) && !(forget && held.again);
  expect(result).toEqual({ kind: isOpen ? "released" : "not_open" });
  if (isOpen) model.release(held, forget, now);
}

async function charge(stage: Stage, model: Model, { who, key, byRequest, input }: Of<"charge">): Promise<void> {
  const caller = stage.caller(WHO[who]);
  const amounts = { inputTokens: input, outputTokens: 0, cost: costOf(input, 0, 0) };
  const bill = { ...WHO[who], ...(byRequest ? { request: key } : { reservation: key }), amounts };
  const onceKey = byRequest ? requestKey(nameOf(caller), key) : key;
  const expected = model.charge(onceKey, caller, amounts, stage.clock.now());
  expect(await stage.charge(bill)).toEqual({ kind: "charged", ...expected });
}

/** Settle by an id that a charge may have come with, and no reservation has. */
async function resend(stage: Stage, model: Model, { who, key, byRequest }: Of<"resend">): Promise<void> {
  const name = nameOf(stage.caller(WHO[who]));
  const result = await stage.settle({
    ...WHO[who],
    ...(byRequest ? { request: key } : { reservation: key }),
    usage: {},
  });
  const onceKey = byRequest ? requestKey(name, key) : key;
  expect(result).toEqual(chargedAs(model.charged(onceKey, stage.clock.now()), name));
}

function chargedAs(bill: Bill | undefined, claimant: { readonly principal: string; readonly workspace: string }) {
  if (!bill) return { kind: "unknown" };
  const caller = nameOf(bill.caller);
  if (caller.principal !== claimant.principal || caller.workspace !== claimant.workspace) return { kind: "foreign" };
  const { amounts } = bill;
  return { kind: "settled", cost: amounts.cost, already: true, unreserved: true, caller, amounts, model: "small-1" };
}

function requestKey({ workspace, principal }: { readonly principal: string; readonly workspace: string }, id: string) {
  return JSON.stringify([workspace, principal, id]);
}

function grantOf({ id, requestId, ends, shadowDenials, content }: Held) {
  const { outputTokens, cost } = content.worst;
  return { reservationId: id, requestId, expiresAt: ends, shadowDenials, outputTokens, cost };
}

function byRequest(
  model: Model,
  { as = "ann", workspace = "dev" }: { as?: string | undefined; workspace?: string | undefined },
  requestId: string,
  now: number,
): Held | undefined {
  return model.remembered(now).find((held) => {
    const name = nameOf(held.caller);
    return name.principal === as && name.workspace === workspace && held.requestId === requestId;
  });
}
