"""What the reports of a round say: whole sentences, from counts that can be added by hand; a case for each way it can be."""

import polars as pl
import pytest

from pipelines.reports import findings, guide, sentences, tables
from pipelines.reports.document import Paragraph, Source
from pipelines.reports.lookup import Own, check_numbers, shared_tables
from schemas.tables import CHANGES
from tests.golden import report_scenario as scenario
from tests.golden.report_scenario import CATALOGUE, ROUND, named

TWO = {"183": 14, "151": 9}


def da(number, decimals=2):
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


POOLED = da(58 / (14_581 + 30_000 + 130_000 + 2_000 + 1_000) * 1_000)


def of_all(made, changes=None, round_=ROUND):
    return shared_tables(made.published, round_, changes)


def with_column(made, table, key, **changed):
    """The release with columns changed in the rows of this key."""
    frame = getattr(made.published, table)
    here = pl.all_horizontal(pl.col(column) == value for column, value in key.items())
    new = [pl.when(here).then(pl.lit(v)).otherwise(pl.col(k)).alias(k) for k, v in changed.items()]
    return made._replace(published=made.published._replace(**{table: frame.with_columns(new)}))


# The rate of one municipality


def test_the_rate_is_told_with_cases_and_residents():
    assert sentences.rate(named("183"), "183").text == (
        f"Ishøj har 14 medregnede sager blandt 14.581 indbyggere på 18-66 år. Det er {da(14 / 14_581 * 1_000)} sager pr. "
        "1.000 18-66-årige."
    )


def test_no_cases_are_a_rate_of_zero_and_an_upper_limit():
    assert sentences.rate(named("563"), "563").text == (
        "Fanø har ingen medregnede sager blandt 2.000 indbyggere på 18-66 år. Raten er derfor 0,00 sager pr. 1.000 18-66-årige."
    )
    assert sentences.interval(named("563"), "563").text == (
        "Ingen sager på opgørelsesdatoen betyder ikke, at der aldrig er nogen: Med de samme forhold kunne raten lige så vel "
        f"være blevet op til {da(3.6889 / 2_000 * 1_000)} (95 %-interval)."
    )


def test_one_case_is_told_in_the_singular():
    assert sentences.rate(named("825"), "825").text == (
        "Læsø har 1 medregnet sag blandt 1.000 indbyggere på 18-66 år. Det er 1,00 sager pr. 1.000 18-66-årige."
    )
    assert sentences.own_in_full(named("825"), "825").text == (
        "Kommunens egne tal er vist, som de er. De er kun til kommunen selv: Del dem ikke, hvor tallene er små. Med så få "
        "sager flytter én borger andelene meget."
    )


def test_the_interval_is_told_in_plain_words():
    # Byar: 7.648 and 23.491 cases.
    assert sentences.interval(named("183"), "183").text == (
        "Små antal svinger tilfældigt: Med de samme forhold kunne raten lige så vel være blevet et sted mellem "
        f"{da(7.648 / 14.581)} og {da(23.491 / 14.581)} (95 %-interval)."
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("183", "Raten bygger på mindst 10 sager."),
        ("151", "Raten bygger på få sager og er usikker. Læs den altid sammen med intervallet."),
    ],
)
def test_the_reliability_follows_the_number_of_cases(code, told):
    assert sentences.reliability(named(code), code).text == told


# Beside others


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("higher", f"Raten er højere end i hele landet (samlet {POOLED}). Hele 95 %-intervallet ligger over den."),
        ("similar", f"Raten er omtrent som i hele landet (samlet {POOLED}). Forskellen kan være tilfældig."),
        ("lower", f"Raten er lavere end i hele landet (samlet {POOLED}). Hele 95 %-intervallet ligger under den."),
    ],
)
def test_a_comparison_has_the_word_of_its_interval(word, told):
    assert sentences.with_country(named("183", comparison_country=word), "183").text == told


def test_region_and_group_share_a_sentence_where_the_word_is_the_same():
    # Ishøj and Ballerup are both the region and the group: (14 + 9) / (14,581 + 30,000) x 1,000.
    rate = da(23 / 44_581 * 1_000)
    assert sentences.with_region_and_group(named("151"), "151").text == (
        f"Raten er omtrent som i Region Hovedstaden (samlet {rate}) og i kommunegruppen Hovedstadskommuner (samlet {rate}). "
        "Forskellene kan være tilfældige."
    )


def test_region_and_group_have_a_sentence_each_where_the_words_differ():
    rate = da(23 / 44_581 * 1_000)
    assert sentences.with_region_and_group(named("151", comparison_region="lower"), "151").text == (
        f"Raten er lavere end i Region Hovedstaden (samlet {rate}). Hele 95 %-intervallet ligger under den. Raten er omtrent "
        f"som i kommunegruppen Hovedstadskommuner (samlet {rate}). Forskellen kan være tilfældig."
    )


def test_a_municipality_alone_in_its_group_is_compared_with_nobody_there():
    assert sentences.with_region_and_group(named("461"), "461").text == (
        f"Raten er omtrent som i Region Syddanmark (samlet {da(34 / 132_000 * 1_000)}). Forskellen kan være tilfældig. I "
        "kommunegruppen Storbykommuner er ingen andre kommuner med, så der er ingen at sammenligne med."
    )


def test_the_rank_stands_with_its_interval():
    changed = {"rank": 2, "rank_ci95_lower": 1, "rank_ci95_upper": 4}
    assert sentences.rank(named("183", **changed), "183").text == (
        "Ishøj er nr. 2 af 5 kommuner, når nr. 1 er den højeste rate. Placeringen er usikker: Den kan være fra nr. 1 til nr. 4 "
        "(95 %-interval)."
    )


def test_a_shared_rank_is_told_as_shared():
    made = scenario.release({"461": 13, "187": 1})  # 13 / 130,000 = 1 / 10,000
    assert sentences.rank(named("187", made), "187").text.startswith("Vallensbæk deler placering nr. 1 af 2 kommuner")


def test_who_is_alone_has_neither_rank_nor_funnel_nor_other_ranks():
    alone = named("183", scenario.release({"183": 14}))
    assert [tell(alone, "183") for tell in (sentences.rank, sentences.funnel, sentences.sensitivity)] == [None] * 3


def test_three_citizens_who_change_rank_and_comparison_are_told_and_warned_of():
    # 4 cases of 1,000 residents are above 61 / 177,581; the lower limit of 4 cases is 1.09.
    tables_ = named("825", rank=2, rank_if_plus_3=1, rank_if_minus_3=5)
    assert sentences.sensitivity(tables_, "825").text == (
        "Med 3 borgere flere ville kommunen være nr. 1 og raten højere end i hele landet. Uden sager ville den være nr. 5."
    )
    assert sentences.is_sensitive(tables_, "825")


def test_three_citizens_who_change_nothing_need_no_warning():
    steady = named("461", rank=4, rank_if_plus_3=4, rank_if_minus_3=4)
    assert sentences.sensitivity(steady, "461").text == (
        "Med 3 borgere flere ville kommunen være nr. 4. Med 3 borgere færre ville den være nr. 4."
    )
    assert not sentences.is_sensitive(steady, "461")


def test_fewer_citizens_than_none_are_not_told_of():
    assert sentences.sensitivity(named("563", rank_if_plus_3=1), "563").text == (
        "Med 3 borgere flere ville kommunen være nr. 1."
    )


@pytest.mark.parametrize(
    ("label", "overdispersed", "told"),
    [
        (
            "within",
            "within",
            (
                "Afstanden til den samlede rate kan være tilfældig: Ishøj ligger inden for de 95 %-grænser, som kommuner af "
                "samme størrelse holder sig inden for, når alene tilfældet råder."
            ),
        ),
        (
            "above_95",
            "within",
            (
                "Tilfældighed alene forklarer næppe afstanden til den samlede rate: Ishøj ligger over 95 %-grænsen. Så langt "
                "ude på den side ville højst 1 ud af 40 kommuner ligge, hvis alene tilfældet rådede. Når der tages højde for, "
                "at kommuner reelt er forskellige, ligger kommunen inden for grænserne."
            ),
        ),
        (
            "below_998",
            "below_95",
            (
                "Tilfældighed alene forklarer næppe afstanden til den samlede rate: Ishøj ligger under 99,8 %-grænsen. Så "
                "langt ude på den side ville højst 1 ud af 1.000 kommuner ligge, hvis alene tilfældet rådede. Det gælder også, "
                "når der tages højde for, at kommuner reelt er forskellige."
            ),
        ),
    ],
)
def test_the_funnel_says_what_chance_explains(label, overdispersed, told):
    changed = {"funnel_label": label, "funnel_label_overdispersed": overdispersed}
    assert sentences.funnel(named("183", **changed), "183").text == told


# Rounds


def test_the_first_round_says_that_there_is_none_before():
    assert findings.first_round(named()).text == (
        "Der er ingen tidligere runde at sammenligne med. Tallene er et øjebliksbillede og siger intet om udvikling."
    )
    assert sentences.change_since(named(), "183") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("lower", "Raten er lavere end sidst, også når der tages højde for tilfældige udsving."),
        ("similar", "Forskellen kan være tilfældig."),
        ("higher", "Raten er højere end sidst, også når der tages højde for tilfældige udsving."),
    ],
)
def test_a_later_round_stands_beside_the_one_before_and_shows_no_development(change, words):
    made = with_column(
        scenario.release(earlier={"183": 7}), "round_changes", {"municipality_code": "183"}, change=change
    )
    assert sentences.change_since(named("183", made), "183").text == (
        f"I runden 01-10-2020 havde Ishøj 7 sager ({da(7 / 14.581)} pr. 1.000 18-66-årige), i denne runde 14 "
        f"({da(14 / 14.581)}). {words} To øjebliksbilleder viser ikke en udvikling: tallene gælder kun de to opgørelsesdatoer, "
        "og i små kommuner kan 2-3 borgere flytte resultatet."
    )
    assert findings.first_round(named("183", made)) is None


def test_who_was_not_in_the_round_before_is_compared_with_nothing():
    made = scenario.release(earlier={"151": 7})
    assert sentences.change_since(named("183", made), "183").text == (
        "Ishøj var ikke med i runden 01-10-2020, så der er ikke noget at sammenligne med."
    )


def test_the_changes_of_all_are_those_beyond_chance():
    made = scenario.release(earlier={"183": 1, "151": 9})  # 14 after 1 is more than chance
    told = findings.since_round_before(of_all(made))
    assert [paragraph.text for paragraph in told[:2]] == [
        "Disse kommuners rate er anderledes end i runden 01-10-2020, også når der tages højde for tilfældige udsving.",
        f"Ishøj: højere, fra {da(1 / 14.581)} til {da(14 / 14.581)} sager pr. 1.000 18-66-årige.",
    ]
    assert len(told) == 3


def test_changes_that_may_all_be_chance_are_told_as_none():
    told = findings.since_round_before(of_all(scenario.release(earlier={"151": 9})))
    assert told[0].text == (
        "Ingen kommunes rate er anderledes end i runden 01-10-2020, når der tages højde for tilfældige udsving."
    )


# Who is not there, and who is there for others


def test_who_has_not_reported_is_not_told_to_have_no_cases():
    assert sentences.not_reported("Fanø").text == (
        "Fanø er ikke med i opgørelsen, fordi kommunen ikke har en aflevering, der tæller med. Det betyder ikke, at der ingen "
        "sager er. De andre kommuners tal vises kun for dem, der er med."
    )


def test_who_should_have_reported_is_named():
    assert sentences.not_reported("Vallensbæk", "Ishøj").text.startswith(
        "Vallensbæk er ikke med i opgørelsen, fordi Ishøj, der indberetter for Vallensbæk, ikke har en aflevering"
    )


def test_a_covered_municipality_is_told_where_its_cases_are():
    made = scenario.release(TWO, reports_for={"183": ("187",)})
    assert tables.covering(named("183", made), "187") == "183"
    assert sentences.covered_by("Vallensbæk", "Ishøj").text == (
        "Ishøj indberetter for Vallensbæk. Sager og indbyggere i Vallensbæk er talt med i tallene for Ishøj, og der er ingen "
        "tal for Vallensbæk alene."
    )
    assert sentences.reports_for(named("183", made), "183").text == (
        "Ishøj indberetter også for Vallensbæk. Deres sager og indbyggere er talt med."
    )
    assert sentences.reports_for(named("151", made), "151") is None


def test_few_participants_are_told():
    assert findings.few_participants(of_all(scenario.release(TWO)), ROUND).text == (
        "Kun 2 kommuner er med i opgørelsen. ”Hele landet” er alene dem, og fordelingerne for hele landet er skjult, til flere "
        "er med."
    )
    assert findings.few_participants(of_all(scenario.release({"183": 14})), ROUND).text.startswith(
        "Kun 1 kommune er med i opgørelsen. ”Hele landet” er alene den"
    )
    assert findings.few_participants(of_all(scenario.release()), ROUND) is None
    waiting = scenario.round_of(breakdowns_from_participants=6)
    assert findings.few_participants(of_all(scenario.release(), round_=waiting), waiting).text.startswith("Kun 5")


# Breakdowns


def test_the_largest_groups_stand_beside_the_country():
    # Every third of 14, 9, 34, 0 and 1 cases answers otherwise: 4 + 3 + 11 = 18 of 58.
    told = named("183")
    assert sentences.largest_group(told, CATALOGUE).text == (
        f"Den største hovedmålgruppe er ”Kognitive vanskeligheder” med 10 sager, {da(10 / 14 * 100, 0)} %. I hele landet er "
        f"andelen {da(40 / 58 * 100, 0)} %."
    )
    assert sentences.largest_provider(told, CATALOGUE).text == (
        f"Den største leverandørtype er ”Kommunalt” med 10 sager, {da(10 / 14 * 100, 0)} %. I hele landet er andelen "
        f"{da(40 / 58 * 100, 0)} %."
    )


def test_groups_of_the_same_size_are_told_together():
    made = scenario.release()
    own = made.own["183"]
    even = pl.when(area_type="municipality").then(7).otherwise("cases").alias("cases")
    is_one = pl.col("provider_type").is_in(["municipal", "private"])
    own = own._replace(
        provider_types=own.provider_types.with_columns(pl.when(is_one).then(even).otherwise("cases").alias("cases"))
    )
    assert sentences.largest_provider(named("183", made, own), CATALOGUE).text == (
        "De største leverandørtyper er ”Kommunalt” og ”Privat” med 7 sager hver."
    )


def test_no_cases_have_no_largest_group():
    assert sentences.largest_group(named("563"), CATALOGUE) is None
    assert sentences.nothing_to_break_down().text == (
        "Kommunen har ingen sager at fordele. Herunder står fordelingerne i hele landet."
    )


def test_a_hidden_share_of_the_country_is_said_in_words():
    key = {"target_group_level": "main", "target_group": "cognitive"}
    made = scenario.release()
    hidden = scenario.suppressed(made.published.target_groups, area_type="country", **key)
    shown = named("183", made._replace(published=made.published._replace(target_groups=hidden)))
    assert sentences.country_share(shown, "target_groups", key).text == "For hele landet er andelen skjult."


def test_a_rounded_share_of_the_country_is_said_to_be_rounded():
    key = {"provider_type": "municipal"}
    made = with_column(
        scenario.release(),
        "provider_types",
        {"area_type": "country", **key},
        value_status="rounded",
        share=0.6,
        rounding_base=3,
    )
    assert sentences.country_share(named("183", made), "provider_types", key).text == (
        "I hele landet er andelen 60 % (af et afrundet tal)."
    )


def test_a_country_without_cases_has_no_shares():
    made = scenario.release({"183": 0, "151": 0})
    assert sentences.country_share(named("183", made), "provider_types", {"provider_type": "private"}).text == (
        "I hele landet er der ingen sager at fordele."
    )


def test_breakdowns_that_are_hidden_whole_are_said_to_be():
    made = scenario.release()
    hidden = {
        name: scenario.suppressed(getattr(made.published, name), area_type="country")
        for name in ("target_groups", "provider_types")
    }
    assert guide.breakdowns_hidden(of_all(made._replace(published=made.published._replace(**hidden)))).text == (
        "Fordelingerne for hele landet er skjult i denne udgivelse: Tallene er så små, eller så få kommuner er med, at "
        "enkeltpersoner kunne genkendes. ”Skjult” betyder, at et tal findes, men ikke vises."
    )
    assert guide.breakdowns_hidden(of_all(made)) is None


def test_rounding_is_told_where_there_is_any():
    assert sentences.rounding(named("183")).text == (
        "Diagrammet bygger på de tal, som alle deltagere ser. Her er hver kommunes fordelinger, også kommunens egne, afrundet "
        "til et tal i 3-tabellen, så enkeltpersoner ikke kan genkendes."
    )
    made = scenario.release()
    hidden = {
        name: scenario.suppressed(getattr(made.published, name), area_type="municipality")
        for name in ("target_groups", "provider_types")
    }
    assert sentences.rounding(named("183", made._replace(published=made.published._replace(**hidden)))) is None


def test_breakdowns_of_an_earlier_release_are_told_with_its_id():
    made = scenario.release()
    earlier = made.published.key_findings.with_columns(figures_from_release=pl.lit("fedcba9876543210"))
    shown = of_all(made._replace(published=made.published._replace(key_findings=earlier)))
    assert guide.figures_from(shown).text == (
        "De fælles fordelinger og hovedresultater er fra udgivelse fedcba9876543210. De er ikke opgjort på ny, fordi "
        "forskellen ville røbe små tal. Rater og placeringer er nye."
    )
    assert guide.figures_from(of_all(made)) is None


def test_a_population_of_another_quarter_is_told():
    made = scenario.release()
    older = made.published.case_rates.with_columns(population_quarter=pl.lit("2020K1"))
    shown = of_all(made._replace(published=made.published._replace(case_rates=older)))
    assert guide.population_stands_in(shown, ROUND) == (
        "Befolkningen for 2022K4 kunne ikke hentes fra Danmarks Statistik. Raterne bygger i stedet på befolkningen for 2020K1."
    )
    assert guide.population_stands_in(of_all(made), ROUND) is None


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("rounding", "Hver kommunes fordelinger er afrundet op eller ned til et tal i 3-tabellen."),
        ("suppression", "Hver kommunes små tal er skjult, og med dem så mange andre, at ingen kan regne de små ud."),
    ],
)
def test_the_disclosure_note_follows_the_rounds_method(method, told):
    round_ = scenario.round_of(disclosure_method=method)
    texts = [paragraph.text for paragraph in guide.disclosure(of_all(scenario.release(), round_=round_), round_)]
    assert any(text.startswith(told) for text in texts)
    assert any("er tal under 5 skjult" in text for text in texts)


# Rows to mend


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ([(8, 36, "cpr")], "1 række er afvist og tæller ikke med, i alt 1 fejl."),
        (
            [(8, 36, "cpr"), (8, 3, "range"), (9, None, "columns")],
            "2 rækker er afvist og tæller ikke med, i alt 3 fejl.",
        ),
    ],
)
def test_rows_to_mend_are_counted(broken, told):
    own = scenario.release().own["183"]._replace(rejected_rows=scenario.rejected_rows("183", *broken))
    assert sentences.to_mend(named("183", own=own)).text == (
        f"{told} Ret dem i regnearket correction.xlsx, hvor de er markeret, og aflever det igen."
    )


def test_nothing_to_mend_is_not_told():
    assert sentences.to_mend(named("183")) is None


@pytest.mark.parametrize(("statuses", "is_told"), [(["current", "rejected"], True), (["rejected", "current"], False)])
def test_a_newest_file_that_is_rejected_is_told(statuses, is_told):
    own = Own(delivery_log=scenario.delivery_log("183", *statuses))
    told = sentences.newest_file_rejected(named("183", own=own))
    assert told == (
        Paragraph("Den nyeste fil er afvist og tæller ikke med. Årsagen står på afleveringssiden.") if is_told else None
    )


# All municipalities


def test_the_extent_says_what_a_case_is():
    assert findings.extent(of_all(scenario.release()), ROUND).text == (
        "5 kommuner har tilsammen 58 medregnede sager: borgere i botilbud 01-10-2022, hvis botilbud og dagtilbud kostede "
        "2.000.000 kr. eller mere om året, før statsrefusion."
    )


def test_the_two_averages_have_their_names():
    rates = [14 / 14.581, 9 / 30, 34 / 130, 0, 1]
    assert findings.averages(of_all(scenario.release())).text == (
        f"Samlet er der {POOLED} sager pr. 1.000 18-66-årige: alle sager delt med alle indbyggere. Gennemsnittet af "
        f"kommunernes rater, hvor hver kommune tæller lige meget, er {da(sum(rates) / 5)}."
    )


def test_the_participants_are_counted_with_those_who_are_covered():
    made = scenario.release(TWO, reports_for={"183": ("187",)})
    assert findings.participation(of_all(made)).text == (
        "3 af landets 98 kommuner er med. En kommune, der ikke er med, kan godt have sager."
    )


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        # 1.00 by 0.26 is 3.8.
        (
            scenario.CASES,
            (
                "Den højeste rate er mere end 3 gange så høj som den laveste blandt kommuner med sager: 1,00 i Læsø og 0,26 i "
                "Odense. 1 kommune har ingen sager."
            ),
        ),
        # (15 / 30) by (10 / 30 ...): Ballerup 0.50 and Odense 0.35 (45 / 130) is 1.44.
        (
            {"151": 15, "461": 45},
            "Den højeste rate er 1,4 gange den laveste blandt kommuner med sager: 0,50 i Ballerup og 0,35 i Odense.",
        ),
        # 13 / 130,000 = 1 / 10,000
        ({"461": 13, "187": 1}, "Alle kommuner med sager har samme rate, 0,10."),
        # Exactly 4 times is more than 3 times: 4 / 10,000 and 13 / 130,000.
        (
            {"187": 4, "461": 13},
            (
                "Den højeste rate er mere end 3 gange så høj som den laveste blandt kommuner med sager: 0,40 i Vallensbæk og "
                "0,10 i Odense."
            ),
        ),
    ],
)
def test_the_spread_is_the_highest_rate_by_the_lowest_above_zero(cases, told):
    assert findings.spread(of_all(scenario.release(cases))).text == told


def test_one_municipality_with_cases_has_no_spread():
    assert findings.spread(of_all(scenario.release({"183": 14, "563": 0}))) is None


def test_differences_are_counted_beside_what_chance_gives():
    made = scenario.release()
    rates = made.published.case_rates.with_columns(
        comparison_country=pl.Series(["higher", "higher", "similar", "lower", "similar"]),
        funnel_label=pl.Series(["above_95", "above_998", "within", "below_95", "within"]),
    )
    told = findings.differing(of_all(made._replace(published=made.published._replace(case_rates=rates))))
    assert told.text == (
        "Hele 95 %-intervallet ligger over den samlede rate hos 2 og under den hos 1 af 5 kommuner. I tragtdiagrammet ligger 3 "
        "uden for 95 %-grænserne; tilfældighed alene giver i gennemsnit højst 0,3."  # 5 x 0.05
    )


def test_a_finding_has_share_counts_and_interval():
    # Wilson: 18 of 58 is 0.206 to 0.438.
    assert findings.finding(of_all(scenario.release()), "under_35").text == (
        "31 % af sagerne er borgere under 35 år (18 af 58 sager; 95 %-interval 21 til 44 %)."
    )


@pytest.mark.parametrize(
    "code", [code for code in scenario.release().published.key_findings["finding"] if code != "under_35"]
)
def test_every_finding_of_the_report_has_a_sentence_of_its_own(code):
    assert findings.finding(of_all(scenario.release()), code).text.startswith("I ")


def test_a_hidden_finding_says_so_and_no_number():
    made = scenario.release()
    frame = made.published.key_findings
    is_one = pl.col("finding") == "special_psychiatric_place"
    figures = ["numerator", "share", "share_ci95_lower", "share_ci95_upper"]
    hidden = frame.with_columns(pl.when(~is_one).then(pl.col(*figures)))
    told = findings.finding(
        of_all(made._replace(published=made.published._replace(key_findings=hidden))), "special_psychiatric_place"
    )
    assert told == Paragraph(
        "”Særlige pladser i psykiatrien har været anvendt” er skjult: Tallet findes, men er så lille, at enkeltpersoner kunne "
        "genkendes, eller kunne røbe et, der er."
    )


def test_a_finding_of_no_cases_says_so():
    told = findings.finding(of_all(scenario.release({"183": 0, "151": 0})), "under_35")
    assert told.text == "”Borgeren er under 35 år”: Der er ingen sager at opgøre."


def test_an_unknown_finding_is_told_by_its_label():
    made = scenario.release()
    frame = made.published.key_findings.with_columns(
        finding=pl.col("finding").replace("under_35", "new"), label_da=pl.lit("Noget nyt")
    )
    told = findings.finding(of_all(made._replace(published=made.published._replace(key_findings=frame))), "new")
    assert told.text == "”Noget nyt” gælder 31 % af sagerne (18 af 58 sager; 95 %-interval 21 til 44 %)."


# Since the release before


def changes(*rows):
    return pl.DataFrame(rows, schema=dict(CHANGES.dtypes), orient="row")


def test_no_release_before_is_not_told_and_no_change_is():
    assert findings.news(of_all(scenario.release())) == []
    assert [p.text for p in findings.news(of_all(scenario.release(), changes()))] == [
        "Ingen tal er ændret siden rundens forrige udgivelse."
    ]


def test_news_are_who_came_and_went_the_pooled_rate_and_why():
    rates, averages = "shared/case_rates.parquet", "shared/area_averages.parquet"
    told = findings.news(
        of_all(
            scenario.release(),
            changes(
                (rates, "municipality_code=183", "cases", None, "14", "late_delivery"),
                (rates, "municipality_code=151", "cases", "7", "9", "corrected_delivery+population_revised"),
                (
                    averages,
                    "area_type=country; area_code=000",
                    "pooled_rate_per_1000",
                    "0.25",
                    "0.326",
                    "late_delivery",
                ),
            ),
        )
    )
    assert [paragraph.text for paragraph in told] == [
        "1 kommune er kommet til siden rundens forrige udgivelse.",
        "Den samlede rate er ændret fra 0,25 til 0,33 siden rundens forrige udgivelse.",
        "Årsag til ændringerne siden rundens forrige udgivelse: nye afleveringer, rettede afleveringer og nye befolkningstal.",
    ]


# The check


SHARE = Source("key_findings", {"finding": "under_35"}, "share")
COUNT = Source("key_findings", {"finding": "under_35"}, "numerator")


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("32 % af sagerne", (SHARE,)),  # 31 %
        ("18 sager, 31 %", (SHARE, COUNT)),  # the other way round
        ("31 % af 58 sager", (SHARE,)),  # 58 comes from nowhere
        ("Under halvdelen", (SHARE,)),
        ("31,0 % af sagerne", (SHARE,)),  # more decimals than are written
    ],
)
def test_a_number_that_is_not_its_sources_is_found(text, sources):
    found = check_numbers(Paragraph(text, sources), of_all(scenario.release()))
    assert len(found) in (1, 2)


def test_units_dates_ids_and_quotations_are_not_taken_for_figures():
    text = (
        "31 % (95 %-interval) pr. 1.000 18-66-årige 01-10-2022, 2022K4, udgivelse 0123456789abcdef, ”over 8 pladser”."
    )
    assert check_numbers(Paragraph(text, (SHARE,)), of_all(scenario.release())) == []
