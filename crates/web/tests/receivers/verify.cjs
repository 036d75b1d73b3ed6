// Verifies a webhook as a receiver on Node would: the message as JSON on standard input, the time it
// was sent as "now". Ends with 0 if the npm package believes it.
"use strict";
const { Webhook } = require("standardwebhooks");
const message = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
Date.now = () => Number(message.headers["webhook-timestamp"]) * 1000;
new Webhook(message.secret).verify(message.body, message.headers);
