"""Runs schemathesis, as the package index has it, against a gateway.

Run by openapi_schemathesis.rs with the base URL, the number of examples for each operation and the
seed as its arguments and, on standard input, {"api_key": ".."}; writes one JSON object with the exit
code and what schemathesis printed. It judges nothing: that is the test's part.
"""

import json
import os
import subprocess
import sys

base_url, n_examples, seed = sys.argv[1:4]
api_key = json.load(sys.stdin)["api_key"]

checks = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
]
done = subprocess.run(
    [
        os.path.join(os.path.dirname(sys.executable), "schemathesis"),
        "run",
        base_url + "/openapi.json",
        "--header", "Authorization: Bearer " + api_key,
        "--checks", ",".join(checks),
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", n_examples,
        "--seed", seed,
        "--no-shrink",
        "--continue-on-failure",
        # Without an end: its first bytes would be waited for for ever.
        "--exclude-path", "/v1/events",
        "--request-timeout", "30",
        "--suppress-health-check", "all",
        "--warnings", "off",
    ],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    check=False,
)
json.dump({"exit": done.returncode, "said": done.stdout}, sys.stdout)
