//! The real program on a free port with a database of its own, that is killed and started again as a test says.

import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const SECRET = "a secret for tests alone, of more than 32 bytes";
const DEADLINE_MS = 10_000;

/** Waits for a condition, with a deadline. */
export async function until(what, condition, deadlineMs = DEADLINE_MS) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An access token of somebody, for as many seconds. */
export function token({ name = "Somebody", sub = randomUUID(), seconds = 900 } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub,
    role: "member",
    name,
    sid: randomUUID(),
    iat: now,
    exp: now + seconds,
    iss: "turnout",
    aud: "turnout",
  };
  const signed = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

export class Server {
  #folder;
  #environment;
  #process = null;
  #output = "";

  /** Starts one; whatever happens to the test, it does not outlive it. */
  static async start(context, environment = {}) {
    const server = new Server();
    server.#folder = await mkdtemp(path.join(tmpdir(), "turnout-web-"));
    server.port = await freePort();
    server.#environment = {
      PATH: process.env.PATH,
      TURNOUT_LISTEN: `127.0.0.1:${server.port}`,
      TURNOUT_DATABASE_URL: `sqlite://${server.#folder}/t.db`,
      TURNOUT_JWT_SECRET: SECRET,
      TURNOUT_RATE_LIMITS: "off",
      ...environment,
    };
    context.after(async () => {
      await server.kill();
      await rm(server.#folder, { recursive: true, force: true });
    });
    await server.start();
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async start() {
    // It ends with the test, even if that is killed.
    const command = ["--pdeathsig=KILL", path.resolve(process.env.TURNOUT_BIN)];
    const options = { cwd: this.#folder, env: this.#environment, stdio: ["ignore", "pipe", "pipe"] };
    this.#process = spawn("setpriv", command, options);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on("data", (data) => (this.#output = (this.#output + data).slice(-4_000)));
    }
    await until("the server serves", async () => {
      if (this.#process.exitCode !== null) throw new Error(`the server stopped:\n${this.#output}`);
      return fetch(`${this.url}/health`).then(
        (answer) => answer.ok,
        () => false,
      );
    });
  }

  /** Stops it where it stands: it reads and writes nothing more, and can only be killed. */
  async stop() {
    this.#process.kill("SIGSTOP");
    const threads = `/proc/${this.#process.pid}/task`;
    await until("every thread has stopped", async () => {
      const states = (await readdir(threads)).map((id) => readFile(`${threads}/${id}/stat`, "utf8"));
      return (await Promise.all(states)).every((state) => /\) T /.test(state));
    });
  }

  /** With SIGKILL, or whatever else ends it; it is gone when this is fulfilled. */
  async kill(signal = "SIGKILL") {
    const running = this.#process;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await gone;
  }

  async rest(method, route, { as = null, body } = {}) {
    const answer = await fetch(`${this.url}/api/v1${route}`, {
      method,
      headers: {
        ...(as && { authorization: `Bearer ${as}` }),
        ...(body && { "content-type": "application/json" }),
      },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  /** The id of a new activity of this host. */
  async activity(host, fields = {}) {
    const body = {
      title: "An evening",
      starts_at: "2030-05-01T18:00:00Z",
      ends_at: "2030-05-01T22:00:00Z",
      capacity: 2,
      ...fields,
    };
    return (await this.rest("POST", "/activities", { as: host, body })).id;
  }

  /** All of the decision log. */
  async events(activity, host) {
    const events = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const { data } = await this.rest("GET", `/activities/${activity}/events?after_seq=${after}&limit=1000`, {
        as: host,
      });
      if (data.length === 0) return events;
      events.push(...data);
    }
  }
}

/** A way to the server on which answers can be held back for good, while everything still arrives there. */
export class OneWay {
  #sockets = new Set();
  #server;
  isMute = false;

  static async to(server, context) {
    const way = new OneWay();
    way.#server = net.createServer((client) => {
      const upstream = net.connect(server.port, "127.0.0.1");
      const end = () => [client, upstream].forEach((socket) => (socket.destroy(), way.#sockets.delete(socket)));
      for (const socket of [client, upstream]) {
        way.#sockets.add(socket);
        socket.on("error", end);
        socket.on("close", end);
      }
      client.on("data", (data) => upstream.write(data));
      upstream.on("data", (data) => way.isMute || client.write(data));
    });
    await new Promise((resolve) => way.#server.listen(0, "127.0.0.1", resolve));
    way.url = `http://127.0.0.1:${way.#server.address().port}`;
    context.after(() => way.close());
    return way;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
