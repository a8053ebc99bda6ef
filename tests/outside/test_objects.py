"""One contract for every object store: a folder, and S3 as moto serves it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from matinee.outside import objects
from matinee.outside.objects import ObjectMissing, ObjectStore, ObjectStoreFailed


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return ObjectStore.local(tmp_path / "store")
    endpoint = request.getfixturevalue("s3_endpoint")
    bucket = f"test-{abs(hash(tmp_path))}"
    options = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **options).create_bucket(Bucket=bucket)
    return ObjectStore.at(
        f"s3://{bucket}/some/prefix",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )


def test_what_is_put_is_got(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    store.put("a/1", b"bytes")
    store.put("a/2", tmp_path / "file")
    assert (store.get("a/1"), store.get("a/2")) == (b"bytes", b"from a file")
    assert (store.size("a/1"), store.get_range("a/2", 5, 8)) == (5, b"a f")


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put("a/empty", b"")
    assert (store.get("a/empty"), store.size("a/empty")) == (b"", 0)


def test_put_goes_over_and_put_if_absent_does_not(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"third")
    assert store.put_if_absent("a/1", b"first")
    assert not store.put_if_absent("a/1", b"second")
    assert not store.put_if_absent("a/1", tmp_path / "file")
    assert store.get("a/1") == b"first"
    store.put("a/1", b"fourth")
    assert store.get("a/1") == b"fourth"


def test_of_many_that_put_if_absent_one_wins(store: ObjectStore) -> None:
    start = threading.Barrier(8)

    def put(number: int) -> bool:
        start.wait()
        return store.put_if_absent("a/1", str(number).encode() * 1000)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(put, range(8)))
    assert won.count(True) == 1
    assert store.get("a/1") == str(won.index(True)).encode() * 1000


def test_what_is_not_there_is_told(store: ObjectStore) -> None:
    assert store.size("a/none") is None
    with pytest.raises(ObjectMissing, match="a/none"):
        store.get("a/none")
    with pytest.raises(ObjectMissing, match="a/none"):
        store.get_range("a/none", 0, 1)
    store.delete("a/none")


def test_a_prefix_is_a_whole_path_element(store: ObjectStore) -> None:
    for path in ("packages/x/1", "packages/x/deep/2", "packages/xy/3"):
        store.put(path, b"12")
    assert sorted(store.list("packages/x")) == [("packages/x/1", 2), ("packages/x/deep/2", 2)]
    assert store.delete_under("packages/x") == 2
    assert [path for path, _ in store.list("packages")] == ["packages/xy/3"]


def away_store() -> ObjectStore:
    """Where nothing listens."""
    return ObjectStore.at(
        "s3://bucket",
        endpoint="http://127.0.0.1:9",
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def test_a_store_that_is_away_says_so_in_our_words() -> None:
    away = away_store()
    for ask in (lambda: away.get("a"), lambda: away.get_range("a", 0, 1), lambda: away.delete("a")):
        with pytest.raises(ObjectStoreFailed):
            ask()


def test_an_object_is_fetched_as_a_file(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_PIECE_BYTES", 1000)
    data = bytes(range(256)) * 100
    store.put("a/1", data)
    store.fetch("a/1", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == data
    with pytest.raises(ObjectMissing):
        store.fetch("a/2", tmp_path / "missing")


def test_when_something_in_a_folder_was_last_written(store: ObjectStore) -> None:
    for path in ("parts/a/1", "parts/a/b/2", "parts/c/3", "others/4"):
        store.put(path, b"x")
    found = store.last_written("parts", 2)
    assert set(found) == {"parts/a", "parts/c"}
    assert all(at > 1_700_000_000_000 for at in found.values())


def test_a_store_that_is_away_says_so_when_it_is_listed() -> None:
    away = away_store()
    with pytest.raises(ObjectStoreFailed, match="could not be listed"):
        away.delete_under("parts")
    with pytest.raises(ObjectStoreFailed, match="could not be listed"):
        away.last_written("parts", 3)
