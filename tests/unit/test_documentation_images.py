"""The pictures in docs/ are those that `make screenshots` made."""

import json
import re
import struct
from hashlib import sha256
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
IMAGES = DOCS / "images"
MADE = json.loads((IMAGES / "made.json").read_bytes())
SHOWN = re.findall(r"!\[(.*?)\]\(images/(.*?)\)", (DOCS / "lineage.md").read_text(encoding="utf-8"))


def checksum(path):
    return sha256(path.read_bytes()).hexdigest()


def test_the_pictures_are_those_that_the_script_made():
    assert {path.name: checksum(path) for path in IMAGES.glob("*.png")} == MADE["images"]


def test_the_script_is_the_one_that_made_them():
    # When this breaks: the script was changed after the pictures were made; run `make screenshots`.
    assert MADE["made_from"] == {path: checksum(PROJECT / path) for path in ("tools/screenshots.py",)}


def test_every_picture_is_shown_once_and_no_other():
    assert sorted(name for _, name in SHOWN) == sorted(MADE["images"])


def test_every_picture_is_told_in_words():
    assert [name for words, name in SHOWN if len(words) < 20] == []


@pytest.mark.parametrize("name", sorted(MADE["images"]))
def test_a_picture_is_as_wide_as_the_others_and_small(name):
    content = (IMAGES / name).read_bytes()
    (width,) = struct.unpack(">I", content[16:20])
    assert (content[:4], width) == (b"\x89PNG", 1_280)
    assert len(content) < 200_000


def test_no_other_document_shows_a_picture_of_another_origin():
    elsewhere = [path for path in DOCS.rglob("*.md") if path.name != "lineage.md"]
    assert elsewhere
    assert [
        path for path in (*elsewhere, PROJECT / "README.md") if "](images/" in path.read_text(encoding="utf-8")
    ] == []
