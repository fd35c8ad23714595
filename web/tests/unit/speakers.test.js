//! Who speaks for an activity: the holder of a token of its own, or whoever the connection belongs to, and never the one
//! in place of the other.

import assert from "node:assert/strict";
import { test } from "node:test";

import { A, B, ended, harness, outcome, rsvp, settled, subscribed } from "../fakes.js";

async function connected(options) {
  const world = harness(options);
  await world.greet();
  return world;
}

const refusal = (fields) => ({ type: "error", activity: A, detail: "It is over.", retry: "never", ...fields });
const codeOf = async (promise) => (await outcome(promise)).error?.code;

/** Follows A with a token, in this session. */
function follow(world, token = "manage") {
  const activity = world.turnout.subscribe(A, { token });
  const [{ id }] = world.socket.take("subscribe");
  world.socket.frame(subscribed(A, 1, { id, me: { seq: 1, rsvp: rsvp({ status: "confirmed" }), ticket: null } }));
  return activity;
}

test("a token for one activity goes with every request for it, in hello too", async () => {
  const world = harness();
  world.turnout.subscribe(A, { token: "manage" });
  world.turnout.subscribe(B);
  const hello = await world.greet();
  assert.deepEqual(hello.subscribe, [{ activity: A, token: "manage" }, { activity: B }]);
  world.socket.frame(subscribed(A, 4), subscribed(B, 2));
  world.socket.frame({ type: "diff", activity: A, prev: 7, seq: 8 });
  const [{ id, ...again }] = world.socket.take("subscribe");
  assert.deepEqual(again, { type: "subscribe", activity: A, epoch: 1, seq: 4, token: "manage" });
  world.socket.drop();
  await world.clock.pass(2_000);
  const { subscribe } = await world.greet();
  assert.deepEqual(subscribe[0], { activity: A, epoch: 1, seq: 4, token: "manage" });
});

test("the same activity is followed for one person at a time", async () => {
  const world = await connected();
  const activity = follow(world);
  assert.equal(world.turnout.subscribe(A, { token: "manage" }), activity);
  assert.throws(() => world.turnout.subscribe(A, { token: "other" }), { code: "other_speaker" });
  // Whoever means to speak for themselves must not cancel the guest's RSVP.
  for (const options of [undefined, {}, { token: null }]) {
    assert.throws(() => world.turnout.subscribe(A, options), { code: "other_speaker" });
  }
  const own = world.turnout.subscribe(B);
  assert.equal(world.turnout.subscribe(B, { token: null }), own);
  assert.throws(() => world.turnout.subscribe(B, { token: "manage" }), { code: "other_speaker" });
  activity.unsubscribe();
  assert.notEqual(world.turnout.subscribe(A, { token: "other" }), activity);
});

test("a command that waits for its speaker is not sent once somebody else speaks", async () => {
  const world = await connected();
  const activity = follow(world);
  const sent = ended(activity.cancel());
  world.socket.drop();
  const waiting = [activity.update({ guest_count: 1 }), world.turnout.command(A, "decline")].map(ended);
  activity.unsubscribe();
  await world.clock.pass(2_000);
  await world.greet();
  assert.deepEqual(world.socket.take("command"), []);
  const { error } = await sent;
  assert.deepEqual([error.code, error.unknownOutcome, error.retry], ["other_speaker", true, "never"]);
  for (const given of waiting) {
    const { error } = await given;
    assert.deepEqual([error.code, error.unknownOutcome], ["other_speaker", false]);
  }
});

test("nor is one of one's own once the holder of a token speaks", async () => {
  const world = harness();
  world.turnout.connect();
  const own = ended(world.turnout.command(A, "cancel"));
  world.turnout.subscribe(A, { token: "manage" });
  const theirs = world.turnout.command(A, "accept");
  await world.greet();
  assert.deepEqual(
    world.socket.take("command").map(({ op }) => op),
    ["accept"],
  );
  assert.equal((await own).error.code, "other_speaker");
  assert.equal(await outcome(theirs), "pending");
});

test("commands are sent again as long as the same one speaks", async () => {
  const world = await connected();
  const activity = follow(world);
  const promise = activity.cancel();
  const [{ key }] = world.socket.take("command");
  world.socket.drop();
  await world.clock.pass(2_000);
  const hello = await world.greet();
  assert.equal(hello.subscribe[0].token, "manage");
  assert.equal(world.socket.take("command")[0].key, key);
  assert.equal(await outcome(promise), "pending");
});

for (const code of ["unauthenticated", "forbidden", "token_expired", "manage_token_expired", "token_revoked"]) {
  test(`a token that is ${code} ends its activity, whose commands are nobody else's then`, async () => {
    const world = await connected();
    const activity = follow(world);
    world.socket.frame(refusal({ code }));
    assert.deepEqual([activity.status, activity.error.code, world.turnout.status], ["ended", code, "open"]);
    // From here on one may speak for oneself again.
    const [{ id, ...unsubscribe }] = world.socket.take("unsubscribe");
    assert.deepEqual(unsubscribe, { type: "unsubscribe", activity: A });
    assert.equal(await codeOf(activity.cancel()), "other_speaker");
    world.turnout.command(A, "cancel");
    assert.equal(world.socket.take("command").length, 1);
  });
}

test("what is refused to one who is nobody in particular is not unsubscribed", async () => {
  const world = await connected();
  world.turnout.subscribe(A);
  const [{ id }] = world.socket.take("subscribe");
  world.socket.frame(refusal({ id, code: "not_found" }));
  assert.deepEqual(world.socket.take("unsubscribe"), []);
});

test("a late answer to another speaker's command is not taken for one's own RSVP", async () => {
  const world = await connected();
  const activity = follow(world);
  const promise = activity.update({ guest_count: 1 });
  const [{ id: late }] = world.socket.take("command");
  activity.unsubscribe();
  const own = world.turnout.subscribe(A);
  const [{ id }] = world.socket.take("subscribe");
  world.socket.frame(
    subscribed(A, 2, { id, me: null }),
    { type: "ok", id: late, activity: A, seq: 3, rsvp: rsvp({ id: "theirs", status: "confirmed", version: 2 }) },
  );
  assert.equal((await promise).rsvp.id, "theirs");
  assert.equal(own.rsvp, null);
});

test("the time to accept an offer is counted down, and gone with the offer", async () => {
  const world = await connected();
  const activity = world.turnout.subscribe(A);
  const [{ id }] = world.socket.take("subscribe");
  const me = (seq, fields, more) => ({ seq, rsvp: rsvp({ version: seq, ...fields }), ticket: null, ...more });
  world.socket.frame(subscribed(A, 1, { id, me: me(1, { status: "waitlisted" }) }));
  assert.equal(activity.offerInMs(), null);
  const offer = me(2, { status: "offered", offer_in_ms: 60_000 }, { offer_in_ms: 60_000 });
  world.socket.frame({ type: "me", activity: A, ...offer });
  assert.equal(activity.offerInMs(), 60_000);
  await world.clock.pass(59_000);
  assert.equal(activity.offerInMs(), 1_000);
  await world.clock.pass(2_000);
  assert.equal(activity.offerInMs(), 0);
  world.socket.frame({ type: "me", activity: A, ...me(3, { status: "cancelled", cancel_reason: "offer_expired" }) });
  assert.equal(activity.offerInMs(), null);
});

test("what a host does with several is answered with all of them, and is nobody's own", async () => {
  const world = await connected();
  const activity = world.turnout.subscribe(A);
  const [{ id }] = world.socket.take("subscribe");
  world.socket.frame(subscribed(A, 1, { id, me: null }));
  const [promoted, checkedIn] = [activity.promote({ count: 2 }), activity.checkIn("r1")];
  const [promote, checkIn] = world.socket.take("command");
  world.socket.frame(
    { type: "ok", id: promote.id, activity: A, seq: 3, rsvps: [rsvp({ id: "r1" }), rsvp({ id: "r2" })], counts: {} },
    { type: "ok", id: checkIn.id, activity: A, seq: 4, rsvp: rsvp({ id: "r1" }), already: true, counts: {} },
  );
  assert.deepEqual(
    (await promoted).rsvps.map((each) => each.id),
    ["r1", "r2"],
  );
  assert.equal((await checkedIn).already, true);
  assert.equal(activity.rsvp, null);
});

test("a guest's token that is over is not asked for again", async () => {
  for (const isConnected of [false, true]) {
    const reasons = [];
    const world = harness({ token: (reason) => (reasons.push(reason), "manage") });
    if (isConnected) await world.greet();
    else world.turnout.connect();
    await settled();
    if (!isConnected) world.socket.open();
    const given = ended(world.turnout.command(A, "cancel"));
    world.socket.frame({ type: "error", code: "manage_token_expired", detail: "It is over.", retry: "never" });
    world.socket.drop(4001);
    assert.deepEqual([world.turnout.status, world.turnout.error.code], ["closed", "manage_token_expired"]);
    assert.equal((await given).error.code, "manage_token_expired");
    assert.deepEqual([reasons, world.clock.pending], [["connect"], 0]);
  }
});
