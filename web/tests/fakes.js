//! Time, chance, sockets and pages that do only what a test says.

import { Turnout } from "../turnout.js";

/** Time that stands still until it is moved. */
export class FakeClock {
  #now = 1_000;
  #timers = [];
  #lastTimer = 0;

  now = () => this.#now;

  setTimeout = (run, ms) => {
    this.#lastTimer += 1;
    // Real timers run at once if they are asked for more than they can count.
    this.#timers.push({ id: this.#lastTimer, at: this.#now + (ms > 2 ** 31 - 1 ? 1 : ms), run });
    return this.#lastTimer;
  };

  clearTimeout = (id) => {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  };

  /** How long until something is due; never, if no timer is set. */
  get nextInMs() {
    return Math.min(...this.#timers.map(({ at }) => at)) - this.#now;
  }

  /** How many timers are set: a client that was closed must leave none. */
  get pending() {
    return this.#timers.length;
  }

  /** Lets time pass; what is due runs in its order, and so do the promises that hang on it. */
  async pass(ms) {
    await settled();
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0];
      if (!due) break;
      this.clearTimeout(due.id);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  /** As on a machine that slept: all of the time is over at once. */
  async sleep(ms) {
    this.#now += ms;
    await this.pass(0);
  }
}

/** After all promises that can be fulfilled now. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** One socket as the client sees it, and the server's end of it for the test. */
export class FakeSocket {
  static OPEN = 1;
  sent = [];
  closedWith = null;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closedWith ??= code;
  }

  /** What was sent and not looked at yet, of one type. */
  take(type) {
    const taken = this.sent.filter((message) => message.type === type);
    this.sent = this.sent.filter((message) => message.type !== type);
    return taken;
  }

  open() {
    this.onopen({});
  }

  /** One frame with these messages. */
  frame(...messages) {
    this.onmessage({ data: messages.map((message) => JSON.stringify(message)).join("\n") });
  }

  drop(code = 1006, reason = "") {
    this.onclose({ code, reason });
  }
}

export class FakePage extends EventTarget {
  hidden = false;
  listeners = 0;

  addEventListener(...args) {
    this.listeners += 1;
    super.addEventListener(...args);
  }

  removeEventListener(...args) {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }

  hide(hidden) {
    this.hidden = hidden;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

export const WELCOME = {
  type: "welcome",
  session: "s",
  now: "2030-05-01T10:00:00.000Z",
  ping_every_ms: 25_000,
  limits: {},
  reconnect: { first_jitter_ms: 2_000, cap_ms: 16_000 },
};

/** A client of which the test is everything around it: `random` is 0.5 unless it says otherwise. */
export function harness(options = {}) {
  const clock = new FakeClock();
  const sockets = [];
  const page = new FakePage();
  const chance = { value: 0.5 };
  class Socket extends FakeSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  }
  const turnout = new Turnout({
    url: "http://127.0.0.1:1",
    WebSocket: Socket,
    page,
    clock,
    random: () => chance.value,
    ...options,
  });
  const statuses = [];
  turnout.on("status", (status) => statuses.push(status));
  return {
    turnout,
    clock,
    sockets,
    page,
    chance,
    statuses,
    get socket() {
      return sockets.at(-1);
    },
    /** Connects, if that is not under way, and greets; answers the `hello`. */
    async greet(welcome = {}) {
      if (turnout.status === "closed") turnout.connect();
      await settled();
      this.socket.open();
      const [hello] = this.socket.take("hello");
      this.socket.frame({ ...WELCOME, ...welcome });
      await settled();
      return hello;
    },
  };
}

export const A = "01a1fc7a-f3bc-7000-8000-00000000000a";
export const B = "01a1fc7a-f3bc-7000-8000-00000000000b";

/** What a `subscribed` brings to who has nothing. */
export function snapshot(fields = {}) {
  return {
    title: "An evening",
    capacity: 2,
    opens_at: null,
    available_spots: 2,
    waitlisted_parties: 0,
    waitlist: { parties: 0, spots: 0, first_ticket: null },
    ...fields,
  };
}

export function subscribed(activity, seq, fields = {}) {
  return { type: "subscribed", activity, epoch: 1, seq, mode: "snapshot", snapshot: snapshot(), ...fields };
}

export function rsvp(fields = {}) {
  return {
    id: "r",
    status: "waitlisted",
    version: 1,
    position: null,
    parties_ahead: null,
    spots_ahead: null,
    ...fields,
  };
}

/** How a promise ends. */
export const ended = (promise) =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );

/** How a promise has ended, or `"pending"`. */
export const outcome = (promise) => Promise.race([ended(promise), settled().then(() => "pending")]);
