/** The types of turnout.js. Objects of the server keep the names that they have in docs/protocol.md. */

/** RFC 3339, in UTC with milliseconds. */
export type Time = string;

/** Makes an idempotency key that nobody else has. */
export function newKey(): string;

export interface TurnoutOptions {
  /** An origin, or the full address of the socket; http and https are fine. The page's origin by default. */
  url?: string;
  /**
   * Tells who speaks: an access token, the manage token of a guest, or null for nobody in particular. It is asked for
   * every session, and again before a token ends: with `"connect"` a token from before will do, with the other reasons
   * it will not. Always of the same person.
   */
  token?: ((reason: "connect" | "expiring" | "expired") => string | null | Promise<string | null>) | null;
  /** The constructor of sockets: the global one by default; in Node 20, that of the package `ws`. */
  WebSocket?: SocketConstructor;
  /** What is hidden now and then: the document by default; null for none. */
  page?: Page | null;
  /** When a command is given up that has no final answer: 60,000 by default, `Infinity` for never. */
  commandTimeoutMs?: number;
  /** Time; for tests. */
  clock?: Clock;
  /** Chance, at least 0 and below 1; for tests. */
  random?: () => number;
}

/** What this client needs of a WebSocket. */
export interface Socket {
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  onerror: ((event: any) => any) | null;
  send(text: string): void;
  close(code?: number): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => Socket;

export interface Page {
  readonly hidden: boolean;
  addEventListener(type: "visibilitychange", listener: () => void): void;
  removeEventListener(type: "visibilitychange", listener: () => void): void;
}

export interface Clock {
  /** Milliseconds that only ever rise. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: any): void;
}

export type ConnectionStatus = "closed" | "connecting" | "open" | "waiting";

/** A connection to Turnout for one person, or for nobody in particular, that comes back by itself. */
export class Turnout {
  constructor(options?: TurnoutOptions);
  /** `"closed"` (and not trying), `"connecting"`, `"open"`, or `"waiting"` before the next attempt. */
  readonly status: ConnectionStatus;
  /** Why the last session ended, or why there is none; null while one is open. */
  readonly error: TurnoutError | null;
  /** Connects, and stays connected until `close()` or until the server says not to come back. */
  connect(): void;
  /** Ends the connection and rejects every command without an answer. Activities show what they showed last. */
  close(): void;
  /**
   * Follows an activity: the same object for the same id, until it is unsubscribed or ends. Up to 32. The holder of a
   * `token` for it alone is who sees and commands it here, whoever the connection belongs to. Throws `other_speaker`
   * while it is followed with another token, with one and now without, or the other way round.
   */
  subscribe(id: string, options?: { token?: string }): Activity;
  /** Sends a command to any activity, followed or not. */
  command<Op extends keyof Operations>(
    activity: string,
    op: Op,
    args?: Operations[Op],
    options?: CommandOptions,
  ): Promise<CommandAnswer>;
  /** Gives a session that was opened for nobody the identity that `token()` now tells. */
  authenticate(): Promise<void>;
  /** The server's time in milliseconds since 1970; null before the first session. */
  now(): number | null;
  on(type: "status", listener: (status: ConnectionStatus, error: TurnoutError | null) => void): () => void;
  /** Not served yet: none comes. */
  on(type: "notification", listener: (notification: Notification) => void): () => void;
  on(type: "error", listener: (error: TurnoutError) => void): () => void;
}

/** An activity that is followed. `Turnout.subscribe` makes them. */
export class Activity {
  private constructor();
  /** As the server writes it: in lower case. */
  readonly id: string;
  /** Another object after every change; null before the first. */
  readonly state: ActivityState | null;
  /** The event that `state` includes. */
  readonly seq: number | null;
  /** The history that `seq` counts in. */
  readonly epoch: number | null;
  /** `"syncing"` while `state` may be behind. */
  readonly status: "syncing" | "live" | "ended";
  /** Why the server ended it. */
  readonly error: TurnoutError | null;
  /** Fulfilled at the first state, rejected if there will be none. */
  readonly ready: Promise<Activity>;
  /** The own RSVP as of its last change; null if there is none. */
  readonly rsvp: Rsvp | null;
  /** The own place in the line, current with `state`; null unless waiting. */
  readonly place: Place | null;
  /** Milliseconds until reserving opens: 0 when it is open, null while that is not known. */
  opensInMs(): number | null;
  /** Milliseconds until the own offer ends: 0 when it is over, null if there is none. */
  offerInMs(): number | null;
  /** State, status, RSVP or place are others now, or it has opened. */
  on(type: "change", listener: (activity: Activity) => void): () => void;
  /** The server will not tell more of it. */
  on(type: "ended", listener: (error: TurnoutError) => void): () => void;
  /** Stops following. Commands under way go on. */
  unsubscribe(): void;

  /** For people with an account. Guests come in by REST. */
  reserve(args?: Operations["reserve"], options?: Unversioned): Promise<RsvpAnswer>;
  update(args: Operations["update"], options?: CommandOptions): Promise<RsvpAnswer>;
  cancel(options?: CommandOptions): Promise<RsvpAnswer>;
  /** Takes what the own party was offered. */
  accept(options?: CommandOptions): Promise<RsvpAnswer>;
  /** Leaves to others what the own party was offered. */
  decline(options?: CommandOptions): Promise<RsvpAnswer>;
  /** For hosts. `already` tells whether the person was in before. */
  checkIn(rsvp: string, options?: Unversioned): Promise<RsvpAnswer & { already: boolean }>;
  /** For hosts. */
  undoCheckIn(rsvp: string, options?: Unversioned): Promise<RsvpAnswer>;
  /** For hosts: the parties of these RSVPs, or the next so many in the line; all of them or nobody. */
  promote(whom: Operations["promote"], options?: Unversioned): Promise<SeveralAnswer>;
  /** For hosts: all of them or nobody. */
  remove(rsvps: string[], options?: Unversioned): Promise<SeveralAnswer>;
  /** For hosts. */
  setCapacity(capacity: number, options?: CommandOptions): Promise<CommandAnswer>;
  /** For hosts. */
  pauseWaitlist(paused: boolean, options?: CommandOptions): Promise<CommandAnswer>;
}

export interface Place {
  /** From 1. */
  position: number;
  partiesAhead: number;
  spotsAhead: number;
}

/** The arguments of each operation. */
export interface Operations {
  reserve: { guest_count?: number; special_requirements?: string | null };
  /** Only guests have a `name` to change; that of an account is in its token. */
  update: { guest_count?: number; special_requirements?: string | null; name?: string };
  cancel: Record<string, never>;
  accept: Record<string, never>;
  decline: Record<string, never>;
  check_in: { rsvp: string };
  undo_check_in: { rsvp: string };
  promote: { rsvps: string[] } | { count: number };
  remove: { rsvps: string[] };
  set_capacity: { capacity: number };
  pause_waitlist: { paused: boolean };
}

export interface CommandOptions {
  /** The idempotency key: 1 to 64 printable ASCII characters; a new one by default. */
  key?: string;
  /** Carry it out only on this version. */
  ifVersion?: number;
  /** Gives up waiting. What was sent may be carried out all the same. */
  signal?: AbortSignal;
  /** Gives up waiting after this time, in place of `commandTimeoutMs`. */
  timeoutMs?: number;
  /** Waits and tries again where the server says to come back later, instead of rejecting. False by default. */
  retryAfter?: boolean;
}

/** For what has no version: it is `validation_failed` to name one. */
export type Unversioned = Omit<CommandOptions, "ifVersion">;

export interface CommandAnswer {
  key: string;
  activity?: string;
  /** The command's own last event. */
  seq?: number;
  rsvp?: Rsvp;
  /** Of a command about several: those that it promoted or removed, in the order of their events. */
  rsvps?: Rsvp[];
  /** Of a check-in: whether there was nothing left to do. */
  already?: boolean;
  counts?: Counts;
  /** Whether this is the first answer told once more. */
  replayed?: boolean;
}

export type RsvpAnswer = CommandAnswer & { rsvp: Rsvp; seq: number; counts: Counts };
export type SeveralAnswer = CommandAnswer & { rsvps: Rsvp[]; seq: number; counts: Counts };

export interface TurnoutErrorOptions {
  retry?: Retry;
  afterMs?: number | null;
  key?: string | null;
  unknownOutcome?: boolean;
  extras?: Record<string, any>;
  cause?: unknown;
}

export type Retry = "never" | "same_key" | "after";

/** Codes that are this client's and not the server's. */
export type LocalCode =
  | "aborted"
  | "connection_closed"
  | "connection_lost"
  | "message_too_large"
  | "no_token"
  | "other_speaker"
  | "timed_out"
  | "too_many_commands"
  | "unsubscribed";

/** Why something was refused or given up. */
export class TurnoutError extends Error {
  constructor(code: string, detail?: string, options?: TurnoutErrorOptions);
  /** The server's code, or one of this client. */
  readonly code: LocalCode | (string & {});
  /** For people. */
  readonly detail: string;
  /** `"same_key"`: the same again with the same key is safe. `"after"`: not before `afterMs`. */
  readonly retry: Retry;
  readonly afterMs: number | null;
  /** The idempotency key of the command. */
  readonly key: string | null;
  /** Whether the command was sent and may have been carried out all the same. */
  readonly unknownOutcome: boolean;
  /** What the server says beside this, such as `current`, `limit`, `errors`, `opens_in_ms`, `rsvp_id`. */
  readonly extras: Record<string, any>;
}

export interface Counts {
  capacity: number;
  confirmed_spots: number;
  offered_spots: number;
  available_spots: number;
  waitlisted_parties: number;
  waitlisted_spots: number;
  seq: number;
}

/** The activity of the REST contract without `seq` and `epoch`, and its waitlist. */
export interface ActivityState {
  id: string;
  title: string;
  description: string | null;
  venue: string | null;
  time_zone: string;
  starts_at: Time;
  ends_at: Time;
  capacity: number;
  max_guests: number;
  opens_at: Time | null;
  /** As of when the state was sent; `Activity.opensInMs()` counts on. */
  opens_in_ms: number | null;
  closes_at: Time | null;
  cancel_until: Time | null;
  promote_until: Time | null;
  waitlist_capacity: number | null;
  waitlist_paused: boolean;
  patience: number;
  promotion: { mode: "auto" } | { mode: "offer"; ttl_s: number };
  guests: "open" | "off";
  visibility: "public" | "unlisted" | "private";
  attendees_visible: "public" | "attendees" | "host";
  host_id: string;
  organization_id: string | null;
  status: "scheduled" | "cancelled";
  confirmed_spots: number;
  offered_spots: number;
  available_spots: number;
  waitlisted_parties: number;
  waitlisted_spots: number;
  checked_in_spots: number;
  version: number;
  created_at: Time;
  updated_at: Time;
  waitlist: { parties: number; spots: number; first_ticket: number | null };
}

export interface Rsvp {
  id: string;
  activity_id: string;
  user_id: string | null;
  name: string;
  email: string | null;
  booked_by: string | null;
  status: "confirmed" | "waitlisted" | "offered" | "cancelled";
  guest_count: number;
  total_spots: number;
  /** These three as of the RSVP's last change; `Activity.place` moves on. */
  position: number | null;
  parties_ahead: number | null;
  spots_ahead: number | null;
  offer_expires_at: Time | null;
  offer_in_ms: number | null;
  group_id: string | null;
  special_requirements: string | null;
  checked_in_at: Time | null;
  cancel_reason:
    "by_attendee" | "by_host" | "transferred" | "offer_declined" | "offer_expired" | "activity_cancelled" | null;
  version: number;
  created_at: Time;
  updated_at: Time;
}

export interface Notification {
  id: string;
  type: string;
  title: string;
  message: string;
  is_read: boolean;
  metadata: Record<string, any> | null;
  created_at: Time;
}
