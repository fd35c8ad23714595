// Uses everything that turnout.d.ts declares, so that the declarations are checked against what one writes.

import { Turnout, TurnoutError, newKey } from "../turnout.js";
import type { Activity, CommandAnswer, Place, RsvpAnswer, SeveralAnswer, TurnoutOptions } from "../turnout.js";

declare const login: (fresh: boolean) => Promise<string | null>;

const options: TurnoutOptions = {
  url: "https://example.com",
  token: (reason) => login(reason !== "connect"),
  WebSocket,
  page: document,
  commandTimeoutMs: 10_000,
  clock: { now: () => 0, setTimeout: (run, ms) => setTimeout(run, ms), clearTimeout: (timer) => clearTimeout(timer) },
  random: () => 0.5,
};

const turnout = new Turnout(options);
new Turnout();
const off: () => void = turnout.on("status", (status, error) => {
  if (status === "waiting") console.log(error?.code, error?.extras.close_code);
});
turnout.on("notification", ({ title }) => console.log(title));
turnout.on("error", (error: TurnoutError) => console.log(error.detail));
// @ts-expect-error: there is nothing of this name to hear
turnout.on("sound", () => {});

const evening: Activity = turnout.subscribe("id", { token: "manage" });
// @ts-expect-error: activities come from subscribe()
new Activity();

export async function use(): Promise<Place | null> {
  turnout.connect();
  await evening.ready;
  evening.on("change", ({ state, status, rsvp, place, seq, epoch }) => {
    console.log(
      state?.available_spots,
      state?.waitlist.first_ticket,
      status,
      rsvp?.status,
      place?.position,
      seq,
      epoch,
    );
  });
  evening.on("ended", (error) => console.log(error.code));
  const opens: number | null = evening.opensInMs() ?? evening.offerInMs() ?? turnout.now();
  console.log(opens);
  try {
    const answer: RsvpAnswer = await evening.reserve({ guest_count: 1 }, { key: newKey(), retryAfter: true });
    console.log(answer.rsvp.status, answer.counts.available_spots);
    await evening.update({ special_requirements: null }, { ifVersion: answer.rsvp.version });
    await evening.cancel({ signal: AbortSignal.timeout(5_000), timeoutMs: 5_000 });
  } catch (error) {
    if (!(error instanceof TurnoutError)) throw error;
    if (error.code === "not_open_yet" && error.afterMs !== null) console.log(error.afterMs);
    if (error.unknownOutcome) console.log(error.key, error.retry === "same_key");
  }
  await evening.update({ name: "Another" });
  // @ts-expect-error: an address stays as it is
  await evening.update({ email: "another@example.org" });
  await Promise.all([evening.accept({ ifVersion: 2 }), evening.decline(), evening.undoCheckIn("r")]);
  const { already, rsvp }: { already: boolean } & RsvpAnswer = await evening.checkIn("r");
  console.log(already, rsvp.checked_in_at);
  const several: SeveralAnswer = await evening.promote({ rsvps: ["r"] });
  console.log(several.rsvps.length);
  await Promise.all([evening.promote({ count: 2 }), evening.remove(["r"], { key: newKey() })]);
  // @ts-expect-error: several have no common version
  await evening.remove(["r"], { ifVersion: 1 });
  const answer: CommandAnswer = await turnout.command("id", "set_capacity", { capacity: 5 });
  console.log(answer.counts?.capacity);
  // @ts-expect-error: a capacity is a number
  await turnout.command("id", "set_capacity", { capacity: "5" });
  await evening.setCapacity(3);
  await evening.pauseWaitlist(true);
  await turnout.authenticate();
  evening.unsubscribe();
  turnout.close();
  off();
  return evening.place;
}
