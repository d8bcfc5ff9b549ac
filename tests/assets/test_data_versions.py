"""Data versions follow from content: what is stale shows as stale, and an unchanged night as unchanged."""

import hashlib
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from assets.deliveries import inbox
from assets.resources import DataRoot
from tests.assets.graph import definitions, failures, materialise
from tests.scenario import ROUND, hand_in, row, small_round

VERSION = "dagster/data_version"


def versions(instance: dg.DagsterInstance, root: Path) -> dict[str, str]:
    """The data version of every asset as last materialised."""
    graph = definitions(root).resolve_asset_graph()
    found = {}
    for node in graph.asset_nodes:
        record = instance.get_latest_data_version_record(node.key, partition_key=ROUND.name)
        if record is not None:
            found[node.key.path[-1]] = record.asset_materialization.tags[VERSION]
    return found


def stale(instance: dg.DagsterInstance, root: Path) -> set[str]:
    """The assets that Dagster's pages show as out of date."""
    graph = definitions(root).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {
        node.key.path[-1]
        for node in graph.asset_nodes
        if node.is_materializable and resolver.get_status(node.key, ROUND.name) != StaleStatus.FRESH
    }


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Three nights on the same deliveries; from the second on there is a release to compare with."""
    root = tmp_path_factory.mktemp("versions")
    small_round(root)
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(root, instance).success
        assert materialise(root, instance).success
        first = versions(instance, root)
        assert failures(materialise(root, instance)) == []
        yield root, instance, first


def test_an_unchanged_night_gives_every_asset_the_version_it_had(nights):
    root, instance, first = nights
    assert versions(instance, root) == first
    assert stale(instance, root) == set()


def test_a_tables_version_is_the_checksum_of_its_file(nights):
    root, _, first = nights
    tables = {path.name for path in (root / "warehouse").iterdir()}
    assert tables == first.keys() - {"inbox", "release"}
    for name in tables:
        content = (root / "warehouse" / name / f"{ROUND.name}.parquet").read_bytes()
        assert hashlib.sha256(content).hexdigest() == first[name], name


def test_the_releases_version_is_its_id(nights):
    root, _, first = nights
    assert (root / "releases" / ROUND.name / first["release"]).is_dir()


def test_a_delivery_more_makes_what_follows_from_the_inbox_stale_and_nothing_else(nights):
    root, instance, _ = nights
    hand_in(root, "147", [row("147", i) for i in range(3)], name="20221103T080000Z__ny.csv")
    dg.materialize(
        [inbox], partition_key=ROUND.name, instance=instance, resources={"data": DataRoot(location=str(root))}
    )
    out_of_date = stale(instance, root)
    assert {"delivered_files", "delivered_rows"} <= out_of_date
    assert not {"inbox", "municipalities", "population"} & out_of_date
