import pytest
from upath import UPath

from pipelines.reference.refund_thresholds import Step, refund_thresholds
from schemas.errors import ReferenceTableError

HEADER = "year;threshold_1_dkk;share_1;threshold_2_dkk;share_2;threshold_3_dkk;share_3;source"
FILE = "reference/refund_thresholds.csv"
# Made up.
OF_2024 = "2024;900000;25;1750000;50;2200000;75;opdigtet"


@pytest.fixture
def root(tmp_path):
    return UPath(tmp_path)


def write(root, *lines, encoding="utf-8", end="\n"):
    folder = root / "reference"
    folder.mkdir(exist_ok=True)
    (folder / "refund_thresholds.csv").write_bytes(end.join([*lines, ""]).encode(encoding))


def refused(root, *lines):
    write(root, *lines)
    with pytest.raises(ReferenceTableError) as raised:
        refund_thresholds(root)
    return str(raised.value).splitlines()


def test_what_is_published_comes_with_the_program_and_no_other_year(root):
    thresholds = refund_thresholds(root)
    assert thresholds.by_year == {
        2020: (Step(1_090_000, 25), Step(2_050_000, 50)),
        2022: (Step(860_000, 25), Step(1_680_000, 50), Step(2_120_000, 75)),
    }


def test_a_year_that_is_missing_is_refused_with_the_line_to_add(root):
    thresholds = refund_thresholds(root)
    for year in (2018, 2021, 2023, 2024):
        with pytest.raises(ReferenceTableError) as raised:
            thresholds.required(year)
        assert str(raised.value) == (
            f"reference/refund_thresholds.csv: there are no thresholds for {year}; add the line "
            f"`{year};<1. grænse>;25;<2. grænse>;50;<3. grænse>;75;<kilde>`"
        )


def test_the_operators_lines_add_to_the_packaged_ones_or_replace_them(root):
    write(root, HEADER, OF_2024, "2020;1;10;2;20;;;opdigtet")
    thresholds = refund_thresholds(root)
    assert thresholds.required(2024) == (Step(900_000, 25), Step(1_750_000, 50), Step(2_200_000, 75))
    assert thresholds.required(2020) == (Step(1, 10), Step(2, 20))
    assert list(thresholds.by_year) == [2020, 2022, 2024]
    assert thresholds.required(2022) == (Step(860_000, 25), Step(1_680_000, 50), Step(2_120_000, 75))


def test_the_version_follows_from_the_content(root):
    without = refund_thresholds(root).version
    write(root, HEADER, OF_2024)
    version = refund_thresholds(root).version
    assert version != without
    assert refund_thresholds(root).version == version
    write(root, HEADER, OF_2024.replace("900000", "900001"))
    assert refund_thresholds(root).version not in {without, version}


def test_a_file_as_a_spreadsheet_saves_it_is_read(root):
    write(root, HEADER, OF_2024, ";;;;;;;", encoding="utf-8-sig", end="\r\n")
    assert refund_thresholds(root).required(2024)[0] == Step(900_000, 25)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("2024;900000;25;1750000;50;2200000;75", "there must be 8 cells with `;` between; found 7"),
        ("24;900000;25;1750000;50;2200000;75;opdigtet", "year: must be a year of four digits, as 2024; found '24'"),
        (
            "2024;900.000;25;1750000;50;2200000;75;opdigtet",
            "threshold_1_dkk: must be a whole number, without anything between thousands; found '900.000'",
        ),
        (
            "2024;900000;25 %;1750000;50;2200000;75;opdigtet",
            "share_1: must be a whole number, without anything between thousands; found '25 %'",
        ),
        (
            "2024;900000;25;;50;2200000;75;opdigtet",
            "threshold_2_dkk: must be a whole number, without anything between thousands; found nothing",
        ),
        (
            "2024;900000;25;1750000;50;;75;opdigtet",
            "threshold_3_dkk: must be a whole number, without anything between thousands; found nothing",
        ),
        (
            "2024;-1;25;1750000;50;;;opdigtet",
            "threshold_1_dkk: must be a whole number, without anything between thousands; found '-1'",
        ),
        ("2024;900000;25;900000;50;;;opdigtet", "the thresholds must be above 0 and rise; found 900000, 900000"),
        ("2024;0;25;900000;50;;;opdigtet", "the thresholds must be above 0 and rise; found 0, 900000"),
        ("2024;9;25;8;50;10;75;opdigtet", "the thresholds must be above 0 and rise; found 9, 8, 10"),
        ("2024;8;25;9;101;;;opdigtet", "the shares must be 0 to 100 per cent; found 25, 101"),
        ("2024;900000;25;1750000;50;;;-", "source: must say where the numbers are from; found '-'"),
    ],
)
def test_a_faulty_line_is_told_with_its_file_and_number(root, line, fault):
    assert refused(root, HEADER, "", line) == [f"{FILE}, line 3: {fault}"]


def test_every_fault_is_told_at_once(root):
    faults = refused(root, HEADER, "2024;2;25;1;50;;;opdigtet", OF_2024, OF_2024, "2025;1;1;2;2;3;x;opdigtet")
    assert faults == [
        f"{FILE}, line 2: the thresholds must be above 0 and rise; found 2, 1",
        f"{FILE}, line 4: 2024 stands twice; keep one line a year",
        f"{FILE}, line 5: share_3: must be a whole number, without anything between thousands; found 'x'",
    ]


def test_another_header_another_encoding_and_an_open_quote_are_refused(root):
    assert refused(root, "year;threshold", OF_2024) == [
        f"{FILE}, line 1: the header must be `{HEADER}`; found 'year;threshold'"
    ]
    assert refused(root) == [f"{FILE}, line 1: the header must be `{HEADER}`; found nothing"]
    assert refused(root, HEADER, '2024;"') == [f"{FILE}, line 2: cannot be read (unexpected end of data)"]
    write(root, HEADER, OF_2024.replace("opdigtet", "grænse"), encoding="cp1252")
    with pytest.raises(ReferenceTableError, match="is not UTF-8; save it as CSV UTF-8"):
        refund_thresholds(root)
