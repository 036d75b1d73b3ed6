"""Verifies a webhook as a receiver in Python would: the message as JSON on standard input, the time it
was sent as "now". Ends with 0 if the PyPI package believes it."""

import datetime
import json
import sys

import standardwebhooks.webhooks as webhooks

message = json.load(sys.stdin)
sent_at = int(message["headers"]["webhook-timestamp"])


class Then(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(sent_at, tz)


webhooks.datetime = Then
webhooks.Webhook(message["secret"]).verify(message["body"], message["headers"])
