"""The README is true of the graph and of the command."""

import re
from pathlib import Path

from typer.main import get_command

from assets.cli import app
from assets.definitions import build_defs

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_asset_in_its_group():
    lines = {line.split("|")[1].strip(" `"): line for line in README.splitlines() if line.startswith("| `")}
    for node in build_defs().resolve_asset_graph().asset_nodes:
        assert f"`{node.key.path[-1]}`" in lines[node.group_name], node.key


def test_the_readme_names_every_command():
    told = set(re.findall(r"`botilbud ([\w-]+)", README))
    assert told >= set(get_command(app).commands)
