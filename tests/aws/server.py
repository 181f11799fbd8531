"""A stand-in for AWS on loopback: moto's server, completed, corrected and observed.

    server.py --modules DIR        DIR/node_modules holds the policy evaluator

Prints `{"port": N}` when it is ready and ends when its stdin closes. Beside AWS's API it serves:

    PUT    /_test/state?account=A&region=R   set keys of state.py
    GET    /_test/log?account=A              the account's requests since the last DELETE
    DELETE /_test/log?account=A
    POST   /_test/reset                      forget everything, of all accounts

A request with the header `x-moto-account-id` acts as that account, may do anything and is not
logged: worlds are built so. Any other request acts for the owner of its access key, and is refused
as AWS would if there is none.
"""

import argparse
import io
import itertools
import json
import os
import re
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

# moto reads these when it is imported. One image is all the worlds need; its own list takes seconds.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["MOTO_AMIS_PATH"] = str(Path(__file__).parent / "images.json")

from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends
from werkzeug.serving import make_server

import cbor
import corrections
import missing
import state

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
QUERY_SERVICES = ("iam", "sts")

# These say what they are asked by method and path, not by name.
REST_OPERATIONS = {
    "route53": (
        ("GET", r"/2013-04-01/hostedzonesbyvpc", "ListHostedZonesByVPC"),
        ("GET", r"/2013-04-01/hostedzone/[^/]+/rrset", "ListResourceRecordSets"),
        ("GET", r"/2013-04-01/hostedzone/[^/]+", "GetHostedZone"),
    ),
    "route53profiles": (
        ("GET", r"/profileassociations", "ListProfileAssociations"),
        ("GET", r"/profileresourceassociations/profileid/[^/]+", "ListProfileResourceAssociations"),
    ),
}

# S3 says what it is asked by method and query, not by name.
S3_QUERIES = {
    "acl": "BucketAcl",
    "encryption": "BucketEncryption",
    "location": "BucketLocation",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
}
# Where the permission is named otherwise than the operation.
PERMISSION_NAMES = {
    "monitoring:GetMetricData": "cloudwatch:GetMetricData",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
}


class Call:
    """One request, as far as it says itself what it is."""

    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        self.access_key, self.region, self.service = signed.groups() if signed else ("", "us-east-1", "unknown")
        self.params: dict[str, Any] = {}
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            self.protocol = "json"
            self.action = target.rsplit(".", 1)[-1]
            self.params = json.loads(body or b"{}")
        elif self.service == "s3":
            self.protocol = "s3"
            query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
            method = environ["REQUEST_METHOD"]
            subject = next((name for key, name in S3_QUERIES.items() if key in query), None)
            self.action = method.capitalize() + (subject or "Bucket")
            self.params = {"path": environ["PATH_INFO"], **{key: value[0] for key, value in query.items()}}
        elif self.service in REST_OPERATIONS:
            # Route 53 speaks XML, with errors like those of the query protocol; its Profiles speak JSON.
            self.protocol = "query" if self.service == "route53" else "json"
            query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
            method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].rstrip("/")
            self.action = next(
                (name for verb, form, name in REST_OPERATIONS[self.service] if verb == method and re.fullmatch(form, path)),
                f"{method} {path}",
            )
            self.params = {"path": path, **{key: value[0] for key, value in query.items()}}
        else:
            self.protocol = "ec2" if self.service == "ec2" else "query" if self.service in QUERY_SERVICES else "rest"
            text = body.decode() if self.protocol != "rest" else ""
            self.params = {key: values[0] for key, values in parse_qs(text).items()}
            self.action = self.params.get("Action", f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"

    def error(self, code: str, message: str, status: int) -> tuple[int, str, bytes]:
        """The error in the shape of this call's protocol: status, content type, body."""
        request = "11111111-2222-3333-4444-555555555555"
        text = escape(message)
        if self.protocol == "ec2":
            inner = f"<Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
            body = f"<Response>{inner}<RequestID>{request}</RequestID></Response>"
        elif self.protocol == "query":
            kind = "Sender" if status < 500 else "Receiver"
            inner = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            body = f"<ErrorResponse>{inner}<RequestId>{request}</RequestId></ErrorResponse>"
        elif self.protocol == "s3":
            body = f"<Error><Code>{code}</Code><Message>{text}</Message><RequestId>{request}</RequestId></Error>"
        else:
            return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
        return status, "text/xml;charset=UTF-8", f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()

    def by_protocol(self, **answers: tuple[str, int]) -> tuple[str, int]:
        return answers.get(self.protocol, answers["json"])


def principal(access_key: str) -> tuple[str, str] | None:
    """Account and ARN of the owner of an access key."""
    # moto's own lookup makes backends for all partitions of every account: seconds each.
    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            user = backend.get_user_from_access_key_id(access_key)
            if user:
                return account, user.arn
    for account, partitions in list(sts_backends.items()):
        for backend in list(partitions.values()):
            session = backend.get_assumed_role_from_access_key(access_key)
            if session:
                return account, session.arn
    return None


def bucket_region(call: Call, account: str) -> str | None:
    name = call.params["path"].strip("/").split("/")[0]
    bucket = s3_backends[account]["aws"].buckets.get(name)
    return bucket.region_name if bucket else None


class Application:
    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.log: list[dict[str, Any]] = []
        self.numbers = itertools.count(1)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        size = environ.get("CONTENT_LENGTH")
        if environ["PATH_INFO"].startswith("/_test/"):
            body = environ["wsgi.input"].read(int(size or 0))
            status, kind, answer = self.control(environ, body)
            start_response(f"{status} -", [("Content-Type", kind), ("Content-Length", str(len(answer)))])
            return [answer]
        if environ.get("HTTP_X_MOTO_ACCOUNT_ID"):
            return self.moto(environ, start_response)
        body = environ["wsgi.input"].read(int(size)) if size else b""
        in_cbor = cbor.FORM.fullmatch(environ["PATH_INFO"])
        if in_cbor:
            body = cbor.as_json(environ, in_cbor, body)
            start_response = cbor.Answer(start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        chunks = self.observe(environ, start_response, body)
        return [start_response.encoded(chunks)] if in_cbor else chunks

    def observe(self, environ: dict[str, Any], start_response: Any, body: bytes) -> list[bytes]:
        call = Call(environ, body)
        known = principal(call.access_key)
        entry = {
            "seq": next(self.numbers),
            "start": time.monotonic(),
            "account": known[0] if known else None,
            "service": call.service,
            "action": call.action,
            "region": call.region,
            "access_key": call.access_key,
            "params": call.params,
        }
        if known:
            time.sleep(state.account(known[0])["latency_ms"] / 1000)
        refusal = self.refuse(call, known)
        if refusal:
            answer = call.error(*refusal)
            headers = [("Content-Type", answer[1]), ("Content-Length", str(len(answer[2])))]
            if refusal[0] == "PermanentRedirect":
                headers.append(("x-amz-bucket-region", bucket_region(call, known[0])))
            status, chunks = f"{answer[0]} -", [answer[2]]
        else:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = known[0]
            status, headers, chunks = self.run(call, environ, entry)
        entry["status"] = int(status.split()[0])
        entry["end"] = time.monotonic()
        self.log.append(entry)
        start_response(status, headers)
        return chunks

    def refuse(self, call: Call, known: tuple[str, str] | None) -> tuple[str, str, int] | None:
        if known is None:
            code, status = call.by_protocol(
                ec2=("AuthFailure", 401),
                query=("InvalidClientTokenId", 403),
                s3=("InvalidAccessKeyId", 403),
                json=("UnrecognizedClientException", 400),
            )
            return code, "The security token included in the request is invalid.", status
        account, arn = known
        own = state.account(account)
        if call.access_key in own["expired_keys"]:
            code, status = call.by_protocol(
                ec2=("RequestExpired", 400),
                query=("ExpiredToken", 403),
                s3=("ExpiredToken", 400),
                json=("ExpiredTokenException", 400),
            )
            return code, "The security token included in the request is expired", status
        permission = PERMISSION_NAMES.get(call.name, call.name)
        # GetCallerIdentity needs no permission, and no policy can deny it.
        denied = call.name != "sts:GetCallerIdentity" and not {"*", call.name, permission}.isdisjoint(own["deny"])
        if denied:
            code, status = call.by_protocol(
                ec2=("UnauthorizedOperation", 403),
                query=("AccessDenied", 403),
                s3=("AccessDenied", 403),
                json=("AccessDeniedException", 400),
            )
            message = (
                f"User: {arn} is not authorized to perform: {permission} "
                f"because no identity-based policy allows the {permission} action"
            )
            if call.protocol == "ec2":
                message = f"You are not authorized to perform this operation. {message}"
            return code, message, status
        if call.protocol == "s3" and bucket_region(call, account) not in (None, call.region):
            return "PermanentRedirect", "The bucket must be addressed using the specified endpoint.", 301
        return None

    def run(self, call: Call, environ: dict[str, Any], entry: dict[str, Any]) -> tuple[str, list[Any], list[bytes]]:
        captured: list[Any] = []

        def start(status: str, headers: list[Any], exc_info: Any = None) -> None:
            captured[:] = [status, headers]

        try:
            if call.service == "route53profiles":
                body = json.dumps(missing.profiles(call.action, call.params, call.region, entry["account"])).encode()
                return "200 -", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], [body]
            chunks = [b"".join(self.moto(environ, start))]
            return captured[0], captured[1], chunks
        except Exception as error:  # noqa: BLE001 (whatever moto stumbles over is the server's error)
            if isinstance(error, NotImplementedError):
                entry["unimplemented"] = True
                code, status = call.by_protocol(
                    ec2=("InvalidAction", 400),
                    query=("InvalidAction", 400),
                    s3=("NotImplemented", 501),
                    json=("UnknownOperationException", 400),
                )
            else:
                entry["crashed"] = traceback.format_exc()
                traceback.print_exc()
                code, status = call.by_protocol(
                    ec2=("InternalError", 500),
                    query=("InternalFailure", 500),
                    s3=("InternalError", 500),
                    json=("InternalServerError", 500),
                )
            answer = call.error(code, f"The action {call.action} is not valid for this web service.", status)
            return f"{answer[0]} -", [("Content-Type", answer[1]), ("Content-Length", str(len(answer[2])))], [answer[2]]

    def control(self, environ: dict[str, Any], body: bytes) -> tuple[int, str, bytes]:
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        account = query.get("account")
        door = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        answer: Any = {}
        status = 200
        if door == "PUT /_test/state" and account:
            try:
                state.put(account, query.get("region", "us-east-1"), json.loads(body))
            except KeyError as unknown:
                status, answer = 400, {"error": f"no such key: {unknown}"}
        elif door == "GET /_test/log":
            answer = [entry for entry in self.log if account in (None, entry["account"])]
        elif door == "DELETE /_test/log":
            self.log = [entry for entry in self.log if account not in (None, entry["account"])]
        elif door == "POST /_test/reset":
            self.log = []
            state.reset()
            reset_moto()
        else:
            status, answer = 404, {"error": f"no such door: {door}"}
        return status, "application/json", json.dumps(answer).encode()


def reset_moto() -> None:
    services = (
        "cloudtrail",
        "cloudwatch",
        "ec2",
        "iam",
        "kms",
        "logs",
        "network-firewall",
        "organizations",
        "route53",
        "route53resolver",
        "s3",
        "ssm",
        "sts",
    )
    for service in services:
        backends = get_backend(service)
        if isinstance(backends, BackendDict):
            backends.reset()


class Quiet(MotoRequestHandler):
    def log(self, *_: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", type=Path, required=True)
    arguments = parser.parse_args()
    corrections.apply()
    missing.register(missing.Simulator(Path(__file__).parent / "simulate.mjs", arguments.modules))
    server = make_server("127.0.0.1", 0, Application(), threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    sys.stdin.read()
    # Not sys.exit: the threads of requests that a test has given up on must not hold the process.
    os._exit(0)


if __name__ == "__main__":
    main()
