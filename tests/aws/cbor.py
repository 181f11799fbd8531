"""CloudWatch in the protocol that the AWS SDK for Rust speaks: RPC with CBOR, which moto does not know.

A request is handed to moto in AWS's JSON protocol, and its answer goes back in CBOR. The names and the shapes are the
same. Source: Smithy, "Smithy RPC v2 CBOR protocol".
"""

import json
import re
from datetime import datetime
from typing import Any

import cbor2

FORM = re.compile(r"/service/(\w+)/operation/(\w+)")


def as_json(environ: dict[str, Any], form: re.Match[str], body: bytes) -> bytes:
    """The body in JSON. What the environment says of the request becomes that of the JSON protocol."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, dict):
            return {key: plain(it) for key, it in value.items()}
        return [plain(it) for it in value] if isinstance(value, list) else value

    text = json.dumps(plain(cbor2.loads(body) if body else {})).encode()
    environ["HTTP_X_AMZ_TARGET"] = ".".join(form.groups())
    environ["CONTENT_TYPE"] = "application/x-amz-json-1.0"
    environ["CONTENT_LENGTH"] = str(len(text))
    environ["PATH_INFO"] = "/"
    return text


class Answer:
    """Waits for the whole answer, and starts it in CBOR then."""

    def __init__(self, start_response: Any) -> None:
        self.start_response = start_response
        self.status = ""

    def __call__(self, status: str, _: list[Any], __: Any = None) -> None:
        self.status = status

    def encoded(self, chunks: list[bytes]) -> bytes:
        body = cbor2.dumps(timed(json.loads(b"".join(chunks) or b"{}")))
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        self.start_response(self.status, [*headers, ("Content-Length", str(len(body)))])
        return body


def timed(value: Any) -> Any:
    """Timestamps are numbers in JSON, and tagged in CBOR."""
    if isinstance(value, dict):
        as_times = {key: [cbor2.CBORTag(1, at) for at in it] for key, it in value.items() if key == "Timestamps"}
        return {key: timed(it) for key, it in value.items()} | as_times
    return [timed(it) for it in value] if isinstance(value, list) else value
