"""A local server that answers as StatBank's data function does, with made-up figures.

What belongs here: StatBank's manners as real replies show them (BOM, `;`, codes or labels, error replies), and the
faults that a network adds. What does not: expectations; those stand in the tests.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from pipelines.reference.municipalities import municipalities

HEADER = "OMRÅDE;KØN;ALDER;CIVILSTAND;TID;INDHOLD"
AGES = range(18, 67)
CODES = municipalities().get_column("municipality_code").to_list()
REGION_OF = dict(municipalities().select("municipality_code", "region_code").iter_rows()) | {"411": "084"}
VARIABLES = ("OMRÅDE", "KØN", "ALDER", "CIVILSTAND", "Tid")


def persons(code: str, age: int) -> int:
    """Made-up residents of an age: 101 + 18 = 119 in municipality 101 at age 18. Christiansø (411) has one per age."""
    return 1 if code == "411" else int(code) + age


def figures() -> dict[str, dict[int, int]]:
    """Persons by area and age: the 98, Christiansø, and the regions and the country that they add up to."""
    areas = {code: {age: persons(code, age) for age in AGES} for code in [*CODES, "411"]}
    return areas | totals(areas)


def totals(areas: dict[str, dict[int, int]]) -> dict[str, dict[int, int]]:
    """The country and the five regions that the areas add up to; an age that an area lacks counts as none."""
    members = {"000": list(areas)} | {
        region: [code for code in areas if REGION_OF[code] == region] for region in sorted(set(REGION_OF.values()))
    }
    return {
        total: {age: sum(areas[code].get(age, 0) for code in codes) for age in AGES} for total, codes in members.items()
    }


def reply_lines(areas: dict[str, dict[int, int]], quarter: str) -> list[str]:
    """The lines below the header, in StatBank's order: area, then age."""
    return [f"{code};TOT;{age};TOT;{quarter};{count}" for code in sorted(areas) for age, count in areas[code].items()]


def reply_body(lines: Iterable[str], header: str = HEADER) -> bytes:
    """A BULK reply: one BOM, `;` between fields, one line end after each line."""
    return "\ufeff".encode() + "".join(f"{line}\n" for line in [header, *lines]).encode()


def with_labels(lines: Iterable[str]) -> list[str]:
    """The lines as they come without `valuePresentation: Code`: `København;I alt;18 år;I alt;2022K4;119`."""
    names = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())
    fields = [line.split(";") for line in lines]
    return [
        f"{names.get(area, 'Hele landet')};I alt;{age} år;I alt;{time};{count}"
        for area, _, age, _, time, count in fields
    ]


@dataclass(frozen=True)
class Reply:
    """One answer; `missing_bytes` announces more than is sent, `hangs` sends nothing, `drips` a byte at a time."""

    status: int = 200
    body: bytes = b""
    missing_bytes: int = 0
    hangs: bool = False
    drips: bool = False


def refusal(code: str, message: str, status: int = 400) -> Reply:
    """An error reply in StatBank's shape."""
    return Reply(status, json.dumps({"errorTypeCode": code, "message": message}, ensure_ascii=False).encode())


class StatBankServer:
    """Answers on loopback until closed; `scripted` replies go out first, one per request.

    Attributes:
        url: where it listens, as StatBank's data function.
        requests: the request bodies received, oldest first.
        scripted: replies to give before answering as StatBank does.
        quarters: the quarters that it has figures for.
    """

    def __init__(self, quarters: tuple[str, ...] = ("2022K4",)) -> None:
        self.quarters = quarters
        self.requests: list[dict] = []
        self.scripted: deque[Reply] = deque()
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(request)
                reply = server.scripted.popleft() if server.scripted else server.answer(request)
                try:
                    self.give(reply)
                except ConnectionError:
                    # The client has given up, as the tests of time-outs want it to.
                    self.close_connection = True

            def give(self, reply: Reply) -> None:
                if reply.hangs:
                    server.closing.wait()
                    return
                self.send_response(reply.status)
                self.send_header("Content-Type", "text/csv; charset=utf-8")
                self.send_header("Content-Length", str(len(reply.body) + reply.missing_bytes))
                self.end_headers()
                if not reply.drips:
                    self.wfile.write(reply.body)
                    return
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    if server.closing.wait(0.02):
                        return

            def log_message(self, *_: object) -> None:
                """Keeps the request log out of the tests' output."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1/data"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def answer(self, request: dict) -> Reply:
        """What StatBank says to a request: the figures, or the error reply for its first fault."""
        selected = {variable["code"]: variable["values"] for variable in request.get("variables", [])}
        if request.get("format") not in ("BULK", "CSV"):
            return refusal("REQUEST-MISSING", "Format ikke angivet, eller ikke gyldigt.")
        if request.get("table") != "FOLK1A":
            return refusal("EXTRACT-NOTFOUND", f"Tabel findes ikke: {request.get('table')}")
        if unknown := [code for code in selected if code not in VARIABLES]:
            return refusal("EXTRACT-NOTFOUND", f"Kan ikke finde variablen: {unknown[0]}")
        if unselected := [code for code in VARIABLES if not selected.get(code)]:
            return refusal("EXTRACT-NOTALLOWED", f"Der skal vælges værdier for variabel: {unselected[0]}")
        (quarter,) = selected["Tid"]
        if quarter not in self.quarters:
            return refusal("EXTRACT-NOTFOUND", f"Kan ikke finde værdien: {quarter} (Tid)")
        lines = reply_lines(figures(), quarter)
        coded = request.get("valuePresentation") == "Code"
        return Reply(body=reply_body(lines if coded else with_labels(lines)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
