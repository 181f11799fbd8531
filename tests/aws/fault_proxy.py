"""Stands between the doctor and the server and spoils chosen answers.

    fault_proxy.py --upstream 127.0.0.1:PORT

Prints `{"port": N}` and ends when its stdin closes. `PUT /_fault/rules` takes a JSON list of

    {"action": "DescribeVpcEndpoints" | "*", "fault": NAME, "times": how often, without it always}

The first rule for an action that is not used up applies. Faults:

    throttle    AWS's own answer to too many requests, in the protocol's shape
    error500    AWS's own internal error
    html502     a load balancer's page
    truncate    the body ends behind an item of a list, and Content-Length agrees: EC2's protocol
                cannot tell it from a complete answer
    truncate_inside   the same behind any element, so that the last item lacks fields
    short_body  half the body, then the connection ends although Content-Length promised more
    hang        no answer
    reset       a TCP reset instead of an answer
    stall       half the body, then nothing more
    slow        the right answer after `ms` milliseconds

Every connection carries one request, so that no fault outlives its call.
"""

import argparse
import asyncio
import json
import re
import socket
import struct
import sys
import threading
from typing import Any

# Longer than any deadline of a client, shorter than a test run.
PATIENCE = 300.0
CREDENTIAL = re.compile(rb"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")

THROTTLED = {
    "ec2": (503, "RequestLimitExceeded"),
    "query": (400, "Throttling"),
    "s3": (503, "SlowDown"),
    "json": (400, "ThrottlingException"),
}
BROKEN = {
    "ec2": (500, "InternalError"),
    "query": (500, "ServiceFailure"),
    "s3": (500, "InternalError"),
    "json": (500, "InternalServerError"),
}


class Request:
    def __init__(self, head: bytes, body: bytes) -> None:
        self.head, self.body = head, body
        self.method, self.path = (part.decode() for part in head.split(b" ", 2)[:2])
        target = re.search(rb"(?im)^x-amz-target: *\S+\.(\w+)", head)
        named = re.search(rb"(?:^|&)Action=(\w+)", body)
        service = CREDENTIAL.search(head)
        self.protocol = "json"
        self.action = ""
        if target:
            self.action = target[1].decode()
        elif service and service[1] == b"s3":
            self.protocol = "s3"
            subject = "BucketEncryption" if "encryption" in self.path else "BucketPolicy"
            self.action = self.method.capitalize() + subject
        elif named:
            self.protocol = "ec2" if service and service[1] == b"ec2" else "query"
            self.action = named[1].decode()


def reply(status: int, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def error(protocol: str, status: int, code: str) -> bytes:
    if protocol == "json":
        return reply(status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": code}).encode())
    inner = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    if protocol == "ec2":
        inner = f"<Response><Errors>{inner}</Errors><RequestID>fault</RequestID></Response>"
    elif protocol == "query":
        inner = f"<ErrorResponse>{inner}<RequestId>fault</RequestId></ErrorResponse>"
    return reply(status, "text/xml", inner.encode())


def split(answer: bytes) -> tuple[bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def truncated(answer: bytes, element: bytes) -> bytes:
    """Ends behind the first half's last such element; JSON is cut anywhere, and shows it."""
    head, body = split(answer)
    middle = len(body) // 2
    ends = [found.end() for found in re.finditer(rb"</" + element + rb">", body[:middle])]
    body = body[: ends[-1] if ends else middle]
    head = re.sub(rb"(?i)(content-length: )\d+", rb"\g<1>" + str(len(body)).encode(), head)
    return head + b"\r\n\r\n" + body


def half(answer: bytes) -> bytes:
    head, body = split(answer)
    return head + b"\r\n\r\n" + body[: len(body) // 2]


class Proxy:
    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.rules: list[dict[str, Any]] = []

    def rule(self, action: str) -> dict[str, Any] | None:
        for rule in self.rules:
            if rule["action"] in ("*", action) and rule.get("times", 1) > 0:
                if "times" in rule:
                    rule["times"] -= 1
                return rule
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                request = await self.read(reader)
                if request.path.startswith("/_fault/"):
                    self.rules = json.loads(request.body)
                    writer.write(reply(200, "application/json", b"{}"))
                else:
                    await self.answer(request, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    async def read(self, reader: asyncio.StreamReader) -> Request:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        return Request(head, await reader.readexactly(int(length[1])) if length else b"")

    async def answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rule = self.rule(request.action)
        fault = rule["fault"] if rule else None
        if fault == "throttle":
            writer.write(error(request.protocol, *THROTTLED[request.protocol]))
        elif fault == "error500":
            writer.write(error(request.protocol, *BROKEN[request.protocol]))
        elif fault == "html502":
            writer.write(reply(502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"))
        elif fault == "hang":
            await reader.read()
        elif fault == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            if fault == "slow":
                await asyncio.sleep(rule["ms"] / 1000)
            answer = await self.forward(request)
            if fault == "truncate":
                answer = truncated(answer, b"(?:item|member)")
            elif fault == "truncate_inside":
                answer = truncated(answer, rb"\w+")
            elif fault in ("short_body", "stall"):
                answer = half(answer)
            writer.write(answer)
            if fault == "stall":
                await writer.drain()
                await reader.read()

    async def forward(self, request: Request) -> bytes:
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            head = re.sub(rb"(?im)^connection:.*\r\n", b"", request.head)
            writer.write(head[:-2] + b"Connection: close\r\n\r\n" + request.body)
            return await reader.read()
        finally:
            writer.close()


async def run(upstream: tuple[str, int]) -> None:
    server = await asyncio.start_server(Proxy(upstream).serve, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream", required=True)
    host, port = parser.parse_args().upstream.split(":")
    asyncio.run(run((host, int(port))))


if __name__ == "__main__":
    main()
