// A small site that lets people sign in. Its sign-in settings come from the agent of this host.

import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import { AgentDocument } from "./agent.mjs";
import { SignIn, SignInFailed, checkSettings } from "./sign-in.mjs";

const site = needed("SITE");
const origin = process.env.ORIGIN ?? `https://${site}`;
const secret = readFileSync(needed("CLIENT_SECRET_FILE"), "utf8").trim();
const document = new AgentDocument({
  agent: process.env.AGENT ?? "http://127.0.0.1:8090",
  site,
  document: "sign-in/client",
  code: process.env.CODE ?? "5.1.0",
  check: checkSettings,
});
const signIn = new SignIn({ site, secret, origin });

/** Also without sign-ins, so that the site knows whether it is ready. */
const READ_EACH_MS = 5_000;
/** People who are signed in; more let the oldest go. */
const SESSIONS_MAX = 10_000;
const HOOK_BYTES_MAX = 4_096;
const sessions = new Map();

const pages = createServer((asked, answer) => {
  page(asked, answer).catch((error) => fail(answer, error));
});

async function page(asked, answer) {
  const url = new URL(asked.url, origin);
  if (asked.method !== "GET") return say(answer, 405, "This page can only be read.");
  switch (url.pathname) {
    case "/":
      return home(asked, answer);
    case "/sign-in":
      return begin(answer);
    case "/readyz":
      return ready(answer);
    case "/status":
      return say(answer, 200, JSON.stringify(document.status), { "content-type": "application/json" });
  }
  // The path is the settings', and may be another one since this person left.
  if (url.searchParams.has("state")) return finish(asked, answer, url.searchParams);
  return say(answer, 404, "There is nothing here.");
}

function home(asked, answer) {
  const claims = sessions.get(cookie(asked, "session"));
  const text = claims ? `Signed in as ${claims.email ?? claims.sub}.` : "Not signed in. Go to /sign-in.";
  return say(answer, 200, text);
}

async function begin(answer) {
  // A read costs less than a millisecond, and people who sign in get what is newest.
  const held = await document.read();
  if (held === undefined) return unavailable(answer);
  const { to, state } = signIn.begin(held.config);
  redirect(answer, to, `sign-in=${state}; Path=/; Max-Age=900`);
}

async function finish(asked, answer, params) {
  const held = await document.read();
  if (held === undefined) return unavailable(answer);
  const newer = async (reason) => {
    await document.doubt(reason);
    return document.held?.config;
  };
  try {
    const claims = await signIn.finish(held.config, params, cookie(asked, "sign-in"), newer);
    document.tellOutcome();
    redirect(answer, "/", `session=${remember(claims)}; Path=/`);
  } catch (error) {
    // A person who comes with a state that is not ours says nothing about our settings.
    if (error instanceof SignInFailed && error.code !== "unknown_state") {
      document.tellOutcome(error.code);
      if (error.code !== "unknown_key") await document.doubt(error.code);
    }
    fail(answer, error);
  }
}

/** Ready is: people can sign in, and the settings are known to be fresh. It serves in any case. */
async function ready(answer) {
  const { version, stale, trouble } = document.status;
  if (version === undefined) return unavailable(answer);
  return stale ? say(answer, 503, `STALE: ${trouble ?? "older than the agent's bound"}`) : say(answer, 200, "ok");
}

function remember(claims) {
  const session = randomBytes(32).toString("base64url");
  if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value);
  sessions.set(session, claims);
  return session;
}

function unavailable(answer) {
  say(answer, 503, "People cannot sign in yet: there are no settings for it.", { "retry-after": "5" });
}

function fail(answer, error) {
  const ours = error instanceof SignInFailed;
  console.error(ours ? `a sign-in failed: ${error.code}: ${error.message}` : error);
  const headers = ours ? { "sign-in-error": error.code } : {};
  say(answer, ours ? 403 : 500, "We could not sign you in. Please try again from /sign-in.", headers);
}

function redirect(answer, location, newCookie) {
  const secure = origin.startsWith("https:") ? "; Secure" : "";
  const kept = `${newCookie}; HttpOnly; SameSite=Lax${secure}`;
  answer.writeHead(303, { location, "set-cookie": kept, "cache-control": "no-store" }).end();
}

function say(answer, status, text, headers = {}) {
  const plain = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  answer.writeHead(status, { ...plain, ...headers }).end(text + "\n");
}

function cookie(asked, name) {
  const all = (asked.headers.cookie ?? "").split("; ").map((one) => one.split("="));
  return all.find(([known]) => known === name)?.[1];
}

// What the agent posts when this site shall run another release. A real platform would deploy it here,
// and answer when it runs.
const hook = createServer(async (asked, answer) => {
  let body = "";
  for await (const part of asked) {
    body += part;
    if (body.length > HOOK_BYTES_MAX) return say(answer, 413, "too long");
  }
  try {
    const wanted = JSON.parse(body);
    if (wanted.site !== site) return say(answer, 422, `this is ${site}`);
    await document.setCode(wanted.version);
    console.log(`runs ${wanted.version}`);
    answer.writeHead(204).end();
  } catch (error) {
    say(answer, 503, error.message);
  }
});

function needed(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set; see README.md`);
    process.exit(2);
  }
  return value;
}

await document.read();
setInterval(() => document.read(), READ_EACH_MS);
const listen = (server, port) =>
  new Promise((done) => server.listen(Number(port), "127.0.0.1", () => done(server.address().port)));
const [pagesPort, hookPort] = [await listen(pages, process.env.PORT ?? 8091), await listen(hook, process.env.HOOK_PORT ?? 8092)];
console.log(JSON.stringify({ pages: pagesPort, hook: hookPort }));
