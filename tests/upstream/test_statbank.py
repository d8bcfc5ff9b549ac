"""What we rely on StatBank, httpx2 and stamina for, against a local server that answers as StatBank does.

A test of what somebody else's code does says what to do when it breaks. `folk1a_odense_2020K1.csv` holds the lines aged
18 to 66 of a reply that StatBank really gave (Statistics Denmark, FOLK1A, Odense by sex, CC BY 4.0), unchanged: both
sexes lack the age 38.
"""

import datetime as dt
import hashlib
import json
import socket
import time
from pathlib import Path

import polars as pl
import pytest
import stamina
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from pipelines.reference import statbank
from pipelines.reference.municipalities import municipalities
from pipelines.reference.population import Population, population, require_exactly_the_98
from pipelines.reference.statbank import StatBankError, StatBankUnavailableError
from schemas.errors import BotilbudError, ReferenceTableError
from tests.upstream import statbank_server as server
from tests.upstream.statbank_server import Reply, StatBankServer, refusal

QUARTER = "2022K4"
FETCHED_AT = dt.datetime(2022, 11, 15, 2, 0, tzinfo=dt.UTC)
LINES = server.reply_lines(server.figures(), QUARTER)
BODY = server.reply_body(LINES)
# Municipality code x 49 ages + the ages 18 to 66 themselves: sum(range(18, 67)) = 2,058.
POPULATION = {code: int(code) * 49 + 2_058 for code in server.CODES}
ODENSE = Path(__file__).with_name("folk1a_odense_2020K1.csv")


@pytest.fixture(autouse=True)
def _no_proxy_and_no_waiting(monkeypatch):
    """Loopback is never asked for through a proxy; attempts are counted as in earnest, without the waits between."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def statbank_server():
    with StatBankServer() as running:
        yield running


@pytest.fixture
def closed_port_url():
    """An address on which nobody listens: bound, never listening, so nobody else takes it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1/data"


def population_of(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.select("municipality_code", "population_18_66").iter_rows())


def population_from(url: str, cache_dir: Path, quarter: str = QUARTER) -> Population:
    return population(quarter, cache_dir=cache_dir, url=url, fetched_at=FETCHED_AT)


def without(area: str, age: int) -> list[str]:
    return [line for line in LINES if not line.startswith(f"{area};TOT;{age};")]


# The request


def test_the_request_asks_for_both_sexes_aged_18_to_66_in_every_area_as_codes():
    # When FOLK1A gets another variable: compare with https://api.statbank.dk/v1/tableinfo/FOLK1A, then change both.
    request = statbank.request_body("2022K4")
    assert {key: request[key] for key in ("table", "format", "lang", "valuePresentation")} == {
        "table": "FOLK1A",
        "format": "BULK",
        "lang": "da",
        "valuePresentation": "Code",
    }
    assert request["variables"] == [
        {"code": "OMRÅDE", "values": ["*"]},
        {"code": "KØN", "values": ["TOT"]},
        {"code": "ALDER", "values": [str(age) for age in range(18, 66 + 1)]},
        {"code": "CIVILSTAND", "values": ["TOT"]},
        {"code": "Tid", "values": ["2022K4"]},
    ]


@pytest.mark.parametrize("quarter", ["", "2022", "2022Q4", "2022K5", "2022k4", "٢٠٢٢K4", "2022K4\n", "../2022K4"])
def test_a_quarter_that_statbank_would_not_write_so_is_refused_before_anybody_is_asked(quarter, closed_port_url):
    with pytest.raises(StatBankError, match="as 2022K4") as refused:
        statbank.fetch(quarter, url=closed_port_url)
    assert not isinstance(refused.value, StatBankUnavailableError)


def test_a_fetched_reply_is_the_bytes_that_statbank_sent(statbank_server):
    assert statbank.fetch(QUARTER, url=statbank_server.url) == BODY
    assert statbank_server.requests == [statbank.request_body(QUARTER)]


# The network


def test_a_busy_statbank_is_asked_three_times(statbank_server):
    # stamina retries what it is told to. When this breaks: read its changes to `RetryingCaller` and `set_testing`.
    statbank_server.scripted.extend([Reply(503), Reply(503)])
    assert statbank.fetch(QUARTER, url=statbank_server.url) == BODY
    assert len(statbank_server.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_statbank_that_stays_busy_is_unavailable_after_three_attempts(statbank_server, status):
    statbank_server.scripted.extend([Reply(status)] * 10)
    with pytest.raises(StatBankUnavailableError, match=f"answered {status}"):
        statbank.fetch(QUARTER, url=statbank_server.url)
    assert len(statbank_server.requests) == 3


def test_a_statbank_that_does_not_answer_in_time_is_asked_three_times(statbank_server):
    # httpx2 raises ReadTimeout. When this breaks: its exception tree has changed, see `except` in `fetch`.
    statbank_server.scripted.extend([Reply(hangs=True)] * 3)
    with pytest.raises(StatBankUnavailableError, match="ReadTimeout"):
        statbank.fetch(QUARTER, url=statbank_server.url, read_seconds=0.1)
    assert len(statbank_server.requests) == 3


def test_a_statbank_that_takes_no_connections_is_given_up_after_three_short_waits():
    # A full backlog drops new connections without a word, as a firewall does. Elsewhere than on Linux it may refuse
    # them: skip the test there.
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for waiting in (first, second):
            waiting.settimeout(0)
            waiting.connect_ex(deaf.getsockname())
        with pytest.raises(StatBankUnavailableError, match="ConnectTimeout"):
            statbank.fetch(QUARTER, url=f"http://127.0.0.1:{deaf.getsockname()[1]}/", connect_seconds=0.1)


def test_one_time_out_is_forgiven(statbank_server):
    statbank_server.scripted.append(Reply(hangs=True))
    assert statbank.fetch(QUARTER, url=statbank_server.url, read_seconds=0.5) == BODY


def test_a_reply_that_trickles_in_for_ever_is_given_up(statbank_server):
    # httpx2's read time-out starts anew with every byte, so `fetch` has its own limit for the whole. When this breaks
    # because httpx2 has one too, ours can go.
    statbank_server.scripted.extend([Reply(body=BODY[:60], drips=True)] * 3)
    with pytest.raises(StatBankUnavailableError, match=r"longer than 0\.2 seconds"):
        statbank.fetch(QUARTER, url=statbank_server.url, read_seconds=0.1)


def test_a_refused_connection_fails_at_once_and_is_not_tried_again(closed_port_url):
    # httpx2 tells a refused connection (ConnectError) from a time-out. When this breaks, the fall-back gets slow.
    with stamina.set_testing(False):
        started = time.monotonic()
        with pytest.raises(StatBankUnavailableError, match="ConnectError"):
            statbank.fetch(QUARTER, url=closed_port_url)
        # A second attempt would wait for at least a second first.
        assert time.monotonic() - started < 1.0


def test_a_name_that_does_not_resolve_is_not_tried_again(monkeypatch):
    lookups = []

    def unknown_name(host, *_args, **_options):
        lookups.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown_name)
    with pytest.raises(StatBankUnavailableError, match="Name or service not known"):
        statbank.fetch(QUARTER, url="http://api.statbank.invalid/v1/data")
    assert lookups == ["api.statbank.invalid"]


def test_a_connection_that_breaks_within_the_reply_never_yields_half_a_reply(statbank_server):
    # httpx2 compares with Content-Length. When this breaks, half a table arrives here; `parse` still refuses it.
    statbank_server.scripted.append(Reply(body=BODY[:50_000], missing_bytes=1))
    with pytest.raises(StatBankUnavailableError, match="RemoteProtocolError"):
        statbank.fetch(QUARTER, url=statbank_server.url)


def test_an_endless_reply_is_cut_off(statbank_server):
    statbank_server.scripted.append(Reply(body=b"x" * (statbank.MAX_REPLY_BYTES + 1)))
    with pytest.raises(StatBankError, match="larger than 5,000,000 bytes"):
        statbank.fetch(QUARTER, url=statbank_server.url)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "127.0.0.1/v1/data", "http://a..b/", f"http://{'a' * 70}.dk/"])
def test_an_address_that_is_none_is_a_setting_to_correct_and_nothing_to_fall_back_from(url):
    with pytest.raises(StatBankError, match="Correct the URL") as refused:
        statbank.fetch(QUARTER, url=url)
    assert not isinstance(refused.value, StatBankUnavailableError)


def test_a_proxy_setting_that_makes_no_sense_is_named_without_its_password(monkeypatch, statbank_server):
    # httpx2 reads the proxy variables itself and hides passwords in what it raises. When this breaks: drop {error}.
    monkeypatch.setenv("HTTP_PROXY", "foo://name:hunter2@proxy.invalid")
    with pytest.raises(StatBankError, match="HTTPS_PROXY") as refused:
        statbank.fetch(QUARTER, url=statbank_server.url)
    assert "hunter2" not in str(refused.value)


# Error replies


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refusal("EXTRACT-NOTFOUND", "Tabel findes ikke: FOLK1A"), "400 EXTRACT-NOTFOUND: Tabel findes ikke"),
        (
            refusal("EXTRACT-NOTFOUND", "Kan ikke finde variablen: KØN"),
            "400 EXTRACT-NOTFOUND: Kan ikke finde variablen",
        ),
        (
            refusal("EXTRACT-NOTFOUND", "Kan ikke finde værdien: 66 (ALDER)"),
            "400 EXTRACT-NOTFOUND: Kan ikke finde værdien",
        ),
        (
            refusal("EXTRACT-NOTALLOWED", "Der skal vælges værdier for variabel: OMRÅDE"),
            "400 EXTRACT-NOTALLOWED: Der skal",
        ),
        (refusal("REQUEST-MISSING", "Format ikke angivet, eller ikke gyldigt."), "400 REQUEST-MISSING: Format ikke"),
        (refusal("REQUEST-LIMIT", "Anvend BULK i stedet."), "400 REQUEST-LIMIT: Anvend BULK"),
        (refusal("REQUEST-NOTFOUND", "Siden kan ikke findes.", 404), "404 REQUEST-NOTFOUND: Siden kan ikke findes"),
        (Reply(403, b"<html>Blocked by policy</html>"), r"403 \(no code\): <html>Blocked by policy"),
        (Reply(301, b""), r"301 \(no code\)"),
        (Reply(400, b"[" * 100_000), r"400 \(no code\)"),
        (Reply(400, b"\xff\x00"), r"400 \(no code\)"),
        (Reply(400, b'{"errorTypeCode": ["x"], "message": null}'), r"400 \['x'\]: None"),
    ],
)
def test_an_error_reply_is_named_once_with_its_code_and_what_to_do(statbank_server, reply, said):
    # The shape (status, errorTypeCode, message) is StatBank's own. When real replies differ, change `_error_reply`.
    statbank_server.scripted.append(reply)
    with pytest.raises(StatBankError, match=rf"{said}.*(Correct the URL|compare the request)") as refused:
        statbank.fetch(QUARTER, url=statbank_server.url)
    assert not isinstance(refused.value, StatBankUnavailableError)
    assert "\n" not in str(refused.value)
    assert len(statbank_server.requests) == 1


def test_a_quarter_that_is_not_published_yet_is_unavailable_and_asked_for_once(statbank_server):
    # StatBank names the value it did not find. Should it stop doing so, this becomes a refusal that stops the run:
    # look at the real reply and change `_refusal`.
    with pytest.raises(
        StatBankUnavailableError, match=r"EXTRACT-NOTFOUND: .*2099K1.*FOLK1A has no quarter 2099K1 \(yet\)"
    ):
        statbank.fetch("2099K1", url=statbank_server.url)
    assert len(statbank_server.requests) == 1


# The reply


def test_a_full_reply_gives_the_98_municipalities_without_country_regions_and_christiansoe():
    frame = statbank.parse(BODY, QUARTER)
    assert frame.schema == {"municipality_code": pl.String, "population_18_66": pl.Int64}
    assert frame.get_column("municipality_code").to_list() == sorted(server.CODES)
    assert population_of(frame) == POPULATION
    assert population_of(frame)["101"] == 101 * 49 + sum(range(18, 67))


def test_column_order_and_case_line_ends_and_a_second_bom_do_not_matter():
    turned = [";".join(reversed(line.split(";"))) for line in LINES]
    header = "Indhold;Tid;civilstand;Alder;Køn;Område"
    body = "\ufeff\ufeff" + "\r\n".join([header, *turned, ""])
    assert population_of(statbank.parse(body.encode(), QUARTER)) == POPULATION


def test_the_real_reply_that_silently_lacked_an_age_is_not_summed():
    # StatBank really sent this. There is no day on which the check behind this test can go.
    real = pl.read_csv(ODENSE, separator=";").group_by("ALDER").agg(pl.col("INDHOLD").sum())
    odense = dict(real.sort("ALDER").iter_rows())
    assert sum(odense.values()) == 67_081 + 66_525  # men + women as sent, without those aged 38
    areas = {code: counts for code, counts in server.figures().items() if code in {*server.CODES, "411"}}

    lacking = areas | {"461": odense}
    body = server.reply_body(server.reply_lines(lacking | server.totals(lacking), "2020K1"))
    with pytest.raises(StatBankError, match="municipality 461 age 38 is missing"):
        statbank.parse(body, "2020K1")

    # 135,719 is what Statistics Denmark published for Odense in 2020K1, so 2,113 are aged 38.
    mended = areas | {"461": odense | {38: 135_719 - 67_081 - 66_525}}
    body = server.reply_body(server.reply_lines(mended | server.totals(mended), "2020K1"))
    assert population_of(statbank.parse(body, "2020K1"))["461"] == 135_719


def with_line(old: str, new: str) -> list[str]:
    assert old in LINES
    return [new if line == old else line for line in LINES]


def without_area(area: str) -> list[str]:
    return [line for line in LINES if not line.startswith(f"{area};")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (without("461", 38), "municipality 461 age 38 is missing"),
        (without_area("461"), "municipality 461 is missing"),
        (without_area("461")[: -49 * 10], "municipality 461, .* and .* more is missing"),
        ([], "municipality 101, 147, 151, 153, 155 and 93 more is missing"),
        ([*LINES, LINES[0]], "area 000, age 18 comes twice"),
        ([*LINES, "999;TOT;18;TOT;2022K4;1"], "area 999 is none of the 98"),
        ([*LINES, "461;TOT;67;TOT;2022K4;1"], "area 461, age 67: the age is not one of 18 to 66"),
        ([*LINES, "461;1;18;TOT;2022K4;1"], "area 461, age 18: sex and marital status are to be TOT"),
        ([*LINES, "461;TOT;18;TOT;2022K4"], "line 5147 has 5 fields, the header 6"),
        (with_line("101;TOT;18;TOT;2022K4;119", "101;TOT;18;TOT;2022K4;118"), "at age 18 the municipalities add up"),
        (with_line("411;TOT;18;TOT;2022K4;1", "411;TOT;18;TOT;2022K4;2"), "at age 18 the municipalities add up"),
        (with_line("101;TOT;18;TOT;2022K4;119", "101;TOT;18;TOT;2022K4;.."), r"\.\. is no number of persons"),
        (with_line("101;TOT;18;TOT;2022K4;119", "101;TOT;18;TOT;2022K4;-1"), "-1 is no number of persons"),
        (with_line("101;TOT;18;TOT;2022K4;119", "101;TOT;18;TOT;2022K4;1.9"), r"1\.9 is no number of persons"),
        (with_line("101;TOT;18;TOT;2022K4;119", "101;TOT;18;TOT;2022K4;１１９"), "１１９ is no number of persons"),
        (with_line("101;TOT;18;TOT;2022K4;119", "101;TOT;18;TOT;2022K3;119"), "holds the period 2022K3"),
        (server.with_labels(LINES), "Hele landet is no code of three digits"),
        (server.reply_lines(server.figures(), "2022K3"), "holds the period 2022K3"),
        ([f"{code};TOT;{age};TOT;2022K4;0" for code in server.CODES for age in server.AGES], "has no residents"),
    ],
)
def test_a_reply_that_is_not_exactly_what_was_asked_for_is_refused_whole(lines, said):
    # 5,147: the header, then 105 areas x 49 ages = 5,145 lines, then the one too many.
    with pytest.raises(StatBankError, match=said):
        statbank.parse(server.reply_body(lines), QUARTER)


def test_the_country_is_compared_only_when_the_reply_holds_it():
    assert population_of(statbank.parse(server.reply_body(without_area("000")), QUARTER)) == POPULATION


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "its columns are"),
        ("\ufeff".encode(), "its columns are"),
        (b"<!doctype html><p>Log in to the network</p>", "its columns are <!doctype html>"),
        (b'{"errorTypeCode": "EXTRACT-NOTFOUND"}', "its columns are"),
        (BODY.replace(b";CIVILSTAND", b"", 1), "its columns are OMRÅDE;KØN;ALDER;TID;INDHOLD, not"),
        (BODY.replace(b";INDHOLD", b";ALDER", 1), "its columns are"),
        (BODY.decode().encode("utf-16"), "not UTF-8"),
        (BODY.decode().encode("cp1252", errors="replace"), "not UTF-8"),
        (BODY[: len(BODY) // 2], "has . fields, the header 6|is missing"),
    ],
)
def test_a_body_that_is_no_such_table_is_refused(body, said):
    with pytest.raises(StatBankError, match=said):
        statbank.parse(body, QUARTER)


@settings(max_examples=100, deadline=None)
@given(
    at=st.integers(0, len(BODY)),
    removed=st.integers(0, 60),
    inserted=st.binary(max_size=12) | st.text("0123456789;TOK\n\r\ufeff. ", max_size=12).map(str.encode),
)
def test_a_damaged_reply_gives_the_same_figures_or_is_refused(at, removed, inserted):
    damaged = BODY[:at] + inserted + BODY[at + removed :]
    try:
        frame = statbank.parse(damaged, QUARTER)
    except StatBankError:
        return
    assert population_of(frame) == POPULATION


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(st.text("0123456789;TOK2022K4OMRÅDE\ufeff\x85\u2028. -", max_size=40), max_size=8).map(server.reply_body)
)
def test_nothing_but_a_statbank_error_ever_comes_out_of_a_body_that_is_none(body):
    with pytest.raises(StatBankError):
        statbank.parse(body, QUARTER)


# The population table


def test_a_fetched_population_says_its_quarter_and_its_source(statbank_server, tmp_path):
    fetched = population_from(statbank_server.url, tmp_path / "reference")
    assert fetched.warning is None
    assert fetched.frame.columns == ["municipality_code", "population_18_66", "population_quarter", "source"]
    assert population_of(fetched.frame) == POPULATION
    assert fetched.frame.get_column("population_quarter").unique().to_list() == ["2022K4"]
    assert fetched.frame.get_column("source").unique().to_list() == [
        "Danmarks Statistik, FOLK1A, befolkningen 18-66 år, 2022K4"
    ]


def test_the_cache_holds_the_bytes_as_they_came_with_their_source_date_and_checksum(statbank_server, tmp_path):
    population_from(statbank_server.url, tmp_path / "reference")
    assert sorted(path.name for path in (tmp_path / "reference").iterdir()) == [
        "folk1a_18_66_2022K4.csv",
        "folk1a_18_66_2022K4.json",
    ]
    assert (tmp_path / "reference/folk1a_18_66_2022K4.csv").read_bytes() == BODY
    assert json.loads((tmp_path / "reference/folk1a_18_66_2022K4.json").read_bytes()) == {
        "source": "Danmarks Statistik, FOLK1A, befolkningen 18-66 år, 2022K4 (CC BY 4.0)",
        "url": statbank_server.url,
        "quarter": "2022K4",
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "fetched_at": "2022-11-15T02:00:00+00:00",
    }


def test_a_cached_quarter_is_used_without_asking_anybody(statbank_server, closed_port_url, tmp_path):
    fetched = population_from(statbank_server.url, tmp_path)
    cached = population_from(closed_port_url, tmp_path)
    assert len(statbank_server.requests) == 1
    assert cached.warning is None
    assert cached.frame.equals(fetched.frame)


def test_the_cache_may_be_object_storage(statbank_server, tmp_path):
    # UPath has no `replace`; its `rename` overwrites, as POSIX does. When this breaks: see `_write_whole`.
    bucket = UPath("memory://reference") / tmp_path.name
    for content in (None, b"damaged"):
        if content:
            (bucket / "folk1a_18_66_2022K4.csv").write_bytes(content)
        assert population_of(population_from(statbank_server.url, bucket).frame) == POPULATION
    assert sorted(path.name for path in bucket.iterdir()) == ["folk1a_18_66_2022K4.csv", "folk1a_18_66_2022K4.json"]


def test_one_cached_quarter_is_not_taken_for_another(statbank_server, tmp_path):
    statbank_server.quarters = ("2022K4", "2023K4")
    population_from(statbank_server.url, tmp_path, "2022K4")
    for ending in ("csv", "json"):
        (tmp_path / f"folk1a_18_66_2022K4.{ending}").rename(tmp_path / f"folk1a_18_66_2023K4.{ending}")
    population_from(statbank_server.url, tmp_path, "2023K4")
    assert len(statbank_server.requests) == 2


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        # One resident moved from 101 to 147: it still adds up to the country, so only the checksum tells.
        (
            "folk1a_18_66_2022K4.csv",
            BODY.replace(b"101;TOT;18;TOT;2022K4;119", b"101;TOT;18;TOT;2022K4;118").replace(
                b"147;TOT;18;TOT;2022K4;165", b"147;TOT;18;TOT;2022K4;166"
            ),
        ),
        ("folk1a_18_66_2022K4.csv", b""),
        *[("folk1a_18_66_2022K4.json", content) for content in (b"", b"\xff", b"null", b"[]", b"{}", b"1", DEEP)],
    ],
)
def test_a_damaged_cache_entry_is_fetched_again_and_mended(statbank_server, tmp_path, name, content):
    population_from(statbank_server.url, tmp_path)
    (tmp_path / name).write_bytes(content)
    for _ in range(2):
        assert population_of(population_from(statbank_server.url, tmp_path).frame) == POPULATION
    assert len(statbank_server.requests) == 1 + 1


def test_a_cache_entry_with_a_checksum_but_without_the_98_is_fetched_again(statbank_server, tmp_path):
    population_from(statbank_server.url, tmp_path)
    short = server.reply_body(without("461", 38))
    note = json.loads((tmp_path / "folk1a_18_66_2022K4.json").read_bytes())
    (tmp_path / "folk1a_18_66_2022K4.csv").write_bytes(short)
    (tmp_path / "folk1a_18_66_2022K4.json").write_text(json.dumps(note | {"sha256": hashlib.sha256(short).hexdigest()}))
    assert population_of(population_from(statbank_server.url, tmp_path).frame) == POPULATION
    assert len(statbank_server.requests) == 2


@pytest.mark.parametrize("lost", ["folk1a_18_66_2022K4.csv", "folk1a_18_66_2022K4.json"])
def test_half_a_cache_entry_as_a_killed_run_leaves_it_is_fetched_again(statbank_server, tmp_path, lost):
    population_from(statbank_server.url, tmp_path)
    (tmp_path / lost).unlink()
    population_from(statbank_server.url, tmp_path)
    assert len(statbank_server.requests) == 2


def test_without_a_way_out_the_packaged_figures_are_used_quickly_and_says_so(closed_port_url, tmp_path):
    with stamina.set_testing(False):
        started = time.monotonic()
        stand_in = population_from(closed_port_url, tmp_path / "reference")
        assert time.monotonic() - started < 1.0
    assert stand_in.frame.get_column("population_quarter").unique().to_list() == ["2020K1"]
    assert stand_in.frame.get_column("source").unique().to_list() == [
        "Danmarks Statistik, FOLK1A, befolkningen 18-66 år, 2020K1"
    ]
    # Hele landet 2020K1 is 3,641,454 residents aged 18 to 66, of whom 47 live on Christiansø.
    assert stand_in.frame.get_column("population_18_66").sum() == 3_641_454 - 47
    assert population_of(stand_in.frame)["183"] == 14_581
    for said in (
        "2022K4 could not be had",
        "Connection refused",
        "2020K1 (Statistics Denmark, CC BY 4.0) are used instead",
    ):
        assert said in stand_in.warning
    assert not (tmp_path / "reference").exists()


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([Reply(503)] * 3, "answered 503"),
        ([Reply(429)] * 3, "answered 429"),
        ([Reply(body=BODY[:1_000], missing_bytes=1)], "RemoteProtocolError"),
        ([refusal("EXTRACT-NOTFOUND", "Kan ikke finde værdien: 2022K4 (Tid)")], "no quarter 2022K4"),
    ],
)
def test_what_statbank_cannot_give_now_falls_back_to_the_packaged_figures(statbank_server, tmp_path, replies, said):
    statbank_server.scripted.extend(replies)
    stand_in = population_from(statbank_server.url, tmp_path)
    assert said in stand_in.warning
    assert stand_in.frame.get_column("population_quarter").unique().to_list() == ["2020K1"]
    # The next night asks again, and has the right quarter.
    assert population_from(statbank_server.url, tmp_path).warning is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=server.reply_body(without("461", 38))),
        Reply(body=server.reply_body(without_area("461"))),
        Reply(body=server.reply_body(server.with_labels(LINES))),
        Reply(body=b"<html>Log in to the network</html>"),
        Reply(404),
        refusal("EXTRACT-NOTFOUND", "Tabel findes ikke: FOLK1A"),
    ],
)
def test_a_reply_that_cannot_be_used_stops_the_run_and_is_not_cached(statbank_server, tmp_path, reply):
    statbank_server.scripted.append(reply)
    with pytest.raises(StatBankError):
        population_from(statbank_server.url, tmp_path / "reference")
    assert not (tmp_path / "reference").exists()


def test_a_table_that_is_not_exactly_the_98_is_refused_by_name():
    codes = municipalities().get_column("municipality_code").to_list()
    whole = pl.DataFrame({"municipality_code": codes})
    assert require_exactly_the_98(whole, municipalities()).equals(whole)
    faulty = pl.DataFrame({"municipality_code": [*(code for code in codes if code != "461"), "411", "101", None]})
    with pytest.raises(
        ReferenceTableError, match="98 municipalities once: missing: 461; surplus: 411, None; double: 101"
    ):
        require_exactly_the_98(faulty, municipalities())


def test_every_error_belongs_to_the_family():
    assert issubclass(StatBankUnavailableError, StatBankError)
    assert issubclass(StatBankError, BotilbudError)
