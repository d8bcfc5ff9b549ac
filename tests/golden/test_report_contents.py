"""What stands in the reports of a round, and what never does: whole documents of made-up releases and of the samples."""

import json
import re
import shutil
from functools import cache

import polars as pl
import pytest

from assets.settings import PROJECT
from pipelines.reports.document import Bullets, Notice, Paragraph, PlotBlock, TableBlock
from pipelines.reports.lookup import Own, Published
from pipelines.reports.municipal import municipal_report
from pipelines.reports.national import national_report
from pipelines.reports.tables import themes
from schemas.errors import DisclosureError, TableError
from schemas.tables import CHANGES
from tests.assets.commands import botilbud
from tests.golden import report_scenario as scenario
from tests.golden.report_scenario import CATALOGUE, RELEASE, ROUND
from tests.golden.test_sample_deliveries import PUBLISHED_PERCENT, SHARED

SECRET = 4711  # a planted count that stands nowhere else


def municipal(code, made=None, own=None, round_=ROUND):
    if (made, own, round_) == (None, None, ROUND):
        return _municipal(code)
    made = made or scenario.release()
    mine = own or made.own.get(code, Own())
    return municipal_report(made.published, mine, round_, code, RELEASE)


@cache  # drawing takes its while
def _municipal(code):
    return municipal(code, scenario.release())


def national(made=None, **options):
    if made is None and not options:
        return _national()
    return national_report((made or scenario.release()).published, ROUND, RELEASE, **options)


@cache
def _national():
    return national(scenario.release())


def blocks(document, kind):
    return [block for section in document.sections for block in section.blocks if isinstance(block, kind)]


def table(document, caption):
    return next(block for block in blocks(document, TableBlock) if block.caption == caption)


def rows(block):
    return [[cell.text for cell in row] for row in block.rows]


def text(document):
    """All that is written in a report, pictures included."""
    told = [document.title, document.subtitle, document.lead.text, *document.facts.values()]
    for section in document.sections:
        told.append(section.heading)
        for block in section.blocks:
            match block:
                case Paragraph():
                    told.append(block.text)
                case Bullets():
                    told += [item.text for item in block.items]
                case Notice():
                    told += [block.heading, block.text]
                case PlotBlock():
                    told += [block.title, block.alt, block.svg.decode(), block.narrow_svg.decode()]
                case TableBlock():
                    told += [block.caption, block.source, *(cell.text for cell in block.headings)]
                    told += [cell.text for row in block.rows for cell in row]
    return "\n".join(told)


def headings(document):
    return [section.heading for section in document.sections]


# A municipality's own


def test_a_report_of_a_municipality_holds_its_parts_in_order():
    assert headings(municipal("183")) == [
        "Hvad tallene siger",
        "Placeringen, og hvor sikker den er",
        "Målgrupper og leverandører",
        "Svarene på skemaet",
        "Sådan læses tallene",
        "Sådan er tallene lavet",
        "Kilder og henvisning",
        "Bilag: alle kommuner",
    ]


def test_its_plots_are_the_spine_and_the_ranked_dots_in_two_widths():
    plots = blocks(municipal("183"), PlotBlock)
    assert [plot.name for plot in plots] == ["spine", "ranked_dots"]
    assert all(plot.svg != plot.narrow_svg for plot in plots)
    assert all("Ishøj" in plot.alt for plot in plots[:1])


def test_it_stands_beside_the_country_the_region_and_the_group():
    assert rows(table(municipal("183"), "Kommunen ved siden af landet, regionen og kommunegruppen")) == [
        ["Ishøj", "1", "14", "14.581", "0,96", "95 %-interval 0,52 til 1,61"],
        ["Hele landet", "5", "58", "177.581", "0,33", "højere end i området"],
        ["Region Hovedstaden", "2", "23", "44.581", "0,52", "højere end i området"],
        ["Hovedstadskommuner", "2", "23", "44.581", "0,52", "højere end i området"],
    ]


def test_who_is_alone_in_an_area_is_compared_with_nobody():
    compared = rows(table(municipal("461"), "Kommunen ved siden af landet, regionen og kommunegruppen"))
    assert compared[-1][-1] == "ingen andre er med"


def test_own_counts_are_exact_and_the_countrys_as_everybody_sees_them():
    # Every third of 14, 9, 34, 0, 1 cases is mental: 4 here, 18 of 58 in the country.
    assert rows(table(municipal("183"), "Hovedmålgrupper")) == [
        ["Kognitive vanskeligheder", "10", "71 %", "69 %"],
        ["Psykiske vanskeligheder", "4", "29 %", "31 %"],
        ["Fysisk eller multipel funktionsnedsættelse", "0", "0 %", "0 %"],
        ["Sociale problemer", "0", "0 %", "0 %"],
    ]


def test_every_closed_question_stands_with_own_answers_and_the_countrys():
    asked = [row[0] for theme in themes(CATALOGUE) for row in rows(table(municipal("183"), theme))]
    assert sorted(asked) == sorted(question.header for question in CATALOGUE.closed_questions)
    assert [
        "14. Er borgerens adfærd udslagsgivende for tilbuddet?",
        "Ja: 14 (100 %); øvrige: 0",
        "Ja: 100 %; Nej: 0 %",
    ] in (rows(table(municipal("183"), "Adfærd, misbrug og dom")))


def test_open_questions_are_said_to_have_no_table():
    assert (
        "Svar i tal (spørgsmål 3, 7, 8 og 33) er ikke fordelt i udgivelsen; alderen indgår kun i hovedresultaterne. Nøgler og "
        "fri tekst (spørgsmål 1, 2 og 36) vises aldrig i rapporter."
    ) in text(municipal("183"))


def test_no_cases_leave_the_countrys_breakdowns_and_no_answers():
    document = municipal("563")
    assert "Svarene på skemaet" not in headings(document)
    assert rows(table(document, "Leverandørtyper"))[0][:3] == ["Kommunalt", "40", "69 %"]
    assert "Kommunen har ingen sager at fordele." in text(document)


def test_one_case_is_told_in_full_to_its_municipality():
    document = municipal("825")
    assert document.lead.text.startswith("Læsø har 1 medregnet sag blandt")
    assert rows(table(document, "Hovedmålgrupper"))[0] == ["Kognitive vanskeligheder", "1", "100 %", "69 %"]


def test_hidden_shares_are_words_and_never_a_blank():
    made = scenario.release()
    hidden = scenario.suppressed(made.published.target_groups, area_type="country")
    document = municipal("183", made._replace(published=made.published._replace(target_groups=hidden)))
    assert [row[-1] for row in rows(table(document, "Hovedmålgrupper"))] == ["skjult"] * 4
    assert all(cell for block in blocks(document, TableBlock) for row in rows(block) for cell in row)


def test_rows_to_mend_are_told_by_rule_and_never_with_what_was_found():
    broken = scenario.rejected_rows("183", (8, 36, "cpr"), (9, 3, "range"), (9, None, "columns"))
    document = municipal("183", own=scenario.release().own["183"]._replace(rejected_rows=broken))
    assert rows(table(document, "Fejl, der skal rettes")) == [
        ["8", "36. Bemærkninger (ingen personoplysninger)", "Ligner et CPR-nummer"],
        ["9", "3. Borgerens alder på opgørelsesdatoen (år)", "Uden for det tilladte interval"],
        ["9", "Hele rækken", "For mange felter i linjen"],
    ]
    assert "hemmeligt svar" not in text(document)


def test_many_faults_are_counted_by_rule_and_the_first_are_shown():
    broken = scenario.rejected_rows("183", *((row, 3, "range") for row in range(2, 42)))
    document = municipal("183", own=scenario.release().own["183"]._replace(rejected_rows=broken))
    assert rows(table(document, "Fejl efter regel")) == [["Uden for det tilladte interval", "40"]]
    assert len(table(document, "De første 25 fejl; alle er markeret i correction.xlsx").rows) == 25


def test_a_municipality_that_takes_no_part_reads_nothing_of_the_others():
    document = municipal("101", own=Own(delivery_log=scenario.delivery_log("101", "rejected")))
    assert document.lead.text.startswith("København er ikke med i opgørelsen")
    assert headings(document)[0] == "Rækker, der skal rettes"
    assert blocks(document, PlotBlock) == blocks(document, TableBlock) == []
    assert not any(name in text(document) for name in ("Ishøj", "Odense", "58", "0,33"))


def test_a_covered_municipality_reads_the_figures_that_it_is_counted_in():
    made = scenario.release({"183": 14, "151": 9}, reports_for={"183": ("187",)})
    document = municipal("187", made)
    assert document.title == "Vallensbæk Kommune: særligt dyre botilbud"
    assert document.lead.text.startswith("Ishøj indberetter for Vallensbæk.")
    assert "Ishøj har 14 medregnede sager blandt 24.581 indbyggere" in document.lead.text  # 14,581 + 10,000
    assert "Hovedmålgrupper" not in text(document)


def test_a_covered_municipality_whose_reporter_is_missing_is_told_so():
    round_ = scenario.round_of(reports_for={"183": ("187",)})
    lead = municipal("187", scenario.release({"151": 9}), round_=round_).lead.text
    assert lead.startswith("Vallensbæk er ikke med i opgørelsen, fordi Ishøj, der indberetter for Vallensbæk, ikke har")


def test_a_release_of_one_municipality_is_told():
    document = municipal("183", scenario.release({"183": 14}))
    assert "er ingen andre kommuner med, så der er ingen at sammenligne med" in document.lead.text
    assert "Kun 1 kommune er med i opgørelsen." in text(document)


def test_a_later_round_is_told_beside_the_one_before():
    assert "I runden 01-10-2020 havde Ishøj 7 sager" in text(municipal("183", scenario.release(earlier={"183": 7})))


# All together


def test_the_national_report_holds_its_parts_in_order():
    top = [section.heading for section in national().sections if section.level == 1]
    assert top == [
        "Hovedresultater",
        "Forskelle mellem kommunerne",
        "Målgrupper og leverandører",
        "Ændringer",
        "Hvem er med",
        "Sådan læses tallene",
        "Små tal",
        "Sådan er tallene lavet",
        "Kilder og henvisning",
        "Bilag: svarene på skemaet",
    ]
    assert [plot.name for plot in blocks(national(), PlotBlock)] == [
        "funnel",
        "small_multiples_region",
        "ranked_dots",
        "heat_table_target_groups",
        "heat_table_provider_types",
    ]


def test_every_closed_question_has_a_table_of_its_answers():
    document = national()
    for question in CATALOGUE.closed_questions:
        labels = [option.label_da for option in question.options]
        assert [row[0] for row in rows(table(document, question.header))] == labels


def test_participants_are_named_by_region_with_whom_they_report_for():
    document = national(scenario.release({"183": 14, "151": 9, "461": 34}, reports_for={"183": ("187",)}))
    members = [item.text for block in blocks(document, Bullets) for item in block.items]
    assert "Region Hovedstaden: Ballerup, Ishøj (også for Vallensbæk)." in members
    assert "Region Syddanmark: Odense." in members


def test_changes_of_rounds_have_a_table_beside_the_sentences():
    document = national(scenario.release(earlier={"183": 1, "151": 9}))
    assert rows(table(document, "Raten i denne runde og i runden før")) == [
        ["Ballerup", "9", "0,30", "9", "0,30", "kan være tilfældig"],
        ["Ishøj", "1", "0,07", "14", "0,96", "højere"],
    ]


def test_a_round_without_participants_says_so():
    made = scenario.release()
    empty = Published(*(frame.clear() for frame in made.published))
    assert national(made._replace(published=empty)).lead.text == "Ingen kommuner er med i opgørelsen endnu."


def test_made_up_figures_are_marked():
    made = scenario.release()
    made_up = municipal_report(made.published, made.own["563"], ROUND, "563", RELEASE, is_made_up=True)
    assert (made_up.is_made_up, municipal("563").is_made_up) == (True, False)
    assert (national(is_made_up=True).is_made_up, national().is_made_up) == (True, False)


def test_the_same_tables_make_the_same_report():
    assert national(scenario.release()) == national()
    assert municipal("183", scenario.release()) == municipal("183")


# What nobody may see


def test_an_exact_count_is_in_its_own_report_and_in_no_other():
    made = scenario.release()
    key = {"target_group_level": "main", "target_group": "social"}
    is_planted = pl.all_horizontal(pl.col(column) == value for column, value in (key | {"area_code": "151"}).items())
    exact = made.own["151"].target_groups.with_columns(
        pl.when(is_planted).then(pl.lit(SECRET, pl.Int64)).otherwise("cases").alias("cases")
    )
    planted = made._replace(own=made.own | {"151": made.own["151"]._replace(target_groups=exact)})
    shown = re.compile(r"4\.?711")
    assert shown.search(text(municipal("151", planted)))
    for code in ("183", "563"):
        assert not shown.search(text(municipal(code, planted)))
    assert not shown.search(text(national(planted)))


def test_a_figure_in_a_hidden_row_stops_both_reports():
    made = scenario.release()
    hidden = scenario.suppressed(made.published.target_groups, area_type="country").with_columns(
        pl.when(pl.col("area_type") == "country").then(SECRET).otherwise("cases").alias("cases")
    )
    leaking = made._replace(published=made.published._replace(target_groups=hidden))
    for make in (national, lambda made: municipal("183", made)):
        with pytest.raises(DisclosureError) as refused:
            make(leaking)
        assert str(SECRET) not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["target_groups", "provider_types", "question_answers", "rejected_rows", "delivery_log"]
)
def test_another_municipalitys_own_file_stops_the_report(name):
    made = scenario.release()
    others = made.own["151"]._replace(
        rejected_rows=scenario.rejected_rows("151", (8, 36, "cpr")),
        delivery_log=scenario.delivery_log("151", "current"),
    )
    mixed = made.own["183"]._replace(**{name: getattr(others, name)})
    with pytest.raises(DisclosureError, match="another municipality"):
        municipal("183", own=mixed)


def test_an_exact_breakdown_is_no_shared_one():
    made = scenario.release()
    exact = made.published.target_groups.drop("figures_from_release")
    with pytest.raises(TableError, match="not as it is released"):
        national(made._replace(published=made.published._replace(target_groups=exact)))


def test_changes_of_a_municipalitys_own_files_are_refused():
    own = ("municipalities/183/responses.parquet", "case_id=1", "age", "33", "34", "corrected_delivery")
    changes = pl.DataFrame([own], schema=dict(CHANGES.dtypes), orient="row")
    with pytest.raises(DisclosureError, match="shared files only"):
        national(changes=changes)


def test_neither_praise_nor_blame_is_given():
    words = re.compile(r"\b(?:bedst|bedste|værst|værste|flot|desværre|problematisk)\b", re.IGNORECASE)
    for document in (national(), *(municipal(code) for code in scenario.CASES)):
        assert not words.search(text(document))


# The samples


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    if not (SHARED / "samples").exists():
        pytest.skip("the sample deliveries are not at hand")
    root = tmp_path_factory.mktemp("samples") / "data"
    shutil.copytree(PROJECT.parent / "shared" / "samples" / ROUND.name, root / "inbox" / ROUND.name)
    done = botilbud(root, "nightly", "--round", ROUND.name)
    assert done.returncode == 0, done.stderr
    folder = root / "releases" / ROUND.name
    return folder / json.loads((folder / "latest.json").read_bytes())["release"]


def read(folder, names):
    return {
        name: pl.read_parquet(folder / f"{name}.parquet") for name in names if (folder / f"{name}.parquet").exists()
    }


@pytest.mark.slow
def test_the_national_report_of_the_samples_says_what_was_published(sample):
    published = Published(**read(sample / "shared", Published._fields))
    document = national_report(published, ROUND, sample.name)
    assert document.lead.text.startswith("59 kommuner har tilsammen 845 medregnede sager")
    pooled, unweighted = re.findall(r"\b0,\d\d\b", document.lead.text)
    assert {round(float(rate.replace(",", ".")), 1) for rate in (pooled, unweighted)} == {0.5}
    findings = next(section for section in document.sections if section.heading == "Hovedresultater")
    items = [item.text for block in findings.blocks if isinstance(block, Bullets) for item in block.items]
    told = dict(zip(published.key_findings["finding"], items, strict=True))
    for finding, per_cent in PUBLISHED_PERCENT.items():
        assert re.match(rf"(?:I )?{per_cent} % af sagerne", told[finding])
    assert told["special_psychiatric_place"].startswith(
        "I 1,3 % af sagerne er særlige pladser i psykiatrien anvendt (11 af 845 sager;"
    )
    times = re.search(r"mere end (\d+) gange så høj som den laveste", text(document))
    assert int(times.group(1)) >= 5


@pytest.mark.slow
def test_the_report_of_ishoej_says_14_cases(sample):
    published = Published(**read(sample / "shared", Published._fields))
    own = Own(**read(sample / "municipalities" / "183", Own._fields))
    document = municipal_report(published, own, ROUND, "183", sample.name)
    assert document.lead.text.startswith("Ishøj har 14 medregnede sager blandt 14.581 indbyggere")
