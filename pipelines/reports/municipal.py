"""The report of a survey round for one municipality: its own figures in full, beside what everybody may see.

What belongs here: what such a report holds and in what order. What does not: the sentences (`sentences`), the cells of
tables (`tables`), and how it looks. It is the municipality's own: it holds figures that nobody else may see. One that
takes no part gets none of the others' figures.
"""

from pipelines.danish import municipality, municipality_names
from pipelines.plots.ranked_dots import ranked_dots
from pipelines.plots.spine import spine
from pipelines.plots.style import Context
from pipelines.reports import findings, guide, parts, sentences, tables
from pipelines.reports.document import Block, Document, Notice, Paragraph, Section
from pipelines.reports.lookup import Own, Published, Tables, checked, own_tables, row, shared_tables, together
from schemas.questionnaire import Catalogue, load_catalogue
from schemas.rounds import Round

_SENSITIVE = Notice(
    "Få borgere kan ændre billedet",
    "2-3 borgere flere eller færre flytter kommunens placering eller ændrer sammenligningen med hele landet.",
)


def municipal_report(
    published: Published,
    own: Own,
    round_: Round,
    municipality_code: str,
    release: str,
    *,
    is_made_up: bool = False,
) -> Document:
    """What a release says of one municipality, for those who work there.

    Args:
        published: the tables of the release's shared folder.
        own: what the municipality's own folder in the release holds.
        round_: the round.
        municipality_code: whose report it is.
        release: the release's id.
        is_made_up: whether the figures are of demonstration data.

    Raises:
        TableError: a table is not as it is released.
        DisclosureError: a figure stands in a row that is not shown, or a row is another municipality's own.
    """
    named = {**shared_tables(published, round_), **own_tables(own, municipality_code)}
    catalogue = load_catalogue(round_.questionnaire)
    name = municipality_names()[municipality_code]
    covering = tables.covering(named, municipality_code)
    context = parts.context(round_, release)
    subject: str | None = municipality_code
    if tables.takes_part(named, municipality_code):
        lead = _lead(named, municipality_code)
        figures = [
            *_rate(named, round_, municipality_code),
            *_breakdowns(published, named, catalogue, municipality_code, context),
        ]
    elif covering is not None:
        lead = together(sentences.covered_by(name, municipality_names()[covering]), _lead(named, covering))
        figures, subject = _rate(named, round_, covering), covering
    else:
        lead = sentences.not_reported(name, _reporter(round_, municipality_code))
        figures, subject = [], None
    document = Document(
        title=f"{municipality(municipality_code)}: særligt dyre botilbud",
        subtitle=round_.title_da,
        lead=lead,
        sections=[
            *figures,
            *_to_mend(named, catalogue),
            parts.reading_guide(),
            parts.method(named, catalogue),
            parts.sources(named, round_, release),
            *(_all_municipalities(published, context, subject) if subject else []),
        ],
        facts=parts.facts(round_, release),
        is_made_up=is_made_up,
    )
    return checked(document, named)


def _reporter(round_: Round, code: str) -> str | None:
    """By name the municipality that should report for this one."""
    codes = [reporter for reporter, others in round_.reports_for.items() if code in others]
    return municipality_names()[codes[0]] if codes else None


def _lead(named: Tables, code: str) -> Paragraph:
    """How many, the rate, how it compares with the country, and that it is uncertain."""
    return together(sentences.rate(named, code), sentences.with_country(named, code), sentences.interval(named, code))


def _rate(named: Tables, round_: Round, code: str) -> list[Section]:
    """The rate in words, beside the areas and among all municipalities."""
    in_words: list[Block] = [
        *parts.warnings(named, round_),
        *_told(findings.few_participants(named, round_), sentences.reports_for(named, code)),
        sentences.with_region_and_group(named, code),
        tables.own_beside_areas(named, code),
        *_told(sentences.change_since(named, code), findings.first_round(named)),
    ]
    among: list[Block] = [
        *([_SENSITIVE] if sentences.is_sensitive(named, code) else []),
        *_told(
            together(sentences.reliability(named, code), sentences.rank(named, code)),
            sentences.sensitivity(named, code),
            sentences.funnel(named, code),
        ),
    ]
    return [Section("Hvad tallene siger", 1, in_words), Section("Placeringen, og hvor sikker den er", 1, among)]


def _all_municipalities(published: Published, context: Context, code: str) -> list[Section]:
    """All municipalities, this one marked: last, as the plot takes a page of its own."""
    rates, averages = published.case_rates, published.area_averages
    plot = parts.plot(lambda width: ranked_dots(rates, averages, context, code, width))
    return [Section("Bilag: alle kommuner", 1, [plot])]


def _breakdowns(
    published: Published, named: Tables, catalogue: Catalogue, code: str, context: Context
) -> list[Section]:
    """The municipality's target groups, providers and answers in full beside the country's; without cases the latter."""
    has_cases = row(named, "case_rates", municipality_code=code)["cases"] > 0
    in_words = _told(
        sentences.own_in_full(named, code) if has_cases else sentences.nothing_to_break_down(),
        sentences.largest_group(named, catalogue),
        sentences.largest_provider(named, catalogue),
        guide.breakdowns_hidden(named),
    )
    main, detailed = tables.target_groups(named, catalogue, with_own=has_cases)
    providers = tables.provider_types(named, catalogue, with_own=has_cases)
    if not has_cases:
        return [Section("Målgrupper og leverandører", 1, [*in_words, main, detailed, providers])]
    rates, of_groups, of_providers = published.case_rates, published.target_groups, published.provider_types
    groups: list[Block] = [
        *in_words,
        main,
        providers,
        *_told(sentences.rounding(named)),
        parts.plot(lambda width: spine(rates, of_groups, of_providers, context, code, width)),
    ]
    answers: list[Block] = [
        Paragraph("Kommunens svar er talt op, som de er afleveret. Ved siden af står andelen i hele landet."),
        tables.open_questions(catalogue),
        *tables.own_answers(named, catalogue),
    ]
    return [Section("Målgrupper og leverandører", 1, groups), Section("Svarene på skemaet", 1, answers)]


def _to_mend(named: Tables, catalogue: Catalogue) -> list[Section]:
    """What of the deliveries does not count yet; nothing where all of it does."""
    told = _told(sentences.newest_file_rejected(named), sentences.to_mend(named))
    if not told:
        return []
    blocks: list[Block] = [*told, *tables.rows_to_mend(named, catalogue)]
    return [Section("Rækker, der skal rettes", 1, blocks)]


def _told(*paragraphs: Paragraph | None) -> list[Paragraph]:
    return [paragraph for paragraph in paragraphs if paragraph is not None]
