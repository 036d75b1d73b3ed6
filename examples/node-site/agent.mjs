// Reads one document from the Lamplighter agent of this host, and keeps the last known good.
// Knows nothing of what the document says.

import { request } from "node:http";

/** Loopback answers at once, or not at all. */
const ANSWER_WITHIN_MS = 2_000;
/** A doubt waits while the agent asks its origins. */
const DOUBT_WITHIN_MS = 15_000;
/** No document is larger. */
const BODY_BYTES_MAX = 1 << 20;

export class AgentDocument {
  #agent;
  #path;
  #site;
  #check;
  #code;
  /** By release: what is right for one may be wrong for another, also when the agent is away. */
  #byCode = new Map();
  #stale = true;
  #ageSeconds;
  #trouble = "not read yet";
  /** The etag of what the agent was told of. By layers, one version may be refused more than once. */
  #refused;
  #reads = 0;
  #applied = 0;

  /**
   * @param {object} what
   * @param {string} what.agent `http://127.0.0.1:8090`, or `unix:/run/lamplighter/agent.sock`
   * @param {string} what.site the host name of the site
   * @param {string} what.document `SERVICE/DOCUMENT`
   * @param {string} what.code the release that the site runs, such as `5.1.0`
   * @param {(body: object) => object} what.check gives what the site uses; throws at what it cannot use
   */
  constructor({ agent, site, document, code, check }) {
    this.#agent = agent.startsWith("unix:") ? { socketPath: agent.slice(5) } : addressOf(agent);
    this.#site = encodeURIComponent(site);
    this.#path = `/v1/sites/${this.#site}/config/${document}`;
    this.#check = check;
    this.#code = code;
  }

  /** The newest version for the running code that was read and passed `check`; `undefined` before the first. */
  get held() {
    return this.#byCode.get(this.#code);
  }

  /** For people and probes: what is held, for which code, and how sure that is. */
  get status() {
    return {
      code: this.#code,
      version: this.held?.version,
      stale: this.#stale,
      age_seconds: this.#ageSeconds,
      trouble: this.#trouble,
    };
  }

  /** From now on the site runs another release; throws, and runs the one before, when nothing is held for it. */
  async setCode(code) {
    const before = this.#code;
    this.#code = code;
    if ((await this.read()) !== undefined) return;
    this.#code = before;
    throw new Error(`no config for ${code}: ${this.#trouble}`);
  }

  /** Asks the agent, and gives what is held then. Never throws: what cannot be read leaves what was. */
  async read() {
    const turn = ++this.#reads;
    const code = this.#code;
    const known = this.held?.etag;
    const headers = known === undefined ? {} : { "if-none-match": known };
    try {
      const answer = await this.#ask("GET", `${this.#path}?code=${encodeURIComponent(code)}`, headers);
      // An answer about the code before, or one that was overtaken, says nothing any more.
      if (code === this.#code && turn > this.#applied) {
        this.#applied = turn;
        await this.#take(answer, code);
      }
    } catch (error) {
      this.#trouble = `the agent does not answer: ${error.message}`;
      this.#stale = true;
    }
    return this.held;
  }

  /** The site has reason to think that what it holds is not the newest. True when that was so. */
  async doubt(reason) {
    const before = this.held?.version;
    try {
      const body = JSON.stringify({ reason });
      await this.#ask("POST", `/v1/sites/${this.#site}/doubt`, {}, body, DOUBT_WITHIN_MS);
    } catch (error) {
      console.error(`the agent could not be told of a doubt: ${error.message}`);
    }
    await this.read();
    return this.held?.version !== before;
  }

  /** Tells how a sign-in ended; without `error` it went well. Nobody waits for it. */
  tellOutcome(error) {
    const body = JSON.stringify({ site: decodeURIComponent(this.#site), error });
    this.#ask("POST", "/v1/outcomes", {}, body).catch(() => {});
  }

  async #take({ status, headers, body }, code) {
    const age = headers["lamplighter-age-seconds"];
    this.#ageSeconds = age === undefined ? undefined : Number(age);
    // Past its bound the agent goes on serving, and says so. So does this site.
    this.#stale = headers["lamplighter-stale"] !== undefined;
    if (status === 304) {
      this.#trouble = undefined;
      return;
    }
    if (status !== 200) {
      this.#trouble = `the agent answered ${status}: ${body.slice(0, 200)}`;
      return;
    }
    const version = Number(headers["lamplighter-document-version"]);
    try {
      this.#byCode.set(code, { version, etag: headers.etag, config: this.#check(JSON.parse(body)) });
      this.#trouble = undefined;
      this.#refused = undefined;
    } catch (error) {
      this.#trouble = `version ${version} cannot be used: ${error.message}`;
      await this.#refuse({ version, code }, headers.etag, error.message);
    }
  }

  /**
   * The agent serves the version before from then on, and the rollout is halted. `code` says which layers are read, and
   * so which piece is refused.
   */
  async #refuse(read, etag, reason) {
    if (this.#refused === etag) return;
    const body = JSON.stringify({ ...read, reason: reason.slice(0, 300) });
    const { status } = await this.#ask("POST", `${this.#path}/refusals`, {}, body);
    // Until the agent took it, each read tells it again.
    if (status !== 204) {
      this.#trouble += `; the agent answered the refusal with ${status}`;
      return;
    }
    this.#refused = etag;
    await this.read();
  }

  #ask(method, path, headers, body = "", within = ANSWER_WITHIN_MS) {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(within);
      const kind = body === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const asked = request({ ...this.#agent, method, path, headers: { ...headers, ...kind }, signal });
      asked.on("error", reject);
      asked.on("response", (answer) => {
        const parts = [];
        let bytes = 0;
        answer.on("data", (part) => {
          bytes += part.length;
          parts.push(part);
          if (bytes > BODY_BYTES_MAX) asked.destroy(new Error("the answer is too long"));
        });
        answer.on("error", reject);
        answer.on("end", () => {
          const { statusCode: status, headers } = answer;
          resolve({ status, headers, body: Buffer.concat(parts).toString() });
        });
      });
      asked.end(body);
    });
  }
}

function addressOf(url) {
  const { hostname, port } = new URL(url);
  return { hostname, port };
}
