"""What the three agents share: the tools of a Callboard service, and its execution of a model's message."""

import json
import os
import urllib.request
import uuid

URL = os.environ.get("CALLBOARD_URL", "http://127.0.0.1:8090")
TOKEN = os.environ.get("CALLBOARD_TOKEN")


def ask(path, body=None, **headers):
    headers = {"content-type": "application/json"} | headers
    if TOKEN:
        headers["authorization"] = f"Bearer {TOKEN}"
    data = None if body is None else body.encode()
    with urllib.request.urlopen(urllib.request.Request(URL + path, data, headers)) as answer:
        return json.load(answer)


def tools():
    """The tools on offer: name, description, input_schema."""
    return ask("/v1/tools")


def execute(provider, message):
    """Runs all calls of what a model sent, as JSON, and gives what the conversation goes on with. With the
    key a request that is cut may be sent again, and gives the results of the first."""
    return ask(f"/v1/execute?provider={provider}", message, **{"idempotency-key": str(uuid.uuid4())})
