"""Follows the gateway's events, and holds each against the schema that the OpenAPI document has for it.

Run by openapi_events.rs with the base URL and the id of the last event to wait for as its arguments and, on
standard input, {"api_key": ".."}; writes one JSON object with the status, the content type and, for each event,
its kind and what the schema says against it. It judges nothing: that is the test's part. The stream has no end, so
schemathesis, whose packages these are, leaves it out.
"""

import json
import sys

import jsonschema_rs
import requests

base_url, last = sys.argv[1], int(sys.argv[2])
api_key = json.load(sys.stdin)["api_key"]

document = requests.get(base_url + "/openapi.json", timeout=30).json()
schema = {"$ref": "#/components/schemas/Event", "components": document["components"]}
validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

events = []
followed = requests.get(
    base_url + "/v1/events",
    params={"after": 0},
    headers={"Authorization": "Bearer " + api_key},
    stream=True,
    timeout=30,
)
fields = {}
for line in followed.iter_lines(decode_unicode=True):
    if line:
        name, _, value = line.partition(":")
        fields[name] = value.strip()
        continue
    if "data" in fields:
        data = json.loads(fields["data"])
        wrong = [error.message for error in validator.iter_errors(data)]
        unknown = set(data) - set(document["components"]["schemas"]["Event"]["properties"])
        events.append({
            "kind": fields["event"],
            "agrees": fields["id"] == str(data["seq"]) and fields["event"] == data["type"],
            "wrong": wrong + [f"{name} is not in the document" for name in sorted(unknown)],
        })
        if int(fields["id"]) >= last:
            break
    fields = {}
followed.close()
json.dump({
    "status": followed.status_code,
    "content_type": followed.headers.get("content-type"),
    "documented": list(document["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]),
    "events": events,
}, sys.stdout)
