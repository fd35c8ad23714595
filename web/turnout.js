/**
 * The client of Turnout's WebSocket: activities that stay current, a place in the line that moves while one looks at
 * it, and commands that are carried out once, however often the connection breaks. For browsers and for Node, without
 * dependencies. What is said here stands on docs/protocol.md; how to use it is in docs/javascript.md.
 *
 * From the outside in: `Turnout` and `Activity` are what one uses, `TurnoutError` is what one catches. Below them each
 * class holds one duty: `Commands` that every promise is settled once, `Replica` that an activity is applied without
 * gaps, `Own` the place in the line, `Connection` when to come back, `Session` one socket.
 *
 * @module
 */

const SUBPROTOCOL = "turnout.v1.json";
const PATH = "/api/v1/ws";

/** What the server takes: bytes of a message, subscriptions of a socket, commands of a socket without an answer. */
const MESSAGE_BYTES = 16 * 1024;
const SUBSCRIPTIONS = 32;
const COMMANDS_IN_FLIGHT = 64;

/** Commands that wait here, be it for an answer to others, for a connection, or to be tried again. */
const COMMANDS_QUEUED = 1024;
const COMMAND_TIMEOUT_MS = 60_000;

/** A command that the server could not take just now is tried again after about this long, then twice as long, … */
const RETRY_STEP_MS = 250;
const RETRY_CAP_MS = 10_000;
/** The least pause where the server says how long to wait, lest a wrong figure makes a busy loop. */
const RETRY_LEAST_MS = 20;

/** How long `token()` may take, and how long it may take from opening a socket to its `welcome`. */
const TOKEN_MS = 30_000;
const WELCOME_MS = 15_000;
/** A session that lasted this long was no failed attempt: the pauses start again from the shortest. */
const STABLE_MS = 10_000;
const RECONNECT_STEP_MS = 500;
/** Until the first `welcome` says otherwise. */
const RECONNECT = { first_jitter_ms: 1_000, cap_ms: 30_000 };

/** After a probe: the 8 s that the server grants too, and slack for a slow network. */
const PROBE_MS = 10_000;
const PING_EVERY_MS = 25_000;

/** The pause before a token is asked for again when renewing it failed, and the least between two renewals. */
const RENEW_PAUSE_MS = 5_000;

/** A place that does not fit to what the server says of the line is asked for anew, but not more often than this. */
const CHECK_PAUSE_MS = 10_000;

/** An id in any of the forms that the server reads; it writes only one of them. */
const UUID =
  /^(?:urn:uuid:|\{)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$/i;

/** The longest time that timers can count. */
const TIMER_MS = 2 ** 31 - 1;

/** Commands about the own RSVP: what they answer is one's own. Those of hosts answer with the RSVPs of others. */
const OWN_COMMANDS = new Set(["reserve", "update", "cancel", "accept", "decline"]);

/**
 * A connection to Turnout for one person, or for nobody in particular, that comes back by itself.
 *
 * It speaks for the same person for all of its life: to become somebody else, make another one.
 */
export class Turnout {
  #settings;
  #listeners = new Listeners();
  #connection;
  #commands;
  #time;
  /** @type {Map<string, {replica: Replica, activity: Activity, token?: string, opening: Alarm, changed: () => void}>} */
  #followed = new Map();
  #renewal;
  #answers = new Map();
  #lastId = 0;
  #hiddenTold = false;
  #onVisibility = () => this.#tellVisibility();

  /** @param {import("./turnout.js").TurnoutOptions} [options] */
  constructor(options = {}) {
    const settings = (this.#settings = withDefaults(options));
    this.#time = new ServerTime(settings.clock);
    this.#commands = new Commands({
      ...settings,
      newId: () => this.#newId("c"),
      isReady: () => this.#connection.isReady,
      speaker: (activity) => this.#speaker(activity),
      send: (message) => this.#connection.send(message),
    });
    this.#connection = new Connection(settings, {
      subscriptions: (bytes) => this.#subscriptions(bytes),
      welcomed: (welcome) => this.#welcomed(welcome),
      received: (message) => this.#received(message),
      lost: () => this.#lost(),
      status: (status, error) => this.#listeners.emit("status", status, error),
      probe: () => this.#tellVisibility({ again: true }),
      stopped: (error) => this.#stopped(error),
    });
    this.#renewal = new Renewal(settings, (reason) => this.#renew(reason));
  }

  /** `"closed"` (and not trying), `"connecting"`, `"open"`, or `"waiting"` before the next attempt. */
  get status() {
    return this.#connection.status;
  }

  /** Why the last session ended, or why there is none; null while one is open. */
  get error() {
    return this.#connection.error;
  }

  /** Connects, and stays connected until `close()` or until the server says not to come back. */
  connect() {
    if (this.status !== "closed") return;
    this.#settings.page?.addEventListener("visibilitychange", this.#onVisibility);
    this.#connection.open();
  }

  /** Ends the connection and rejects every command without an answer. Activities show what they showed last. */
  close() {
    this.#connection.close(new TurnoutError("connection_closed", "The connection was closed here."));
  }

  /**
   * Follows an activity; the same object for the same id, until it is unsubscribed or ends.
   *
   * @param {string} id
   * @param {{token?: string}} [options] a token for this activity alone: until it is unsubscribed or ends, its holder
   *   is who sees and commands it here. Asked for with another one, or with one and without, it throws `other_speaker`
   * @returns {Activity}
   */
  subscribe(id, { token } = {}) {
    id = asWritten(id);
    const known = this.#followed.get(id);
    // Nor is it handed to whoever means to speak for the connection: what they cancel would be somebody else's.
    if (known && (token ?? undefined) !== known.token) {
      throw new TurnoutError("other_speaker", "It is followed for somebody else: unsubscribe it first.");
    }
    if (known) return known.activity;
    if (this.#followed.size >= SUBSCRIPTIONS) {
      throw new TurnoutError("too_many_subscriptions", `One connection follows up to ${SUBSCRIPTIONS} activities.`);
    }
    const listeners = new Listeners();
    const followed = { token: token ?? undefined };
    followed.replica = new Replica(id, token, {
      ...this.#settings,
      subscribe: (entry) => this.#request("s", { type: "subscribe", ...entry }),
      broken: (why) => this.#connection.fail(why),
      changed: () => followed.changed(),
      ended: (error) => listeners.emit("ended", error),
    });
    followed.opening = new Alarm(this.#settings.clock, () => followed.changed());
    followed.activity = new Activity(followed.replica, this.#time, listeners, {
      command: (op, args, options) => this.#command(token ?? null, id, op, args, options),
      unsubscribe: () => this.#unsubscribe(id, followed),
    });
    followed.changed = () => {
      // Before anybody hears of the end, who may follow it anew at once.
      const isOver = followed.replica.ended && this.#forget(id, followed);
      // Until then the server refuses commands to it, lest they are taken as somebody else's.
      if (isOver && token) this.#unfollow(id);
      // No message marks the opening: whoever shows a countdown is told when it is over.
      followed.opening.set(followed.replica.ended ? null : followed.activity.opensInMs());
      listeners.emit("change", followed.activity);
    };
    this.#followed.set(id, followed);
    if (this.status === "open") followed.replica.ask();
    return followed.activity;
  }

  /**
   * Sends a command to any activity, followed or not. The promise is settled once: with the server's answer, or with
   * a `TurnoutError`.
   *
   * @param {string} activity
   * @param {string} op
   * @param {object} [args]
   * @param {import("./turnout.js").CommandOptions} [options]
   * @returns {Promise<import("./turnout.js").CommandAnswer>}
   */
  command(activity, op, args, options) {
    activity = asWritten(activity);
    return this.#command(this.#speaker(activity), activity, op, args, options);
  }

  #command(speaker, activity, op, args, options = {}) {
    if (this.status === "closed") {
      return Promise.reject(new TurnoutError("connection_closed", "There is no connection: call connect()."));
    }
    const fields = { activity, op, args, if_version: options.ifVersion };
    return this.#commands.submit(speaker, fields, options);
  }

  /**
   * Gives a connection that was opened for nobody the identity that `token()` now tells, say after a log-in. Where
   * there is no session just now, the next one begins with it anyway.
   *
   * @returns {Promise<void>}
   */
  async authenticate() {
    if (this.status === "open") await this.#renew("expiring");
  }

  /** The server's time in milliseconds since 1970, by this machine's monotonic clock; null before the first session. */
  now() {
    return this.#time.now();
  }

  /**
   * Listens to `"status"` (status, error), `"notification"` (the notification) or `"error"` (what concerns no command
   * and no activity).
   *
   * @returns {() => void} ends the listening
   */
  on(type, listener) {
    return this.#listeners.add(type, listener);
  }

  /** Who commands an activity: the holder of a token of its own, or null for whoever the connection belongs to. */
  #speaker(activity) {
    return this.#followed.get(activity)?.token ?? null;
  }

  #newId(kind) {
    this.#lastId += 1;
    return kind + this.#lastId;
  }

  /** Sends a request, and answers with the id that its answer will carry. */
  #request(kind, message) {
    const id = this.#newId(kind);
    this.#connection.send({ ...message, id });
    return id;
  }

  #unsubscribe(id, followed) {
    if (!this.#forget(id, followed)) return;
    followed.replica.end(null);
    this.#unfollow(id);
  }

  /** Answers whether it was still this one: by now another one may be followed under that id. */
  #forget(id, followed) {
    return this.#followed.get(id) === followed && this.#followed.delete(id);
  }

  #unfollow(activity) {
    if (this.status === "open") this.#request("u", { type: "unsubscribe", activity });
  }

  /**
   * The entries of `hello`, as many as fit into that many bytes; the others are asked for after the `welcome`. So is
   * what cannot be an activity, since the server refuses a message as a whole.
   */
  #subscriptions(bytes) {
    const entries = [];
    for (const { replica } of this.#followed.values()) {
      if (!UUID.test(replica.id)) continue;
      const entry = replica.entry();
      bytes -= byteLength(entry) + 1;
      if (bytes < 0) break;
      entries.push(entry);
      replica.askedInHello();
    }
    return entries;
  }

  #welcomed(welcome) {
    this.#time.set(welcome.now);
    this.#hiddenTold = false;
    this.#tellVisibility();
    for (const { replica } of this.#followed.values()) replica.askIfAway();
    this.#commands.pump();
  }

  #lost() {
    this.#renewal.stop();
    for (const { reject } of this.#answers.values()) {
      reject(new TurnoutError("connection_lost", "The connection broke before the answer.", { retry: "same_key" }));
    }
    this.#answers.clear();
    this.#commands.sessionLost();
    for (const { replica } of this.#followed.values()) replica.away();
  }

  #stopped(error) {
    this.#settings.page?.removeEventListener("visibilitychange", this.#onVisibility);
    for (const { opening } of this.#followed.values()) opening.set(null);
    this.#commands.rejectAll(error);
  }

  #received(message) {
    const replica = this.#followed.get(message.activity)?.replica;
    switch (message.type) {
      case "subscribed":
        // Without a replica it was unsubscribed while it was asked for in `hello`.
        return replica ? replica.subscribed(message) : this.#unfollow(message.activity);
      case "diff":
        return replica?.differ(message);
      case "me":
        return replica?.me(message);
      case "ok":
      case "error":
        return this.#answered(message, replica);
      case "expiring":
        return this.#settings.token && this.#renewal.start();
      case "notification":
        return this.#listeners.emit("notification", message.notification);
      default:
        // Unknown types are for clients that are newer than this one.
        return undefined;
    }
  }

  #answered(message, replica) {
    const command = this.#commands.answered(message);
    if (command) {
      const isOwn = OWN_COMMANDS.has(command.op) && command.speaker === this.#speaker(message.activity);
      if (message.type === "ok" && message.rsvp && isOwn) replica?.ownAnswer(message);
      return;
    }
    const waiting = this.#answers.get(message.id);
    if (waiting) {
      this.#answers.delete(message.id);
      if (message.type === "ok") waiting.resolve(message);
      else waiting.reject(TurnoutError.from(message));
      return;
    }
    if (message.type !== "error" || (replica ?? this.#asking(message.id))?.refused(message)) return;
    if (message.id == null) {
      const error = TurnoutError.from(message);
      // What the server says before it closes is the reason why.
      this.#connection.accused(error);
      this.#listeners.emit("error", error);
    }
  }

  /** Who has asked this: a refusal need not name the activity, say because it cannot be one. */
  #asking(id) {
    if (id == null) return undefined;
    return [...this.#followed.values()].map(({ replica }) => replica).find((replica) => replica.isAsking(id));
  }

  /** Asks for a token and puts it in place of the session's. */
  async #renew(reason) {
    const session = this.#connection.session;
    const isOver = () => this.#connection.session !== session;
    const token = await freshToken(this.#settings, reason);
    // The next session begins with a token of its own.
    if (isOver()) return;
    if (token === null) throw new TurnoutError("unauthenticated", "token() has none.");
    await new Promise((resolve, reject) => {
      this.#answers.set(this.#request("a", { type: "auth", token }), { resolve, reject });
    });
    if (isOver() || this.#connection.isIdentified) return;
    this.#connection.isIdentified = true;
    // What was shown to nobody in particular is asked for again by somebody, who may have an RSVP.
    for (const { replica } of this.#followed.values()) replica.askAnew();
  }

  /** A hidden page is updated less often. Sessions begin as visible. */
  #tellVisibility({ again = false } = {}) {
    const hidden = this.#settings.page?.hidden ?? false;
    if (this.status !== "open" || (hidden === this.#hiddenTold && !again)) return;
    this.#hiddenTold = hidden;
    this.#request("v", { type: "visibility", hidden });
  }
}

/** An activity that is followed: what it is like, the own RSVP and place, and the commands. */
export class Activity {
  #replica;
  #time;
  #listeners;
  #commands;

  /** @hideconstructor */
  constructor(replica, time, listeners, commands) {
    this.#replica = replica;
    this.#time = time;
    this.#listeners = listeners;
    this.#commands = commands;
  }

  get id() {
    return this.#replica.id;
  }

  /** The activity as the server describes it, with `waitlist`: another object after every change, null at first. */
  get state() {
    return this.#replica.state;
  }

  /** The event that `state` includes; null before the first state. */
  get seq() {
    return this.#replica.seq;
  }

  /** The history that `seq` counts in; null before the first state. */
  get epoch() {
    return this.#replica.epoch;
  }

  /** `"syncing"` while `state` may be behind, `"live"`, or `"ended"`. */
  get status() {
    return this.#replica.status;
  }

  /** Why the server ended it; null while it goes on, or after `unsubscribe()`. */
  get error() {
    return this.#replica.error;
  }

  /** Fulfilled with this object at the first state, rejected if there will be none. */
  get ready() {
    return this.#replica.ready.then(() => this);
  }

  /** The own RSVP, as of its last change; null if there is none. For the place, see `place`. */
  get rsvp() {
    return this.#replica.own.rsvp;
  }

  /** The own place in the line, current with `state`; null unless waiting. */
  get place() {
    return this.#replica.own.shownPlace();
  }

  /** Milliseconds until reserving opens: 0 when it is open, null while that is not known. */
  opensInMs() {
    if (!this.state) return null;
    return this.state.opens_at == null ? 0 : this.#time.until(this.state.opens_at);
  }

  /** Milliseconds until the own offer ends; null if there is none. */
  offerInMs() {
    return this.#replica.own.offerInMs();
  }

  /**
   * Listens to `"change"` (this object: state, status, rsvp or place are others now, or it has opened) or `"ended"`
   * (the error).
   *
   * @returns {() => void} ends the listening
   */
  on(type, listener) {
    return this.#listeners.add(type, listener);
  }

  /** Stops following. Commands under way go on. */
  unsubscribe() {
    this.#commands.unsubscribe();
  }

  reserve(args, options) {
    return this.#commands.command("reserve", args, options);
  }

  update(args, options) {
    return this.#commands.command("update", args, options);
  }

  cancel(options) {
    return this.#commands.command("cancel", undefined, options);
  }

  accept(options) {
    return this.#commands.command("accept", undefined, options);
  }

  decline(options) {
    return this.#commands.command("decline", undefined, options);
  }

  checkIn(rsvp, options) {
    return this.#commands.command("check_in", { rsvp }, options);
  }

  undoCheckIn(rsvp, options) {
    return this.#commands.command("undo_check_in", { rsvp }, options);
  }

  /** @param {{rsvps: string[]} | {count: number}} whom */
  promote(whom, options) {
    return this.#commands.command("promote", whom, options);
  }

  remove(rsvps, options) {
    return this.#commands.command("remove", { rsvps }, options);
  }

  setCapacity(capacity, options) {
    return this.#commands.command("set_capacity", { capacity }, options);
  }

  pauseWaitlist(paused, options) {
    return this.#commands.command("pause_waitlist", { paused }, options);
  }
}

/** Why something was refused or given up. Branch on `code`; `message` is for people. */
export class TurnoutError extends Error {
  constructor(code, detail, options = {}) {
    const { retry = "never", afterMs = null, key = null, unknownOutcome = false, extras = {}, cause } = options;
    super(detail ?? code, cause === undefined ? undefined : { cause });
    this.name = "TurnoutError";
    /** The server's code, or one of this client (see docs/javascript.md). */
    this.code = code;
    /** `"never"`; `"same_key"`: the same again with the same key is safe; `"after"`: not before `afterMs`. */
    this.retry = retry;
    this.afterMs = afterMs;
    /** The idempotency key of the command. */
    this.key = key;
    /** Whether the command was sent and may have been carried out all the same. */
    this.unknownOutcome = unknownOutcome;
    /** What the server says beside this, such as `current`, `limit`, `errors`, `opens_in_ms`. */
    this.extras = extras;
  }

  get detail() {
    return this.message;
  }

  /** From the server's `error`. */
  static from({ type, id, activity, key, code, detail, retry, after_ms, ...extras }, ownKey = key) {
    return new TurnoutError(code, detail, { retry, afterMs: after_ms ?? null, key: ownKey ?? null, extras });
  }
}

/** An idempotency key that nobody else has. */
export function newKey() {
  // randomUUID() is missing on pages without TLS, this is not.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Commands without a final answer. Each is sent with one key, as often as it takes, and its promise is settled once.
 *
 * A command is in one of three places: `#waiting` to be sent, `#inFlight` until answered, or `#resting` before it is
 * tried again. One that its caller has given up stays in flight, since it counts there for the server too.
 */
class Commands {
  #port;
  /** In order of their numbers, so that they are sent in the order in which they were asked for. */
  #waiting = [];
  #inFlight = new Map();
  #resting = new Set();
  #lastNumber = 0;

  /** @param port `newId`, `isReady`, `speaker(activity)`, `send`, and the settings */
  constructor(port) {
    this.#port = port;
  }

  submit(speaker, fields, { key = newKey(), signal, timeoutMs = this.#port.commandTimeoutMs, retryAfter = false }) {
    const refuse = (code, detail) => Promise.reject(new TurnoutError(code, detail, { key }));
    if (this.#waiting.length + this.#resting.size >= COMMANDS_QUEUED) {
      return refuse("too_many_commands", `${COMMANDS_QUEUED} commands wait already.`);
    }
    const message = { type: "command", id: this.#port.newId(), key, ...fields };
    // The server would close the connection over it, again and again.
    if (byteLength(message) > MESSAGE_BYTES) {
      return refuse("message_too_large", `A command has up to ${MESSAGE_BYTES} bytes.`);
    }
    this.#lastNumber += 1;
    const command = new Command(this.#lastNumber, message, speaker, retryAfter, this.#port.clock);
    command.giveUpOn(signal, timeoutMs, () => this.#forget(command));
    if (!command.isSettled) this.#waiting.push(command);
    this.pump();
    return command.promise;
  }

  /** Sends what may be sent now. */
  pump() {
    while (this.#waiting.length > 0 && this.#inFlight.size < COMMANDS_IN_FLIGHT && this.#port.isReady()) {
      const command = this.#waiting.shift();
      // What was to be said by one must never be said by another.
      if (command.speaker !== this.#port.speaker(command.message.activity)) {
        const { message, wasSent: unknownOutcome } = command;
        const detail = "Somebody else speaks for this activity by now.";
        command.reject(new TurnoutError("other_speaker", detail, { key: message.key, unknownOutcome }));
        continue;
      }
      command.wasSent = true;
      this.#inFlight.set(command.message.id, command);
      this.#port.send(command.message);
    }
  }

  /** Takes an `ok` or `error`; answers with the command if it is one's. */
  answered(message) {
    const command = this.#inFlight.get(message.id);
    if (!command) return null;
    this.#inFlight.delete(message.id);
    if (message.type === "ok") command.resolve(message);
    else if (!command.isSettled) this.#refused(command, TurnoutError.from(message, command.message.key));
    this.pump();
    return command;
  }

  #refused(command, error) {
    command.lastError = error;
    if (error.retry === "same_key") {
      this.#rest(command, Math.max(error.afterMs ?? 0, this.#backOff(command)));
    } else if (error.retry === "after" && command.mayRestFor(error.afterMs)) {
      this.#rest(command, error.afterMs ?? this.#backOff(command));
    } else {
      command.reject(error);
    }
  }

  #backOff(command) {
    command.retries += 1;
    return jittered(RETRY_STEP_MS, command.retries, RETRY_CAP_MS, this.#port.random);
  }

  #rest(command, ms) {
    this.#resting.add(command);
    command.rest(Math.max(ms, RETRY_LEAST_MS), () => {
      this.#resting.delete(command);
      this.#wait(command);
      this.pump();
    });
  }

  #wait(...commands) {
    this.#waiting.push(...commands);
    this.#waiting.sort((one, other) => one.number - other.number);
  }

  /** Nobody will answer what was sent: it is sent again in the next session, with the same key. */
  sessionLost() {
    const unanswered = [...this.#inFlight.values()].filter((command) => !command.isSettled);
    this.#inFlight.clear();
    this.#wait(...unanswered);
  }

  #forget(command) {
    this.#resting.delete(command);
    const index = this.#waiting.indexOf(command);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  rejectAll(error) {
    const all = [...this.#inFlight.values(), ...this.#waiting, ...this.#resting];
    this.#inFlight.clear();
    this.#waiting = [];
    this.#resting.clear();
    for (const command of all) command.giveUp(error.code, error.detail, error);
  }
}

/** One command: its message and who says it, which never change, and its promise. */
class Command {
  wasSent = false;
  isSettled = false;
  retries = 0;
  /** The last refusal that was no final answer. */
  lastError = null;
  #retryAfter;
  #clock;
  #settle;
  #cleanUp = [];
  #restTimer = null;
  #givenUpAt = Infinity;

  constructor(number, message, speaker, retryAfter, clock) {
    this.number = number;
    this.message = message;
    this.speaker = speaker;
    this.#retryAfter = retryAfter;
    this.#clock = clock;
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  get op() {
    return this.message.op;
  }

  /** Ends it when the caller's signal or time says so; `forget` is called then. */
  giveUpOn(signal, timeoutMs, forget) {
    this.#cleanUp.push(forget);
    if (Number.isFinite(timeoutMs)) {
      const ms = Math.min(timeoutMs, TIMER_MS);
      this.#givenUpAt = this.#clock.now() + ms;
      const timer = this.#clock.setTimeout(() => this.giveUp("timed_out", `No final answer within ${ms} ms.`), ms);
      this.#cleanUp.push(() => this.#clock.clearTimeout(timer));
    }
    if (signal) {
      const abort = () => this.giveUp("aborted", "The caller gave it up.", signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort);
      this.#cleanUp.push(() => signal.removeEventListener("abort", abort));
    }
    return undefined;
  }

  /** Whether the caller wants to wait for what the server says, and for that long: a time-out would tell less. */
  mayRestFor(ms) {
    return this.#retryAfter && this.#clock.now() + ms < this.#givenUpAt;
  }

  rest(ms, done) {
    this.#restTimer = this.#clock.setTimeout(done, Math.min(ms, TIMER_MS));
  }

  resolve({ type, id, ...answer }) {
    this.#end(() => this.#settle.resolve({ ...answer, key: this.message.key }));
  }

  reject(error) {
    this.#end(() => this.#settle.reject(error));
  }

  giveUp(code, detail, cause = this.lastError ?? undefined) {
    const { key } = this.message;
    this.reject(new TurnoutError(code, detail, { retry: "same_key", key, unknownOutcome: this.wasSent, cause }));
  }

  #end(settle) {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#clock.clearTimeout(this.#restTimer);
    for (const step of this.#cleanUp) step();
    settle();
  }
}

/**
 * An activity as it is on the server, kept by snapshots and differences without gaps.
 *
 * Its phases: `away` (not asked for in this session), `asked`, `live`, `resting` (refused for now, asked for again
 * later) and `ended`.
 */
class Replica {
  state = null;
  epoch = null;
  seq = null;
  error = null;
  own;
  ready;
  #settleReady;
  #token;
  #port;
  #phase = "away";
  /** The id of the request under way; null for one in `hello`, whose answer carries none. */
  #request = null;
  /** Where the differences that were missed end: until then, what is shown is true but old. */
  #caughtUpAt = 0;
  #doubtedAt = -Infinity;
  /** For doubts that came too soon after another one. */
  #laterDoubt;
  #refusals = 0;
  #restTimer = null;

  /** @param port `subscribe(entry)` answers the request's id; `broken(why)`, `changed`, `ended`; the settings */
  constructor(id, token, port) {
    this.id = id;
    this.own = new Own(port.clock);
    this.#token = token;
    this.#port = port;
    // In any other phase an answer is still to come, and tells the place.
    this.#laterDoubt = new Alarm(port.clock, () => this.#phase === "live" && this.#checkPlace());
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever does not wait for it need not hear that it failed.
    this.ready.catch(() => {});
  }

  get ended() {
    return this.#phase === "ended";
  }

  get status() {
    if (this.ended) return "ended";
    return this.#phase === "live" && this.seq >= this.#caughtUpAt ? "live" : "syncing";
  }

  /** What to ask for: everything, or what has happened since the state that is here. */
  entry() {
    const since = this.state && { epoch: this.epoch, seq: this.seq };
    return { activity: this.id, ...since, ...(this.#token && { token: this.#token }) };
  }

  askedInHello() {
    this.#phase = "asked";
    this.#request = null;
  }

  /** One request at a time: while one is under way, its answer will do. */
  ask() {
    if (this.#phase === "asked" || this.ended) return;
    this.#port.clock.clearTimeout(this.#restTimer);
    const wasLive = this.status === "live";
    this.#phase = "asked";
    this.#request = this.#port.subscribe(this.entry());
    if (wasLive) this.#port.changed();
  }

  /** As somebody else: an answer that is under way was for who one was before. */
  askAnew() {
    this.away();
    this.ask();
  }

  askIfAway() {
    if (this.#phase === "away") this.ask();
  }

  away() {
    this.#stopTimers();
    const wasLive = this.status === "live";
    this.#phase = "away";
    if (wasLive) this.#port.changed();
  }

  end(error) {
    if (this.ended) return;
    this.#stopTimers();
    this.#phase = "ended";
    this.error = error;
    this.#settleReady.reject(error ?? new TurnoutError("unsubscribed", "It was unsubscribed before its first state."));
    this.#port.changed();
    if (error) this.#port.ended(error);
  }

  #stopTimers() {
    this.#port.clock.clearTimeout(this.#restTimer);
    this.#laterDoubt.set(null);
  }

  /** Whether the request of this id is under way; that of null is the one in `hello`. */
  isAsking(id) {
    return this.#phase === "asked" && this.#request === (id ?? null);
  }

  subscribed(message) {
    const isAnswer = this.isAsking(message.id);
    // Whoever fell too far behind is sent a snapshot without asking.
    const isFresh = message.id == null && message.mode === "snapshot" && ["asked", "live"].includes(this.#phase);
    if (!isAnswer && !isFresh) return;
    const isOtherHistory = message.epoch !== this.epoch;
    if (message.mode !== "snapshot" && (!this.state || isOtherHistory)) {
      this.#port.broken("differences to a state that is not here");
      return;
    }
    if (isOtherHistory && this.state) this.own.forget();
    if (message.mode === "snapshot") {
      this.state = message.snapshot;
      this.epoch = message.epoch;
      this.seq = message.seq;
    }
    if (isAnswer) this.#phase = "live";
    this.#refusals = 0;
    this.#caughtUpAt = message.seq;
    if (message.me) this.own.told(message.me);
    else if (message.me === undefined || message.seq >= this.own.seq) this.own.forget();
    this.#checkPlace();
    this.#settleReady.resolve();
    this.#port.changed();
  }

  differ(message) {
    // Until it is answered what is missing, a difference has nothing to stand on.
    if (this.#phase !== "live" || message.seq <= this.seq) return;
    if (message.prev === this.seq) this.#apply(message);
    else this.ask();
  }

  #apply({ type, activity, prev, seq, waitlist, ...fields }) {
    const { left, resized, joined, ...line } = waitlist ?? {};
    this.state = { ...this.state, ...fields, ...(waitlist && { waitlist: { ...this.state.waitlist, ...line } }) };
    this.seq = seq;
    this.own.moved({ left, resized, joined }, seq);
    if (!this.own.fits(this.state.waitlist, seq)) this.#doubt();
    this.#port.changed();
  }

  /** A place from before the state lacks what has moved since, which is not told again: only the server knows. */
  #checkPlace() {
    if (this.own.place?.seq < this.seq) this.#doubt();
  }

  /** Asks for the place anew. Pauses, because what did not help at once may never help. */
  #doubt() {
    this.own.doubt();
    const now = this.#port.clock.now();
    const pause = this.#doubtedAt + CHECK_PAUSE_MS - now;
    if (pause > 0) {
      this.#laterDoubt.set(pause);
      return;
    }
    this.#doubtedAt = now;
    this.ask();
  }

  me(message) {
    if (!this.own.told(message)) return;
    this.#checkPlace();
    this.#port.changed();
  }

  ownAnswer({ rsvp, seq }) {
    if (this.own.answered(rsvp, seq)) this.#port.changed();
  }

  /** Takes an `error`, and answers whether it was about this subscription. */
  refused(message) {
    const isAnswer = this.isAsking(message.id);
    const isEnd = message.id == null && ["asked", "live"].includes(this.#phase);
    if (!isAnswer && !isEnd) return false;
    const error = TurnoutError.from(message);
    if (error.retry !== "same_key" && error.retry !== "after") {
      this.end(error);
      return true;
    }
    this.#refusals += 1;
    const pause = jittered(RETRY_STEP_MS, this.#refusals, RETRY_CAP_MS, this.#port.random);
    const ms = Math.min(Math.max(error.afterMs ?? 0, pause), TIMER_MS);
    this.#phase = "resting";
    this.#restTimer = this.#port.clock.setTimeout(() => this.ask(), ms);
    this.#port.changed();
    return true;
  }
}

/** What is one's own at an activity: the RSVP, and the place in the line that moves with everybody's differences. */
class Own {
  rsvp = null;
  /** When the RSVP was as it is here; of two with the same version, the later one shows more. */
  seq = -1;
  /** `{ticket, parties, spots, seq}`: who is ahead after the event `seq`, -1 while in doubt; null unless waiting. */
  place = null;
  #clock;
  #offerEndsAt = null;

  constructor(clock) {
    this.#clock = clock;
  }

  forget() {
    this.rsvp = null;
    this.seq = -1;
    this.place = null;
    this.#offerEndsAt = null;
  }

  /** A `me`: whole and exact at its `seq`. Answers whether it was taken over. */
  told(me) {
    if (me.rsvp == null) {
      this.forget();
      return true;
    }
    const isSame = this.rsvp?.version === me.rsvp.version && this.seq === me.seq;
    if (!isSame && !this.#isNewer(me.rsvp, me.seq)) return false;
    this.#take(me.rsvp, me.seq, me.offer_in_ms);
    const { ticket, parties_ahead: parties, spots_ahead: spots, seq } = me;
    const isKnown = this.place !== null && this.place.ticket === ticket && this.place.seq >= seq;
    if (ticket == null) this.place = null;
    else if (!isKnown) this.place = { ticket, parties, spots, seq };
    return true;
  }

  /** Whatever the server tells next of the place is better than what is here. */
  doubt() {
    if (this.place) this.place = { ...this.place, seq: -1 };
  }

  /** The answer to a command of one's own; it names no ticket, which follows in a `me`. */
  answered(rsvp, seq) {
    if (!this.#isNewer(rsvp, seq)) return false;
    this.#take(rsvp, seq);
    if (rsvp.status !== "waitlisted") this.place = null;
    return true;
  }

  /** The first answer, told once more, may be older than what is here. */
  #isNewer(rsvp, seq) {
    if (this.rsvp === null || rsvp.version > this.rsvp.version) return true;
    return rsvp.version === this.rsvp.version && seq > this.seq;
  }

  #take(rsvp, seq, offerInMs = rsvp.offer_in_ms) {
    this.rsvp = rsvp;
    this.seq = seq;
    this.#offerEndsAt = offerInMs == null ? null : this.#clock.now() + offerInMs;
  }

  /** Takes from a difference what happened ahead and after what the place already includes. Sums need no order. */
  moved({ left = [], resized = [], joined = [] }, seq) {
    if (this.place === null) return;
    const { ticket, seq: known } = this.place;
    const counts = ([other, , at]) => other < ticket && at > known;
    let { parties, spots } = this.place;
    for (const entry of left.filter(counts)) {
      parties -= 1;
      spots -= entry[1];
    }
    for (const entry of joined.filter(counts)) {
      parties += 1;
      spots += entry[1];
    }
    for (const entry of resized.filter(counts)) spots += entry[1];
    // What is in doubt stays so, however much is counted on from there.
    this.place = { ticket, parties, spots, seq: known < 0 ? known : Math.max(known, seq) };
  }

  /** Whether the place can be true beside what the server says of the line as a whole after the event `seq`. */
  fits(line, seq) {
    if (this.place === null || !line || this.place.seq > seq) return true;
    const { ticket, parties, spots } = this.place;
    if (line.first_ticket == null) return line.parties !== 0;
    const isFirst = line.first_ticket === ticket;
    const isWithin = parties >= 0 && parties < line.parties && spots >= parties;
    return isWithin && line.first_ticket <= ticket && isFirst === (parties === 0);
  }

  shownPlace() {
    if (this.place) {
      return { position: this.place.parties + 1, partiesAhead: this.place.parties, spotsAhead: this.place.spots };
    }
    // Between the answer to a command and the `me` that follows it.
    if (this.rsvp?.status !== "waitlisted" || this.rsvp.position == null) return null;
    return { position: this.rsvp.position, partiesAhead: this.rsvp.parties_ahead, spotsAhead: this.rsvp.spots_ahead };
  }

  offerInMs() {
    return this.#offerEndsAt === null ? null : Math.max(0, this.#offerEndsAt - this.#clock.now());
  }
}

/** Keeps a session: one after the other, with the pauses that the server asks for. */
class Connection {
  status = "closed";
  error = null;
  session = null;
  /** Whether this session speaks for a person. */
  isIdentified = false;
  #settings;
  #on;
  #backoff;
  /** The attempt for which a token is asked for; what comes of an earlier one is too late. */
  #attempt = null;
  #timer = null;
  #welcomedAt = null;
  #drainingMs = null;
  /** What the server said before it closed. */
  #accusation = null;
  /** Coming back at once is for tokens that have run out, not for tokens that never were any good. */
  #cameBackAtOnce = false;

  /** @param on `subscriptions(bytes)`, `welcomed`, `received`, `probe`, `lost`, `status`, `stopped` */
  constructor(settings, on) {
    this.#settings = settings;
    this.#on = on;
    this.#backoff = new Backoff(settings.random);
  }

  /** Whether commands may be sent: a server that stops takes no new ones. */
  get isReady() {
    return this.status === "open" && this.#drainingMs === null;
  }

  open() {
    this.#backoff.reset();
    this.#cameBackAtOnce = false;
    this.#connect("connect");
  }

  send(message) {
    this.session?.send(message);
  }

  /** Ends the session as one that cannot be trusted, and comes back. */
  fail(why) {
    this.session?.fail(why);
  }

  accused(error) {
    this.#accusation = error;
  }

  close(error) {
    if (this.status === "closed") return;
    this.session?.close();
    this.#settings.clock.clearTimeout(this.#timer);
    this.#leave("closed", error);
  }

  async #connect(reason) {
    const attempt = (this.#attempt = {});
    this.status = "connecting";
    this.#on.status("connecting", this.error);
    let token;
    try {
      token = await freshToken(this.#settings, reason);
    } catch (cause) {
      if (this.#attempt !== attempt) return;
      const error = new TurnoutError("no_token", "token() failed.", { retry: "after", cause });
      this.#comeBack(this.#backoff.next(), error, reason);
      return;
    }
    if (this.#attempt !== attempt) return;
    this.#accusation = null;
    this.session = new Session(this.#settings, {
      hello: () => this.#hello(token),
      welcomed: (welcome) => this.#welcomed(welcome),
      received: (message) => this.#received(message),
      probe: this.#on.probe,
      ended: (code, why) => this.#ended(code, why),
    });
  }

  #hello(token) {
    this.isIdentified = token !== null;
    const hello = { type: "hello", ...(token !== null && { token }), subscribe: [] };
    return { ...hello, subscribe: this.#on.subscriptions(MESSAGE_BYTES - byteLength(hello)) };
  }

  #welcomed(welcome) {
    this.#backoff.pace = { ...RECONNECT, ...welcome.reconnect };
    // A repeated welcome says nothing new.
    if (this.status === "open") return;
    this.#welcomedAt = this.#settings.clock.now();
    this.status = "open";
    this.error = null;
    this.#on.welcomed(welcome);
    // Whoever heard of something may have closed it.
    if (this.status === "open") this.#on.status("open", null);
  }

  #received(message) {
    if (message.type === "draining") this.#drainingMs = message.reconnect_in_ms ?? 0;
    else this.#on.received(message);
  }

  #ended(code, why) {
    const { clock } = this.#settings;
    const wasStable = this.#welcomedAt !== null && clock.now() - this.#welcomedAt >= STABLE_MS;
    if (wasStable) this.#backoff.reset();
    if (wasStable) this.#cameBackAtOnce = false;
    const lost = new TurnoutError("connection_lost", why, { extras: { close_code: code } });
    const error = code >= 4000 && this.#accusation ? this.#accusation : lost;
    const toDo = whatToDo(code);
    if (toDo === "stop") {
      this.#leave("closed", error);
    } else if (toDo === "renew" && !this.#cameBackAtOnce) {
      this.#cameBackAtOnce = true;
      this.#comeBack(0, error, "expired");
    } else {
      // The server's own figure takes the place of the first pause only.
      const pause = this.#backoff.next();
      this.#comeBack(this.#drainingMs ?? pause, error, toDo === "renew" ? "expired" : "connect");
    }
  }

  #comeBack(ms, error, reason) {
    this.#timer = this.#settings.clock.setTimeout(() => this.#connect(reason), Math.min(ms, TIMER_MS));
    this.#leave("waiting", error);
  }

  /** Leaves the session, if there is one. Whoever is told of it finds the new status, and may change it again. */
  #leave(status, error) {
    const hadSession = this.session !== null;
    this.session = null;
    this.#attempt = null;
    this.#welcomedAt = null;
    this.#drainingMs = null;
    this.status = status;
    this.error = error;
    if (hadSession) this.#on.lost();
    if (status === "closed" && this.status === status) this.#on.stopped(error);
    if (this.status === status) this.#on.status(status, error);
  }
}

/** What a close code asks for; only its range counts. */
function whatToDo(code) {
  if (code >= 4000 && code < 4100) return "stop";
  if (code >= 4200 && code < 4300) return "renew";
  return "back off";
}

/** One socket, from opening it to its end, which is told once. */
class Session {
  #socket = null;
  #on;
  #clock;
  #pulse = null;
  #isOver = false;
  #deadline;

  /** @param on `hello()` answers the message; `welcomed`, `received` and `ended` tell; `probe()` provokes an answer */
  constructor({ WebSocket, url, clock }, on) {
    this.#on = on;
    this.#clock = clock;
    this.#deadline = clock.setTimeout(() => this.fail("no welcome in time"), WELCOME_MS);
    try {
      this.#socket = new WebSocket(url, [SUBPROTOCOL]);
    } catch (error) {
      // Told later like any other end, when whoever made this session knows it.
      clock.clearTimeout(this.#deadline);
      this.#deadline = clock.setTimeout(() => this.fail(String(error)), 0);
      return;
    }
    this.#socket.onopen = () => this.#isOver || this.send(on.hello());
    this.#socket.onmessage = (event) => this.#frame(event.data);
    this.#socket.onclose = (event) => this.#end(event.code, event.reason || `closed with ${event.code}`);
    // What matters of an error is the end that follows it; but some sockets throw what nobody listens to.
    this.#socket.onerror = () => {};
  }

  send(message) {
    if (!this.#isOver) this.#socket.send(JSON.stringify(message));
  }

  /** Ends it without telling. */
  close() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#deadline);
    this.#pulse?.stop();
    // A dead connection takes its time to close; nobody waits for it.
    this.#socket?.close(1000);
  }

  fail(why) {
    if (this.#isOver) return;
    this.close();
    this.#on.ended(1006, why);
  }

  #end(code, why) {
    if (this.#isOver) return;
    this.close();
    this.#on.ended(code, why);
  }

  #frame(data) {
    if (this.#isOver) return;
    this.#pulse?.heard();
    try {
      for (const line of data.split("\n")) {
        // The message before may have ended it.
        if (this.#isOver) return;
        if (line !== "") this.#take(JSON.parse(line));
      }
    } catch (error) {
      // Nobody knows what is missing now; the next session resumes from what is here.
      this.fail(`a message that cannot be understood: ${error}`);
    }
  }

  #take(message) {
    if (message.type === "welcome") this.#welcome(message);
    else this.#on.received(message);
  }

  #welcome(message) {
    this.#clock.clearTimeout(this.#deadline);
    this.#pulse?.stop();
    this.#pulse = new Pulse(this.#clock, message.ping_every_ms ?? PING_EVERY_MS, {
      // Pages do not see the server's pings. So silence is broken by a question that changes nothing.
      probe: () => this.#on.probe(),
      silent: () => this.fail("nothing was heard any more"),
    });
    this.#on.welcomed(message);
  }
}

/** Notices that nothing comes any more, although somebody was asked. */
class Pulse {
  #clock;
  #everyMs;
  #on;
  #timer;
  #heardAt;
  #hasProbed = false;

  constructor(clock, everyMs, on) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#on = on;
    this.#heardAt = clock.now();
    this.#arm(everyMs);
  }

  heard() {
    this.#heardAt = this.#clock.now();
    this.#hasProbed = false;
  }

  stop() {
    this.#clock.clearTimeout(this.#timer);
  }

  #arm(ms) {
    this.#timer = this.#clock.setTimeout(() => this.#check(), ms);
  }

  #check() {
    const silentMs = this.#clock.now() - this.#heardAt;
    if (silentMs < this.#everyMs) {
      this.#arm(this.#everyMs - silentMs);
    } else if (this.#hasProbed) {
      this.#on.silent();
    } else {
      // However late this timer is, as on a machine that slept, the server is asked first.
      this.#hasProbed = true;
      this.#arm(PROBE_MS);
      this.#on.probe();
    }
  }
}

/** The pauses before coming back: first anything up to the server's jitter, then longer and longer ones. */
class Backoff {
  pace = RECONNECT;
  #random;
  #failures = 0;

  constructor(random) {
    this.#random = random;
  }

  reset() {
    this.#failures = 0;
  }

  next() {
    const { first_jitter_ms: jitterMs, cap_ms: capMs } = this.pace;
    const failures = this.#failures;
    this.#failures += 1;
    return failures === 0 ? this.#random() * jitterMs : jittered(RECONNECT_STEP_MS, failures, capMs, this.#random);
  }
}

/** Renews a token in good time, and tries again until the session ends of its own. */
class Renewal {
  #settings;
  #renew;
  #timer = null;
  #isBusy = false;
  #renewedAt = -Infinity;

  /** @param renew answers a promise */
  constructor(settings, renew) {
    this.#settings = settings;
    this.#renew = renew;
  }

  /** A token that is about to end when it is new would be renewed without pause; hence the pause. */
  start() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const { clock } = this.#settings;
    const pause = Math.max(0, this.#renewedAt + RENEW_PAUSE_MS - clock.now());
    this.#timer = clock.setTimeout(() => this.#try(), pause);
  }

  async #try() {
    const { clock } = this.#settings;
    const timer = this.#timer;
    const isStopped = () => this.#timer !== timer;
    try {
      await this.#renew("expiring");
      if (isStopped()) return;
      this.#renewedAt = clock.now();
      this.#isBusy = false;
    } catch {
      if (!isStopped()) this.#timer = clock.setTimeout(() => this.#try(), RENEW_PAUSE_MS);
    }
  }

  stop() {
    this.#settings.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#isBusy = false;
  }
}

/** What time it is on the server, without trusting this machine's calendar. */
class ServerTime {
  #clock;
  #offsetMs = null;

  constructor(clock) {
    this.#clock = clock;
  }

  /** As of the arrival, so it is late by the way of the message: nobody comes too early. */
  set(now) {
    this.#offsetMs = Date.parse(now) - this.#clock.now();
  }

  now() {
    return this.#offsetMs === null ? null : this.#offsetMs + this.#clock.now();
  }

  /** Milliseconds until a time; 0 when it is over, null while this is not known. */
  until(time) {
    return this.#offsetMs === null ? null : Math.max(0, Date.parse(time) - this.now());
  }
}

/** Rings once after a time, or earlier if it is longer than timers can count: whoever hears it looks again. */
class Alarm {
  #clock;
  #rang;
  #timer = null;

  constructor(clock, rang) {
    this.#clock = clock;
    this.#rang = rang;
  }

  /** @param {number | null} ms not at all for 0 and null */
  set(ms) {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = ms > 0 ? this.#clock.setTimeout(this.#rang, Math.min(Math.ceil(ms), TIMER_MS)) : null;
  }
}

/** Functions by the name of what they listen to. */
class Listeners {
  #byType = new Map();

  add(type, listener) {
    const listeners = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit(type, ...values) {
    for (const listener of [...(this.#byType.get(type) ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        // A listener's fault is its owner's to see, and must not leave this client half way.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function withDefaults({
  url = globalThis.location?.origin,
  token = null,
  WebSocket = globalThis.WebSocket,
  page = globalThis.document ?? null,
  commandTimeoutMs = COMMAND_TIMEOUT_MS,
  clock = systemClock,
  random = Math.random,
}) {
  if (!WebSocket) throw new TypeError("There is no WebSocket here: give its constructor as an option.");
  return { url: endpoint(url), token, WebSocket, page, commandTimeoutMs, clock, random };
}

/** An id as the server writes it, by which its messages are known; what cannot be one stays as it is. */
function asWritten(id) {
  const parts = UUID.exec(id);
  return parts ? parts.slice(1).join("-").toLowerCase() : id;
}

/** A bare origin gets the usual path; http means ws. */
function endpoint(url) {
  const parsed = new URL(url);
  parsed.protocol = parsed.protocol.replace(/^http/, "ws");
  if (parsed.pathname === "/") parsed.pathname = PATH;
  return parsed.href;
}

const systemClock = {
  // Clocks on the wall are set now and then; this one only runs.
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** Asks the caller's function, but not for ever; null means nobody in particular. */
async function freshToken({ token, clock }, reason) {
  if (!token) return null;
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = clock.setTimeout(() => reject(new Error(`no token within ${TOKEN_MS} ms`)), TOKEN_MS);
  });
  try {
    return (await Promise.race([token(reason), tooLate])) ?? null;
  } finally {
    clock.clearTimeout(timer);
  }
}

/** A pause that doubles with every failure up to a cap, and differs between clients that failed together. */
function jittered(stepMs, failures, capMs, random) {
  return Math.min(capMs, stepMs * 2 ** (failures - 1)) * (0.5 + random() / 2);
}

function byteLength(message) {
  return new TextEncoder().encode(JSON.stringify(message)).length;
}
