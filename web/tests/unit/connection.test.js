//! When to come back, with what, and when not: close codes, pauses, tokens, silence, hidden pages.

import assert from "node:assert/strict";
import { test } from "node:test";

import { A, WELCOME, harness, outcome, settled, snapshot, subscribed } from "../fakes.js";

async function connected(options, welcome) {
  const world = harness(options);
  await world.greet(welcome);
  return world;
}

/** How long it takes until the next socket is opened. */
async function pauseBeforeNext({ clock, sockets }) {
  const [before, start] = [sockets.length, clock.now()];
  await settled();
  while (sockets.length === before) await clock.pass(clock.nextInMs);
  return clock.now() - start;
}

test("a bare origin gets the usual path and the scheme of sockets, and JSON is asked for", async () => {
  for (const [url, expected] of [
    ["http://127.0.0.1:8080", "ws://127.0.0.1:8080/api/v1/ws"],
    ["https://example.com/", "wss://example.com/api/v1/ws"],
    ["wss://example.com/elsewhere/ws", "wss://example.com/elsewhere/ws"],
  ]) {
    const { turnout, sockets } = harness({ url });
    turnout.connect();
    await settled();
    assert.deepEqual([sockets[0].url, sockets[0].protocols], [expected, ["turnout.v1.json"]]);
  }
});

test("without a WebSocket it says so at once", () => {
  assert.throws(() => harness({ WebSocket: null }), TypeError);
});

test("connecting goes from closed over connecting to open, once", async () => {
  const world = await connected();
  world.turnout.connect();
  await settled();
  assert.deepEqual([world.statuses, world.sockets.length], [["connecting", "open"], 1]);
});

test("hello carries the token that is asked for when the socket is made", async () => {
  const asked = [];
  const world = harness({
    token: async (reason) => {
      asked.push(reason);
      return "token-1";
    },
  });
  assert.deepEqual(await world.greet(), { type: "hello", token: "token-1", subscribe: [] });
  assert.deepEqual(asked, ["connect"]);
});

test("hello is anonymous where there is no token", async () => {
  assert.equal("token" in (await harness({ token: async () => null }).greet()), false);
});

test("even after a crash the first reconnect comes at any time within the server's jitter", async () => {
  for (const [random, pause] of [
    [0, 0],
    [0.25, 500],
    [0.75, 1_500],
  ]) {
    const world = await connected();
    world.chance.value = random;
    world.socket.drop(1006);
    assert.equal(world.turnout.status, "waiting");
    assert.equal(await pauseBeforeNext(world), pause);
  }
});

test("then the pauses double up to the server's cap, each with a jitter", async () => {
  const world = await connected();
  const pauses = [];
  for (let n = 0; n < 8; n += 1) {
    world.socket.drop(1006);
    pauses.push(await pauseBeforeNext(world));
  }
  assert.deepEqual(pauses, [1_000, 375, 750, 1_500, 3_000, 6_000, 12_000, 12_000]);
  world.chance.value = 0;
  world.socket.drop(1006);
  assert.equal(await pauseBeforeNext(world), 8_000);
});

test("a server that greets and drops again is not come back to at once each time; one that stayed is", async () => {
  const world = await connected();
  world.socket.drop(1006);
  await pauseBeforeNext(world);
  await world.greet();
  world.socket.drop(1006);
  assert.equal(await pauseBeforeNext(world), 375);
  await world.greet();
  await world.clock.pass(10_000);
  world.socket.drop(1006);
  assert.equal(await pauseBeforeNext(world), 1_000);
});

test("before the first welcome the pauses are the client's own", async () => {
  const world = harness();
  world.turnout.connect();
  await settled();
  world.socket.drop(1006);
  assert.equal(await pauseBeforeNext(world), 500);
});

for (const code of [4000, 4001, 4003, 4004, 4099]) {
  test(`${code} is not come back from`, async () => {
    const world = await connected();
    const activity = world.turnout.subscribe(A);
    world.socket.frame(subscribed(A, 10, { id: world.socket.take("subscribe")[0].id }));
    const promise = world.turnout.command(A, "reserve");
    world.socket.drop(code, "go away");
    const { error } = await outcome(promise);
    assert.deepEqual(
      [error.code, error.unknownOutcome, error.cause.extras.close_code],
      ["connection_lost", true, code],
    );
    assert.deepEqual([world.turnout.status, world.turnout.error.extras.close_code], ["closed", code]);
    assert.deepEqual([activity.status, activity.seq], ["syncing", 10]);
    await world.clock.pass(3_600_000);
    assert.deepEqual([world.sockets.length, world.clock.pending, world.page.listeners], [1, 0, 0]);
  });
}

test("after a stop connect() tries again, and resumes", async () => {
  const world = await connected();
  world.turnout.subscribe(A);
  world.socket.frame(subscribed(A, 10, { id: world.socket.take("subscribe")[0].id }));
  world.socket.drop(4004);
  assert.deepEqual((await world.greet()).subscribe, [{ activity: A, epoch: 1, seq: 10 }]);
  assert.equal(world.turnout.error, null);
});

for (const code of [1000, 1001, 1006, 1009, 1011, 4101, 4102, 4108, 4109, 4199, 4300, 4999]) {
  test(`${code} is come back from with a pause`, async () => {
    const world = await connected();
    world.socket.drop(code);
    assert.equal(world.turnout.status, "waiting");
    assert.equal(await pauseBeforeNext(world), 1_000);
  });
}

test("a socket that is closed before its welcome counts as a failure", async () => {
  const world = await connected();
  await world.clock.pass(10_000);
  for (const pause of [1_000, 375, 750]) {
    world.socket.drop(4109);
    assert.equal(await pauseBeforeNext(world), pause);
  }
});

for (const code of [4200, 4299]) {
  test(`${code} is come back from at once with a new token, but only once in a row`, async () => {
    const asked = [];
    const world = await connected({
      token: (reason) => {
        asked.push(reason);
        return `token-${asked.length}`;
      },
    });
    world.socket.drop(code);
    assert.equal(await pauseBeforeNext(world), 0);
    world.socket.open();
    assert.equal(world.socket.take("hello")[0].token, "token-2");
    world.socket.drop(code);
    assert.equal(await pauseBeforeNext(world), 1_000);
    assert.deepEqual(asked, ["connect", "expired", "expired"]);
    await world.greet();
    await world.clock.pass(10_000);
    world.socket.drop(code);
    assert.equal(await pauseBeforeNext(world), 0);
  });
}

test("why a token was refused is told", async () => {
  const world = harness({ token: () => "bad" });
  const errors = [];
  world.turnout.on("error", (error) => errors.push(error.code));
  world.turnout.connect();
  await settled();
  world.socket.open();
  world.socket.frame({ type: "error", code: "token_revoked", detail: "Log in again.", retry: "never" });
  world.socket.drop(4001);
  assert.deepEqual(
    [world.turnout.status, world.turnout.error.code, errors],
    ["closed", "token_revoked", ["token_revoked"]],
  );
});

test("token() that fails or never answers is a failed attempt", async () => {
  let answer = () => Promise.reject(new Error("offline"));
  const world = harness({ token: () => answer() });
  world.turnout.connect();
  await settled();
  assert.deepEqual([world.turnout.status, world.turnout.error.code], ["waiting", "no_token"]);
  assert.equal(world.turnout.error.cause.message, "offline");
  answer = () => new Promise(() => {});
  await world.clock.pass(500);
  assert.equal(world.turnout.status, "connecting");
  await world.clock.pass(30_000);
  assert.equal(world.turnout.status, "waiting");
  answer = () => {
    throw new Error("not even a promise");
  };
  await world.clock.pass(375);
  assert.equal(world.turnout.status, "waiting");
  answer = () => "token";
  await world.clock.pass(750);
  assert.equal((await world.greet()).token, "token");
});

test("the server's figure for coming back after draining takes the place of the first pause, and only that", async () => {
  const world = await connected();
  world.socket.frame({ type: "draining", reconnect_in_ms: 4_321 });
  assert.equal(world.turnout.status, "open");
  await world.clock.pass(3_000);
  world.socket.drop(4101);
  assert.equal(await pauseBeforeNext(world), 4_321);
  world.socket.drop(1006);
  assert.equal(await pauseBeforeNext(world), 375);
});

test("a socket without a welcome in time is given up", async () => {
  const world = harness();
  world.turnout.connect();
  await settled();
  const [socket] = world.sockets;
  await world.clock.pass(15_000);
  assert.deepEqual([world.turnout.status, socket.closedWith], ["waiting", 1000]);
  socket.onopen({});
  assert.deepEqual(socket.sent, [], "what it says later is not heard");
});

test("a socket that cannot even be made is a failed attempt", async () => {
  const world = harness({
    WebSocket: class {
      constructor() {
        throw new Error("mixed content");
      }
    },
  });
  world.turnout.connect();
  await world.clock.pass(0);
  assert.equal(world.turnout.status, "waiting");
  assert.match(world.turnout.error.detail, /mixed content/);
});

test("silence is broken by a question, and without any answer the session is given up", async () => {
  const world = await connected();
  await world.clock.pass(24_999);
  assert.deepEqual(world.socket.sent, []);
  await world.clock.pass(1);
  assert.equal(world.socket.take("visibility").length, 1);
  await world.clock.pass(9_999);
  assert.equal(world.turnout.status, "open");
  await world.clock.pass(1);
  assert.deepEqual([world.turnout.status, world.socket.closedWith], ["waiting", 1000]);
  world.socket.drop(4004);
  assert.equal(world.turnout.status, "waiting", "the end of a session that was given up is not heard");
});

test("whatever is heard breaks the silence", async () => {
  const world = await connected();
  for (let n = 0; n < 20; n += 1) {
    await world.clock.pass(20_000);
    world.socket.frame({ type: "weather" });
  }
  assert.deepEqual(world.socket.sent, []);
  await world.clock.pass(25_000);
  const [{ id }] = world.socket.take("visibility");
  world.socket.frame({ type: "ok", id });
  await world.clock.pass(24_999);
  assert.deepEqual([world.turnout.status, world.socket.sent], ["open", []]);
  await world.clock.pass(1);
  assert.deepEqual([world.turnout.status, world.socket.take("visibility").length], ["open", 1]);
});

test("after the machine slept the server is asked first", async () => {
  const world = await connected();
  await world.clock.sleep(3_600_000);
  assert.deepEqual([world.turnout.status, world.socket.take("visibility").length], ["open", 1]);
  world.socket.frame({ type: "ok", id: "v" });
  await world.clock.pass(10_000);
  assert.equal(world.turnout.status, "open");
});

test("the server is told when the page is hidden and shown, and in a new session again", async () => {
  const world = await connected();
  const told = () => world.socket.take("visibility").map(({ hidden }) => hidden);
  world.page.hide(true);
  world.page.hide(true);
  assert.deepEqual(told(), [true]);
  world.socket.drop();
  await world.clock.pass(1_000);
  await world.greet();
  assert.deepEqual(told(), [true]);
  world.page.hide(false);
  assert.deepEqual(told(), [false]);
  world.turnout.close();
  world.page.hide(true);
  assert.deepEqual([told(), world.page.listeners], [[], 0]);
});

test("an expiring token is replaced in place", async () => {
  const asked = [];
  const world = await connected({
    token: async (reason) => {
      asked.push(reason);
      return `token-${asked.length}`;
    },
  });
  world.turnout.subscribe(A);
  world.socket.frame(subscribed(A, 10, { id: world.socket.take("subscribe")[0].id }));
  world.socket.frame({ type: "expiring", in_ms: 60_000 });
  world.socket.frame({ type: "expiring", in_ms: 60_000 });
  await world.clock.pass(0);
  const auth = world.socket.take("auth");
  assert.deepEqual(auth, [{ type: "auth", id: auth[0].id, token: "token-2" }]);
  assert.deepEqual(asked, ["connect", "expiring"]);
  world.socket.frame({ type: "ok", id: auth[0].id, token_expires_in_ms: 900_000 });
  await world.clock.pass(0);
  assert.deepEqual([world.turnout.status, world.sockets.length, world.socket.sent], ["open", 1, []]);
});

test("renewing is tried again while the session lasts, and not without pause", async () => {
  let [answer, calls] = [() => "token", 0];
  const world = await connected({
    token: () => {
      calls += 1;
      return answer();
    },
  });
  answer = () => Promise.reject(new Error("offline"));
  world.socket.frame({ type: "expiring", in_ms: 60_000 });
  await world.clock.pass(0);
  assert.deepEqual([calls, world.socket.sent], [2, []]);
  answer = () => "old";
  await world.clock.pass(5_000);
  const [{ id }] = world.socket.take("auth");
  world.socket.frame({ type: "error", id, code: "token_expired", detail: "", retry: "never" });
  await world.clock.pass(4_999);
  assert.deepEqual(world.socket.take("auth"), []);
  await world.clock.pass(1);
  const [again] = world.socket.take("auth");
  world.socket.frame({ type: "ok", id: again.id, token_expires_in_ms: 30_000 }, { type: "expiring", in_ms: 30_000 });
  await settled();
  world.socket.frame({ type: "expiring", in_ms: 30_000 });
  await world.clock.pass(4_999);
  assert.deepEqual(world.socket.take("auth"), []);
  await world.clock.pass(1);
  assert.equal(world.socket.take("auth").length, 1);
  world.socket.drop(4200);
  await world.clock.pass(60_000);
  assert.equal(world.sockets[0].take("auth").length, 0);
});

test("who logs in later is known in place, and what is followed is asked for again", async () => {
  let token = null;
  const world = await connected({ token: () => token });
  const activity = world.turnout.subscribe(A);
  world.socket.frame(subscribed(A, 10, { id: world.socket.take("subscribe")[0].id, snapshot: snapshot() }));
  assert.equal((await outcome(world.turnout.authenticate())).error.code, "unauthenticated");
  token = "token";
  const promise = world.turnout.authenticate();
  await settled();
  const [auth] = world.socket.take("auth");
  assert.equal(auth.token, "token");
  world.socket.frame({ type: "ok", id: auth.id, token_expires_in_ms: 900_000 });
  await promise;
  const [request] = world.socket.take("subscribe");
  assert.deepEqual([request.epoch, request.seq, activity.status], [1, 10, "syncing"]);
});

test("what was asked for by nobody is asked for again by somebody", async () => {
  const world = await connected({ token: (reason) => (reason === "connect" ? null : "token") });
  const activity = world.turnout.subscribe(A);
  const [early] = world.socket.take("subscribe");
  world.turnout.authenticate();
  await settled();
  world.socket.frame({ type: "ok", id: world.socket.take("auth")[0].id });
  await settled();
  const [late] = world.socket.take("subscribe");
  world.socket.frame(subscribed(A, 10, { id: early.id }));
  assert.equal(activity.state, null);
  world.socket.frame(subscribed(A, 10, { id: late.id, me: null }));
  assert.equal(activity.status, "live");
});

test("a token that is refused in place is told, and so is a session that ends meanwhile", async () => {
  const world = await connected({ token: () => "token" });
  const refused = world.turnout.authenticate();
  await settled();
  const [{ id }] = world.socket.take("auth");
  world.socket.frame({ type: "error", id, code: "token_revoked", detail: "", retry: "never" });
  assert.equal((await outcome(refused)).error.code, "token_revoked");
  assert.equal(world.turnout.status, "open");
  const lost = world.turnout.authenticate();
  await settled();
  world.socket.drop();
  assert.equal((await outcome(lost)).error.code, "connection_lost");
});

test("an identity belongs to the session that took it", async () => {
  const world = await connected({ token: (reason) => (reason === "connect" ? null : "token") });
  world.turnout.subscribe(A);
  world.socket.take("subscribe");
  const promise = world.turnout.authenticate();
  await settled();
  const [{ id }] = world.socket.take("auth");
  world.socket.frame({ type: "ok", id, token_expires_in_ms: 900_000 });
  world.socket.drop();
  await promise;
  await world.clock.pass(1_000);
  assert.deepEqual(await world.greet(), { type: "hello", subscribe: [{ activity: A }] });
  assert.deepEqual(world.socket.take("subscribe"), []);
});

test("notifications and what the server has against a message are told", async () => {
  const world = await connected();
  const heard = [];
  world.turnout.on("notification", (notification) => heard.push(notification.title));
  world.turnout.on("error", (error) => heard.push(error.code));
  world.socket.frame({ type: "notification", notification: { title: "You are in" } });
  world.socket.frame({ type: "error", code: "malformed_request", detail: "", retry: "never" });
  assert.deepEqual(heard, ["You are in", "malformed_request"]);
});

test("close() leaves nothing behind, in whatever state it comes", async () => {
  const worlds = [
    harness(),
    harness(),
    await connected(),
    await connected({ token: () => "token" }),
    await connected(),
  ];
  worlds[0].turnout.connect();
  worlds[1].turnout.connect();
  await settled();
  worlds[1].socket.drop();
  worlds[2].turnout.subscribe(A);
  const { id } = worlds[2].socket.take("subscribe")[0];
  const state = snapshot({ opens_at: "2030-05-01T11:00:00.000Z" });
  worlds[2].socket.frame(subscribed(A, 10, { id, snapshot: state }));
  worlds[3].socket.frame({ type: "expiring", in_ms: 60_000 });
  worlds[4].turnout.subscribe(A);
  worlds[4].socket.frame({
    type: "error",
    id: worlds[4].socket.take("subscribe")[0].id,
    code: "unavailable",
    retry: "same_key",
  });
  for (const { turnout, clock, page, sockets, statuses } of worlds) {
    turnout.close();
    turnout.close();
    assert.deepEqual(
      [turnout.status, turnout.error.code, clock.pending, page.listeners],
      ["closed", "connection_closed", 0, 0],
    );
    const made = sockets.length;
    await clock.pass(3_600_000);
    assert.deepEqual([sockets.length, statuses.at(-1)], [made, "closed"]);
  }
});

test("close() while the token is asked for opens no socket", async () => {
  let give;
  const world = harness({ token: () => new Promise((resolve) => (give = resolve)) });
  world.turnout.connect();
  world.turnout.close();
  give("token");
  await settled();
  assert.equal(world.sockets.length, 0);
});

test("whoever hears of a change may close, connect and send", async () => {
  const world = await connected();
  const activity = world.turnout.subscribe(A);
  world.socket.frame(subscribed(A, 10, { id: world.socket.take("subscribe")[0].id }));
  let promise;
  activity.on("change", ({ status }) => {
    if (status === "syncing") promise ??= world.turnout.command(A, "reserve");
  });
  world.socket.drop();
  await world.clock.pass(1_000);
  await world.greet();
  assert.equal(world.socket.take("command").length, 1);

  activity.on("change", () => world.turnout.close());
  world.socket.frame({ type: "subscribed", activity: A, epoch: 1, seq: 10, mode: "live" }, { ...WELCOME });
  assert.equal(world.turnout.status, "closed");
  assert.equal((await outcome(promise)).error.code, "connection_closed");
  assert.deepEqual(world.statuses.at(-1), "closed");
});
