"""Reports and figures of a release, made through the graph, and what of a municipality none of them tells another one."""

import io
import json
import re
from xml.etree import ElementTree as ET

import dagster as dg
import pypdf
import pytest

from assets.resources import Reports
from pipelines.release.manifest import differences
from tests.assets.graph import definitions, failures
from tests.scenario import ROUND, hand_in, row, small_round

pytestmark = pytest.mark.slow
# Odense, made large: so many of its cases are of one main group and of one provider type. Neither number can be shown
# rounded to 3, and nothing else in this round comes to them.
OWN, CASES, MENTAL, PRIVATE = "461", 211, 113, 118
ONLY_CHOICE = "Eksisterende botilbud var eneste valgmulighed"


class CountedReports(Reports):
    """The real reports, counted."""

    asked = 0

    def files(self, content, edition, municipalities):
        self.asked += 1
        return super().files(content, edition, municipalities)


def answers(number: int) -> dict[str, str]:
    return {
        "target_group": "Forandret virkelighedsopfattelse" if number < MENTAL else "Udviklingshæmning",
        "provider": "Privat (herunder selvejende og fonde)" if number < PRIVATE else "Regionen",
        # As the quality gate knows them from the published report.
        "time_above_threshold": "Siden det 18. år" if number % 5 < 2 else "3-5 år",
        "choice_at_referral": "Flere eksisterende botilbud" if number % 2 else ONLY_CHOICE,
        "places_in_facility": "Over 8 pladser" if number % 3 < 2 else "5-8 pladser",
    }


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Two nights on the same deliveries, with a municipality whose breakdown holds the planted numbers."""
    root = tmp_path_factory.mktemp("reports")
    small_round(root)
    for code, cases in ((OWN, CASES), ("147", 14)):  # another one, or the country's numbers would be the planted ones
        for path in (root / "inbox" / ROUND.name / code).iterdir():
            path.unlink()
        hand_in(root, code, [row(code, n, **answers(n)) for n in range(cases)])
    hand_in(root, "201", [row("201", n, age="gammel") for n in range(4)])  # rejected whole: it takes no part
    reports = CountedReports()
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions(root, reports=reports).resolve_job_def("nightly")
        results = [
            job.execute_in_process(partition_key=ROUND.name, instance=instance, raise_on_error=False) for _ in range(2)
        ]
        assert [failures(result) for result in results] == [[], []]
        folder = root / "releases" / ROUND.name
        release = folder / json.loads((folder / "latest.json").read_bytes())["release"]
        yield release, results, reports


def files(release):
    return {str(path.relative_to(release)): path.read_bytes() for path in sorted(release.rglob("*")) if path.is_file()}


def words(path: str, content: bytes) -> str:
    """What a file tells somebody who reads it, or has it read aloud."""
    if path.endswith(".pdf"):
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    if path.endswith(".svg"):
        tree = ET.fromstring(content)  # noqa: S314 - our own
        named = [value for element in tree.iter() for name, value in element.items() if "label" in name]
        return "\n".join([*tree.itertext(), *named])
    text = content.decode("utf-8-sig")
    if path.endswith(".html"):
        # What is drawn is looked at as the picture that it is.
        text = re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)
    return text


def tells(path: str, content: bytes, number: int) -> bool:
    return re.search(rf"(?<![\d.,]){number}(?![\d.,]*\d)", words(path, content)) is not None


def reports_and_figures(release):
    return {
        path: content
        for path, content in files(release).items()
        if "figures/" in path or path.rpartition("/")[2].startswith("report.")
    }


def test_all_get_a_report_and_the_release_agrees_with_its_manifest(night):
    release, _, _ = night
    codes = {"101", "147", "151", "153", "157", "183", "461", "563", "201"}
    found = {path for path in files(release) if path.rpartition("/")[2].startswith("report.")}
    folders = {"shared", *(f"municipalities/{code}" for code in codes)}
    assert found == {f"{folder}/report.{extension}" for folder in folders for extension in ("pdf", "html")}
    assert differences(release) == []


def test_every_figure_has_its_alt_text_beside_it(night):
    release, _, _ = night
    for folder in (release / "shared" / "figures", release / "municipalities" / OWN / "figures"):
        lines = (folder / "alt_texts.csv").read_text(encoding="utf-8-sig").splitlines()
        assert lines[0] == "fil;titel;alternativ tekst"
        told = {line.partition(";")[0] for line in lines[1:] if ".svg;" in line}
        assert told == {path.name for path in folder.glob("*.svg")} != set()


@pytest.mark.parametrize("number", [MENTAL, PRIVATE])
def test_a_number_that_is_rounded_for_others_stands_in_its_own_report_and_in_no_other_file(night, number):
    release, _, _ = night
    telling = {path for path, content in reports_and_figures(release).items() if not path.endswith("png")
               and tells(path, content, number)}  # fmt: skip
    assert {f"municipalities/{OWN}/report.pdf", f"municipalities/{OWN}/report.html"} <= telling
    assert all(path.startswith(f"municipalities/{OWN}/report.") for path in telling)


def test_no_data_of_a_picture_lie_in_its_source(night):
    release, _, _ = night
    for path, content in reports_and_figures(release).items():
        if path.endswith((".svg", ".html")):
            assert b"<script" not in content
            assert b'"values"' not in content, path


def test_a_municipality_that_takes_no_part_is_told_so_and_none_of_the_others_figures(night):
    release, _, _ = night
    path = "municipalities/201/report.pdf"
    told = words(path, files(release)[path])
    assert not re.search(rf"(?<!\d){CASES}(?!\d)", told)
    assert not (release / "municipalities" / "201" / "figures").exists()


def test_an_unchanged_night_makes_no_report_again(night):
    _, _, reports = night
    assert reports.asked == 1


def test_the_release_shows_its_pictures_in_the_catalogue_once(night):
    _, results, _ = night
    first, second = (result.asset_materializations_for_node("release")[0].metadata for result in results)
    assert {"figure_ranked_dots", "figure_funnel"} <= first.keys()
    assert not {name for name in second if name.startswith("figure_")}
    assert "data:image/svg+xml;base64," in first["figure_funnel"].value
