// The client against an agent that says what a test tells it to. Run: node --test examples/node-site

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { AgentDocument } from "./agent.mjs";

/** What the agent serves: `{version, etag, body}`. */
let served;
/** Refusals that came, and what they are answered: `[status, what is served then]`. */
let refusals;
let answers;
let address;

const agent = createServer(async (asked, answer) => {
  let body = "";
  for await (const part of asked) body += part;
  if (asked.method === "GET") {
    const { version, etag, body } = served;
    return answer.writeHead(200, { etag, "lamplighter-document-version": version }).end(body);
  }
  refusals.push(JSON.parse(body));
  const [status, then] = answers.shift() ?? [500];
  served = then ?? served;
  answer.writeHead(status).end();
});

before(async () => {
  await new Promise((done) => agent.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${agent.address().port}`;
});
after(() => agent.close());
beforeEach(() => {
  refusals = [];
  answers = [];
});

const good = { version: 1, etag: '"good"', body: '{"ok":true}' };
const bad = { version: 1, etag: '"bad"', body: '{"ok":false}' };
const worse = { version: 1, etag: '"worse"', body: '{"ok":false}' };

function client() {
  const check = (body) => {
    if (!body.ok) throw new Error("not ok");
    return body;
  };
  return new AgentDocument({ agent: address, site: "a.example", document: "sign-in/client", code: "5.1.0", check });
}

test("a refusal that the agent did not take is told again, and says the code", async () => {
  served = bad;
  answers = [[503], [204, good]];
  const document = client();
  assert.equal(await document.read(), undefined);
  assert.match(document.status.trouble, /503/);
  assert.equal((await document.read()).etag, good.etag);
  const told = { version: 1, code: "5.1.0", reason: "not ok" };
  assert.deepEqual(refusals, [told, told]);
});

test("a second bad layer of the same version is refused as well", async () => {
  served = bad;
  answers = [[204, worse], [204, good]];
  assert.equal((await client().read()).etag, good.etag);
  assert.equal(refusals.length, 2);
});

test("what was refused is not told again while it is served, and is when it comes back", async () => {
  served = bad;
  answers = [[204], [204]];
  const document = client();
  for (let read = 0; read < 3; read += 1) await document.read();
  assert.equal(refusals.length, 1);
  served = good;
  await document.read();
  served = bad;
  await document.read();
  assert.equal(refusals.length, 2);
  assert.equal(document.held.etag, good.etag);
});
