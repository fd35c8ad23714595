//! That every command is settled once, and carried out once: keys, retries, bounds, and giving up.

import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { test } from "node:test";

import { TurnoutError, newKey } from "../../turnout.js";
import { A, B, ended, harness, outcome, settled } from "../fakes.js";

async function connected(options) {
  const world = harness(options);
  await world.greet();
  return world;
}

const ok = (command, fields = {}) => ({
  type: "ok",
  id: command.id,
  key: command.key,
  activity: command.activity,
  seq: 11,
  rsvp: { id: "r", version: 1 },
  counts: {},
  replayed: false,
  ...fields,
});

const refused = (command, code, retry, fields = {}) => ({
  type: "error",
  id: command.id,
  key: command.key,
  activity: command.activity,
  code,
  detail: `It is ${code}.`,
  retry,
  ...fields,
});

test("a command is sent with its operation, arguments, version and a key of its own, and fulfilled by its ok", async () => {
  const { turnout, socket } = await connected();
  const promise = turnout.command(A, "update", { guest_count: 2 }, { ifVersion: 3 });
  const [command] = socket.take("command");
  const { id, key, ...rest } = command;
  assert.deepEqual(rest, { type: "command", activity: A, op: "update", args: { guest_count: 2 }, if_version: 3 });
  assert.match(key, /^[0-9a-f]{32}$/);
  assert.ok(id.length <= 64);
  socket.frame(ok(command));
  const answer = await promise;
  assert.deepEqual(answer, { key, activity: A, seq: 11, rsvp: { id: "r", version: 1 }, counts: {}, replayed: false });
});

test("the key is the caller's if there is one", async () => {
  const { turnout, socket } = await connected();
  turnout.command(A, "reserve", {}, { key: "mine" });
  assert.equal(socket.take("command")[0].key, "mine");
});

test("keys are never the same", () => {
  assert.equal(new Set(Array.from({ length: 1_000 }, newKey)).size, 1_000);
});

test("every operation is a method of the activity", async () => {
  const { turnout, socket } = await connected();
  const activity = turnout.subscribe(A);
  activity.reserve({ guest_count: 1 });
  activity.update({ guest_count: 0 });
  activity.cancel();
  activity.accept();
  activity.decline();
  activity.checkIn("r1");
  activity.undoCheckIn("r1");
  activity.promote({ count: 2 });
  activity.remove(["r1", "r2"]);
  activity.setCapacity(9);
  activity.pauseWaitlist(true);
  const sent = socket.take("command").map(({ op, args }) => [op, args]);
  assert.deepEqual(sent, [
    ["reserve", { guest_count: 1 }],
    ["update", { guest_count: 0 }],
    ["cancel", undefined],
    ["accept", undefined],
    ["decline", undefined],
    ["check_in", { rsvp: "r1" }],
    ["undo_check_in", { rsvp: "r1" }],
    ["promote", { count: 2 }],
    ["remove", { rsvps: ["r1", "r2"] }],
    ["set_capacity", { capacity: 9 }],
    ["pause_waitlist", { paused: true }],
  ]);
});

test("answers are matched by id, in whatever order they come", async () => {
  const { turnout, socket } = await connected();
  const promises = [turnout.command(A, "reserve"), turnout.command(B, "reserve")];
  const [one, other] = socket.take("command");
  socket.frame(ok(other, { seq: 2 }), ok(one, { seq: 1 }));
  assert.deepEqual(
    (await Promise.all(promises)).map(({ seq }) => seq),
    [1, 2],
  );
});

test("a final refusal rejects with what the server said", async () => {
  const { turnout, socket } = await connected();
  const promise = turnout.command(A, "update", {}, { ifVersion: 1 });
  const [command] = socket.take("command");
  socket.frame(refused(command, "version_conflict", "never", { current: { version: 2 } }));
  const { error } = await outcome(promise);
  assert.ok(error instanceof TurnoutError && error instanceof Error);
  const { code, detail, retry, afterMs, key, extras, unknownOutcome } = error;
  assert.deepEqual(
    { code, detail, retry, afterMs, key, extras, unknownOutcome },
    {
      code: "version_conflict",
      detail: "It is version_conflict.",
      retry: "never",
      afterMs: null,
      key: command.key,
      extras: { current: { version: 2 } },
      unknownOutcome: false,
    },
  );
});

test("same_key is retried with that key, after growing pauses and not before after_ms", async () => {
  const { turnout, socket, clock } = await connected();
  const promise = turnout.command(A, "reserve");
  const [first] = socket.take("command");
  let command = first;
  for (const [fields, pause] of [
    [{}, 187.5],
    [{}, 375],
    [{ after_ms: 5_000 }, 5_000],
    [{ after_ms: 1 }, 1_500],
  ]) {
    socket.frame(refused(command, "unavailable", "same_key", fields));
    await clock.pass(pause - 0.5);
    assert.deepEqual(socket.take("command"), []);
    await clock.pass(0.5);
    [command] = socket.take("command");
    assert.deepEqual(command, first);
  }
  socket.frame(ok(command));
  assert.equal((await promise).seq, 11);
});

test("after is the caller's choice: rejected with the time, or waited for with the same key", async () => {
  const { turnout, socket, clock } = await connected();
  const refusal = (command) => refused(command, "not_open_yet", "after", { after_ms: 5_000, opens_in_ms: 5_000 });
  const told = turnout.command(A, "reserve");
  socket.frame(refusal(socket.take("command")[0]));
  const { error } = await outcome(told);
  assert.deepEqual(
    [error.code, error.retry, error.afterMs, error.extras.opens_in_ms],
    ["not_open_yet", "after", 5_000, 5_000],
  );

  const waits = turnout.command(A, "reserve", {}, { retryAfter: true });
  const [command] = socket.take("command");
  socket.frame(refusal(command));
  await clock.pass(4_999);
  assert.deepEqual(socket.take("command"), []);
  await clock.pass(1);
  assert.deepEqual(socket.take("command"), [command]);
  socket.frame(ok(command));
  assert.equal((await waits).seq, 11);
});

test("a wait that would outlast the command's time is not begun", async () => {
  const { turnout, socket } = await connected();
  const promise = turnout.command(A, "reserve", {}, { retryAfter: true, timeoutMs: 5_000 });
  socket.frame(refused(socket.take("command")[0], "not_open_yet", "after", { after_ms: 5_000 }));
  assert.equal((await outcome(promise)).error.code, "not_open_yet");
});

test("a server that always says at once is not asked in a busy loop", async () => {
  const { turnout, socket, clock } = await connected();
  turnout.command(A, "reserve", {}, { retryAfter: true });
  const [command] = socket.take("command");
  socket.frame(refused(command, "rate_limited", "after", { after_ms: 0 }));
  await clock.pass(19);
  assert.deepEqual(socket.take("command"), []);
  await clock.pass(1);
  assert.equal(socket.take("command").length, 1);
});

test("what was not answered is sent again in the next session, in order and before what is newer", async () => {
  const world = await connected();
  const { turnout, clock } = world;
  const promises = [1, 2, 3].map((n) => turnout.command(A, "update", { guest_count: n }));
  const sent = world.socket.take("command");
  world.socket.frame(ok(sent[1]));
  world.socket.drop();
  promises.push(turnout.command(A, "update", { guest_count: 4 }));
  await clock.pass(1_000);
  world.turnout.on("status", (status) => status === "open" && promises.push(turnout.command(A, "cancel")));
  await world.greet();
  const again = world.socket.take("command");
  assert.deepEqual(again.slice(0, 2), [sent[0], sent[2]]);
  assert.deepEqual(
    again.slice(2).map(({ op, args }) => [op, args?.guest_count]),
    [
      ["update", 4],
      ["cancel", undefined],
    ],
  );
  for (const command of again) world.socket.frame(ok(command, { replayed: true }));
  assert.equal((await Promise.all(promises)).length, 5);
});

test("nothing is sent before the welcome", async () => {
  const { turnout, ...world } = harness();
  turnout.connect();
  turnout.command(A, "reserve");
  await settled();
  const [socket] = world.sockets;
  socket.open();
  assert.deepEqual(
    socket.sent.map(({ type }) => type),
    ["hello"],
  );
  socket.frame({ type: "welcome", now: "2030-05-01T10:00:00.000Z" });
  assert.equal(socket.take("command").length, 1);
});

test("an answer that comes twice, or to nobody, changes nothing", async () => {
  const { turnout, socket } = await connected();
  const promise = turnout.command(A, "reserve");
  const [command] = socket.take("command");
  socket.frame(
    ok(command, { seq: 1 }),
    ok(command, { seq: 2 }),
    refused(command, "closed", "never"),
    ok({ id: "c999" }),
  );
  assert.equal((await promise).seq, 1);
  assert.equal(turnout.status, "open");
});

test("64 commands are in flight at once, more wait in order, and too many are refused here", async () => {
  const { turnout, socket } = await connected();
  const promises = Array.from({ length: 64 + 1_024 }, (_, n) => turnout.command(A, "update", { guest_count: n }));
  const first = socket.take("command");
  assert.equal(first.length, 64);
  const { error } = await outcome(turnout.command(A, "cancel"));
  assert.deepEqual([error.code, error.unknownOutcome], ["too_many_commands", false]);
  socket.frame(ok(first[5]), ok(first[6]));
  assert.deepEqual(
    socket.take("command").map(({ args }) => args.guest_count),
    [64, 65],
  );
  socket.frame(...first.filter((_, n) => n !== 5 && n !== 6).map((command) => ok(command)));
  for (const answered of [5, 6]) assert.equal((await outcome(promises[answered])).value.seq, 11);
  const order = [64, 65];
  for (let sent = socket.take("command"); sent.length > 0; sent = socket.take("command")) {
    assert.ok(sent.length <= 62);
    order.push(...sent.map(({ args }) => args.guest_count));
    socket.frame(...sent.map((command) => ok(command)));
  }
  assert.deepEqual(
    order,
    Array.from({ length: 1_024 }, (_, n) => 64 + n),
  );
});

test("a command that no server would read is refused here", async () => {
  const { turnout, socket } = await connected();
  const { error } = await outcome(turnout.command(A, "reserve", { special_requirements: "ü".repeat(8_200) }));
  assert.equal(error.code, "message_too_large");
  assert.deepEqual(socket.sent, []);
});

test("without connect() a command is refused, and so is every pending one by close()", async () => {
  const world = harness();
  assert.equal((await outcome(world.turnout.command(A, "reserve"))).error.code, "connection_closed");
  await world.greet();
  const sent = world.turnout.command(A, "reserve");
  const [command] = world.socket.take("command");
  world.socket.frame(refused(command, "overloaded", "same_key"));
  const resting = sent;
  const inFlight = world.turnout.command(A, "cancel");
  world.turnout.close();
  const late = world.turnout.command(A, "cancel");
  for (const [promise, unknownOutcome] of [
    [resting, true],
    [inFlight, true],
    [late, false],
  ]) {
    const { error } = await outcome(promise);
    assert.deepEqual([error.code, error.unknownOutcome], ["connection_closed", unknownOutcome]);
  }
  assert.equal(world.clock.pending, 0);
});

test("a command that nobody answers is given up in time, with its key and that its outcome is unknown", async () => {
  const { turnout, socket, clock } = await connected();
  const promises = [turnout.command(A, "reserve", {}, { timeoutMs: 5_000 }), turnout.command(A, "cancel")];
  const ends = promises.map(ended);
  const [command] = socket.take("command");
  await clock.pass(5_000);
  const { error } = await ends[0];
  assert.deepEqual(
    [error.code, error.retry, error.key, error.unknownOutcome],
    ["timed_out", "same_key", command.key, true],
  );
  assert.equal(await outcome(promises[1]), "pending");
  await clock.pass(55_000);
  assert.equal((await ends[1]).error.code, "timed_out");
});

test("a time-out tells the last refusal, and that nothing was sent if so", async () => {
  const world = await connected();
  const promise = world.turnout.command(A, "reserve", {}, { timeoutMs: 1_000 });
  world.socket.frame(refused(world.socket.take("command")[0], "overloaded", "same_key", { after_ms: 9_000 }));
  world.socket.drop();
  const unsent = world.turnout.command(A, "cancel", {}, { timeoutMs: 900 });
  const ends = [promise, unsent].map(ended);
  await world.clock.pass(1_000);
  assert.equal((await ends[0]).error.cause.code, "overloaded");
  assert.equal((await ends[1]).error.unknownOutcome, false);
});

test("the caller gives up by a signal: before sending nothing is sent, after it nothing is retried", async () => {
  const world = await connected();
  const { turnout } = world;
  const aborted = turnout.command(A, "reserve", {}, { signal: AbortSignal.abort("early") });
  assert.deepEqual(world.socket.take("command"), []);
  const { error } = await outcome(aborted);
  assert.deepEqual([error.code, error.cause, error.unknownOutcome], ["aborted", "early", false]);

  const controller = new AbortController();
  const promise = turnout.command(A, "reserve", {}, { signal: controller.signal });
  world.socket.take("command");
  const other = turnout.command(A, "cancel", {}, { signal: controller.signal });
  const [command] = world.socket.take("command");
  controller.abort();
  for (const given of [promise, other]) {
    const { error } = await outcome(given);
    assert.deepEqual([error.code, error.unknownOutcome], ["aborted", true]);
  }
  world.socket.frame(refused(command, "unavailable", "same_key"));
  await world.clock.pass(1_000);
  assert.deepEqual(world.socket.take("command"), []);
  world.socket.drop();
  await world.clock.pass(1_000);
  await world.greet();
  assert.deepEqual(world.socket.take("command"), []);
});

test("what was given up still counts as in flight until the server has answered it", async () => {
  const { turnout, socket } = await connected();
  const controller = new AbortController();
  setMaxListeners(64, controller.signal);
  for (let n = 0; n < 64; n += 1) turnout.command(A, "cancel", {}, { signal: controller.signal }).catch(() => {});
  const sent = socket.take("command");
  controller.abort();
  turnout.command(B, "reserve");
  assert.deepEqual(socket.take("command"), []);
  socket.frame(ok(sent[0]));
  assert.equal(socket.take("command")[0].activity, B);
});

test("a server that drains gets no new commands; the next one gets them all", async () => {
  const world = await connected();
  const first = world.turnout.command(A, "reserve");
  const [command] = world.socket.take("command");
  world.socket.frame({ type: "draining", reconnect_in_ms: 700 });
  const second = world.turnout.command(A, "cancel");
  assert.deepEqual(world.socket.take("command"), []);
  world.socket.frame(refused(command, "draining", "same_key"));
  await world.clock.pass(5_000);
  assert.deepEqual(world.socket.take("command"), [], "not even again");
  world.socket.drop(4101);
  await world.clock.pass(700);
  await world.greet();
  const again = world.socket.take("command");
  assert.deepEqual(
    again.map(({ op }) => op),
    ["reserve", "cancel"],
  );
  assert.deepEqual(again[0], command);
  world.socket.frame(...again.map((message) => ok(message)));
  assert.equal((await Promise.all([first, second])).length, 2);
});

test("a retry whose time comes while there is no session waits for the next one", async () => {
  const world = await connected();
  const promise = world.turnout.command(A, "reserve");
  const [command] = world.socket.take("command");
  world.socket.frame(refused(command, "unknown_outcome", "same_key", { after_ms: 500 }));
  world.socket.drop();
  await world.clock.pass(1_000);
  assert.equal(world.sockets.length, 2);
  await world.greet();
  assert.deepEqual(world.socket.take("command"), [command]);
  world.socket.frame(ok(command));
  assert.equal((await promise).seq, 11);
});
