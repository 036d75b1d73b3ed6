// Signs people in with OpenID Connect: authorization code flow with PKCE, by the settings in the
// document `sign-in/client`. Knows nothing of agents, pages or cookies.

import { createHash, createPublicKey, randomBytes, timingSafeEqual, verify } from "node:crypto";

/** A person who takes longer begins again. */
const MINUTES_MAX = 15;
/** Sign-ins under way; more let the oldest go. */
const UNDER_WAY_MAX = 10_000;
/** How far the clocks of site and provider may differ. */
const CLOCK_SECONDS = 60;
const ANSWER_WITHIN_MS = 10_000;

/** Why a sign-in failed: `code` is for the agent and the log, never with anything personal in it. */
export class SignInFailed extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The settings that this site uses; throws at what it cannot use, and the agent is told why. */
export function checkSettings(body) {
  const { issuer, authorization_endpoint, token_endpoint, jwks, redirect_path, scopes } = body;
  for (const [name, value] of Object.entries({ issuer, authorization_endpoint, token_endpoint })) {
    if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
      throw new Error(`${name} is not a URL`);
    }
  }
  if (typeof redirect_path !== "string" || !redirect_path.startsWith("/")) {
    throw new Error("redirect_path is not a path");
  }
  if (!Array.isArray(scopes) || !scopes.includes("openid")) throw new Error("scopes lacks openid");
  const keys = new Map();
  for (const key of jwks?.keys ?? []) {
    if (key.kty === "RSA" && key.alg === "RS256") {
      keys.set(key.kid, createPublicKey({ key, format: "jwk" }));
    }
  }
  if (keys.size === 0) throw new Error("jwks has no RSA key");
  return { issuer, authorization_endpoint, token_endpoint, redirect_path, scope: scopes.join(" "), keys };
}

export class SignIn {
  #site;
  #secret;
  #origin;
  #underWay = new Map();

  /** `origin` is where browsers see the site, such as `https://anchorage.ak.example`. */
  constructor({ site, secret, origin }) {
    this.#site = site;
    this.#secret = secret;
    this.#origin = origin;
  }

  /** Where a person is sent, and the state that the person's browser keeps meanwhile. */
  begin(settings) {
    const [state, nonce, verifier] = [random(), random(), random()];
    const redirectUri = this.#origin + settings.redirect_path;
    this.#forgetOld();
    this.#underWay.set(state, { nonce, verifier, redirectUri, at: Date.now() });
    const to = new URL(settings.authorization_endpoint);
    to.search = new URLSearchParams({
      response_type: "code",
      client_id: this.#site,
      redirect_uri: redirectUri,
      scope: settings.scope,
      state,
      nonce,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    }).toString();
    return { to: to.href, state };
  }

  /**
   * The claims of the person who came back. `browserState` is what the browser kept; `newer` is called
   * when no known key signed the token, and gives newer settings, or nothing.
   */
  async finish(settings, answer, browserState, newer) {
    const state = answer.get("state") ?? "";
    const begun = this.#underWay.get(state);
    if (begun === undefined || browserState === undefined || !same(state, browserState)) {
      throw new SignInFailed("unknown_state", "this sign-in was not begun here, or too long ago");
    }
    this.#underWay.delete(state);
    // Another provider's answer must not be taken for this one's (RFC 9207).
    if (answer.has("iss") && answer.get("iss") !== settings.issuer) {
      throw new SignInFailed("wrong_issuer", "another provider answered");
    }
    if (answer.has("error")) throw new SignInFailed(tidy(answer.get("error")), "the provider refused");
    const token = await this.#exchange(settings, answer.get("code") ?? "", begun);
    return this.#claims(settings, token, begun.nonce, newer);
  }

  async #exchange(settings, code, { verifier, redirectUri }) {
    const basic = [this.#site, this.#secret].map(encodeURIComponent).join(":");
    const fields = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
    let answer, body;
    try {
      answer = await fetch(settings.token_endpoint, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(basic).toString("base64")}` },
        body: new URLSearchParams(fields),
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      body = await answer.json();
    } catch (error) {
      throw new SignInFailed("provider_unreachable", error.message);
    }
    if (!answer.ok) throw new SignInFailed(tidy(body.error), "the provider gave no token");
    return String(body.id_token);
  }

  /** Checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7). */
  async #claims(settings, token, nonce, newer) {
    const bad = (why) => new SignInFailed("bad_id_token", why);
    const parts = token.split(".");
    if (parts.length !== 3) throw bad("it is no signed token");
    const { alg, kid } = json(parts[0], bad);
    if (alg !== "RS256") throw bad("it is signed another way");
    let used = settings;
    if (!used.keys.has(kid)) used = (await newer(`no key ${tidy(kid)} in the settings`)) ?? used;
    const key = used.keys.get(kid);
    if (key === undefined) throw new SignInFailed("unknown_key", "no key that we know signed the token");
    const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
    if (!verify("sha256", signed, key, Buffer.from(parts[2], "base64url"))) throw bad("the signature is wrong");
    const claims = json(parts[1], bad);
    const now = Date.now() / 1_000;
    const audiences = [claims.aud].flat();
    if (claims.iss !== used.issuer) throw bad("another provider made it");
    if (!audiences.includes(this.#site)) throw bad("it is for another site");
    if (audiences.length > 1 && claims.azp !== this.#site) throw bad("it is for another site");
    if (!(claims.exp > now - CLOCK_SECONDS)) throw bad("it is over");
    if (!(claims.iat < now + CLOCK_SECONDS)) throw bad("it comes from the future");
    if (!same(String(claims.nonce), nonce)) throw bad("it answers another sign-in");
    return claims;
  }

  #forgetOld() {
    const oldest = Date.now() - MINUTES_MAX * 60_000;
    // The oldest come first.
    for (const [state, { at }] of this.#underWay) {
      if (at >= oldest && this.#underWay.size < UNDER_WAY_MAX) return;
      this.#underWay.delete(state);
    }
  }
}

const random = () => randomBytes(32).toString("base64url");

const tidy = (text) => String(text).replace(/[^A-Za-z0-9_-]/g, "").slice(0, 60);

function same(one, other) {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a, b);
}

function json(part, bad) {
  try {
    const value = JSON.parse(Buffer.from(part, "base64url").toString());
    if (typeof value === "object" && value !== null) return value;
  } catch {}
  throw bad("it does not read");
}
