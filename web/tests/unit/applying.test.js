//! That an activity is kept without gaps: snapshots, differences, resuming, and the ends of subscriptions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { A, B, harness, outcome, settled, snapshot, subscribed } from "../fakes.js";

const diff = (prev, seq, fields = {}) => ({ type: "diff", activity: A, prev, seq, ...fields });

/** A client that follows `A` at event 10. */
async function following(options) {
  const world = harness(options);
  const activity = world.turnout.subscribe(A);
  await world.greet();
  world.socket.frame(subscribed(A, 10));
  const changes = [];
  activity.on("change", ({ status, seq }) => changes.push([status, seq]));
  return Object.assign(world, { activity, changes });
}

test("what is followed before connecting is asked for in hello, what comes later by a request", async () => {
  const world = harness();
  world.turnout.subscribe(A);
  assert.deepEqual(await world.greet(), { type: "hello", subscribe: [{ activity: A }] });
  world.turnout.subscribe(B);
  const [request] = world.socket.take("subscribe");
  assert.equal(request.activity, B);
  assert.equal(typeof request.id, "string");
  assert.deepEqual(world.socket.sent, []);
});

test("the same id gives the same object, and a token goes along with each request", async () => {
  const world = harness();
  const activity = world.turnout.subscribe(A, { token: "manage" });
  assert.equal(world.turnout.subscribe(A, { token: "manage" }), activity);
  const hello = await world.greet();
  assert.deepEqual(hello.subscribe, [{ activity: A, token: "manage" }]);
});

test("an activity is known however its id is written", async () => {
  for (const id of [A.toUpperCase(), A.replaceAll("-", ""), `{${A}}`, `URN:UUID:${A}`]) {
    const world = harness();
    const activity = world.turnout.subscribe(id);
    assert.equal(world.turnout.subscribe(A), activity, id);
    assert.deepEqual((await world.greet()).subscribe, [{ activity: A }], id);
    world.socket.frame(subscribed(A, 10));
    assert.deepEqual([activity.id, activity.status, world.socket.sent], [A, "live", []], id);
    world.turnout.command(id, "reserve");
    assert.equal(world.socket.take("command")[0].activity, A, id);
  }
});

test("a snapshot is the state, and ready is fulfilled with it", async () => {
  const world = harness();
  const activity = world.turnout.subscribe(A);
  await world.greet();
  assert.equal(activity.state, null);
  assert.equal(activity.status, "syncing");
  assert.equal(await outcome(activity.ready), "pending");
  world.socket.frame(subscribed(A, 10));
  assert.equal((await activity.ready).state.title, "An evening");
  assert.deepEqual([activity.seq, activity.epoch, activity.status], [10, 1, "live"]);
});

test("a difference on what is here is applied: fields replace fields, null too, and absent ones stay", async () => {
  const { socket, activity } = await following();
  const before = activity.state;
  socket.frame(
    diff(10, 12, {
      available_spots: 1,
      title: null,
      waitlist: { left: [], resized: [], joined: [], parties: 3, spots: 4, first_ticket: 7 },
    }),
  );
  const { waitlist } = activity.state;
  assert.deepEqual(waitlist, { parties: 3, spots: 4, first_ticket: 7 });
  assert.deepEqual([activity.state.available_spots, activity.state.title, activity.state.capacity], [1, null, 2]);
  assert.equal(activity.seq, 12);
  assert.equal(before.available_spots, 2, "what was handed out does not change");
  assert.deepEqual(Object.keys(activity.state).sort(), Object.keys(before).sort());
});

test("several messages in one frame are taken in their order", async () => {
  const { socket, activity } = await following();
  socket.frame(diff(10, 11, { available_spots: 1 }), diff(11, 12, { available_spots: 0 }));
  assert.deepEqual([activity.seq, activity.state.available_spots], [12, 0]);
});

test("a difference that is known already is dropped", async () => {
  const { socket, activity, changes } = await following();
  socket.frame(diff(8, 9, { available_spots: 9 }), diff(9, 10, { available_spots: 9 }));
  assert.deepEqual([activity.seq, activity.state.available_spots, changes], [10, 2, []]);
  assert.deepEqual(socket.sent, []);
});

for (const [name, prev, seq] of [
  ["a gap", 11, 12],
  ["an overlap", 9, 12],
]) {
  test(`${name} is asked for once, and differences are dropped until the answer`, async () => {
    const { socket, activity } = await following();
    socket.frame(diff(prev, seq, { available_spots: 5 }), diff(seq, seq + 1), diff(10, 11, { available_spots: 6 }));
    const requests = socket.take("subscribe");
    assert.equal(requests.length, 1);
    assert.deepEqual(requests[0], { type: "subscribe", id: requests[0].id, activity: A, epoch: 1, seq: 10 });
    assert.deepEqual([activity.seq, activity.state.available_spots, activity.status], [10, 2, "syncing"]);

    socket.frame({ type: "subscribed", id: requests[0].id, activity: A, epoch: 1, seq: 13, mode: "replay" });
    assert.equal(activity.status, "syncing", "until the differences that were missed are here");
    socket.frame(diff(10, 13, { available_spots: 7 }));
    assert.deepEqual([activity.seq, activity.state.available_spots, activity.status], [13, 7, "live"]);
    socket.frame(diff(14, 15));
    assert.equal(socket.take("subscribe").length, 1, "the next gap is asked for again");
  });
}

test("an answer to another request answers nothing", async () => {
  const { socket, activity } = await following();
  socket.frame(diff(11, 12));
  socket.frame({ type: "subscribed", id: "other", activity: A, epoch: 1, seq: 12, mode: "live" });
  assert.equal(activity.status, "syncing");
});

test("a snapshot without being asked for puts one who fell behind in step, also while a request is under way", async () => {
  const { socket, activity } = await following();
  socket.frame(subscribed(A, 300, { snapshot: snapshot({ capacity: 7 }) }), diff(300, 301, { capacity: 8 }));
  assert.deepEqual([activity.seq, activity.state.capacity, activity.status], [301, 8, "live"]);

  socket.frame(diff(305, 306));
  const [request] = socket.take("subscribe");
  socket.frame(subscribed(A, 400, { snapshot: snapshot({ capacity: 9 }) }));
  assert.deepEqual([activity.seq, activity.status], [400, "syncing"]);
  socket.frame(
    { type: "subscribed", id: request.id, activity: A, epoch: 1, seq: 400, mode: "replay" },
    diff(301, 400, { capacity: 1 }),
  );
  assert.deepEqual([activity.seq, activity.state.capacity, activity.status], [400, 9, "live"]);
});

test("a new session resumes from what is here, and shows it meanwhile", async () => {
  const { socket, activity, clock, changes, ...world } = await following();
  socket.frame(diff(10, 11, { available_spots: 1 }));
  socket.drop();
  assert.deepEqual(changes, [
    ["live", 11],
    ["syncing", 11],
  ]);
  assert.equal(activity.state.available_spots, 1);
  await clock.pass(1_000);
  const next = world.sockets[1];
  next.open();
  assert.deepEqual(next.take("hello")[0].subscribe, [{ activity: A, epoch: 1, seq: 11 }]);
});

test("nothing missed is live at once; a snapshot of another history replaces everything", async () => {
  const world = await following();
  world.socket.drop();
  await world.clock.pass(1_000);
  await world.greet();
  world.sockets[1].frame({ type: "subscribed", activity: A, epoch: 1, seq: 10, mode: "live" });
  assert.deepEqual([world.activity.status, world.activity.seq], ["live", 10]);
  world.sockets[1].frame(
    subscribed(A, 4, { epoch: 2, snapshot: snapshot({ capacity: 1 }) }),
    diff(4, 5, { capacity: 3 }),
  );
  assert.deepEqual([world.activity.epoch, world.activity.seq, world.activity.state.capacity], [2, 5, 3]);
});

test("differences to a state that is not here end the session, not the client", async () => {
  const world = harness();
  world.turnout.subscribe(A);
  await world.greet();
  world.socket.frame({ type: "subscribed", activity: A, epoch: 1, seq: 10, mode: "live" });
  assert.equal(world.turnout.status, "waiting");
});

test("unknown types and fields are ignored", async () => {
  const { socket, activity, turnout } = await following();
  socket.frame({ type: "weather", activity: A }, diff(10, 11, { colour: "blue" }));
  assert.deepEqual([activity.seq, turnout.status], [11, "open"]);
});

for (const [name, data] of [
  ["no JSON", "{"],
  ["null", "null"],
  ["a binary frame", new Uint8Array(3)],
]) {
  test(`a frame with ${name} ends the session, and the next one resumes`, async () => {
    const { turnout, socket, clock, ...world } = await following();
    socket.onmessage({ data });
    assert.deepEqual([turnout.status, turnout.error.code], ["waiting", "connection_lost"]);
    await clock.pass(1_000);
    world.sockets[1].open();
    assert.equal(world.sockets[1].take("hello")[0].subscribe[0].seq, 10);
  });
}

test("several activities share a socket and mind their own", async () => {
  const world = harness();
  const [one, other] = [world.turnout.subscribe(A), world.turnout.subscribe(B)];
  await world.greet();
  world.socket.frame(subscribed(A, 10), subscribed(B, 70));
  world.socket.frame(diff(10, 11, { capacity: 5 }), { ...diff(70, 71), activity: B, capacity: 6 });
  assert.deepEqual([one.seq, one.state.capacity, other.seq, other.state.capacity], [11, 5, 71, 6]);
});

test("after unsubscribing nothing changes any more, and the activity can be followed anew", async () => {
  const { turnout, socket, activity, changes } = await following();
  activity.unsubscribe();
  assert.equal(socket.take("unsubscribe")[0].activity, A);
  assert.deepEqual(changes, [["ended", 10]]);
  socket.frame(diff(10, 11));
  activity.unsubscribe();
  assert.deepEqual([activity.seq, activity.error, socket.sent], [10, null, []]);

  const again = turnout.subscribe(A);
  assert.notEqual(again, activity);
  const [request] = socket.take("subscribe");
  assert.deepEqual(request, { type: "subscribe", id: request.id, activity: A });
  socket.frame(diff(11, 12), subscribed(A, 12, { id: request.id }));
  assert.deepEqual([again.seq, again.status, activity.status], [12, "live", "ended"]);
});

test("what was unsubscribed between hello and its answer is unsubscribed there too", async () => {
  const world = harness();
  const activity = world.turnout.subscribe(A);
  world.turnout.connect();
  await settled();
  world.socket.open();
  activity.unsubscribe();
  assert.equal((await outcome(activity.ready)).error.code, "unsubscribed");
  world.socket.take("hello");
  world.socket.frame({ type: "welcome", now: "2030-05-01T10:00:00.000Z" }, subscribed(A, 10));
  assert.deepEqual(
    world.socket.take("unsubscribe").map((message) => message.activity),
    [A],
  );
});

test("one who may not see it is told, once and for all", async () => {
  const world = harness();
  const activity = world.turnout.subscribe(A);
  const ended = [];
  activity.on("ended", (error) => ended.push(error.code));
  await world.greet();
  world.socket.frame({
    type: "error",
    activity: A,
    code: "not_found",
    detail: "There is nothing here.",
    retry: "never",
  });
  assert.deepEqual([activity.status, activity.error.code, ended], ["ended", "not_found", ["not_found"]]);
  assert.equal((await outcome(activity.ready)).error.code, "not_found");
  world.socket.drop();
  await world.clock.pass(1_000);
  assert.deepEqual((await world.greet()).subscribe, []);
});

test("whoever unsubscribes what is ending still hears why it ends", async () => {
  const { socket, activity } = await following();
  const heard = [];
  activity.on("change", () => activity.unsubscribe());
  activity.on("ended", (error) => heard.push(error.code));
  socket.frame({ type: "error", activity: A, code: "not_found", detail: "", retry: "never" });
  assert.deepEqual([heard, activity.error.code], [["not_found"], "not_found"]);
});

for (const [name, leave] of [
  ["unsubscribes it and follows it anew", (activity) => activity.unsubscribe()],
  ["follows it anew", () => {}],
]) {
  test(`whoever ${name} while it ends has one that goes on`, async () => {
    const { turnout, socket, activity } = await following();
    let again;
    activity.on("change", () => {
      leave(activity);
      again = turnout.subscribe(A);
    });
    socket.frame({ type: "error", activity: A, code: "not_found", detail: "", retry: "never" });
    assert.notEqual(again, activity);
    assert.equal(turnout.subscribe(A), again);
    const [request] = socket.take("subscribe");
    assert.deepEqual([request, socket.sent], [{ type: "subscribe", id: request.id, activity: A }, []]);
    socket.frame(subscribed(A, 12, { id: request.id }), diff(12, 13));
    assert.deepEqual([again.seq, again.status, activity.status], [13, "live", "ended"]);
  });
}

test("a subscription can end later: for good, or until after a while with what is here", async () => {
  const { turnout, socket, activity, clock } = await following();
  socket.frame({ type: "error", activity: A, code: "unavailable", detail: "", retry: "same_key", after_ms: 3_000 });
  assert.equal(activity.status, "syncing");
  socket.frame(diff(10, 11));
  await clock.pass(2_999);
  assert.deepEqual(socket.take("subscribe"), []);
  await clock.pass(1);
  const [request] = socket.take("subscribe");
  assert.deepEqual([request.epoch, request.seq], [1, 10]);
  socket.frame({ type: "subscribed", id: request.id, activity: A, epoch: 1, seq: 10, mode: "live" });
  assert.equal(activity.status, "live");

  socket.frame({ type: "error", activity: A, code: "not_found", detail: "", retry: "never" });
  assert.deepEqual([activity.status, activity.state.title], ["ended", "An evening"]);
  assert.notEqual(turnout.subscribe(A), activity);
});

test("a refusal for now is followed by longer and longer pauses, and forgotten with the session", async () => {
  const { turnout, socket, clock } = await following();
  turnout.subscribe(B);
  const refuse = () => {
    const [{ id }] = socket.take("subscribe");
    socket.frame({ type: "error", id, activity: B, code: "unavailable", detail: "", retry: "same_key" });
  };
  for (const pause of [187.5, 375, 750]) {
    refuse();
    await clock.pass(pause - 0.5);
    assert.deepEqual(socket.take("subscribe"), []);
    await clock.pass(0.5);
  }
  refuse();
  await clock.pass(1_500);
  socket.frame(subscribed(B, 1, { id: socket.take("subscribe")[0].id }));
  socket.frame({ type: "error", activity: B, code: "unavailable", detail: "", retry: "same_key" });
  await clock.pass(187.5);
  refuse();
  socket.drop();
  await clock.pass(600);
  assert.deepEqual(socket.take("subscribe"), []);
});

test("no more is followed than a connection can", () => {
  const { turnout } = harness();
  for (let n = 0; n < 32; n += 1) turnout.subscribe(`activity-${n}`);
  assert.throws(() => turnout.subscribe("one more"), { code: "too_many_subscriptions" });
});

test("what does not fit into hello is asked for after the welcome", async () => {
  const world = harness();
  const token = "t".repeat(1_000);
  const ids = Array.from({ length: 32 }, (_, n) => A.slice(0, -2) + (n + 10));
  for (const id of ids) world.turnout.subscribe(id, { token });
  const hello = await world.greet();
  assert.ok(JSON.stringify(hello).length <= 16 * 1024);
  assert.ok(hello.subscribe.length >= 14);
  const asked = [...hello.subscribe, ...world.socket.take("subscribe")].map((entry) => entry.activity);
  assert.deepEqual(asked, ids);
});

test("what cannot be an activity spoils nothing for the others", async () => {
  const world = harness();
  const [wrong] = [world.turnout.subscribe("from-an-address"), world.turnout.subscribe(A)];
  assert.deepEqual((await world.greet()).subscribe, [{ activity: A }]);
  const [{ id, activity }] = world.socket.take("subscribe");
  assert.equal(activity, "from-an-address");
  world.socket.frame({ type: "error", id, code: "validation_failed", detail: "", retry: "never", errors: [] });
  assert.deepEqual([wrong.status, wrong.error.code, world.turnout.status], ["ended", "validation_failed", "open"]);
});

test("a listener that throws stops neither the others nor the client", async (context) => {
  const { socket, activity, turnout } = await following();
  const seen = [];
  const thrown = new Promise((resolve) => {
    const handlers = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", resolve);
    context.after(() => handlers.forEach((handler) => process.on("uncaughtException", handler)));
  });
  activity.on("change", () => {
    throw new Error("a listener's own");
  });
  const off = activity.on("change", ({ seq }) => seen.push(seq));
  socket.frame(diff(10, 11));
  assert.equal((await thrown).message, "a listener's own");
  off();
  assert.deepEqual([seen, turnout.status], [[11], "open"]);
});

test("the countdown to the opening runs by the server's time and this machine's monotonic clock", async () => {
  const world = harness();
  const activity = world.turnout.subscribe(A);
  assert.equal(world.turnout.now(), null);
  assert.equal(activity.opensInMs(), null);
  await world.greet();
  world.socket.frame(subscribed(A, 10, { snapshot: snapshot({ opens_at: "2030-05-01T10:00:05.000Z" }) }));
  assert.equal(activity.opensInMs(), 5_000);
  const heard = [];
  activity.on("change", () => heard.push(activity.opensInMs()));
  await world.clock.pass(4_999);
  assert.deepEqual([activity.opensInMs(), heard], [1, []]);
  await world.clock.pass(1);
  assert.deepEqual([activity.opensInMs(), heard], [0, [0]]);
  assert.equal(world.turnout.now(), Date.parse("2030-05-01T10:00:05Z"));
  world.socket.frame(diff(10, 11, { opens_at: null }));
  assert.equal(activity.opensInMs(), 0);
});

test("an opening that is further away than timers can count is waited for all the same", async () => {
  const world = harness();
  const activity = world.turnout.subscribe(A);
  await world.greet({ ping_every_ms: 2 ** 31 - 1 });
  world.socket.frame(subscribed(A, 10, { snapshot: snapshot({ opens_at: "2030-06-01T10:00:00.000Z" }) }));
  const heard = [];
  activity.on("change", () => heard.push(activity.opensInMs()));
  for (const days of [20, 11]) {
    world.socket.frame({ type: "weather" });
    await world.clock.pass(days * 24 * 3_600_000);
  }
  assert.equal(heard.at(-1), 0);
  assert.equal(heard.length, 2, "once when timers can count no further, and once when it opens");
});
