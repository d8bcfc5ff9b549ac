"""What a night came to, in words: counts, warnings, and who accepted them."""

import polars as pl

from pipelines.release.summary import Night, summary, summary_file
from schemas import tables
from tests.release_scenario import filled, rates
from tests.scenario import ROUND


def night(*expectations, quarter=ROUND.population_quarter, figures_from=None, statuses=("current",), rejected=0):
    def rows(table, *given):
        return filled(table, list(given))

    findings = rows(tables.RELEASED_KEY_FINDINGS, {"finding": "sentence"})
    return Night(
        ROUND,
        rows(tables.DELIVERY_LOG, *({"status": status} for status in statuses)),
        rows(tables.REJECTED_ROWS, *({"municipality_code": "101", "row": row} for row in range(rejected))),
        rates({"101": 3, "147": 2}),
        rows(tables.POPULATION, {"population_quarter": quarter}),
        findings.with_columns(figures_from_release=pl.lit(figures_from, pl.String)),
        rows(tables.QUALITY_REPORT, *expectations),
    )


MET = {"expectation": "met", "met": True, "severity": "stop"}
OPEN = {
    "expectation": "open",
    "met": False,
    "severity": "look",
    "expected_da": "Alle deltager.",
    "rows_checked": 59,
    "rows_failing": 5,
}
ACCEPTED = OPEN | {"expectation": "accepted", "accepted_by": "En konsulent", "accepted_reason": "De ved det."}


def test_a_plain_night_is_one_line():
    assert summary(night(MET)) == ["2 kommuner, 5 sager; 0 filer og 0 rækker er afvist."]


def test_one_is_told_in_the_singular():
    told = summary(night(OPEN, statuses=("current", "rejected"), rejected=1))
    assert told[0].endswith("1 fil og 1 række er afvist.")
    assert told[1] == "Kvalitetskontrollen har 1 advarsel, som en konsulent skal se på."


def test_another_population_and_figures_of_an_earlier_release_are_told():
    told = summary(night(MET, quarter="2020K1", figures_from="0123456789abcdef"))
    assert told[1:] == [
        "Advarsel: befolkningen for 2022K4 kunne ikke hentes fra Danmarks Statistik; raterne bygger på 2020K1.",
        "Bemærk: de fælles fordelinger er fra udgivelse 0123456789abcdef; forskellen til den ville røbe små tal.",
    ]


def test_an_accepted_warning_is_not_waiting_and_stands_in_the_file_with_name_and_reason():
    assert summary(night(MET, ACCEPTED)) == ["2 kommuner, 5 sager; 0 filer og 0 rækker er afvist."]
    lines = summary_file(night(MET, OPEN, ACCEPTED)).content.decode().splitlines()
    assert "- Kvalitetskontrol: 1 af 3 forventninger er opfyldt." in lines
    assert "- Ikke opfyldt (5 af 59): Alle deltager. (ikke godkendt endnu)" in lines
    assert "- Ikke opfyldt (5 af 59): Alle deltager. (godkendt af En konsulent: De ved det.)" in lines
