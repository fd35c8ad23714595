//! The client against the real server: guests with their tokens, offers, and hosts at work.

import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocket } from "ws";

import { Turnout } from "../../turnout.js";
import { ended } from "../fakes.js";
import { Server, token, until } from "./server.js";

function client(context, { url }, as) {
  const turnout = new Turnout({ url, WebSocket, token: as && (() => as), random: () => 0 });
  context.after(() => turnout.close());
  turnout.connect();
  return turnout;
}

/** Somebody without an account who comes in: the RSVP and its manage token. */
async function guest(server, activity, name, fields = {}) {
  const body = { name, email: `${name.toLowerCase()}@example.com`, ...fields };
  return server.rest("POST", `/activities/${activity}/rsvp`, { body });
}

const codeOf = async (promise) => (await ended(promise)).error?.code;

test("a guest follows and changes the own RSVP by its manage token", async (context) => {
  const server = await Server.start(context);
  const id = await server.activity(token());
  const { rsvp, manage_token } = await guest(server, id, "Grace");
  const activity = client(context, server, manage_token).subscribe(id);
  await activity.ready;
  assert.deepEqual([activity.rsvp.id, activity.rsvp.email], [rsvp.id, "grace@example.com"]);
  await activity.update({ name: "Grace Hopper", guest_count: 1 });
  assert.deepEqual([activity.rsvp.name, activity.rsvp.total_spots], ["Grace Hopper", 2]);
  assert.equal(await codeOf(activity.reserve()), "forbidden");
  await activity.cancel();
  assert.equal(activity.rsvp.status, "cancelled");

  // Whoever comes back has another token, and the one before is worth nothing.
  const again = await guest(server, id, "Grace");
  await until("it has ended", () => activity.status === "ended");
  assert.equal(activity.error.code, "token_revoked");
  const anew = client(context, server, again.manage_token).subscribe(id);
  assert.equal((await anew.ready).rsvp.status, "confirmed");
});

test("a token for one activity speaks there alone, also after the server was killed", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const [id, elsewhere] = [await server.activity(host, { capacity: 9 }), await server.activity(host)];
  const { rsvp, manage_token } = await guest(server, id, "Grace");
  const foreign = await guest(server, elsewhere, "Heidi");
  const turnout = client(context, server, token({ name: "One" }));
  const theirs = turnout.subscribe(id, { token: manage_token });
  const mine = turnout.subscribe(elsewhere);
  await Promise.all([theirs.ready, mine.ready]);
  await mine.reserve();
  assert.deepEqual([theirs.rsvp.id, mine.rsvp.name], [rsvp.id, "One"]);

  await server.kill();
  const promise = theirs.update({ guest_count: 2 });
  await server.start();
  assert.equal((await promise).rsvp.id, rsvp.id);
  await until("it is shown", () => theirs.rsvp.guest_count === 2 && theirs.status === "live");

  theirs.unsubscribe();
  assert.equal(await codeOf(theirs.cancel()), "other_speaker");
  const own = turnout.subscribe(id);
  assert.equal((await own.ready).rsvp, null);
  assert.equal((await own.reserve()).rsvp.name, "One");
  own.unsubscribe();
  for (const [wrong, code] of [
    [foreign.manage_token, "forbidden"],
    ["nonsense", "unauthenticated"],
  ]) {
    const refused = turnout.subscribe(id, { token: wrong });
    assert.equal(await codeOf(refused.ready), code);
    // One may speak for oneself there at once.
    assert.equal((await turnout.command(id, "update", { guest_count: 1 })).rsvp.name, "One");
  }
  assert.equal(turnout.status, "open");
});

test("an offer is counted down and accepted, or left to the next", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host, { capacity: 1, promotion: { mode: "offer", ttl_s: 600 } });
  const people = [];
  for (const name of ["Grace", "Heidi", "Ivan"]) {
    const { manage_token } = await guest(server, id, name);
    const activity = client(context, server, manage_token).subscribe(id);
    people.push(await activity.ready);
  }
  const [grace, heidi, ivan] = people;
  assert.equal(await codeOf(heidi.accept()), "not_offered");
  assert.equal(heidi.offerInMs(), null);
  await grace.cancel();
  await until("it is offered", () => heidi.rsvp.status === "offered");
  assert.ok(heidi.offerInMs() > 590_000 && heidi.offerInMs() <= 600_000, heidi.offerInMs());
  assert.equal(heidi.place, null);
  assert.equal((await heidi.decline()).rsvp.cancel_reason, "offer_declined");
  await until("the next has it", () => ivan.rsvp.status === "offered" && ivan.state.offered_spots === 1);
  const { rsvp } = await ivan.accept({ ifVersion: ivan.rsvp.version });
  assert.deepEqual([rsvp.status, ivan.offerInMs()], ["confirmed", null]);
  await until("everybody sees it", () => people.every(({ state }) => state.confirmed_spots === 1));
});

test("hosts let people in, promote and remove them", async (context) => {
  const server = await Server.start(context);
  const host = token();
  const id = await server.activity(host, { capacity: 1 });
  const activity = client(context, server, host).subscribe(id);
  await activity.ready;
  const rsvps = [];
  for (const name of ["Grace", "Heidi", "Ivan", "Judy"]) rsvps.push((await guest(server, id, name)).rsvp.id);
  const [grace, heidi, ivan, judy] = rsvps;

  const { already, rsvp } = await activity.checkIn(grace);
  assert.deepEqual([already, rsvp.id, typeof rsvp.checked_in_at], [false, grace, "string"]);
  assert.equal((await activity.checkIn(grace)).already, true);
  await until("it is counted", () => activity.state.checked_in_spots === 1);
  assert.equal(await codeOf(activity.checkIn(heidi)), "not_confirmed");
  assert.equal((await activity.undoCheckIn(grace)).rsvp.checked_in_at, null);

  await activity.pauseWaitlist(true);
  await activity.setCapacity(3);
  const { error } = await ended(activity.promote({ rsvps: [heidi, grace] }));
  assert.deepEqual([error.code, error.extras.rsvp_id], ["not_waitlisted", grace]);
  assert.deepEqual(
    (await activity.promote({ rsvps: [judy] })).rsvps.map(({ name, status }) => [name, status]),
    [["Judy", "confirmed"]],
  );
  assert.deepEqual(
    (await activity.promote({ count: 1 })).rsvps.map(({ id }) => id),
    [heidi],
  );
  assert.equal(await codeOf(activity.promote({ count: 1 })), "no_free_spots");
  assert.deepEqual(
    (await activity.remove([ivan, grace])).rsvps.map(({ id, cancel_reason }) => [id, cancel_reason]),
    [
      [ivan, "by_host"],
      [grace, "by_host"],
    ],
  );
  assert.equal(activity.rsvp, null, "none of them is the host's own");
  await until("everything is shown", () => activity.state.confirmed_spots === 2 && activity.state.waitlist.parties === 0);
});
