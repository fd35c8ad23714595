//! The client in a real browser: a page that follows, reserves, sees what others do, and survives the server's end.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { test } from "node:test";

import { chromium } from "playwright-core";
import { WebSocket } from "ws";

import { Turnout } from "../../turnout.js";
import { Server, freePort, token, until } from "./server.js";

const MODULE = new URL("../../turnout.js", import.meta.url);

/** An empty page and the client, from an origin of their own. */
async function serveClient(context) {
  const port = await freePort();
  const files = {
    "/": ["text/html", "<!doctype html><title>Turnout</title>"],
    "/turnout.js": ["text/javascript", await readFile(MODULE, "utf8")],
  };
  const server = http.createServer((request, response) => {
    const [type, text] = files[request.url] ?? [];
    response.writeHead(text ? 200 : 404, { "content-type": `${type}; charset=utf-8` }).end(text);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  context.after(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${port}`;
}

async function openPage(context, origin) {
  const root = process.getuid?.() === 0;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--disable-dev-shm-usage", ...(root ? ["--no-sandbox"] : [])],
  });
  context.after(() => browser.close());
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error));
  context.after(() => assert.deepEqual(faults, []));
  await page.goto(origin);
  return page;
}

/** Follows an activity on the page, which keeps `window.evening` and what it was told. */
function follow(page, url, id, as) {
  return page.evaluate(
    async ({ url, id, as }) => {
      const { Turnout } = await import("/turnout.js");
      window.turnout = new Turnout({ url, token: () => as, random: () => 0 });
      window.evening = window.turnout.subscribe(id);
      window.heard = [];
      window.evening.on("change", ({ seq, status }) => window.heard.push([seq, status]));
      window.turnout.connect();
      await window.evening.ready;
    },
    { url, id, as },
  );
}

const shown = (page) =>
  page.evaluate(() => ({ ...window.evening.state, seq: window.evening.seq, epoch: window.evening.epoch }));

const waitFor = (page, condition) => page.waitForFunction(condition, null, { polling: 10, timeout: 10_000 });

test("a page follows, reserves, sees what others do, and survives a server that is killed", async (context) => {
  const origin = await serveClient(context);
  const server = await Server.start(context, { TURNOUT_ALLOWED_ORIGINS: origin });
  const host = token();
  const id = await server.activity(host);
  const page = await openPage(context, origin);
  await follow(page, server.url, id, token({ name: "One" }));

  const reserved = await page.evaluate(() => window.evening.reserve({ guest_count: 0 }));
  assert.deepEqual([reserved.rsvp.status, reserved.replayed], ["confirmed", false]);
  assert.equal(await page.evaluate(() => window.evening.rsvp.name), "One");

  const other = new Turnout({ url: server.url, WebSocket, token: () => as, random: () => 0 });
  const as = token({ name: "Other" });
  context.after(() => other.close());
  other.connect();
  await other.command(id, "reserve");
  await waitFor(page, () => window.evening.state.available_spots === 0);
  assert.ok((await page.evaluate(() => window.heard)).length >= 2);

  // A command that the server never reads, because it is stopped before and killed after.
  await server.stop();
  await page.evaluate(() => {
    window.pending = window.evening.update({ special_requirements: "a seat by the door" });
  });
  await server.kill();
  await waitFor(page, () => window.evening.status === "syncing");
  assert.equal(await page.evaluate(() => window.evening.state.available_spots), 0);
  await server.start();
  const updated = await page.evaluate(() => window.pending);
  assert.deepEqual([updated.rsvp.version, updated.replayed], [2, false]);

  await other.command(id, "cancel");
  await waitFor(page, () => window.evening.status === "live" && window.evening.state.available_spots === 1);
  const there = await server.rest("GET", `/activities/${id}`);
  const { waitlist, ...here } = await shown(page);
  assert.deepEqual({ ...here, opens_in_ms: null }, { ...there, opens_in_ms: null });
  assert.deepEqual([waitlist.parties, waitlist.spots], [0, 0]);
  const kinds = (await server.events(id, host)).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["confirmed", "confirmed", "updated", "cancelled"]);
});

test("a page of a foreign origin gets no socket", async (context) => {
  const origin = await serveClient(context);
  const server = await Server.start(context);
  const page = await openPage(context, origin);
  const status = await page.evaluate(async (url) => {
    const { Turnout } = await import("/turnout.js");
    const turnout = new Turnout({ url });
    const heard = new Promise((resolve) =>
      turnout.on("status", (status) => status !== "connecting" && resolve(status)),
    );
    turnout.connect();
    const first = await heard;
    turnout.close();
    return first;
  }, server.url);
  assert.equal(status, "waiting");
});

test("a page whose silence is broken by nobody notices that the server is gone", async (context) => {
  const origin = await serveClient(context);
  const server = await Server.start(context, { TURNOUT_ALLOWED_ORIGINS: origin });
  const id = await server.activity(token());
  const page = await openPage(context, origin);
  await follow(page, server.url, id, token());
  // The client's time stands still until the test lets it pass; what comes from the server is real.
  await page.evaluate(async (url) => {
    const { Turnout } = await import("/turnout.js");
    let skipped = 0;
    const timers = [];
    const clock = {
      now: () => skipped,
      setTimeout: (run, ms) => timers.push({ run, at: skipped + ms }) - 1,
      clearTimeout: (timer) => delete timers[timer],
    };
    window.skip = (ms) => {
      skipped += ms;
      for (const [n, timer] of Object.entries(timers)) {
        if (timer.at > skipped) continue;
        delete timers[n];
        timer.run();
      }
    };
    window.silent = new Turnout({ url, clock });
    window.silent.connect();
  }, server.url);
  await waitFor(page, () => window.silent.status === "open");
  await server.stop();
  await page.evaluate(() => window.skip(25_000));
  await page.evaluate(() => window.skip(9_999));
  assert.equal(await page.evaluate(() => window.silent.status), "open");
  await page.evaluate(() => window.skip(1));
  assert.equal(await page.evaluate(() => window.silent.status), "waiting");
});
