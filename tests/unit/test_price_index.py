from decimal import Decimal

import pytest
from upath import UPath

from pipelines.reference.price_index import price_index, required
from schemas.errors import ReferenceTableError

# Made-up points.
GOOD = "year;index;source\n2023;100;opdigtet\n2024;103,5;opdigtet\n2025;105.25;opdigtet\n"


def index_of(tmp_path, content):
    folder = tmp_path / "reference"
    folder.mkdir(exist_ok=True)
    (folder / "price_index.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return price_index(UPath(tmp_path))


def faults_of(tmp_path, content):
    with pytest.raises(ReferenceTableError) as error:
        index_of(tmp_path, content)
    return str(error.value).splitlines()


def test_points_are_read_exactly_with_a_comma_or_a_point(tmp_path):
    assert index_of(tmp_path, GOOD).values == {2023: Decimal(100), 2024: Decimal("103.5"), 2025: Decimal("105.25")}


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        (GOOD + "\n;;\n").encode(),
        GOOD.replace("2024;103,5;opdigtet", ' 2024 ;103,5;"opdigtet; til prøven"').encode(),
    ],
)
def test_what_spreadsheet_programs_do_to_a_file_changes_no_number(tmp_path, content):
    assert index_of(tmp_path, content).values == index_of(tmp_path, GOOD).values


def test_the_order_of_lines_does_not_matter(tmp_path):
    header, *lines = GOOD.splitlines()
    told = index_of(tmp_path, "\n".join([header, *reversed(lines)]))
    assert list(told.values.items()) == list(index_of(tmp_path, GOOD).values.items())


def test_where_there_is_no_file_there_is_no_index_and_a_version_of_its_own(tmp_path):
    absent = price_index(UPath(tmp_path))
    assert absent.values == {}
    assert absent.version != index_of(tmp_path, GOOD).version


def test_the_version_follows_from_the_content(tmp_path):
    told = index_of(tmp_path, GOOD)
    assert told == index_of(tmp_path, GOOD)
    assert told.version != index_of(tmp_path, GOOD.replace("103,5", "103,6")).version


def test_a_year_that_is_not_there_is_never_guessed(tmp_path):
    index = index_of(tmp_path, GOOD.replace("2024;103,5;opdigtet\n", "")).values
    assert required(index, 2023) == 100
    with pytest.raises(ReferenceTableError) as error:
        required(index, 2024)
    assert str(error.value) == (
        "reference/price_index.csv: there is no index for 2024; add the line `2024;<index>;<kilde>`"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2024;103,5", "there must be 3 cells with `;` between; found 2"),
        ("2024;103,5;opdigtet;", "there must be 3 cells with `;` between; found 4"),
        ("24;103,5;opdigtet", "year: must be a year of four digits, as 2024; found '24'"),
        ("2024;;opdigtet", "index: must be a number above 0"),
        ("2024;0,00;opdigtet", "index: must be a number above 0"),
        ("2024;-1;opdigtet", "index: must be a number above 0"),
        ("2024;1.035;opdigtet", "nothing between thousands); found '1.035'"),
        ("2024;1.035,5;opdigtet", "nothing between thousands); found '1.035,5'"),
        ("2024;1e3;opdigtet", "found '1e3'"),
        ("2024;1_0;opdigtet", "found '1_0'"),
        ("2024;nan;opdigtet", "found 'nan'"),
        ("2024;١٠٣;opdigtet", "found '١٠٣'"),
        ("2024;103,5;", "source: must say where the numbers are from; found nothing"),
        ("2024;103,5;-", "source: must say where the numbers are from; found '-'"),
        ("2023;103,5;opdigtet", "2023 stands twice; keep one line a year"),
        (f"2024;{'9' * 60};opdigtet", f"found '{'9' * 40}...'"),
    ],
)
def test_a_line_that_is_not_as_it_must_be_is_named_with_what_was_found_and_what_is_allowed(tmp_path, line, told):
    (fault,) = faults_of(tmp_path, f"year;index;source\n2023;100;opdigtet\n\n{line}\n")
    assert fault.startswith("reference/price_index.csv, line 4: ")
    assert told in fault


def test_every_fault_is_told_at_once(tmp_path):
    faults = faults_of(tmp_path, "year;index;source\n23;0;opdigtet\n2024;x;opdigtet\n2025;100;\n")
    assert [fault.split(":")[0] for fault in faults] == [
        f"reference/price_index.csv, line {line}" for line in (2, 3, 4)
    ]


@pytest.mark.parametrize("header", ["", "år;indeks;kilde", "year,index,source", "year;index;source;note", "2023;100;x"])
def test_another_header_is_refused(tmp_path, header):
    (fault,) = faults_of(tmp_path, f"{header}\n")
    assert fault.startswith("reference/price_index.csv, line 1: the header must be `year;index;source`; found ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD.encode("utf-16"), "is not UTF-8; save it as CSV UTF-8"),
        ("year;index;source\n2023;100;målt\n".encode("cp1252"), "is not UTF-8; save it as CSV UTF-8"),
        (b'year;index;source\n2023;100;"open\n', "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, told):
    (fault,) = faults_of(tmp_path, content)
    assert told in fault
