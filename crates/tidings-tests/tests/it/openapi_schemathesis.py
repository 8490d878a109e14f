"""Runs schemathesis, as the package index has it, against a gateway.

Run by openapi_schemathesis.rs with the base URL, the number of examples for each operation and the
seed as its arguments and, on standard input, {"api_keys": ["..", ".."]}; writes one JSON object with the
exit code of each of its two runs and what schemathesis printed. It judges nothing: that is the test's
part.

The first run leaves out keys and accounts: it would revoke the key that it uses, and learn nothing more.
They are the second run, with a key of their own.
"""

import json
import os
import subprocess
import sys
import tempfile

base_url, n_examples, seed = sys.argv[1:4]
api_keys = json.load(sys.stdin)["api_keys"]

# That calls without a key are refused is tested elsewhere: after some wrong keys they are refused with 429.
checks = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
]
itself = "^/v1/(keys|accounts)/"
# The stream of events has no end: its first bytes would be waited for for ever. See openapi_events.
parts = [
    ["--exclude-path-regex", itself + "|^/v1/events$"],
    ["--include-path-regex", itself],
]

exits, said = [], []
for api_key, part in zip(api_keys, parts):
    # It leaves what it has found out where it runs.
    with tempfile.TemporaryDirectory() as folder:
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
                "--request-timeout", "30",
                "--suppress-health-check", "all",
                "--warnings", "off",
                *part,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=folder,
        )
    exits.append(done.returncode)
    said.append(done.stdout)
json.dump({"exits": exits, "said": "\n".join(said)}, sys.stdout)
