"""A release candidate as the public will read it: every count with what is known of it, and the sums between them.

What belongs here: from shared tables, and those of the round's earlier releases, to cells, intervals and sums; what each
participant knows beside them; what changed between two releases. What does not: how the tables were protected (this
module knows only what would be published), columns that give a count back (`figures`), and what can be computed
(`audit`). The true counts come in for two reasons only: to know which cells are small, and what a participant knows of
itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, TypeVar

import polars as pl
from scipy import special

from pipelines.benchmark.areas import COUNTRY_CODE
from pipelines.benchmark.cases import IMPLIED_ANSWERS
from pipelines.disclosure.audit import UNBOUNDED, Failure, Insider, Interval, Relation, any_failure, rounded, verdict
from pipelines.disclosure.figures import BREAKDOWNS, FINDINGS, Leak, derived_leaks, question_answer
from schemas.errors import BotilbudError
from schemas.questionnaire import Catalogue, Question

# The narrowest interval that a hidden small count may have, unless the area has fewer cases.
NARROWEST = 3
# Tables of totals, which are public, and of what follows from them.
_TOTALS = ("case_rates", "area_averages", "funnel_limits", "round_changes")
# What a report is about, in this order: the last are cells that belong to no area, as what changed between releases.
AREA_TYPES = ("country", "region", "municipality_group", "municipality", "finding")
DIFFERENCE = "difference"
# The findings that are sums of answers of the whole country. Written down here a second time, as a reader would.
_FINDING_ANSWERS = {
    "above_threshold_since_age_18": ("time_above_threshold", ("since_age_18",)),
    "intellectual_disability": ("target_group", ("intellectual_disability", "autism_with_intellectual_disability")),
    "behaviour_decisive": ("behaviour_decisive", ("yes",)),
    "sentence": ("sentence", ("placement", "treatment", "supervision", "other")),
    "only_existing_choice": ("choice_at_referral", ("only_existing",)),
    "provider_municipal": ("provider", ("own_municipality", "other_municipality")),
    "provider_regional": ("provider", ("region",)),
    "provider_private": ("provider", ("private",)),
    "over_8_places": ("places_in_facility", ("over_8",)),
    "alone_in_placement": ("places_in_facility", ("alone",)),
    "viso_involved": ("viso_involved", ("yes",)),
    "special_psychiatric_place": ("special_psychiatric_place", ("yes",)),
}
# The country's cases for which a finding does not hold.
_REST = f"{COUNTRY_CODE}+rest"
# Both ends of a 95 % interval are so many standard errors away.
_Z = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Release:
    """A release, or a candidate for one, with the truth behind it.

    Attributes:
        shared: every shared table by name, as published.
        answer_counts: the true counts of its municipalities, as `answer_counts` makes them (roll-ups are not needed), or
            as `own_counts` reads them from the municipalities' own tables.
        later_totals: cases by municipality that releases showed which told nothing else anew.
    """

    shared: Mapping[str, pl.DataFrame]
    answer_counts: pl.DataFrame
    later_totals: tuple[Mapping[str, int], ...] = ()


class AreaTypeReport(NamedTuple):
    """What the audit found for one type of area: numbers of cells, never a count.

    Attributes:
        area_type: country, region, municipality_group, municipality, finding; or difference: what no table shows, but
            sums and the difference of two releases tell of, and all cells that only earlier releases show.
        cells: counts in the candidate's tables; for differences, those that are looked at.
        hidden: of these, the suppressed ones.
        rounded: of these, the rounded ones.
        small: counts that must not be found out: 1 to threshold - 1, or 1 to the base - 1 where they are rounded.
        narrowest: the narrowest interval, for any attacker, of the small counts that are hidden or rounded; None without
            one.
        exposed: small counts that somebody can find out, once for each who can.
        faults: columns that give a count back.
    """

    area_type: str
    cells: int
    hidden: int
    rounded: int
    small: int
    narrowest: int | None
    exposed: int
    faults: int


class Report(NamedTuple):
    """What the audit of a candidate found: numbers of cells and names of cells, never a count.

    Attributes:
        area_types: by type of area, in a fixed order; the differences last.
        attackers: the outsider and the participants.
        releases: earlier releases read.
        failures: small counts that somebody can find out.
        leaks: columns that give a count back.
    """

    area_types: tuple[AreaTypeReport, ...]
    attackers: int
    releases: int
    failures: tuple[Failure, ...]
    leaks: tuple[Leak, ...]

    @property
    def is_clean(self) -> bool:
        """Whether the candidate may be released."""
        return not self.failures and not self.leaks


@dataclass(frozen=True)
class Cells:
    """A candidate and the earlier releases as one set of cells, as `audit.verdict` takes it."""

    known: dict[str, Interval]
    relations: list[Relation]
    table: dict[str, int]
    widths: dict[str, int]
    insiders: dict[str, Insider]
    statuses: dict[str, str]
    leaks: tuple[Leak, ...]


def audit_candidate(candidate: Release, earlier: Sequence[Release], catalogue: Catalogue, *, threshold: int) -> Report:
    """The audit of a candidate: what an outsider and each participant can compute from all that was ever published.

    Args:
        candidate: what would be published.
        earlier: the round's earlier releases.
        catalogue: the round's form.
        threshold: counts of 1 to threshold - 1 are small; where a count is rounded, those of 1 to its base - 1.

    Raises:
        BotilbudError: a shared table, area or answer is unknown, or the true counts contradict what is published.
    """
    cells = read_cells(candidate, earlier, catalogue, threshold=threshold)
    result = verdict(
        cells.known,
        cells.relations,
        cells.table,
        cells.widths,
        cells.insiders,
        {
            cell: _area_type(cell)
            for widths in (cells.widths, *(i.widths for i in cells.insiders.values()))
            for cell in widths
        },
    )
    leaks = (*derived_leaks(candidate.shared), *cells.leaks)
    types = (*AREA_TYPES, DIFFERENCE)
    statuses: dict[str, list[str]] = {area_type: [] for area_type in types}
    for cell, status in cells.statuses.items():
        statuses[_area_type(cell)].append(status)
    small = Counter(_area_type(cell) for cell in cells.widths)
    exposed = Counter(_area_type(failure.cell) for failure in result.failures)
    faults = Counter("finding" if leak.table == FINDINGS else _area_type(leak.row) for leak in leaks)
    return Report(
        area_types=tuple(
            AreaTypeReport(
                area_type,
                cells=small[area_type] if area_type == DIFFERENCE else len(statuses[area_type]),
                hidden=statuses[area_type].count("suppressed"),
                rounded=statuses[area_type].count("rounded"),
                small=small[area_type],
                narrowest=result.narrowest.get(area_type),
                exposed=exposed[area_type],
                faults=faults[area_type],
            )
            for area_type in types
        ),
        attackers=1 + len(cells.insiders),
        releases=len(earlier),
        failures=result.failures,
        leaks=leaks,
    )


def is_safe(candidate: Release, earlier: Sequence[Release], catalogue: Catalogue, *, threshold: int) -> bool:
    """Whether the audit of a candidate would find nothing; arguments and errors as `audit_candidate`, which says more."""
    cells = read_cells(candidate, earlier, catalogue, threshold=threshold)
    if cells.leaks or derived_leaks(candidate.shared):
        return False
    return not any_failure(cells.known, cells.relations, cells.table, cells.widths, cells.insiders)


def _area_type(cell: str) -> str:
    first = cell.split("/", 1)[0]
    return first if first in AREA_TYPES else DIFFERENCE


def own_counts(question_answers: pl.DataFrame) -> pl.DataFrame:
    """The counts behind the municipalities' own exact tables, in the form of `answer_counts`.

    Grain: municipality x question x answer. Columns: municipality_code, question, answer, cases, answered.

    Args:
        question_answers: rows of municipalities, nothing hidden, as each finds them in its own folder.
    """
    rows = question_answers.filter(pl.col("area_type") == "municipality")
    answered = (pl.col("cases") / pl.col("share")).filter(pl.col("cases") > 0).first().round(0).cast(pl.Int64)
    return rows.select(
        pl.col("area_code").alias("municipality_code"),
        "question",
        "answer",
        "cases",
        answered.over("area_code", "question").fill_null(0).alias("answered"),
    )


# From tables to cells ------------------------------------------------------------------------------------------------


def read_cells(candidate: Release, earlier: Sequence[Release], catalogue: Catalogue, *, threshold: int) -> Cells:
    """All cells of a candidate and the round's earlier releases, what is known of each, and the sums between them.

    A municipality whose cases are the same in two releases has the same cells in both; so has an area of such
    municipalities. What changed is another cell, so that the difference of two releases is seen as a reader sees it.
    Municipalities of the same region and group that came and changed in the same releases are one cell in every
    question that nothing is published of per municipality: no sum tells them apart.

    Where the public total of such municipalities differs between two releases, what changed is a cell too: one case more
    is one person, and each answer that changed is that person's. Who looks at it takes the cases of the smaller total to
    be among those of the larger; answers of which there are fewer in the larger have no such cell. Corrections that leave
    all totals as they are have none either: nobody can tell how many cases they are about.

    Args:
        candidate: what would be published.
        earlier: the round's earlier releases; one that is the same as another adds nothing.
        catalogue: the round's form.
        threshold: as `audit_candidate` takes it.

    Raises:
        BotilbudError: a shared table, area or answer is unknown.
    """
    releases = {0: candidate}
    for number, release in enumerate(earlier, start=1):
        if not any(is_same(release, other) for other in releases.values()):
            releases[number] = release
    return _Reader(releases, catalogue, threshold).read()


def is_same(one: Release, other: Release) -> bool:
    """Whether two releases show the same of the same cases."""
    # A municipality's own table of answers, which an earlier release is read from, has no roll-ups.
    asked = list(set(one.answer_counts["question"]) & set(other.answer_counts["question"]))
    columns = ("municipality_code", "question", "answer", "cases", "answered")
    of_one, of_other = (
        release.answer_counts.filter(pl.col("question").is_in(asked)).select(columns).sort(columns[:3])
        for release in (one, other)
    )
    return (
        one.shared.keys() == other.shared.keys()
        and all(table.equals(other.shared[name]) for name, table in one.shared.items())
        and of_one.equals(of_other)
    )


@dataclass(frozen=True)
class _Node:
    """An area, a municipality, or municipalities that no sum tells apart, with its cases: what cells are about."""

    name: str
    total: int
    counts: Mapping[tuple[str, str], int]
    answered: Mapping[str, int]


class _Seen(NamedTuple):
    """A count as a table shows it."""

    status: str
    cases: int | None
    base: int | None
    share: float | None
    share_upper: float | None

    @property
    def answered(self) -> int | None:
        """How many answered the question, as an exact count tells with its share, or with the limit of a share of 0."""
        if self.status != "published" or self.cases is None:
            return None
        if self.share is None:
            return 0 if self.cases == 0 else None
        if self.cases:
            return round(self.cases / self.share)
        # Wilson's upper limit of 0 of n is z² / (n + z²).
        return None if not self.share_upper else round(_Z**2 / self.share_upper - _Z**2)


class _Change(NamedTuple):
    """What came between two versions of the same municipalities: its name, the larger and the smaller of the two."""

    name: str
    larger: _Node
    smaller: _Node


_Version = TypeVar("_Version")


class _Reader:
    """Puts the cells together, release by release; the first is the candidate."""

    def __init__(self, numbered: Mapping[int, Release], catalogue: Catalogue, threshold: int) -> None:
        releases = list(numbered.values())
        self.numbers = list(numbered)
        self.releases = releases
        self.threshold = threshold
        self.known: dict[str, Interval] = {}
        self.table: dict[str, int] = {}
        self.relations: list[Relation] = []
        self.leaks: list[Leak] = []
        # What makes a case eligible is known of each.
        asked = [question for question in catalogue.closed_questions if question.key not in IMPLIED_ANSWERS]
        self.questions = {question.key: question for question in asked}
        self.rollups = {
            rollup.key: (rollup.question, {group.code: group.options for group in rollup.groups})
            for rollup in catalogue.rollups
        }
        self.answers = {key: question.codes for key, question in self.questions.items()}
        self.answers |= {key: tuple(groups) for key, (_, groups) in self.rollups.items()}
        for release in releases:
            if unknown := sorted(set(release.shared) - {*_TOTALS, *BREAKDOWNS, FINDINGS}):
                raise BotilbudError(f"The audit cannot read the shared table {unknown[0]}: teach it, or leave it out")
        self.rates = [
            {row["municipality_code"]: row for row in release.shared["case_rates"].iter_rows(named=True)}
            for release in releases
        ]
        self.places: list[dict[str, tuple[str, str]]] = [
            {code: (row["region_code"], row["municipality_group_code"]) for code, row in rates.items()}
            for rates in self.rates
        ]
        self.codes = sorted({code for rates in self.rates for code in rates})
        # Per release: each municipality's cells, those of the part that it is in, and those of the areas.
        self.municipalities: list[dict[str, _Node]] = []
        self.parts: list[dict[str, _Node]] = []
        self.areas: list[dict[tuple[str, str], _Node]] = []
        self.members: dict[str, list[_Node]] = {}
        self.seen = [self._seen_in(release) for release in releases]
        # The questions that something is published of per municipality.
        self.municipal = {question for seen in self.seen for kind, _, question, _ in seen if kind == "municipality"}
        told = {self._question(key).key for key in self.municipal}
        # Those, and the options and roll-ups that sums tie to them.
        self.municipal_families = {key for key in self.answers if self._question(key).key in told}
        self.nodes: dict[str, _Node] = {}
        self.statuses: dict[str, str] = {}
        self.kinds: dict[str, set[str]] = {}
        self.bases: dict[str, int] = {}
        self.shown: set[str] = set()
        self.shown_rows: set[tuple[str, str]] = set()
        # What rounded counts are shown as: by cell; and by municipality, question, answer and true count.
        self.rounded: dict[str, int] = {}
        self.draws: dict[tuple[object, ...], int] = {}
        # The different cells of the same municipalities, by label: each with the first release that has it.
        self.versions: dict[str, dict[str, tuple[int, _Node]]] = {}
        self.changes: list[_Change] = []
        self.change_widths: dict[str, int] = {}
        self.small: dict[str, list[tuple[tuple[str, str], str]]] = {}
        self.untied: dict[tuple[object, ...], tuple[int, str, int, int]] = {}

    def read(self) -> Cells:
        """Everything, in the order in which one thing needs another."""
        self._name_municipalities()
        self._name_parts()
        self._name_areas()
        for node in self.nodes.values():
            for question in self._questions_of(node):
                self._add_row(node, question)
            self._add_rollups(node)
        for node in self.nodes.values():
            self._add_sums_over(node)
        for number in range(len(self.releases)):
            self._add_seen(number)
            self._add_findings(number)
        self._add_changes()
        self._add_changed_findings()
        widths = self._widths()
        self.small = {
            node.name: [(answer, cell) for answer in node.counts if (cell := _cell(node, *answer)) in widths]
            for node in self.nodes.values()
        }
        insiders = {code: self._insider(code, widths) for code in self.codes}
        return Cells(self.known, self.relations, self.table, widths, insiders, self.statuses, tuple(self.leaks))

    # Who is who

    def _name_municipalities(self) -> None:
        """The cells of a municipality, the same in all releases with the same cases of it."""
        first: dict[tuple[object, ...], _Node] = {}
        for number, release in enumerate(self.releases):
            truth: dict[str, dict[tuple[str, str], int]] = {code: {} for code in self.rates[number]}
            answered = {code: dict.fromkeys(self.questions, 0) for code in self.rates[number]}
            columns = ("municipality_code", "question", "answer", "cases", "answered")
            for code, question, answer, cases, given in release.answer_counts.select(columns).iter_rows():
                if question in self.questions and code in truth:
                    truth[code][question, answer] = cases
                    answered[code][question] = given
            nodes = {}
            for code, rates in self.rates[number].items():
                counts = self._complete(truth[code])
                key = (code, rates["cases"], tuple(counts.items()), tuple(answered[code].items()))
                if key not in first:
                    name = self._named(number, f"municipality/{code}")
                    first[key] = _Node(name, rates["cases"], counts, answered[code])
                nodes[code] = first[key]
                self.nodes[first[key].name] = first[key]
            self.municipalities.append(nodes)

    def _complete(self, truth: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
        counts = {(key, code): truth.get((key, code), 0) for key in self.questions for code in self.answers[key]}
        for key, (question, groups) in self.rollups.items():
            for group, options in groups.items():
                counts[key, group] = sum(counts[question, option] for option in options)
        return counts

    def _name_parts(self) -> None:
        """Municipalities that no sum tells apart: the same region and group, and changed in the same releases."""
        histories: dict[str, tuple[object, ...]] = {}
        for code in self.codes:
            versions = [nodes.get(code) for nodes in self.municipalities]
            histories[code] = tuple(
                None if node is None else (self.places[number][code], versions.index(node))
                for number, node in enumerate(versions)
            )
        together: dict[tuple[object, ...], list[str]] = {}
        for code, history in histories.items():
            together.setdefault(history, []).append(code)
        for number, nodes in enumerate(self.municipalities):
            parts: dict[str, _Node] = {}
            for history, codes in together.items():
                if codes[0] not in nodes:
                    continue
                members = [nodes[code] for code in codes]
                region, group = self.places[number][codes[0]]
                version = [n.get(codes[0]) for n in self.municipalities].index(members[0])
                is_steady = len(set(history)) == 1
                label = f"{region}+{group}" + ("" if is_steady else f"+{codes[0]}")
                node = self._node(self._named(version, f"part/{label}"), members)
                parts |= dict.fromkeys(codes, node)
                self.versions.setdefault(label, {}).setdefault(node.name, (version, node))
                # Alone in a part, a municipality's changes are those of the part.
                for code in codes if len(codes) > 1 else ():
                    of_one = self.versions.setdefault(code, {})
                    of_one.setdefault(nodes[code].name, (version, nodes[code]))
            self.parts.append(parts)

    def _name_areas(self) -> None:
        """An area is the same in two releases if all its municipalities and their cases are."""
        first: dict[tuple[str, str, frozenset[str]], _Node] = {}
        for number, parts in enumerate(self.parts):
            of: dict[tuple[str, str], dict[str, _Node]] = {}
            for code, part in parts.items():
                region, group = self.places[number][code]
                for area in (("region", region), ("municipality_group", group)):
                    of.setdefault(area, {})[part.name] = part
            areas = {}
            for (kind, code), members in sorted(of.items()):
                areas[kind, code] = self._area(first, number, (kind, code), list(members.values()))
            regions = [node for (kind, _), node in areas.items() if kind == "region"]
            groups = [node for (kind, _), node in areas.items() if kind == "municipality_group"]
            country = self._area(first, number, ("country", COUNTRY_CODE), regions)
            areas["country", COUNTRY_CODE] = country
            self.areas.append(areas)
            self.members[f"{country.name} by group"] = groups

    def _area(
        self,
        first: dict[tuple[str, str, frozenset[str]], _Node],
        number: int,
        area: tuple[str, str],
        members: list[_Node],
    ) -> _Node:
        key = (*area, frozenset(member.name for member in members))
        if key not in first:
            first[key] = self._node(self._named(number, "/".join(area)), members)
        return first[key]

    def _node(self, name: str, members: list[_Node]) -> _Node:
        if name not in self.nodes:
            self.nodes[name] = self._sum_of(name, members)
            self.members[name] = members
        return self.nodes[name]

    def _sum_of(self, name: str, nodes: Iterable[_Node]) -> _Node:
        counts = {(key, code): 0 for key, codes in self.answers.items() for code in codes}
        answered = dict.fromkeys(self.questions, 0)
        total = 0
        for node in nodes:
            total += node.total
            for key, count in node.counts.items():
                counts[key] += count
            for question, count in node.answered.items():
                answered[question] += count
        return _Node(name, total, counts, answered)

    def _named(self, number: int, name: str) -> str:
        """A name in the candidate, or in an earlier release."""
        return name if number == 0 else f"earlier release {self.numbers[number]}: {name}"

    def _is_municipality(self, node: _Node) -> bool:
        return node.name not in self.members

    # Cells and sums

    def _questions_of(self, node: _Node) -> list[str]:
        return [key for key in self.answers if not self._is_municipality(node) or key in self.municipal]

    def _put(self, cell: str, count: int, low: int = 0, high: int = UNBOUNDED) -> str:
        """A cell with what is known of it, narrowed by what was known before."""
        old_low, old_high = self.known.get(cell, (0, UNBOUNDED))
        self.known[cell] = (max(low, old_low), min(high, old_high))
        self.table[cell] = count
        return cell

    def _question(self, key: str) -> Question:
        return self.questions[self.rollups[key][0] if key in self.rollups else key]

    def _is_open(self, key: str) -> bool:
        """Whether the answers to a question need not add up to the cases."""
        return self._question(key).kind == "multiple" or self._question(key).optional

    def _add_row(self, node: _Node, key: str) -> None:
        """The answers of a node to a question and how they add up."""
        answers = [self._put(_cell(node, key, code), node.counts[key, code]) for code in self.answers[key]]
        if not self._is_open(key):
            self.relations.append((self._put(_cell(node, "total"), node.total, node.total, node.total), answers))
            return
        answered = self._put(_cell(node, key, "#answered"), node.answered[key], 0, node.total)
        if self._question(key).kind == "single":
            self.relations.append((answered, answers))
            return
        # A case counts in one or more of the answers, and at most once in each.
        for code, answer in zip(self.answers[key], answers, strict=True):
            others = node.answered[key] - node.counts[key, code]
            self.relations.append((answered, [answer, self._put(_cell(node, key, f"#not {code}"), others)]))
        given = sum(node.counts[key, code] for code in self.answers[key])
        together = self._put(_cell(node, key, "#together"), given)
        further = self._put(_cell(node, key, "#further"), given - node.answered[key])
        self.relations += [(together, answers), (together, [answered, further])]

    def _add_rollups(self, node: _Node) -> None:
        asked = self._questions_of(node)
        for key, (question, groups) in self.rollups.items():
            if key in asked and question in asked:
                for group, options in groups.items():
                    parts = [_cell(node, question, option) for option in options]
                    self.relations.append((_cell(node, key, group), parts))

    def _add_sums_over(self, node: _Node) -> None:
        """A node's counts are those of its members; the country's are those of the regions and of the groups."""
        for members in (self.members.get(node.name), self.members.get(f"{node.name} by group")):
            if not members:
                continue
            for key in self.answers:
                if self._is_municipality(members[0]) and key not in self.municipal:
                    continue
                codes = [*self.answers[key], *(["#answered"] if self._is_open(key) else [])]
                self.relations += [
                    (_cell(node, key, code), [_cell(member, key, code) for member in members]) for code in codes
                ]

    # What is published

    def _seen_in(self, release: Release) -> dict[tuple[str, str, str, str], list[_Seen]]:
        seen: dict[tuple[str, str, str, str], list[_Seen]] = {}
        figures = ("cases", "rounding_base", "share", "share_ci95_upper")
        for name in BREAKDOWNS:
            table = release.shared[name]
            question_of, answer_of = question_answer(table.columns)
            absent = [pl.lit(None).alias(column) for column in figures if column not in table.columns]
            rows = table.with_columns(absent).select(
                "area_type",
                "area_code",
                question_of.alias("_question"),
                answer_of.alias("_answer"),
                "value_status",
                *figures,
            )
            for kind, code, question, answer, *figure in rows.iter_rows():
                if question in IMPLIED_ANSWERS:
                    self._require_implied(question, answer, figure[1])
                    continue
                if answer not in self.answers.get(question, ()):
                    raise BotilbudError(f"{name} holds the answer {question}/{answer}, which the form does not know")
                seen.setdefault((kind, code, question, answer), []).append(_Seen(*figure))
        return seen

    @staticmethod
    def _require_implied(question: str, answer: str, cases: int | None) -> None:
        if cases and answer != IMPLIED_ANSWERS[question]:
            raise BotilbudError(f"An eligible case answered {question} with {answer}: it cannot be eligible then")

    def _node_of(self, number: int, kind: str, code: str) -> _Node | None:
        if kind == "municipality":
            return self.municipalities[number].get(code)
        return self.areas[number].get((kind, code))

    def _add_seen(self, number: int) -> None:
        """What a release says of each count."""
        seen = self.seen[number]
        rows: dict[tuple[str, str, str], list[_Seen]] = {}
        for (kind, code, question, _), ones in seen.items():
            rows.setdefault((kind, code, question), []).extend(ones)
        shows_zeros = {
            kind
            for (kind, code, _), ones in rows.items()
            if (node := self._node_of(number, kind, code)) is not None and node.total > 0
            if any(one.status == "published" and one.cases == 0 for one in ones)
        }
        for (kind, code, question, answer), ones in seen.items():
            node = self._node_of(number, kind, code)
            if node is None:
                if any(one.cases for one in ones):
                    raise BotilbudError(
                        f"{kind} {code} has counts but no participant: it is in no release's case_rates"
                    )
                continue
            # In a row that is hidden whole, any cell may be a zero.
            is_open = any(one.status == "published" for one in rows[kind, code, question])
            least = 1 if is_open and kind in shows_zeros else 0
            cell = _cell(node, question, answer)
            if is_open:
                self.shown.add(node.name)
                self.shown_rows.add((node.name, question))
            for one in ones:
                self._add_one(number, cell, one, least)
                if one.status == "rounded" and one.cases is not None:
                    self._add_drawn((kind, code, question, answer, self.table[cell]), cell, one.cases)
            if self._is_open(question):
                self._add_answered(node, question, ones)

    def _add_one(self, number: int, cell: str, one: _Seen, least: int) -> None:
        count = self.table[cell]
        if one.status == "published" and one.cases is not None:
            self._put(cell, count, one.cases, one.cases)
        elif one.status == "rounded" and one.cases is not None and one.base is not None:
            self._put(cell, count, *rounded(one.cases, one.base))
            self.bases[cell] = one.base
        else:
            # Who takes a hidden zero for at least 1 is wrong, and learns nothing that is so.
            self._put(cell, count, min(least, count))
        kinds = self.kinds.setdefault(cell, set())
        status = one.status if one.status in ("published", "rounded") else "suppressed"
        if status not in kinds and {status, *kinds} >= {"published", "rounded"}:
            self.leaks.append(Leak("releases", cell, "cases", "exact beside a rounded count of the same cell"))
        kinds.add(status)
        if number == 0:
            before = self.statuses.get(cell, "suppressed")
            self.statuses[cell] = status if before == "suppressed" else before

    def _add_drawn(self, count: tuple[object, ...], cell: str, shown: int) -> None:
        """The same count of the same cell is shown as the same number in every table and release."""
        self.rounded[cell] = shown
        if self.draws.setdefault(count, shown) != shown:
            self.leaks.append(Leak("releases", cell, "cases", "rounded to two different numbers"))

    def _add_answered(self, node: _Node, question: str, ones: list[_Seen]) -> None:
        """A count and its share tell how many answered."""
        for one in ones:
            if (answered := one.answered) is not None:
                self._put(_cell(node, question, "#answered"), node.answered[question], answered, answered)

    def _add_findings(self, number: int) -> None:
        country = self.areas[number]["country", COUNTRY_CODE]
        rows = list(self.releases[number].shared[FINDINGS].iter_rows(named=True))
        for row in rows:
            code, numerator, denominator = row["finding"], row["numerator"], row["denominator"]
            tied = _FINDING_ANSWERS.get(code)
            if tied is None:
                if numerator is not None:
                    self._add_untied(number, code, numerator, denominator)
                continue
            cell = _finding(country.name.removesuffix(f"country/{COUNTRY_CODE}"), code)
            if cell not in self.known:
                self.relations.append((cell, [_cell(country, tied[0], answer) for answer in tied[1]]))
            self._put(cell, sum(country.counts[tied[0], answer] for answer in tied[1]), 0, denominator)
            status = "suppressed" if numerator is None else "published"
            # One that is hidden may hold for nobody: it can be hidden for another's sake.
            self._add_one(number, cell, _Seen(status, numerator, None, None, None), 0)

    def _add_untied(self, number: int, code: str, numerator: int, denominator: int) -> None:
        """A finding that no answers give: its numerator is told where it is shown, and so is the rest."""
        country = self.areas[number]["country", COUNTRY_CODE]
        key = (code, country.name, numerator, denominator)
        if key in self.untied:
            return
        prefix = self._named(number, "")
        self.untied[key] = (number, code, numerator, denominator)
        for of, count in ((COUNTRY_CODE, numerator), (_REST, denominator - numerator)):
            self._put(_finding(prefix, code, of), count, count, count)
        self.kinds[_finding(prefix, code)] = {"published"}
        if number == 0:
            self.statuses[_finding(prefix, code)] = "published"

    # What changed between two releases

    def _add_changes(self) -> None:
        """What came between two versions of the same municipalities whose public totals differ."""
        for label, versions in self.versions.items():
            for name, (_, one), (_, other) in self._pairs(label, list(versions.values())):
                smaller, larger = sorted((one, other), key=lambda node: node.total)
                pairs = [(name, larger, smaller)]
                if larger.total == smaller.total:
                    # One case came and another went: each way is a change of its own.
                    was_told = self._told_between(larger)
                    pairs = [(name, larger, smaller), (f"{name}+back", smaller, larger)] if was_told else []
                for pair in pairs:
                    self.changes.append(_Change(*pair))
                    for key in self._questions_of(larger):
                        self._add_change(self.changes[-1], key)

    def _told_between(self, node: _Node) -> bool:
        """Whether some release showed another total of these municipalities, so that everybody knows that they changed."""
        for code in (member.name.rpartition("/")[2] for member in self.members.get(node.name, [node])):
            totals = {rates[code]["cases"] for rates in self.rates if code in rates}
            if any(told.get(code) not in {None, *totals} for release in self.releases for told in release.later_totals):
                return True
        return False

    def _pairs(
        self, label: str, versions: Sequence[tuple[int, _Version]]
    ) -> Iterator[tuple[str, tuple[int, _Version], tuple[int, _Version]]]:
        """Every two versions, each with the release that first has it, and what the change between them is called."""
        for (place, one), (next_place, other) in combinations(enumerate(versions), 2):
            since = "" if next_place == place + 1 else f"+since release {self.numbers[other[0]]}"
            yield self._named(one[0], f"change/{label}{since}"), one, other

    def _add_change(self, change: _Change, key: str) -> None:
        """The change of the answers to a question; nobody's answers are fewer in the larger."""
        more = change.larger.total - change.smaller.total
        cells = []
        for code in self.answers[key]:
            count = change.larger.counts[key, code] - change.smaller.counts[key, code]
            if count < 0:
                continue
            larger, smaller = (_cell(node, key, code) for node in (change.larger, change.smaller))
            # A number that is drawn by the count is another one only where the count is.
            drawn = [self.rounded.get(self._row(node, key, code)) for node in (change.larger, change.smaller)]
            least = 1 if count and None not in drawn and drawn[0] != drawn[1] else 0
            # Where the answers add up, their sum bounds each of them.
            most = more if self._is_open(key) and count <= more else UNBOUNDED
            cell = self._put(f"{change.name}/{key}/{code}", count, least, most)
            self.relations.append((larger, [smaller, cell]))
            if count and count < self.threshold:
                self.change_widths[cell] = 1
            cells.append(cell)
        if len(cells) == len(self.answers[key]) and not self._is_open(key):
            self.relations.append((self._put(f"{change.name}/total", more, more, more), cells))

    def _row(self, node: _Node, key: str, code: str) -> str:
        """The cell of the municipality that a part is, where it is one; else that of the node."""
        members = self.members.get(node.name, ())
        return _cell(members[0] if len(members) == 1 else node, key, code)

    def _add_changed_findings(self) -> None:
        """How a finding that no answers give changed, where the participants' totals did."""
        shown: dict[str, list[tuple[int, tuple[int, int]]]] = {}
        for number, code, numerator, denominator in self.untied.values():
            shown.setdefault(code, []).append((number, (numerator, denominator - numerator)))
        totals = [{code: rates["cases"] for code, rates in each.items()} for each in self.rates]
        for code, versions in shown.items():
            for change, (number, counts), (older, older_counts) in self._pairs(COUNTRY_CODE, versions):
                if totals[number] == totals[older]:
                    continue
                for of, count, before in zip((COUNTRY_CODE, _REST), counts, older_counts, strict=True):
                    if 0 < (more := abs(count - before)) < self.threshold:
                        now, then = (_finding(self._named(n, ""), code, of) for n in (number, older))
                        cell = self._put(f"{change.replace(COUNTRY_CODE, of, 1)}/finding/{code}", more)
                        self.relations.append((now, [then, cell]) if count > before else (then, [now, cell]))
                        self.change_widths[cell] = 1

    # Who must not find out what

    def _widths(self) -> dict[str, int]:
        """How wide the interval of each small count must be."""
        widths = {}
        for node in self.nodes.values():
            for key in self._questions_of(node):
                for code in self.answers[key]:
                    cell = _cell(node, key, code)
                    if width := self._width(node, key, cell):
                        widths[cell] = width
        for cell in self.table:
            if f"finding/{COUNTRY_CODE}" in cell and 0 < self.table[cell] < self.threshold:
                widths[cell] = min(NARROWEST, self.known[cell][1])
        for areas in self.areas:
            country = areas["country", COUNTRY_CODE]
            for code, (key, _) in _FINDING_ANSWERS.items():
                cell = _finding(country.name.removesuffix(f"country/{COUNTRY_CODE}"), code)
                if cell in widths and not self._is_told(country, key):
                    widths[cell] = 1
        return widths | self.change_widths

    def _width(self, node: _Node, key: str, cell: str) -> int:
        count = self.table[cell]
        if cell in self.bases:
            return 1 if 0 < count < self.bases[cell] else 0
        if not 0 < count < self.threshold:
            return 0
        if cell not in self.kinds or not self._is_told(node, key):
            return 1
        return min(NARROWEST, self._cases(node, key))

    def _is_told(self, node: _Node, key: str) -> bool:
        """Whether an area's table says something of its answers.

        It does not of an area with few participants, nor in a row that is hidden whole; what the rounded counts of its
        municipalities say of it all the same must not be exact.
        """
        if not self.bases or (node.name, key) in self.shown_rows:
            return True
        return node.name in self.shown and key not in self.municipal_families

    def _cases(self, node: _Node, key: str) -> int:
        """The cases that a row of answers is about: what is known to everybody of it."""
        return node.answered[self._question(key).key] if self._is_open(key) else node.total

    def _insider(self, municipality: str, widths: Mapping[str, int]) -> Insider:
        """What a municipality knows of itself in every release, and what is left to know of the others."""
        known: dict[str, Interval] = {}
        less: dict[str, int] = {}
        own_of: dict[str, _Node] = {}
        for number, nodes in enumerate(self.municipalities):
            if municipality not in nodes:
                continue
            own, part = nodes[municipality], self.parts[number][municipality]
            if part.name not in own_of:
                own_of |= {own.name: own, part.name: own}
                known |= self._own_row(own, part)
            for area in (part, *self._areas_of(number, municipality)):
                for answer, cell in self.small[area.name]:
                    is_own = area.counts[answer] == own.counts[answer]
                    others = self._cases(area, answer[0]) - self._cases(own, answer[0])
                    less[cell] = 0 if is_own else min(widths[cell], others)
            # Less its own, a part is the others', who are few.
            less |= {
                _cell(part, *answer): 1
                for answer, count in part.counts.items()
                if answer[0] not in self.municipal and 0 < count - own.counts[answer] < self.threshold
            }
            country = self.areas[number]["country", COUNTRY_CODE]
            for code, (key, answers) in _FINDING_ANSWERS.items():
                cell = _finding(country.name.removesuffix(f"country/{COUNTRY_CODE}"), code)
                if cell in widths:
                    is_own = self.table[cell] == sum(own.counts[key, answer] for answer in answers)
                    less[cell] = 0 if is_own else min(widths[cell], country.total - own.total)
        for change in self.changes:
            if change.larger.name in own_of and change.smaller.name in own_of:
                one, other = own_of[change.larger.name], own_of[change.smaller.name]
                self._add_own_change(change, one, other, known, less)
        return Insider(known, less)

    def _own_row(self, own: _Node, part: _Node) -> dict[str, Interval]:
        """What a municipality knows of its own cells, and of those of the part that it is in."""
        known: dict[str, Interval] = {}
        is_alone = len(self.members[part.name]) == 1
        for key in self.answers:
            if key in self.municipal:
                known |= {_cell(own, key, code): _exactly(own.counts[key, code]) for code in self.answers[key]}
            # A part holds at least what is its own: more is the others', and nobody's count is below 0.
            for cell, count in self._own_cells(part, own, key):
                known[cell] = _exactly(count) if is_alone else (count, UNBOUNDED)
        return known

    def _add_own_change(
        self, change: _Change, larger: _Node, smaller: _Node, known: dict[str, Interval], less: dict[str, int]
    ) -> None:
        """What a municipality knows of a change that is its own, alone or with others."""
        is_alone = len(self.members.get(change.larger.name, (larger,))) == 1
        others_more = change.larger.total - change.smaller.total - (larger.total - smaller.total)
        for key in self._questions_of(change.larger):
            for code in self.answers[key]:
                cell = f"{change.name}/{key}/{code}"
                if cell not in self.table:
                    continue
                own = larger.counts[key, code] - smaller.counts[key, code]
                others = self.table[cell] - own
                if is_alone:
                    known[cell] = _exactly(own)
                    continue
                if others >= 0:
                    known[cell] = (max(own, 0), UNBOUNDED)
                if cell in self.change_widths:
                    less[cell] = min(1, abs(others_more)) if others > 0 else 0

    def _areas_of(self, number: int, municipality: str) -> list[_Node]:
        region, group = self.places[number][municipality]
        areas = self.areas[number]
        return [areas["region", region], areas["municipality_group", group], areas["country", COUNTRY_CODE]]

    def _own_cells(self, part: _Node, own: _Node, key: str) -> Iterator[tuple[str, int]]:
        """The cells of a part, with what a municipality in it has in each."""
        for code in self.answers[key]:
            yield _cell(part, key, code), own.counts[key, code]
        if not self._is_open(key):
            return
        answered, given = own.answered[key], sum(own.counts[key, code] for code in self.answers[key])
        yield _cell(part, key, "#answered"), answered
        if self._question(key).kind == "multiple":
            for code in self.answers[key]:
                yield _cell(part, key, f"#not {code}"), answered - own.counts[key, code]
            yield _cell(part, key, "#together"), given
            yield _cell(part, key, "#further"), given - answered


def _exactly(count: int) -> Interval:
    return count, count


def _cell(node: _Node, *place: str) -> str:
    return "/".join((node.name, *place))


def _finding(prefix: str, code: str, of: str = COUNTRY_CODE) -> str:
    return f"{prefix}finding/{of}/finding/{code}"
