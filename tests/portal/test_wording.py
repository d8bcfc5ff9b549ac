"""What pages say from data: golden sentences."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.release.changes import CORRECTED, LATE, METHOD, POPULATION
from portal import danish, wording
from schemas import tables
from schemas.fields import CHANGE_REASONS, COMPARISONS, VALUE_STATUSES
from schemas.labels_da import TABLES_DA

NAMES = {"101": "København", "183": "Ishøj", "461": "Odense", "563": "Fanø"}
RATES = "shared/case_rates.parquet"
LAST_DAY = dt.date(2025, 3, 31)


def changes(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(tables.CHANGES.dtypes), orient="row")


def of(code: str, column: str, old: str | None, new: str | None, reason: str = LATE) -> tuple:
    return (RATES, f"municipality_code={code}", column, old, new, reason)


def test_own_figures_are_told_from_and_to_with_the_reasons_in_words():
    told = wording.news(
        changes(
            of("183", "cases", "2", "3", CORRECTED),
            of("183", "population_18_66", "14581", "14600", POPULATION),
            of("183", "rate_per_1000", "0.13716480351141896", "0.2054794", f"{CORRECTED}+{POPULATION}"),
            of("183", "rank", "5", "4", f"{LATE}+{CORRECTED}"),
        ),
        NAMES,
        "183",
    )
    assert told == [
        "Antallet af sager i din kommune er ændret fra 2 til 3.",
        "Befolkningstallet for din kommune er ændret fra 14.581 til 14.600.",
        "Din kommunes rate er ændret fra 0,14 til 0,21 sager pr. 1.000 18-66-årige.",
        "Din kommunes placering er ændret fra nr. 5 til nr. 4.",
        "Årsag til ændringerne: nye afleveringer, rettede afleveringer og nye befolkningstal.",
    ]


def test_a_municipality_is_told_who_came_and_went_by_name_and_of_others_nothing_more():
    told = wording.news(
        changes(
            of("461", "cases", None, "4"),
            of("461", "rate_per_1000", None, "0.03"),
            of("563", "cases", "0", None),
            of("101", "cases", "3", "7", CORRECTED),
        ),
        NAMES,
        "183",
    )
    assert told == [
        "Nye i opgørelsen: Odense.",
        "Ikke længere med i opgørelsen: Fanø.",
        "Årsag til ændringerne: nye afleveringer og rettede afleveringer.",
    ]


def test_a_municipality_that_is_new_itself_is_told_so():
    told = wording.news(changes(of("183", "cases", None, "4"), of("183", "rank", None, "1")), NAMES, "183")
    assert told == ["Din kommune er med for første gang.", "Årsag til ændringerne: nye afleveringer."]


def test_a_municipality_that_is_new_is_not_told_what_the_release_before_said():
    pooled = (
        "shared/area_averages.parquet",
        "area_type=country; area_code=000",
        "pooled_rate_per_1000",
        "1.5",
        "1.7",
        LATE,
    )
    assert any("1,50" in line for line in wording.news(changes(of("461", "cases", None, "4"), pooled), NAMES, "183"))
    told = wording.news(changes(of("183", "cases", None, "4"), pooled), NAMES, "183")
    assert told == ["Din kommune er med for første gang.", "Årsag til ændringerne: nye afleveringer."]


def test_many_newcomers_are_counted():
    names = {f"{code}": f"K{code}" for code in range(100, 106)}
    told = wording.news(changes(*(of(code, "cases", None, "1") for code in names)), names, "183")
    assert told[0] == "Nye i opgørelsen: 6 kommuner."


def test_the_countrys_pooled_rate_is_told():
    row = ("shared/area_averages.parquet", "area_type=country; area_code=000", "pooled_rate_per_1000", "0.475", "0.485")
    assert wording.news(changes((*row, METHOD)), NAMES, None) == [
        "Den samlede rate for hele landet er ændret fra 0,48 til 0,49 sager pr. 1.000 18-66-årige.",
        "Årsag til ændringerne: ændret beregningsmetode.",
    ]


def test_no_changes_and_small_changes_are_told():
    assert wording.news(changes(), NAMES, "183") == ["Ingen tal er ændret siden den forrige udgivelse."]
    assert wording.news(changes(of("101", "ci95_lower", "1", "2")), NAMES, "183") == [
        "Enkelte tal er ændret. Årsag: nye afleveringer."
    ]


def test_tables_with_changes_count_rows_not_values():
    shown = wording.changed_tables(
        changes(
            of("183", "cases", "2", "3"),
            of("183", "rank", "5", "4"),
            ("municipalities/183/target_groups.parquet", "area_code=183; target_group=mental", "cases", "1", "2", LATE),
            ("municipalities/183/target_groups.parquet", "area_code=183; target_group=social", "cases", "1", "0", LATE),
        )
    )
    assert shown == ["Målgrupper: 2 rækker", "Sager pr. 1.000 18-66-årige: 1 række"]


FILES = st.sampled_from(
    [RATES, "municipalities/183/responses.parquet", "municipalities/461/responses.parquet", "changes.parquet"]
)


@given(st.lists(FILES), st.sampled_from(["183", "461", "18", "1", ""]))
def test_a_municipality_sees_changes_of_shared_files_and_of_its_own_alone(files, code):
    given_rows = changes(*((file, "municipality_code=101", "cases", "1", "2", LATE) for file in files))
    seen = wording.visible(given_rows, code)["file"].to_list()
    assert seen == [f for f in files if f.split("/")[0] == "shared" or f.split("/")[:2] == ["municipalities", code]]


@pytest.mark.parametrize(
    ("today", "is_open", "told"),
    [
        (dt.date(2025, 3, 19), True, "Fristen er 31-03-2025, om 12 dage."),
        (dt.date(2025, 3, 30), True, "Fristen er 31-03-2025, i morgen."),
        (dt.date(2025, 3, 31), True, "Fristen er 31-03-2025, i dag."),
        (
            dt.date(2025, 4, 1),
            True,
            "Fristen var 31-03-2025. Runden er stadig åben, og en aflevering tæller med fra den følgende nat.",
        ),
        (dt.date(2025, 4, 1), False, "Fristen var 31-03-2025. Runden er lukket, og der kan ikke afleveres mere."),
    ],
)
def test_the_deadline_is_told_in_words(today, is_open, told):
    assert wording.deadline(LAST_DAY, today, is_open=is_open) == told


def test_a_round_without_a_deadline_says_so():
    assert wording.deadline(None, dt.date(2025, 3, 1), is_open=True) == "Runden har ingen frist."
    assert "Fristen" not in wording.deadline(None, dt.date(2025, 3, 1), is_open=False)


@pytest.mark.parametrize(
    ("row", "count", "share"),
    [
        ({"cases": 1200, "share": 0.125, "value_status": "published"}, "1.200", "12,5 %"),
        (
            {"cases": 12, "share": 0.5, "value_status": "rounded", "rounding_base": 3},
            "12 (afrundet til 3)",
            "50,0 % (af afrundet tal)",
        ),
        ({"cases": None, "share": None, "value_status": "suppressed"}, "skjult", "skjult"),
        ({"cases": None, "share": None, "value_status": "not_reported"}, "ikke indberettet", "ikke indberettet"),
        ({"cases": None, "share": None, "value_status": "not_applicable"}, "ikke relevant", "ikke relevant"),
        ({"cases": 0, "share": None, "value_status": "published"}, "0", "ingen sager"),
    ],
)
def test_a_figure_or_why_it_is_not_there_stands_in_words(row, count, share):
    assert (wording.count(row), wording.share(row)) == (count, share)


def test_every_code_that_data_hold_has_words():
    assert set(wording.REASONS) == set(CHANGE_REASONS)
    assert set(wording.COMPARISONS) == set(COMPARISONS)
    assert set(wording.MISSING) == set(VALUE_STATUSES) - {"published", "rounded"}


def reminder(state: str, today: dt.date, faulty_rows: int = 0) -> str | None:
    about = wording.Reminder("Ishøj Kommune", dt.date(2024, 10, 1), LAST_DAY, state, faulty_rows, "https://portal/x")
    return wording.reminder(about, today)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "Ingen advarsler mangler godkendelse."),
        (1, "1 advarsel mangler godkendelse."),
        (1_200, "1.200 advarsler mangler godkendelse."),
    ],
)
def test_warnings_that_wait_are_counted(count, told):
    assert wording.open_warnings(count) == told


def test_how_far_expectations_are_met_stands_in_words():
    assert wording.met(0, 1) == "0 af 1 forventning er opfyldt."
    assert wording.met(30, 31) == "30 af 31 forventninger er opfyldt."
    assert wording.extent(1, 1) == "1 af 1 række passer ikke."
    assert wording.extent(9_800, 2) == "2 af 9.800 rækker passer ikke."
    assert wording.extent(0, 0) == "0 rækker undersøgt."


def test_places_are_municipalities_by_name_and_all_else_as_it_is():
    assert wording.places(["183", "country 000", "case_rates.rank", "999"]) == [
        "Ishøj (183)",
        "country 000",
        "case_rates.rank",
        "999",
    ]


def test_a_table_that_is_no_more_goes_by_its_name():
    assert wording.table("case_rates") == TABLES_DA["case_rates"].title
    assert wording.table("gone_by_now") == "gone_by_now"


def test_a_reminder_of_a_missing_delivery_says_when_it_is_due():
    assert (
        reminder("missing", dt.date(2025, 3, 1))
        == """Emne: Botilbudsbenchmark pr. 01-10-2024: aflevering mangler

Til Ishøj Kommune

Vi har endnu ikke modtaget en aflevering fra Ishøj Kommune. Fristen er 31-03-2025. Har I ingen sager at indberette, så \
aflever en nulindberetning: Skriv 0 på skemaets forside, og aflever skemaet.

I afleverer her: https://portal/x
Har I spørgsmål, så kontakt KL.

Venlig hilsen
KL
"""
    )
    assert "Fristen var 31-03-2025, men runden er stadig åben." in reminder("missing", dt.date(2025, 4, 1))


def test_a_reminder_counts_rejected_rows():
    assert "men 1 række er afvist. Den afviste række tæller ikke med." in reminder("faulty", LAST_DAY, 1)
    assert "men 12 rækker er afvist. De afviste rækker tæller ikke med." in reminder("faulty", LAST_DAY, 12)
    assert "Den seneste fil fra Ishøj Kommune er afvist" in reminder("rejected", LAST_DAY)


@pytest.mark.parametrize("state", ["complete", "pending"])
def test_nobody_is_reminded_of_what_is_done(state):
    assert reminder(state, LAST_DAY) is None


def test_numbers_dates_and_sizes_are_written_as_in_denmark():
    assert danish.number(1234567) == "1.234.567"
    assert danish.decimal(1234.565, 2) == "1.234,57"
    assert danish.date(dt.date(2022, 10, 1)) == "01-10-2022"
    assert danish.date(dt.datetime(2022, 12, 31, 23, 30, tzinfo=dt.UTC)) == "01-01-2023"
    assert danish.time(dt.datetime(2022, 7, 1, 12, 5, tzinfo=dt.UTC)) == "01-07-2022 kl. 14.05"
    assert [danish.size(value) for value in (0, 940, 12_300, 1_540_000)] == ["0 byte", "940 byte", "12 kB", "1,5 MB"]


def test_municipalities_are_called_as_they_call_themselves_and_sorted_as_in_denmark():
    assert [danish.municipality(code) for code in ("101", "183", "400")] == [
        "Københavns Kommune",
        "Ishøj Kommune",
        "Bornholms Regionskommune",
    ]
    names = list(danish.municipality_names().values())
    assert names[0] == "Albertslund"
    assert names[-2:] == ["Aalborg", "Aarhus"]
