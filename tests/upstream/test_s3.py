"""What we rely on s3fs, fsspec and universal_pathlib for: a data root in a bucket, against a real S3 server on loopback.

The server (moto) and every command run as processes of their own: what they warn of is not ours. The server's access
log tells what was written, and in which order. What S3 does not have and we do not use: folders, renaming, and listings
that may be remembered.
"""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import httpx2
import pytest

from tests.upstream.statbank_server import StatBankServer

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
BUCKET = "kommuner"
ROUND = "2022-10-01"
NOBODY = "http://127.0.0.1:9"


@dataclass
class Bucket:
    """A bucket, seen from outside through plain HTTP."""

    url: str
    access_log: Path
    http: httpx2.Client

    def put(self, key: str, content: bytes) -> None:
        self.http.put(f"{self.url}/{BUCKET}/{quote(key)}", content=content).raise_for_status()

    def get(self, key: str) -> bytes:
        return self.http.get(f"{self.url}/{BUCKET}/{quote(key)}").raise_for_status().content

    def delete(self, key: str) -> None:
        self.http.delete(f"{self.url}/{BUCKET}/{quote(key)}").raise_for_status()

    def keys(self, prefix: str) -> list[str]:
        listing = self.http.get(f"{self.url}/{BUCKET}?list-type=2&prefix={quote(prefix)}").raise_for_status().text
        assert "<IsTruncated>false" in listing
        return [html.unescape(key) for key in re.findall("<Key>(.*?)</Key>", listing)]

    def writes(self) -> list[str]:
        """Keys written or removed so far, in the order in which the server answered."""
        lines = re.findall(rf"(?:PUT|POST|DELETE) /{BUCKET}/(\S+) HTTP", self.access_log.read_text(encoding="utf-8"))
        return [unquote(key) for key in lines]


# The server does not check signatures, but keeps what a signed request wrote from an unsigned one.
SIGNED = "AWS4-HMAC-SHA256 Credential=made-up/20221001/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
SERVER = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()  # until the test closes it
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory) -> Iterator[Bucket]:
    log = tmp_path_factory.mktemp("s3") / "access.log"
    command = [sys.executable, "-c", SERVER]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as server,
        httpx2.Client(trust_env=False, headers={"Authorization": SIGNED}) as http,
    ):
        port = server.stdout.readline().strip().decode()
        assert port, log.read_text(encoding="utf-8")
        bucket = Bucket(f"http://127.0.0.1:{port}", log, http)
        http.put(f"{bucket.url}/{BUCKET}").raise_for_status()
        yield bucket
        server.stdin.close()


def environment(home: Path, data: str, statbank_url: str, endpoint: str) -> dict[str, str]:
    """What a command sees: nothing of this machine's own AWS configuration, and a Dagster home of its own."""
    home.mkdir(exist_ok=True)
    configured = (PROJECT / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(re.sub("base_dir: .*", f"base_dir: {home}", configured), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BOTILBUD_", "FSSPEC_"))}
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "DAGSTER_HOME": str(home),
        "BOTILBUD_DATA": data,
        "BOTILBUD_STATBANK_URL": statbank_url,
    }


def started(env: dict[str, str], *command: str) -> subprocess.Popen[str]:
    botilbud = [sys.executable, "-c", "from assets.cli import main; main()", *command]
    return subprocess.Popen(
        botilbud, env=env, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def succeed(env: dict[str, str], *command: str) -> str:
    code, out, err = ended(started(env, *command))
    assert (code, err) == (0, ""), err
    return out


@dataclass
class Nights:
    """Two nights in the bucket and one in a folder, each on the same demonstration deliveries."""

    env: dict[str, str]
    folder: Path
    release: str
    first_night: list[str]
    second_night: list[str]
    population_requests: int


@pytest.fixture(scope="module")
def nights(bucket, tmp_path_factory) -> Nights:
    home = tmp_path_factory.mktemp("nights")
    folder = home / "data"
    with StatBankServer() as statbank:
        in_bucket = environment(home / "one", f"s3://{BUCKET}/benchmark", statbank.url, bucket.url)
        succeed(in_bucket, "demo", "--round", ROUND)
        inbox = f"benchmark/inbox/{ROUND}"
        # An eighth of the municipalities: nights of few seconds.
        municipalities = sorted({key.removeprefix(inbox).split("/")[1] for key in bucket.keys(inbox)})
        for key in bucket.keys(inbox):
            if key.removeprefix(inbox).split("/")[1] in municipalities[::8]:
                copy = folder / key.removeprefix("benchmark/")
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(bucket.get(key))
            else:
                bucket.delete(key)
        before = len(bucket.writes())
        succeed(in_bucket, "nightly", "--round", ROUND)
        first_night = bucket.writes()[before:]
        asked = len(statbank.requests)
        # The same draws in both: the secret is an input.
        (folder / "secrets").mkdir()
        (folder / "secrets" / "rounding.key").write_bytes(bucket.get("benchmark/secrets/rounding.key"))

        in_folder = environment(home / "two", str(folder), statbank.url, NOBODY)
        local_night = started(in_folder, "nightly", "--round", ROUND)
        succeed(in_bucket | {"BOTILBUD_STATBANK_URL": NOBODY}, "nightly", "--round", ROUND)
        second_night = bucket.writes()[before + len(first_night) :]
        assert ended(local_night)[0] == 0
    release = json.loads(bucket.get(f"benchmark/releases/{ROUND}/latest.json"))["release"]
    return Nights(in_bucket, folder, release, first_night, second_night, asked)


def test_a_bucket_holds_the_very_files_that_a_folder_holds(bucket, nights):
    # A folder also has the file by which those who publish and decide wait for each other.
    files = [path for path in nights.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    in_folder = {str(path.relative_to(nights.folder)): path for path in files}
    names = {name: f"benchmark/{name}" for name in in_folder}
    assert sorted(bucket.keys("benchmark/")) == sorted(names.values())
    assert f"releases/{ROUND}/{nights.release}/datapackage.json" in names
    # The note beside the fetched population says when and from where it was fetched.
    (note,) = [name for name in names if name.startswith("reference/") and name.endswith(".json")]
    # Nor do the heartbeat and what tells of runs and of the release before, which the bucket had one night earlier.
    told = ("heartbeat/", "documentation/", "warehouse/quality_report/")
    same = [n for n in names if n != note and not n.startswith(told) and not n.endswith(".provenance.json")]
    assert len(same) > 100
    assert [name for name in same if bucket.get(names[name]) != in_folder[name].read_bytes()] == []


def test_the_manifest_is_written_after_every_other_file_of_a_release_and_then_the_pointer(nights):
    releases = f"benchmark/releases/{ROUND}"
    written = [key for key in nights.first_night if key.startswith(releases)]
    assert written[-3:] == [
        f"{releases}/{nights.release}/datapackage.json",
        f"{releases}/latest.json",
        f"{releases}/{nights.release}.provenance.json",
    ]
    assert len(written) == len(set(written)) > 50


def test_a_second_night_makes_no_new_release_and_does_not_touch_the_old_one(nights):
    assert {key.split("/")[1] for key in nights.second_night} == {"warehouse", "documentation", "heartbeat"}


def test_the_population_is_fetched_once_and_then_taken_from_the_bucket(bucket, nights):
    assert nights.population_requests == 1
    assert bucket.keys("benchmark/reference/") == [
        "benchmark/reference/folk1a_18_66_2022K4.csv",
        "benchmark/reference/folk1a_18_66_2022K4.json",
    ]
    assert not [key for key in nights.second_night if "reference/" in key]
    pointer = json.loads(bucket.get(f"benchmark/releases/{ROUND}/latest.json"))
    assert pointer["population_quarter"] == "2022K4"


def test_verify_passes_a_release_in_a_bucket_and_names_what_was_changed_in_it(bucket, nights):
    release = f"benchmark/releases/{ROUND}/{nights.release}"
    out = succeed(nights.env, "verify", f"s3://{BUCKET}/{release}")
    assert out == f"Udgivelse {nights.release} stemmer med sit manifest.\n"

    for key in bucket.keys(f"{release}/"):
        bucket.put(key.replace("benchmark/", "changed/", 1), bucket.get(key))
    changed = f"changed/releases/{ROUND}/{nights.release}"
    bucket.put(f"{changed}/shared/surplus.txt", b"")
    bucket.put(f"{changed}/shared/case_rates.parquet", b"short")
    code, out, err = ended(started(nights.env, "verify", f"s3://{BUCKET}/{changed}"))
    assert (code, out) == (1, "")
    assert [line.split(":")[0] for line in err.splitlines()] == ["shared/surplus.txt", "shared/case_rates.parquet"]


def test_demo_leaves_an_inbox_with_deliveries_alone(bucket, nights):
    before = len(bucket.writes())
    assert "er ikke tom" in succeed(nights.env, "demo", "--round", ROUND)
    assert len(bucket.writes()) == before


INBOX = """
import json, os, sys, urllib.request
from assets.resources import inbox_fingerprint
from assets.resources import DataRoot
from pipelines import storage
from pipelines.ingest.limits import FILE_BYTES

data = DataRoot(location=os.environ["BOTILBUD_DATA"])
root, names = storage.inbox(data.path, "2022-10-01"), sys.argv[1:]
fingerprints, seen = [inbox_fingerprint(data, "2022-10-01")], []
for name, size in (("stray.txt", 1), ("147/", 0), ("147/empty.csv", 0), ("147/folder/inner.csv", 1),
                   ("147/größe.csv", 3), ("147/great.csv", FILE_BYTES + 2)):
    url = f"{os.environ['AWS_ENDPOINT_URL']}/kommuner/odd/inbox/2022-10-01/{urllib.parse.quote(name)}"
    urllib.request.urlopen(urllib.request.Request(url, b"x" * size, {"Content-Type": "text/plain"}, method="PUT")).read()
    seen.append((root / name).exists())
    fingerprints.append(inbox_fingerprint(data, "2022-10-01"))
with storage.local_inbox(root) as folder:
    tree = {str(p.relative_to(folder)): p.stat().st_size - FILE_BYTES * (p.name == "great.csv")
            for p in folder.rglob("*") if p.is_file()}
    modified = (folder / "147/empty.csv").stat().st_mtime
listed = storage.objects(root)["147/empty.csv"]["LastModified"].timestamp()
faults = []
for name in ("148/..", "148//x.csv", "148/0101901234" + "x" * 250):
    storage.write_objects(root, {name: b"x"})
    try:
        with storage.local_inbox(root) as folder:
            pass
    except storage.StorageError as error:
        faults.append(str(error))
    root.fs.rm_file(f"{root.path}/{name}")
print(json.dumps([fingerprints, seen, tree, modified == listed, faults]))
"""


def test_an_inbox_in_a_bucket_is_seen_as_it_is_now_and_copied_as_a_folder_would_be(bucket, tmp_path):
    # The objects are put by another client than the one that lists. When it does not see them: s3fs remembers
    # listings again, see `use_listings_cache` in `pipelines.storage`.
    env = environment(tmp_path / "home", f"s3://{BUCKET}/odd", NOBODY, bucket.url)
    run = subprocess.run([sys.executable, "-c", INBOX], env=env, cwd=PROJECT, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    fingerprints, seen, tree, same_time, faults = json.loads(run.stdout)
    empty, stray, placeholder, *after_a_delivery = fingerprints
    assert empty is None
    assert all(seen)
    assert stray == placeholder  # an object that only shows a folder is no delivery
    assert len({stray, *after_a_delivery}) == 1 + 4
    assert tree == {
        "stray.txt": 1,
        "147/empty.csv": 0,
        "147/folder/inner.csv": 1,
        "147/größe.csv": 3,
        "147/great.csv": 1,  # and the limit: one byte more than it is enough to reject the file
    }
    assert same_time
    assert len(faults) == 3
    for fault in faults:
        assert "an object below 148 cannot be copied" in fault
        assert "010190" not in fault


@pytest.mark.parametrize("command", [("demo", "--round", ROUND), ("nightly", "--round", ROUND), ("verify", "{data}")])
def test_a_wrong_bucket_is_one_clear_line(bucket, tmp_path, command):
    data = "s3://no-such-bucket/benchmark"
    env = environment(tmp_path / "home", data, NOBODY, bucket.url)
    code, out, err = ended(started(env, *(part.format(data=data) for part in command)))
    assert (code, out) == (1, "")
    assert err == (
        f"{data}: cannot be reached (The specified bucket does not exist); check the bucket's name and the AWS_ variables "
        "of the environment\n"
    )


def test_without_s3fs_a_bucket_is_refused_with_one_line_that_says_how_to_install_it(bucket, tmp_path):
    (tmp_path / "s3fs.py").write_text('raise ImportError("not installed")\n', encoding="utf-8")
    env = environment(tmp_path / "home", f"s3://{BUCKET}/benchmark", NOBODY, bucket.url)
    code, out, err = ended(started(env | {"PYTHONPATH": str(tmp_path)}, "nightly", "--round", ROUND))
    assert (code, out) == (1, "")
    assert err == (f"s3://{BUCKET}/benchmark: needs s3fs; install it with: pip install 'botilbudsbenchmark[s3]'\n")


def test_a_url_of_another_kind_is_refused_with_one_line(bucket, tmp_path):
    env = environment(tmp_path / "home", "ftp://server/benchmark", NOBODY, bucket.url)
    assert ended(started(env, "demo")) == (
        1,
        "",
        "ftp://server/benchmark: is neither a folder nor an s3:// URL; give one of these\n",
    )
