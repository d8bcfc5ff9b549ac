"""How fast are files handed out to 200 at once, beside nginx handing out the same files?

    python bench/downloads.py [--seconds 60] [--connections 200]

- The files are made up: random numbers as parquet, 1.5 MB and 8 MB, in a made-up release. The portal is a real server
  process that checks a token, looks up the release and writes the audit log for each download; nginx (Debian's, with
  `sendfile`) only hands out files. Both write an access log.
- Two client processes keep the connections busy over loopback and read every byte; of each 16th answer they compute the
  checksum, of the others they count the bytes. Clients and servers share the machine's cores, so that what a server needs
  shows in what the clients get.
- Portal and nginx take turns, so that a machine that is busy for a while spoils neither side alone.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUND, RELEASE, MUNICIPALITY = "2022-10-01", "0123456789abcdef", "183"
FILES = {"case_rates": 1_500_000, "question_answers": 8_000_000}
CLIENTS = 2
TURNS = 3
HASHED = 16
TARGET = 0.5
BUFFER_BYTES = 1_000_000
NGINX = """
user {user};
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log {folder}/access.log;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /files/ {{ alias {root}/releases/; }}
    }}
}}
"""


# The release ---------------------------------------------------------------------------------------------------------


def make_release(root):
    """A release with two shared files; path in the release and checksum of each, by size."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    folder = root / "releases" / ROUND / RELEASE
    (folder / "shared").mkdir(parents=True)
    resources = []
    for name, size in FILES.items():
        path = folder / "shared" / f"{name}.parquet"
        pl.DataFrame({"value": rng.random(size // 8)}).write_parquet(path, compression="uncompressed")
        resources.append(
            {
                "path": f"shared/{name}.parquet",
                "mediatype": "application/vnd.apache.parquet",
                "bytes": path.stat().st_size,
                "hash": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
                "rows": size // 8,
            }
        )
    document = {
        "id": RELEASE,
        "title": "Opdigtet udgivelse",
        "round": ROUND,
        "number": 1,
        "previous": None,
        "populationQuarter": "2022K4",
        "participants": [MUNICIPALITY],
        "resources": resources,
    }
    (folder / "datapackage.json").write_text(json.dumps(document), encoding="utf-8")
    (folder.parent / "latest.json").write_text(json.dumps({"release": RELEASE}), encoding="utf-8")
    return resources


# The servers ---------------------------------------------------------------------------------------------------------


def serve_portal(root, state, port):
    """The portal in this process, until it is told to end."""
    from upath import UPath

    from portal.server import serve
    from portal.settings import Settings

    serve(Settings(root=UPath(root), state=Path(state), url=f"http://127.0.0.1:{port}"), "127.0.0.1", int(port))


def issue_token(state):
    from portal.access.tokens import Tokens

    now = dt.datetime.now(dt.UTC)
    return Tokens(state).issue("municipality", MUNICIPALITY, label="bench", now=now, expires_at=now + dt.timedelta(1))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def started(command, port, log):
    server = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=ROOT)
    for _ in range(300):
        if server.poll() is not None:
            sys.exit(f"{command[0]} ended by itself; see its log")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.1)
    server.terminate()
    sys.exit(f"{command[0]} does not listen")


def cpu_seconds(process):
    """What a server and its workers have used of the processors so far."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    used = (
        Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        for each in (process, *children)
    )
    return sum(int(fields[11]) + int(fields[12]) for fields in used) / os.sysconf("SC_CLK_TCK")


def peak_mb(process):
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1_000 for line in lines if line.startswith("VmHWM"))


# The clients ---------------------------------------------------------------------------------------------------------


class Download:
    """One connection that asks for the same file again and again."""

    def __init__(self, port, request, size, sha256):
        self.request, self.size, self.sha256 = request, size, sha256
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)  # noqa: FBT003 - its only argument
        self.answers = 0
        self.ask()

    def ask(self):
        """Sends the request; the first and each 16th answer will be hashed."""
        self.head, self.got = b"", 0
        self.hash = hashlib.sha256() if self.answers % HASHED == 0 else None
        self.socket.send(self.request)

    def took(self, content):
        """One piece of an answer; whether it was the last."""
        if not self.got and not self.head.endswith(b"\r\n\r\n"):
            head, end, content = (self.head + bytes(content)).partition(b"\r\n\r\n")
            self.head = head + end
            if end and not (
                head.startswith(b"HTTP/1.1 200") and f"content-length: {self.size}" in head.decode().lower()
            ):
                raise ValueError(head.split(b"\r\n")[0].decode())
        self.got += len(content)
        if self.hash:
            self.hash.update(content)
        if self.got < self.size:
            return False
        if self.got > self.size or (self.hash and self.hash.hexdigest() != self.sha256):
            raise ValueError("other bytes than the file's")
        self.answers += 1
        return True


def download(port, address, token, *, size, sha256, connections, seconds):  # noqa: PLR0913 - what one client process is told
    """Downloads of one client process: how many whole answers, how many errors, and how long they took together."""
    request = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    buffer = bytearray(BUFFER_BYTES)
    view = memoryview(buffer)
    answers = errors = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            one = Download(port, request, size, sha256)
            selector.register(one.socket, selectors.EVENT_READ, one)
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for key, _ in selector.select(1):
                one = key.data
                try:
                    got = one.socket.recv_into(buffer)
                    if got == 0:
                        raise ConnectionError("closed")
                    if one.took(view[:got]):
                        answers += 1
                        one.ask()
                except (OSError, ValueError) as error:
                    errors += 1
                    print(error, file=sys.stderr)
                    selector.unregister(one.socket)
                    one.socket.close()
        elapsed = time.perf_counter() - start
    print(json.dumps({"answers": answers, "errors": errors, "seconds": elapsed}))


def measured(port, address, token, resource, connections, seconds):
    """Answers, answers a second, and errors, of all client processes together."""
    arguments = [port, address, token, resource["bytes"], resource["hash"].removeprefix("sha256:")]
    command = [sys.executable, "-P", __file__, "client", *arguments, connections // CLIENTS, seconds]
    clients = [subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE) for _ in range(CLIENTS)]
    told = [json.loads(client.communicate()[0]) for client in clients]
    answers, errors = (sum(each[key] for each in told) for key in ("answers", "errors"))
    return answers, sum(each["answers"] / each["seconds"] for each in told), errors


# The comparison ------------------------------------------------------------------------------------------------------


def compare(folder, seconds, connections):
    resources = make_release(folder / "root")
    state = folder / "state"
    token = issue_token(state)
    ports = {"portal": free_port(), "nginx": free_port()}
    configuration = folder / "nginx.conf"
    user = Path("/proc/self").owner()
    configuration.write_text(NGINX.format(folder=folder, root=folder / "root", port=ports["nginx"], user=user), "utf-8")
    portal = [sys.executable, "-P", __file__, "portal", folder / "root", state, ports["portal"]]
    nginx = ["nginx", "-c", configuration, "-e", folder / "error.log", "-g", "daemon off;"]
    with (folder / "server.log").open("wb") as log:
        servers = {"portal": started(portal, ports["portal"], log), "nginx": started(nginx, ports["nginx"], log)}
        try:
            for resource in resources:
                told(resource, turns(servers, ports, token, resource, (connections, seconds / TURNS / len(resources))))
            print(f"peak memory of the portal: {peak_mb(servers['portal'].pid):.0f} MB")
        finally:
            for server in servers.values():
                server.terminate()
                server.wait()


def turns(servers, ports, token, resource, load):
    """By server: downloads a second of each turn, errors, and seconds of processor per download."""
    address = f"/files/{ROUND}/{RELEASE}/{resource['path']}"
    outcome = {name: ([], [], []) for name in ports}
    for _ in range(TURNS):
        for name, port in ports.items():
            before = cpu_seconds(servers[name].pid)
            answers, rate, errors = measured(port, address, token, resource, *load)
            used = (cpu_seconds(servers[name].pid) - before) / max(answers, 1)
            for values, value in zip(outcome[name], (rate, errors, used), strict=True):
                values.append(value)
    return outcome


def told(resource, outcome):
    print(f"{resource['path']}, {resource['bytes'] / 1e6:.1f} MB")
    for name, (rates, errors, used) in outcome.items():
        rate = statistics.median(rates)
        print(
            f"  {name:8}{rate:8.0f} downloads/s{rate * resource['bytes'] / 1e6:8.0f} MB/s"
            f"{statistics.median(used) * 1e3:8.2f} ms of processor each{sum(errors):4} errors"
        )
    ratios = [portal / nginx for portal, nginx in zip(outcome["portal"][0], outcome["nginx"][0], strict=True)]
    reached = statistics.median(ratios) >= TARGET and not any(sum(errors) for _, errors, _ in outcome.values())
    of_turns = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"  {'reached' if reached else 'MISSED '} {TARGET} of nginx: {statistics.median(ratios):.2f} ({of_turns})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each side")
    parser.add_argument("--connections", type=int, default=200)
    arguments = parser.parse_args()
    if shutil.which("nginx") is None:
        sys.exit("nginx is not installed")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        compare(Path(folder), arguments.seconds, arguments.connections)


if __name__ == "__main__":
    # Run as a script, Python looks for modules beside the script; the product's are one level up.
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    match sys.argv[1:]:
        case ["portal", root, state, port]:
            serve_portal(root, state, port)
        case ["client", port, address, token, size, sha256, connections, seconds]:
            download(
                int(port),
                address,
                token,
                size=int(size),
                sha256=sha256,
                connections=int(connections),
                seconds=float(seconds),
            )
        case _:
            main()
