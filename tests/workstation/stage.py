"""A network of its own for one run of the doctor: real DNS, TLS, proxy and packet filter, on AWS's names.

Runs inside fresh network and mount namespaces (`unshare --map-root-user --net --mount`), where any address can
be had and tcp/443 bound. Reads a scene as JSON from stdin, writes what came of it as JSON to stdout.

A scene:
  names     name: addresses, "nxdomain", "refused", "servfail" or "silence": what the system's DNS server says.
            A name that is not listed does not exist.
  resolver  the same, for a second DNS server on 127.0.0.1:5353.
  servers   address: what answers at its tcp/443: "aws", "no-upgrade" (no WebSocket), "page" (HTML in place of AWS),
            "mute" (no TLS answer), "hangs-up", "closed" (nobody listens), "drops" (the packet filter drops), "rejects"
            (it refuses), or "aws" with another certificate: "inspected", "other-host", "expired". An address that is
            not listed has no route.
  proxy     user and password that a CONNECT proxy on 127.0.0.1:3128 wants, "" for none; or "denies".
  programs  name: script; the PATH.
  files     path below HOME: text.
  terminal  is standard input a terminal?
  args, env the doctor's.

Of a node, whose probe runs in place of the doctor if `probe` is its program:
  metadata  what answers at 169.254.169.254: "tokens", "no-role", "hop-limit" (the answer with the token is lost),
            "loses-some" (the first request for a token is lost, and the first for the Region),
            "interrupts" (the probe is stopped for a moment while it waits), "disabled" or "drops".
  date      by how many seconds the servers' Date header is ahead.
  disk      of the agent's folder: "full", "no-inodes" or "read-only".
  agent     the programs that it starts, whether it runs, and its environment:
            {"workers": [], "runs": false, "env": {}}.
  system    absolute path: text.
"""

import base64
import http.server
import json
import os
import pathlib
import pty
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

SAID: list[dict] = []
RCODES = {"servfail": 2, "refused": 5}
KEYS = {"names", "resolver", "servers", "proxy", "programs", "files", "terminal", "args", "env"} | {
    "doctor",
    "certificates",
}
KEYS_OF_NODE = {"probe", "metadata", "date", "disk", "agent", "system"}
INSTANCE = "i-0abc123def4567890"


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=sys.stderr)


class Host(http.server.BaseHTTPRequestHandler):
    """What answers at tcp/443 as AWS's front end does: somehow, and with a request id."""

    protocol_version = "HTTP/1.1"
    upgrades = True
    ahead = 0

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.ahead)

    def do_GET(self) -> None:
        SAID.append({"to": self.headers["Host"], "headers": dict(self.headers)})
        upgrade = "upgrade" in self.headers.get("Connection", "").lower()
        if upgrade and not self.upgrades:
            self.close_connection = True
            return
        body = b"<UnknownOperationException/>"
        self.send_response(400 if upgrade else 404)
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class Plain(Host):
    upgrades = False


class Page(Host):
    """A page for people, in AWS's place."""

    def do_GET(self) -> None:
        body = b"<html>Accept the terms to go on</html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Metadata(http.server.BaseHTTPRequestHandler):
    kind = "tokens"
    to_lose = {"/latest/api/token", "/latest/meta-data/placement/region"}
    # Of the probe and what it runs in.
    group = 0

    def lose(self) -> None:
        """The answer never arrives: the connection stays open without a word."""
        if self.kind == "hop-limit" and self.command == "PUT":
            threading.Event().wait()
        if self.kind == "loses-some" and self.path in self.to_lose:
            self.to_lose.remove(self.path)
            threading.Event().wait()

    def say(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self) -> None:
        self.lose()
        if self.kind == "interrupts":
            # Time for the probe to begin to wait.
            time.sleep(0.2)
            os.killpg(self.group, signal.SIGSTOP)
            time.sleep(0.2)
            os.killpg(self.group, signal.SIGCONT)
            time.sleep(0.2)
        if self.kind == "disabled":
            self.say(403)
        else:
            self.say(200, "METADATATOKEN")

    def do_GET(self) -> None:
        self.lose()
        role = "/latest/meta-data/iam/security-credentials/"
        says = {
            "/latest/meta-data/instance-id": INSTANCE,
            "/latest/meta-data/placement/region": "eu-west-1",
        }
        if self.kind != "no-role":
            credentials = {"Code": "Success", "AccessKeyId": "AKIDSCENE", "SecretAccessKey": "SCENESECRET"}
            credentials |= {"Token": "hunter2", "Expiration": "2099-01-01T00:00:00Z"}
            says |= {role: "EC2RoleforSSM", role + "EC2RoleforSSM": json.dumps(credentials)}
        if self.kind == "disabled":
            self.say(403)
        elif self.headers.get("X-aws-ec2-metadata-token") != "METADATATOKEN":
            self.say(401)
        elif self.path in says:
            self.say(200, says[self.path])
        else:
            self.say(404)

    def log_message(self, *_: object) -> None:
        pass


class Proxy(http.server.BaseHTTPRequestHandler):
    wants = ""
    denies = False

    def do_CONNECT(self) -> None:
        given = self.headers.get("Proxy-Authorization", "")
        SAID.append({"connect": self.path, "authorized": bool(given)})
        wanted = "Basic " + base64.b64encode(self.wants.encode()).decode()
        if self.denies or (self.wants and given != wanted):
            self.send_response(403 if self.denies else 407)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        host, port = self.path.rsplit(":", 1)
        try:
            there = socket.create_connection((host, int(port)), timeout=5)
        except OSError:
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
        back.start()
        pump(self.connection, there)
        back.join()

    def log_message(self, *_: object) -> None:
        pass


def pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    finally:
        try:
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: socket.socket, client: tuple) -> None:
        if self.context:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (ssl.SSLError, OSError):
                return
        super().finish_request(request, client)

    def handle_error(self, *_: object) -> None:
        pass


def serve(address: str, port: int, handler: type, context: ssl.SSLContext | None = None) -> None:
    server = Server((address, port), handler)
    server.context = context
    threading.Thread(target=server.serve_forever, daemon=True).start()


def set_up(address: str, kind: str, certificates: pathlib.Path) -> None:
    run("ip", "address", "add", f"{address}/32", "dev", "lo")
    if kind in ("drops", "rejects"):
        how = ["drop"] if kind == "drops" else ["reject", "with", "icmp", "admin-prohibited"]
        run("nft", "add", "rule", "inet", "scene", "in", "ip", "daddr", address, "tcp", "dport", "443", *how)
    elif kind in ("mute", "hangs-up"):
        listener = socket.create_server((address, 443))
        threading.Thread(target=accept, args=(listener, kind == "mute"), daemon=True).start()
    elif kind == "closed":
        pass
    else:
        certificate = {"no-upgrade": "aws", "page": "aws"}.get(kind, kind)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / f"{certificate}.pem", certificates / f"{certificate}.key")
        serve(address, 443, {"no-upgrade": Plain, "page": Page}.get(kind, Host), context)


def accept(listener: socket.socket, keep: bool) -> None:
    kept = []
    while True:
        connection, _ = listener.accept()
        if keep:
            kept.append(connection)
        else:
            connection.close()


def answer(rcode: int | None) -> int:
    """A DNS server that answers every question with an error, or not at all. Its port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def work() -> None:
        while True:
            query, sender = server.recvfrom(512)
            if rcode is not None:
                server.sendto(query[:2] + bytes([0x81, 0x80 | rcode]) + query[4:6] + bytes(6) + query[12:], sender)

    threading.Thread(target=work, daemon=True).start()
    return server.getsockname()[1]


def dns(names: dict, port: int) -> subprocess.Popen:
    rules = []
    for name, says in names.items():
        if isinstance(says, list):
            rules += [f"--address=/{name}/{address}" for address in says]
        elif says == "nxdomain":
            rules.append(f"--address=/{name}/")
        else:
            rcode = None if says == "silence" else RCODES[says]
            rules.append(f"--server=/{name}/127.0.0.1#{answer(rcode)}")
    # Without a daemon it keeps its user and group, which a user namespace does not let it change.
    words = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"]
    words += ["--listen-address=127.0.0.1", f"--port={port}", "--local=/com/", "--local=/aws/", *rules]
    server = subprocess.Popen(words, stdout=sys.stderr)
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    raise SystemExit("dnsmasq did not come up")


def doctor(scene: dict, home: pathlib.Path, certificates: pathlib.Path) -> dict:
    programs = home / "bin"
    programs.mkdir()
    for name, script in scene.get("programs", {}).items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    for name, text in scene.get("files", {}).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    saved = home / "facts.json"
    env = {
        "HOME": str(home),
        "PATH": f"{programs}:/bin",
        "LC_ALL": "C.UTF-8",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIDSCENE",
        "AWS_SECRET_ACCESS_KEY": "SCENESECRET",
        "SSL_CERT_FILE": str(certificates / "trusted.pem"),
        **scene.get("env", {}),
    }
    words = [scene["doctor"], "i-0abc123def4567890", "--format", "json", "--save-facts", str(saved)]
    stdin = subprocess.DEVNULL
    if scene.get("terminal"):
        keeper, stdin = pty.openpty()
    began = time.monotonic()
    done = subprocess.run(
        [*words, *scene.get("args", [])], env=env, stdin=stdin, capture_output=True, text=True, timeout=120
    )
    seconds = time.monotonic() - began
    facts = json.loads(saved.read_text()) if saved.exists() else None
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr, "facts": facts, "seconds": seconds}


def overlay(folder: str, home: pathlib.Path) -> None:
    """Makes a folder of the system writable here alone."""
    layers = home / folder.strip("/").replace("/", "-")
    upper, work = layers / "upper", layers / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={folder},upperdir={upper},workdir={work}", folder)


def node(scene: dict, home: pathlib.Path) -> subprocess.Popen | None:
    """The machine that a probe runs on. Its agent, if that runs."""
    layers = home / "layers"
    layers.mkdir()
    run("mount", "-t", "tmpfs", "layers", str(layers))
    for folder in ("/etc", "/usr/bin", "/var"):
        overlay(folder, layers)
    Host.ahead = scene.get("date", 0)
    metadata = scene.get("metadata")
    if metadata:
        run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
    if metadata == "drops":
        run("nft", "add", "rule", "inet", "scene", "in", "ip", "daddr", "169.254.169.254", "drop")
    elif metadata:
        Metadata.kind = metadata
        serve("169.254.169.254", 80, Metadata)
    folder = pathlib.Path("/var/lib/amazon/ssm")
    folder.mkdir(parents=True)
    if disk := scene.get("disk"):
        options = {"full": "size=64k", "no-inodes": "size=1g,nr_inodes=2", "read-only": "ro"}[disk]
        run("mount", "-t", "tmpfs", "-o", options, "agent", str(folder))
        if disk == "full":
            try:
                (folder / "log").write_bytes(bytes(1 << 20))
            except OSError:
                pass
        elif disk == "no-inodes":
            (folder / "last").touch()
    for path, text in scene.get("system", {}).items():
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(text)
    agent = scene.get("agent")
    if agent is None:
        return None
    program = pathlib.Path("/usr/bin/amazon-ssm-agent")
    script = "#!/bin/sh\n[ \"$1\" = -version ] && echo 'SSM Agent version: 3.3.1142.0' && exit\nread -r _\n"
    for file in [program, *(program.with_name(name) for name in agent["workers"])]:
        file.write_text(script)
        file.chmod(0o755)
    if not agent["runs"]:
        return None
    return subprocess.Popen([str(program)], env=agent.get("env", {}), stdin=subprocess.PIPE)


def probe(scene: dict, home: pathlib.Path, certificates: pathlib.Path) -> dict:
    env = {"PATH": "/bin:/usr/bin", "SSL_CERT_FILE": str(certificates / "trusted.pem"), **scene.get("env", {})}
    began = time.monotonic()
    words = ["/usr/bin/time", "-f", "%M", "-o", str(home / "memory")] if os.path.exists("/usr/bin/time") else []
    pipe = subprocess.PIPE
    words = [*words, scene["probe"], *scene.get("args", [])]
    with subprocess.Popen(words, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as running:
        Metadata.group = running.pid
        out, err = running.communicate(timeout=120)
    seconds = time.monotonic() - began
    memory = (home / "memory").read_text().split()[-1] if (home / "memory").exists() else None
    return {"code": running.returncode, "out": out, "err": err, "seconds": seconds, "kib": memory}


def main() -> None:
    scene = json.load(sys.stdin)
    if unknown := scene.keys() - KEYS - KEYS_OF_NODE:
        raise SystemExit(f"a scene has no {unknown}")
    certificates = pathlib.Path(scene["certificates"])
    # Not everybody's PATH has what is root's.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    run("ip", "link", "set", "lo", "up")
    run("nft", "add", "table", "inet", "scene")
    run("nft", "add", "chain", "inet", "scene", "in", "{ type filter hook input priority 0; }")
    for address, kind in scene.get("servers", {}).items():
        set_up(address, kind, certificates)
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        agent = node(scene, home) if "probe" in scene else None
        (home / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        run("mount", "--bind", str(home / "resolv.conf"), "/etc/resolv.conf")
        servers = [dns(scene.get("names", {}), 53)]
        if "resolver" in scene:
            servers.append(dns(scene["resolver"], 5353))
        if "proxy" in scene:
            Proxy.denies = scene["proxy"] == "denies"
            Proxy.wants = "" if Proxy.denies else scene["proxy"]
            serve("127.0.0.1", 3128, Proxy)
        try:
            look = probe if "probe" in scene else doctor
            seen = look(scene, home, certificates)
        finally:
            if agent:
                agent.kill()
                agent.wait()
            for server in servers:
                server.kill()
                server.wait()
            run("umount", "/etc/resolv.conf")
            if "probe" in scene:
                if "disk" in scene:
                    run("umount", "/var/lib/amazon/ssm")
                run("umount", "--lazy", "/etc", "/usr/bin", "/var", str(home / "layers"))
    json.dump({**seen, "said": SAID}, sys.stdout)


main()
