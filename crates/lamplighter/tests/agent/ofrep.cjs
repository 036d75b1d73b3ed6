// Reads flags as sites would: with OpenFeature's SDKs for servers and for browsers and their OFREP
// providers, from npm. Takes {baseUrl, context, asks: [[kind, key, default]]} on standard input, and
// writes what each SDK says of each.
"use strict";
const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

function details(client, kind, key, fallback, context) {
  const get = `get${kind[0].toUpperCase()}${kind.slice(1)}Details`;
  return client[get](key, fallback, context);
}

async function server() {
  const { OpenFeature } = require("@openfeature/server-sdk");
  const { OFREPProvider } = require("@openfeature/ofrep-provider");
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: asked.baseUrl }));
  const client = OpenFeature.getClient();
  const answers = asked.asks.map(([kind, key, fallback]) => details(client, kind, key, fallback, asked.context));
  return Promise.all(answers);
}

async function web() {
  const { OpenFeature } = require("@openfeature/web-sdk");
  const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
  const provider = new OFREPWebProvider({ baseUrl: asked.baseUrl, pollInterval: -1, cacheMode: "disabled" });
  await OpenFeature.setContext(asked.context);
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  return asked.asks.map(([kind, key, fallback]) => details(client, kind, key, fallback));
}

(async () => {
  process.stdout.write(JSON.stringify({ server: await server(), web: await web() }));
  process.exit(0);
})();
