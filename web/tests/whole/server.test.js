//! The client against the real server: what it shows is what the server has, also after the server was killed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocket } from "ws";

import { Turnout } from "../../turnout.js";
import { ended } from "../fakes.js";
import { OneWay, Server, token, until } from "./server.js";

/** A client of one person that does not wait longer than it must before it comes back. */
function client(context, { url }, as) {
  const turnout = new Turnout({ url, WebSocket, token: as && (() => as), random: () => 0 });
  context.after(() => turnout.close());
  turnout.connect();
  return turnout;
}

/** Waits until what is shown includes everything that the server has decided, and compares it with what `as` may read. */
async function agrees(server, activity, as = null) {
  const there = await until("the server's state is shown", async () => {
    const shown = await server.rest("GET", `/activities/${activity.id}`, { as });
    return activity.status === "live" && activity.seq === shown.seq && shown;
  });
  const { waitlist, ...shown } = activity.state;
  const { seq, epoch, ...expected } = there;
  assert.deepEqual({ ...shown, opens_in_ms: null }, { ...expected, opens_in_ms: null });
  assert.equal(activity.epoch, epoch);
  const { parties, spots } = await server.rest("GET", `/activities/${activity.id}/waitlist`, { as });
  assert.deepEqual({ parties: waitlist.parties, spots: waitlist.spots }, { parties, spots });
}

test("everybody sees what anybody does, as the server has it", async (context) => {
  const server = await Server.start(context);
  const [host, one, other] = [token(), token({ name: "One" }), token({ name: "Other" })];
  const id = await server.activity(host);
  const watching = client(context, server).subscribe(id);
  await watching.ready;
  const mine = client(context, server, one).subscribe(id);
  await mine.ready;
  assert.deepEqual([mine.rsvp, mine.place, mine.state.available_spots], [null, null, 2]);

  const { rsvp, counts, replayed } = await mine.reserve({ guest_count: 1 });
  assert.deepEqual([rsvp.status, rsvp.name, counts.available_spots, replayed], ["confirmed", "One", 0, false]);
  assert.equal(mine.rsvp.status, "confirmed");
  await until("a stranger sees the seats go", () => watching.state.available_spots === 0);

  const theirs = client(context, server, other).subscribe(id);
  await theirs.ready;
  await theirs.reserve();
  assert.equal(theirs.place.position, 1);
  await mine.cancel();
  await until("whoever waited is told of the promotion", () => theirs.rsvp.status === "confirmed");
  assert.equal(theirs.place, null);
  for (const activity of [watching, mine, theirs]) await agrees(server, activity);
});

test("refusals are told as the REST contract tells them", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host, { capacity: 1, max_guests: 3 });
  const later = await server.activity(host, { opens_at: "2029-01-01T00:00:00Z" });
  const turnout = client(context, server, token());
  const codes = async (promise) => {
    const { error } = await ended(promise);
    return [error.code, error.retry];
  };
  assert.deepEqual(await codes(turnout.command(id, "reserve", { guest_count: 7 })), ["party_too_large", "never"]);
  await turnout.command(id, "reserve", {}, { key: "mine" });
  assert.equal((await turnout.command(id, "reserve", {}, { key: "mine" })).replayed, true);
  assert.deepEqual(await codes(turnout.command(id, "cancel", undefined, { key: "mine" })), ["key_reused", "never"]);
  assert.deepEqual(await codes(turnout.command(id, "reserve")), ["already_reserved", "never"]);
  assert.deepEqual(await codes(turnout.command(id, "update", {}, { ifVersion: 9 })), ["version_conflict", "never"]);
  assert.deepEqual(await codes(turnout.command(id, "set_capacity", { capacity: 9 })), ["forbidden", "never"]);
  const { error } = await ended(turnout.command(later, "reserve"));
  assert.deepEqual([error.code, error.retry], ["not_open_yet", "after"]);
  assert.ok(error.afterMs > 0 && error.extras.opens_in_ms > 0);
  assert.deepEqual(await codes(client(context, server).command(id, "reserve")), ["unauthenticated", "never"]);
  const missing = turnout.subscribe("01a1fc7a-f3bc-7000-8000-000000000000");
  assert.equal((await ended(missing.ready)).error.code, "not_found");

  const fresh = new Turnout({ url: server.url, WebSocket });
  context.after(() => fresh.close());
  const [wrong, right] = [fresh.subscribe("from-an-address"), fresh.subscribe(id)];
  fresh.connect();
  assert.equal((await right.ready).state.capacity, 1);
  assert.equal((await ended(wrong.ready)).error.code, "validation_failed");
});

test("an activity is followed however its id is written", async (context) => {
  const server = await Server.start(context);
  const id = await server.activity(token());
  const activity = client(context, server, token()).subscribe(id.toUpperCase());
  assert.equal((await activity.ready).state.id, id);
  await activity.reserve();
  await until("the seat goes", () => activity.state.available_spots === 1);
  assert.equal(activity.rsvp.status, "confirmed");
  await agrees(server, activity);
});

test("whatever the host changes is seen by those with and without a name", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host);
  const watching = [client(context, server), client(context, server, token())].map((turnout) => turnout.subscribe(id));
  await Promise.all(watching.map(({ ready }) => ready));
  const steps = [
    ["PATCH", { title: "Another evening", opens_at: "2029-01-01T00:00:00Z" }],
    ["PATCH", { opens_at: null, capacity: 9 }],
    ["DELETE", undefined],
  ];
  for (const [method, body] of steps) {
    await server.rest(method, `/activities/${id}`, { as: host, body });
    for (const activity of watching) await agrees(server, activity);
  }
  assert.deepEqual(
    watching.map(({ state }) => [state.title, state.status]),
    Array(2).fill(["Another evening", "cancelled"]),
  );
});

test("an activity that becomes private ends for those who may not know of it", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host);
  const [mine, theirs] = [host, token()].map((as) => client(context, server, as).subscribe(id));
  await Promise.all([mine.ready, theirs.ready]);
  await server.rest("PATCH", `/activities/${id}`, { as: host, body: { visibility: "private" } });
  await until("it has ended", () => theirs.status === "ended");
  assert.equal(theirs.error.code, "not_found");
  await agrees(server, mine, host);
});

test("more commands than may be under way at once are all carried out, in their order", async (context) => {
  const server = await Server.start(context);
  const turnout = client(context, server, token());
  const activity = turnout.subscribe(await server.activity(token(), { max_guests: 1 }));
  const answers = [activity.reserve()];
  for (let n = 1; n <= 400; n += 1) answers.push(activity.update({ guest_count: n % 2 }));
  const versions = (await Promise.all(answers)).map(({ rsvp }) => rsvp.version);
  assert.deepEqual(
    versions,
    answers.map((_, n) => n + 1),
  );
});

test("the places of all who wait are those of the server, whoever leaves, grows or shrinks", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host, { capacity: 4 });
  const people = [];
  for (let n = 0; n < 8; n += 1) {
    const as = token({ name: `Person ${n}` });
    const activity = client(context, server, as).subscribe(id);
    await activity.ready;
    await activity.reserve({ guest_count: n === 0 ? 3 : n % 3 });
    people.push({ as, activity });
  }
  const steps = [
    () => people[3].activity.cancel(),
    () => people[5].activity.update({ guest_count: 1 }),
    () => people[2].activity.update({ guest_count: 3 }),
    () => people[1].activity.cancel(),
    () => client(context, server, host).command(id, "set_capacity", { capacity: 5 }),
    () => people[0].activity.cancel(),
    () => people[3].activity.reserve(),
  ];
  for (const step of steps) {
    await step();
    for (const { as, activity } of people) {
      await agrees(server, activity);
      const there = await server.rest("GET", `/rsvps/${activity.rsvp.id}/position`, { as });
      const { position, partiesAhead, spotsAhead } = activity.place ?? {
        position: null,
        partiesAhead: null,
        spotsAhead: null,
      };
      assert.deepEqual(
        { status: activity.rsvp.status, position, parties_ahead: partiesAhead, spots_ahead: spotsAhead },
        {
          status: there.status,
          position: there.position,
          parties_ahead: there.parties_ahead,
          spots_ahead: there.spots_ahead,
        },
      );
    }
  }
});

test("what was sent to a server that is killed before it reads is done by the next one", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host);
  const activity = client(context, server, token()).subscribe(id);
  await activity.ready;
  await server.stop();
  const answer = activity.reserve();
  await server.kill();
  await server.start();
  assert.deepEqual([(await answer).rsvp.status, (await answer).replayed], ["confirmed", false]);
  await agrees(server, activity);
  assert.equal((await server.events(id, host)).length, 1);
});

test("what was committed by a server that is killed before its answer arrives is answered by the next one", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host);
  const way = await OneWay.to(server, context);
  const turnout = client(context, way, token());
  const activity = turnout.subscribe(id);
  await activity.ready;
  way.isMute = true;
  const answers = [activity.reserve({ guest_count: 1 }), activity.update({ guest_count: 0 }), activity.cancel()];
  await until("all is committed", async () => (await server.events(id, host)).length === 3);
  await server.kill();
  way.isMute = false;
  await server.start();
  const [reserved, updated, cancelled] = await Promise.all(answers);
  assert.deepEqual(
    [reserved, updated, cancelled].map(({ replayed, seq }) => [replayed, seq]),
    [
      [true, 1],
      [true, 2],
      [true, 3],
    ],
  );
  assert.equal(activity.rsvp.status, "cancelled");
  await agrees(server, activity);
  assert.equal((await server.events(id, host)).length, 3);
});

test("a burst that is cut by kills is answered in full, each command once", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host, { capacity: 1_000, max_guests: 20 });
  const people = [];
  for (let n = 0; n < 10; n += 1) {
    const turnout = client(context, server, token({ name: `Person ${n}` }));
    const activity = turnout.subscribe(id);
    await activity.ready;
    people.push(activity);
  }
  let answered = 0;
  const commands = people.map(async (activity) => {
    const answers = [activity.reserve()];
    // Each of them changes something, so that each has a version of its own.
    for (let n = 1; n <= 20; n += 1) answers.push(activity.update({ guest_count: n }));
    answers.forEach((answer) => answer.then(() => (answered += 1)));
    return Promise.all(answers);
  });
  for (const share of [0, 20, 60]) {
    await until(`${share} answers`, () => answered >= share);
    await server.kill();
    await server.start();
  }
  for (const answers of await Promise.all(commands)) {
    assert.deepEqual(
      answers.map(({ rsvp }) => [rsvp.version, rsvp.guest_count]),
      answers.map((_, n) => [n + 1, n]),
    );
  }
  for (const activity of people) {
    await agrees(server, activity);
    assert.deepEqual([activity.rsvp.version, activity.rsvp.guest_count], [21, 20]);
  }
  const events = await server.events(id, host);
  assert.deepEqual(events.map(({ kind }) => kind).sort(), [
    ...Array(10).fill("confirmed"),
    ...Array(200).fill("updated"),
  ]);
});

test("a server that is stopped tells when to come back, and nothing is lost", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host);
  const turnout = client(context, server, token());
  const activity = turnout.subscribe(id);
  await activity.ready;
  const codes = [];
  turnout.on("status", (status, error) => status === "waiting" && codes.push(error.extras.close_code));
  await server.kill("SIGTERM");
  await until("the client knows", () => codes.length > 0);
  const answer = activity.reserve();
  await server.start();
  assert.equal((await answer).rsvp.status, "confirmed");
  assert.equal(codes[0], 4101);
  await agrees(server, activity);
});

test("a token that ends is renewed in place, and one that ended is replaced by coming back", async (context) => {
  const server = await Server.start(context);
  const id = await server.activity(token());
  const sub = crypto.randomUUID();
  const [asked, ends] = [[], []];
  const turnout = new Turnout({
    url: server.url,
    WebSocket,
    random: () => 0,
    token: (reason) => {
      asked.push(reason);
      // The first one is about to end, which the server says at once; what comes in its place ends soon after, but
      // not before it is taken.
      return token({ sub, seconds: { connect: 50, expiring: 4, expired: 900 }[reason] });
    },
  });
  turnout.on("status", (status, error) => status === "waiting" && ends.push(error.extras.close_code));
  context.after(() => turnout.close());
  turnout.connect();
  const activity = turnout.subscribe(id);
  await activity.ready;
  await activity.reserve();
  const hasComeBack = () => asked.at(-1) === "expired" && activity.status === "live";
  await until("a new session has begun", hasComeBack, 30_000);
  // One that is renewed too late is asked for in place once more, after a pause.
  assert.deepEqual([[...new Set(asked)], ends], [["connect", "expiring", "expired"], [4200]]);
  assert.equal(activity.rsvp.status, "confirmed");
  assert.equal((await activity.cancel()).rsvp.status, "cancelled");
});

test("who logs in on an open socket sees the own RSVP there", async (context) => {
  const server = await Server.start(context);
  const id = await server.activity(token());
  const person = token();
  await server.rest("POST", `/activities/${id}/rsvp`, { as: person, body: {} });
  let known = null;
  const turnout = new Turnout({ url: server.url, WebSocket, token: () => known });
  context.after(() => turnout.close());
  turnout.connect();
  const activity = turnout.subscribe(id);
  await activity.ready;
  assert.equal(activity.rsvp, null);
  known = person;
  await turnout.authenticate();
  await until("the own RSVP is there", () => activity.rsvp?.status === "confirmed");
});

test("a token that is no good stops the client, and says why", async (context) => {
  const server = await Server.start(context);
  const turnout = client(context, server, `${token()}x`);
  await until("it has stopped", () => turnout.status === "closed");
  assert.equal(turnout.error.code, "unauthenticated");
});

test("a log-out stops the client, on this session and on the next", async (context) => {
  const server = await Server.start(context);
  const account = { name: "One", email: "one@example.com", password: "correct horse" };
  const { token: as } = await server.rest("POST", "/auth/register", { body: account });
  const turnout = client(context, server, as);
  await until("it is open", () => turnout.status === "open");
  await server.rest("POST", "/auth/logout", { as });
  await until("it has stopped", () => turnout.status === "closed");
  assert.equal(turnout.error.extras.close_code, 4004);
  turnout.connect();
  await until("it has stopped again", () => turnout.status === "closed");
  assert.equal(turnout.error.code, "token_revoked");
});

test("a token that ended before hello is replaced at once", async (context) => {
  const server = await Server.start(context);
  const [asked, pauses] = [[], []];
  let lastMs = null;
  const turnout = new Turnout({
    url: server.url,
    WebSocket,
    random: () => 0.99,
    clock: {
      now: () => performance.now(),
      setTimeout: (run, ms) => setTimeout(run, (lastMs = ms)),
      clearTimeout,
    },
    token: (reason) => {
      asked.push(reason);
      return token({ seconds: reason === "expired" ? 900 : -10 });
    },
  });
  context.after(() => turnout.close());
  // However long the way there takes: the pause is the one for which the timer was set.
  turnout.on("status", (status) => status === "waiting" && pauses.push(lastMs));
  turnout.connect();
  await until("it is open", () => turnout.status === "open");
  assert.deepEqual([asked, pauses], [["connect", "expired"], [0]]);
});
