"""After a full run with planted markers, no event, log line, metadata entry or page holds a case id, free text or CPR number.

Read are bytes: the whole Dagster home (its database as written, and as told row by row), what the command printed, the
pages for analysts, and what lies beside and at the root of a release.
"""

import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.assets.commands import botilbud
from tests.scenario import ROUND, hand_in, row, small_round

pytestmark = pytest.mark.slow

CPR = "010190-0000"  # made up
MARKERS = {
    "case id": "sagsnr-7Q4711",
    "free text": "fritekst om borgeren 0815",
    "CPR number": CPR,
    "CPR number without its dash": CPR.replace("-", ""),
    "rejected answer": "Regjonen-XVII",
    "folder": "mappe med navn 2306",
    "amount": "2.987.613",
    "amount as a number": "2987613",
}


@pytest.fixture(scope="module", params=["a good night", "a night that the gate stops"])
def told(request, tmp_path_factory):
    """All that a night tells outside the tables and files of cases, by where it stands."""
    root = tmp_path_factory.mktemp("markers") / "data"
    small_round(root)
    good = {"case_id": MARKERS["case id"], "comment": MARKERS["free text"], "residential_cost_dkk": MARKERS["amount"]}
    hand_in(
        root,
        "165",
        [
            row("165", 1, **good),
            row("165", 2, comment=f"{CPR} {MARKERS['free text']}"),
            row("165", 3, provider=MARKERS["rejected answer"]),
            *(row("165", i) for i in range(4, 9)),
        ],
        name=f"20221101T080000Z__{CPR} {MARKERS['case id']}.csv",
    )
    misplaced = root / "inbox" / ROUND.name / MARKERS["folder"] / f"{MARKERS['case id']}.xlsx"
    misplaced.parent.mkdir()
    misplaced.write_bytes(MARKERS["free text"].encode())
    with Receiver() as alerts, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOTILBUD_ALERT_WEBHOOK", alerts.url)
        commands = [botilbud(root, "nightly", "--round", ROUND.name)]
        assert commands[0].returncode == 0, commands[0].stderr
        if request.param != "a good night":
            for path in (root / "inbox" / ROUND.name / "101").iterdir():
                path.unlink()
            commands.append(botilbud(root, "nightly", "--round", ROUND.name))
            assert commands[1].returncode == 1
    own = next((root / "releases" / ROUND.name).glob("*/municipalities/165"))
    for file, key, column in (
        ("responses.parquet", "row=2", "comment"),
        ("responses.parquet", "row=99", "age"),
        ("rejected_rows.parquet", "row=4,question=22", "message"),
        ("delivery_log.parquet", "delivery=0", "file"),
    ):
        commands += [botilbud(root, "trace", str(own / file), key, column, *more) for more in ((), ("--json",))]
    commands += [
        botilbud(root, *words)
        for words in (["quality", "list", "--round", ROUND.name], ["heartbeat"], ["purge", "--dry-run"])
    ]
    said = said_by(root, commands)
    assert alerts.received
    return said | {f"alert {number + 1}": content for number, content in enumerate(alerts.received)}


class Receiver:
    """What stands at the address of a webhook, on loopback."""

    def __enter__(self):
        received = self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def said_by(root, commands):
    home = root.parent / "dagster-home"
    release = next(path for path in (root / "releases" / ROUND.name).iterdir() if path.is_dir())
    files = [
        *home.rglob("*"),
        *(root / "documentation").rglob("*"),
        *(root / "heartbeat").rglob("*"),
        *(root / "alerts").rglob("*"),
        *(root / "releases" / ROUND.name).glob("*.json"),
        *release.glob("*.json"),
        *release.glob("*.md"),
    ]
    said = {str(path.relative_to(root.parent)): path.read_bytes() for path in files if path.is_file()}
    for path in home.rglob("*.db"):
        with sqlite3.connect(path) as database:
            # A row that does not fit a page of the file is split over several: told as SQL it is whole.
            said[f"{path.name} as SQL"] = "\n".join(database.iterdump()).encode()
        database.close()
    for number, command in enumerate(commands):
        said[f"printed by command {number + 1}"] = (command.stdout + command.stderr).encode()
    return said


@pytest.mark.parametrize("marker", MARKERS)
def test_no_marker_stands_anywhere_outside_the_tables_of_cases(told, marker):
    planted = MARKERS[marker]
    held = [where for where, content in told.items() if any(form in content for form in forms(planted))]
    assert held == []


def test_the_scan_reads_what_it_claims_to_read(told):
    everything = b"\n".join(told.values())
    for present in (
        "quality_report",
        "dagster/column_lineage",
        "lets_the_release_pass",
        "Kvalitetskontrol",
        ROUND.name,
    ):
        assert any(form in everything for form in forms(present)), present
    assert any(where.endswith((".db", ".db as SQL")) for where in told)
    assert any(Path(where).suffix == ".html" for where in told)
    assert any(where.endswith(".provenance.json") for where in told)


def forms(text: str) -> list[bytes]:
    """A text as it may be written: as it is, escaped as JSON, and in the other Unicode form."""
    return [text.encode(), text.encode("utf-16-le"), text.replace("/", "\\/").encode()]
