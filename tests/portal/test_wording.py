"""What pages say from data: golden sentences."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.release.changes import CORRECTED, LATE, METHOD, POPULATION
from portal import danish, wording
from schemas import tables
from schemas.fields import BASES, CHANGE_REASONS, COMPARISONS, VALUE_STATUSES
from schemas.labels_da import CHANGE_REASONS_DA, TABLES_DA
from schemas.management_tables import COST_DRIVERS
from schemas.years import find_period

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
    assert set(CHANGE_REASONS_DA) == set(CHANGE_REASONS)
    assert set(wording.COMPARISONS) == set(COMPARISONS)
    assert set(wording.MISSING) == set(VALUE_STATUSES) - {"published", "rounded"}
    assert set(wording.BASES) == set(BASES)
    assert set(wording.DRIVERS) == {name for name in COST_DRIVERS.dtypes if name.endswith("_effect_dkk")}


# Management information


def test_a_year_is_told_as_a_result_or_as_a_forecast_and_from_which_day():
    assert wording.basis("2024", "result", "2025-02-28") == (
        "Tallene er et resultat: Udtrækket er fra 28-02-2025, efter udgangen af 2024."
    )
    assert wording.basis("2025", "forecast", "2025-02-28") == (
        "Tallene er en prognose pr. 28-02-2025: Udtrækket er fra før udgangen af 2025. Bevillinger uden slutdato er regnet med "
        "til årets udgang."
    )
    assert wording.basis_of_all("result").startswith("Tallene er et resultat: Alle kommunernes udtræk")
    assert wording.basis_of_all("forecast").startswith("Tallene er en prognose: Mindst én kommunes udtræk")


@pytest.mark.parametrize(
    ("dkk", "million", "signed"),
    [
        (145_659_000, "145,659", "+145,659"),
        (-19_647_499, "-19,647", "-19,647"),
        (1_234_567_890, "1.234,568", "+1.234,568"),
        (500, "0,001", "+0,001"),
        (-499, "0,000", "0,000"),
        (0, "0,000", "0,000"),
    ],
)
def test_kroner_are_shown_as_millions_and_differences_with_their_sign(dkk, million, signed):
    assert wording.million(dkk) == million
    assert wording.signed(wording.million(dkk)) == signed


@given(st.integers(-(10**12), 10**12))
def test_a_signed_number_is_the_number_with_a_plus_where_it_is_above_zero(value):
    assert wording.signed(danish.number(value)) == ("+" if value > 0 else "") + danish.number(value)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"full_year_cases_per_1000": 3.687103, "value_status": "published"}, "3,69"),
        ({"full_year_cases_per_1000": 0.0, "value_status": "rounded"}, "0,00"),
        ({"full_year_cases_per_1000": None, "value_status": "suppressed"}, "skjult"),
    ],
)
def test_full_year_cases_or_why_they_are_not_there_stand_in_words(row, told):
    assert wording.volume(row) == told


@pytest.mark.parametrize(
    ("unit_cost", "status", "step", "told", "rounded_to"),
    [
        (1_305_000, "rounded", 5_000, "1.305.000", "5.000"),
        (1_536_179, "published", None, "1.536.179", "1.536.179"),
        (None, "suppressed", None, "skjult", "skjult"),
        (None, "not_applicable", None, "ingen sager", "ingen sager"),
    ],
)
def test_a_unit_cost_or_why_it_is_not_there_stands_in_words(unit_cost, status, step, told, rounded_to):
    row = {"unit_cost_dkk": unit_cost, "unit_cost_status": status, "unit_cost_rounding_dkk": step}
    assert (wording.unit_cost(row), wording.rounding(row)) == (told, rounded_to)


def test_an_interval_and_a_comparison_stand_in_words_where_there_is_none():
    assert wording.interval(103_436, 144_604, danish.number) == "103.436 til 144.604"
    assert wording.interval(None, None, danish.number) == "intet interval"
    assert wording.compared("lower", "landet") == "lavere end landet"
    assert wording.compared(None, "landet") == "kan ikke sammenlignes"


def total(basis: str, forecast: int, budget: int | None) -> dict:
    deviation = None if budget is None else forecast - budget
    return {"basis": basis, "forecast_dkk": forecast, "budget_dkk": budget, "deviation_dkk": deviation}


def test_a_sum_of_the_forecast_is_told_beside_its_budget():
    # Ishøj, January 2024: 133.357 against 129.351 million kr.
    assert wording.deviation(total("forecast", 133_357_000, 129_351_000), "Med refusion") == (
        "Med refusion er den ventede udgift 133,357 mio. kr., 4,006 mio. kr. mere end budgettet."
    )
    assert wording.deviation(total("result", 81_473_594, 88_739_000), "Med refusion") == (
        "Med refusion er udgiften 81,474 mio. kr., 7,265 mio. kr. mindre end budgettet."
    )
    assert wording.deviation(total("result", 1_000_000, 1_000_000), "Før refusion") == (
        "Før refusion er udgiften 1,000 mio. kr., det samme som budgettet."
    )
    assert wording.deviation(total("result", 1_000_000, None), "Før refusion") == (
        "Før refusion er udgiften 1,000 mio. kr. Der er intet budget at holde den op imod."
    )


def test_a_refund_is_told_with_how_many_citizens_it_is_for():
    assert wording.refund({"basis": "result", "refund_dkk": 1_250_000, "citizens": 1}) == (
        "Refusionen for særligt dyre enkeltsager (SEL § 176) er 1.250.000 kr. for 1 borger."
    )
    assert "ventes at blive 0 kr. for 0 borgere." in wording.refund(
        {"basis": "forecast", "refund_dkk": 0, "citizens": 0}
    )


def test_what_is_to_be_mended_is_counted():
    assert wording.to_mend(1, 2, 0) == "1 række er afvist og 2 bevillinger overlapper andre."
    assert wording.to_mend(1_200, 1, 1) == (
        "1.200 rækker er afvist, 1 bevilling overlapper en anden og 1 fil er afvist."
    )


def test_cases_over_the_threshold_are_told_beside_those_reported():
    assert wording.reconciled({"cases": 14, "cases_reported": None, "difference": None}) == (
        "Din kommune har ikke indberettet i en screening, der er opgjort i samme år."
    )
    assert wording.reconciled({"cases": 14, "cases_reported": 14, "difference": 0}) == (
        "Bevillingerne og screeningen giver det samme antal."
    )
    assert wording.reconciled({"cases": 14, "cases_reported": 15, "difference": -1}).startswith(
        "Bevillingerne giver 1 sag færre end screeningen."
    )
    assert wording.reconciled({"cases": 14, "cases_reported": 2, "difference": 12}).startswith(
        "Bevillingerne giver 12 sager flere end screeningen."
    )


@pytest.mark.parametrize(
    ("earlier", "later", "told"),
    [
        (10_000_000, 12_500_000, "Udgiften stiger fra 2023 til 2024 med 2.500.000 kr. i løbende priser."),
        (10_000_000, 9_000_000, "Udgiften falder fra 2023 til 2024 med 1.000.000 kr. i løbende priser."),
        (10_000_000, 10_000_000, "Udgiften er den samme fra 2023 til 2024."),
    ],
)
def test_a_change_of_cost_is_told_with_its_direction(earlier, later, told):
    assert wording.change({"year": 2024, "earlier_cost_dkk": earlier, "later_cost_dkk": later}) == told


def test_the_first_release_is_told_as_that_of_the_round_or_of_the_year():
    assert wording.first(find_period("2022-10-01")) == "Det er rundens første udgivelse."
    assert wording.first(find_period("2024")) == "Det er årets første udgivelse."


# Handing in


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
