"""The commands `botilbud quality`, on a report that a night would have left."""

import polars as pl
import pytest
from typer.testing import CliRunner
from upath import UPath

from assets import cli_quality
from pipelines.storage import parquet_bytes, warehouse, write_bytes
from schemas.errors import BotilbudError, QualityError
from schemas.tables import QUALITY_REPORT
from tests.release_scenario import filled
from tests.scenario import ROUND

WARNING = "0123456789ab"
REASON = "Kvartalet er tæt på"


@pytest.fixture
def report(tmp_path):
    usual = {"round": ROUND.name, "expected_da": "Det forventede.", "rows_checked": 98, "warning_id": None}
    rows = [
        {"expectation": "met", "about": "case_rates", "met": True, "rows_failing": 0, "failing_keys": []},
        {"expectation": "stopping", "about": "case_rates", "severity": "stop", "met": False, "rows_failing": 2}
        | {"failing_keys": ["183", "461"], "action_da": "Læg filerne tilbage."},
        {"expectation": "looking", "about": "population", "severity": "look", "met": False, "rows_failing": 1}
        | {"failing_keys": ["2020K1"], "action_da": "Hent befolkningen.", "warning_id": WARNING},
    ]
    frame = filled(QUALITY_REPORT, [usual | row for row in rows])
    write_bytes(warehouse(UPath(tmp_path / "data")) / "quality_report" / f"{ROUND.name}.parquet", parquet_bytes(frame))
    return frame


def told(*arguments):
    result = CliRunner().invoke(cli_quality.app, [*arguments, "--round", ROUND.name])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


@pytest.mark.usefixtures("report")
def test_what_is_not_met_is_listed_with_what_to_do():
    assert told("list") == [
        f"Runde {ROUND.name}: 1 af 3 forventninger er opfyldt.",
        "stopping (Sager pr. 1.000 18-66-årige): stopper udgivelsen",
        "  Forventet: Det forventede.",
        "  Hvor (2 af 98): 183, 461",
        "  Gør: Læg filerne tilbage.",
        "looking (Befolkning): en konsulent skal se på det",
        "  Forventet: Det forventede.",
        "  Hvor (1 af 98): 2020K1",
        "  Gør: Hent befolkningen.",
        f"  Advarsel {WARNING}: ikke godkendt",
    ]


@pytest.mark.usefixtures("report")
def test_a_warning_is_accepted_once_and_listed_with_who_did():
    accepting = ("accept", WARNING, "--name", "en konsulent", "--reason", REASON)
    assert told(*accepting) == [f"Advarsel {WARNING} er godkendt."]
    (line,) = [line for line in told("list") if "Advarsel" in line]
    assert line.startswith(f"  Advarsel {WARNING}: godkendt ")
    assert line.endswith(f" UTC af en konsulent: {REASON}")
    with pytest.raises(QualityError, match="was accepted already"):
        told(*accepting)


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize("id_", ["stopping", "ffffffffffff"])
def test_only_warnings_of_the_report_can_be_accepted(id_):
    with pytest.raises(QualityError, match="the quality report has no warning"):
        told("accept", id_, "--name", "en konsulent", "--reason", REASON)


@pytest.mark.usefixtures("report")
def test_a_warning_needs_a_name_and_a_reason():
    with pytest.raises(QualityError, match="needs the name"):
        told("accept", WARNING, "--name", " ", "--reason", REASON)


def test_a_round_that_was_never_run_has_no_report():
    with pytest.raises(BotilbudError, match="er ikke kørt endnu"):
        told("list")


def test_a_report_without_a_fault_lists_nothing(report, tmp_path):
    sound = parquet_bytes(report.filter(pl.col("met")))
    write_bytes(warehouse(UPath(tmp_path / "data")) / "quality_report" / f"{ROUND.name}.parquet", sound)
    assert told("list") == [f"Runde {ROUND.name}: 1 af 1 forventninger er opfyldt."]
