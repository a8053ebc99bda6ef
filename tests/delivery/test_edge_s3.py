"""The same edge over an object store elsewhere: S3 as moto serves it, named by its URL and the usual environment."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import PackageId, SessionId, new_id
from matinee.delivery.control import ControlWriter
from matinee.delivery.keyring import open_ring
from matinee.outside.objects import ObjectStore
from tests.delivery.edges import SEGMENT, RunningEdge, now, running_edge
from tests.delivery.test_edge import _until
from tests.s3 import s3_server

BIG = SEGMENT * 12


@pytest.fixture
def bucket() -> Iterator[str]:
    with s3_server() as url:
        yield f"{url}/published"


@pytest.mark.parametrize("memory_bytes", [0, 64 * 1024 * 1024])
def test_an_edge_over_s3(tmp_path: Path, bucket: str, memory_bytes: int) -> None:
    store = ObjectStore.at(bucket)
    package = PackageId(new_id())
    store.put(f"packages/{package}/v720/1.m4s", BIG)
    store.put(f"packages/{package}/master.m3u8", b"#EXTM3U\n")
    with running_edge(tmp_path, published_url=bucket, memory_bytes=memory_bytes) as edge:
        _check(edge, package)
        session = SessionId(new_id())
        url = edge.url(package, "master.m3u8", edge.token(package, session=session))
        assert httpx.get(url).status_code == 200
        ControlWriter(store, open_ring(edge.key_file)).revoke(session, Instant(now() + HOUR), now())
        _until(lambda: httpx.get(url).status_code == 403, 2)


def _check(edge: RunningEdge, package: PackageId) -> None:
    url = edge.url(package, "v720/1.m4s")
    for _ in range(3):
        answer = httpx.get(url)
        assert answer.content == BIG
        part = httpx.get(url, headers={"Range": f"bytes=100-{len(BIG) - 50}", "If-Range": answer.headers["etag"]})
        assert (part.status_code, part.content) == (206, BIG[100 : len(BIG) - 49])
    assert httpx.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    head = httpx.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(BIG)))
    assert httpx.get(edge.url(package, "absent.m4s")).status_code == 404
