"""`matinee release` as a person and a script meet it, from a key to a box that is told to run it; and the files as served."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from matinee.app import cli
from matinee.app.commands import opened
from matinee.app.household import BOX, ensure_household, mint
from matinee.app.ingests import default_service
from matinee.app.installation import read_clock
from matinee.app.screens import UploadedFiles
from matinee.app.wiring import build_web
from matinee.base.ids import ReleaseId, ReleaseKeyId
from matinee.fleet.release_book import ReleaseBook
from matinee.fleet.releases import Act, ActKind, Spread, UIRelease, stand
from matinee.outside.objects import ObjectStore
from tests.fleet.bundles import ENTRY, FILES, STYLE, hashes, made, words
from tests.world import NOW

SERIAL = BOX[0]


class Shell:
    """Commands on one installation, whose one box is the household's."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.data, self._capsys = folder, folder / "data", capsys
        with opened(self.data) as installation:
            ensure_household(installation, default_service(installation), read_clock())

    def run(self, *words: str) -> tuple[int, str, str]:
        """A command: (exit code, standard output, standard error)."""
        self._capsys.readouterr()
        at = [] if words[0] in ("keygen", "pack") else ["--data", str(self.data)]
        try:
            code = cli.run(["release", *words, *at])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, *self._capsys.readouterr()

    def good(self, *words: str) -> str:
        code, out, err = self.run(*words)
        assert (code, err) == (0, ""), err
        return out

    def json(self, *words: str) -> Any:
        return json.loads(self.good(*words, "--json"))

    def bad(self, *words: str) -> str:
        code, out, err = self.run(*words)
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 2, "what is wrong, and what to do"
        return err

    def key(self) -> Path:
        file = self.folder / "builds.key"
        public = self.good("keygen", str(file)).strip()
        self.good("key", "add", "builds", "--product", "matinee-ui", "--public", public, "--by", "Builder")
        return file

    def upload(self, raw: bytes, by: str = "Builder") -> Any:
        file = self.folder / "some.matinee-ui"
        file.write_bytes(raw)
        return self.json("upload", str(file), "--by", by)

    def active(self, raw: bytes) -> None:
        version = self.upload(raw)["version"]
        for name in ("Second", "Third"):
            self.good("approve", version, "--by", name)
        self.good("try", version, SERIAL, "--by", "Builder")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_from_a_key_to_a_box(shell: Shell, tmp_path: Path) -> None:
    assert "built-in" in shell.good("list")
    assert "No key" in shell.good("key")
    key = shell.key()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "cannot be made" in shell.bad("keygen", str(key)), "a key is never written over"
    dist, file = screens_dist(tmp_path), tmp_path / "three.matinee-ui"
    assert shell.good("pack", str(dist), "--key", str(key), "--version", "3.0", "--out", str(file)).strip() == str(file)
    assert "--by" in shell.bad("upload", str(file), "--by", "")
    assert shell.json("upload", str(file), "--by", "Builder") == {
        "version": "3.0",
        "product": "matinee-ui",
        "new": True,
        "files": 3,
    }
    assert shell.json("upload", str(file), "--by", "Second")["new"] is False
    assert "is there already" in shell.good("upload", str(file), "--by", "Second")
    assert "cannot approve" in shell.bad("approve", "3.0", "--by", "builder")
    assert "of 2" in shell.bad("start", "3.0", "--by", "Builder")
    assert shell.json("approve", "3.0", "--by", "Second")["status"] == "draft"
    assert shell.json("approve", "3.0", "--by", "Third")["status"] == "approved"
    assert shell.json("explain", "--box", SERIAL)["answers"] == []
    assert shell.json("try", "3.0", SERIAL, "--by", "Builder")["named"] == 1
    told = shell.json("explain", "--box", SERIAL)
    assert (told["meant"], told["answers"]) == (
        "3.0",
        [{"version": "3.0", "holds": True, "says": "The box is named to try it."}],
    )
    assert "is meant to run 3.0." in shell.good("explain", "--box", SERIAL)
    assert "can never be met" in shell.bad("start", "3.0", "--by", "Builder"), "a hundredth of one box is none"
    freeze = "2014-12-24T00:00:00Z/2014-12-27T00:00:00Z"
    row = shell.json("start", "3.0", "--percent", "100", "--soak", "0", "--freeze", freeze, "--by", "Builder")
    assert (row["phase"], row["waves"], row["percent"]) == ("waiting", 1, 0)
    assert shell.json("withdraw", "3.0", "--by", "Second")["status"] == "withdrawn"
    assert "(built in)" in shell.good("explain", "--box", SERIAL)
    assert "withdrawn already" in shell.bad("withdraw", "3.0", "--by", "Second")
    acts = shell.json("show", "3.0")["acts"]
    assert [(one["kind"], one["actor"]) for one in acts] == [
        ("approved", "Second"),
        ("approved", "Third"),
        ("named", "Builder"),
        ("started", "Builder"),
        ("withdrawn", "Second"),
    ]
    assert "withdrawn by Second" in shell.good("show", "3.0")
    assert [one["version"] for one in shell.json("list")["releases"]] == ["3.0"]
    shell.good("key", "end", "builds", "--by", "Builder")
    assert shell.json("key")["keys"][0]["ended_at"] is not None


def test_what_is_said_wrongly(shell: Shell, tmp_path: Path) -> None:
    key, dist = shell.key(), screens_dist(tmp_path)
    for typed, says in (
        (("show", "9"), "No release '9'"),
        (("approve", "9", "--by", "Second"), "No release '9'"),
        (("explain", "--box", "nobody"), "No box"),
        (("upload", str(tmp_path / "none.matinee-ui"), "--by", "Builder"), "cannot be read"),
        (("upload", str(dist / "release.json"), "--by", "Builder"), "refused"),
        (("key", "add", "x", "--product", "p", "--public", "AAAA", "--by", "Builder"), "32 bytes"),
        (("key", "add", "", "--by", "Builder"), "No key is named"),
        (("key", "end", "nobody", "--by", "Builder"), "No key 'nobody'"),
        (("key", "end", "builds"), "--by"),
        (("pack", str(dist), "--key", str(dist / "release.json"), "--version", "1"), "no private key"),
        (("pack", str(dist), "--key", str(key), "--version", "../x"), "version"),
        (("pack", str(dist), "--key", str(key), "--version", "1", "--model", "demo-box"), "no box model"),
        (("pack", str(tmp_path), "--key", str(key), "--version", "1"), "no built screens"),
        (("pack", str(dist), "--key", str(key), "--version", "1", "--out", str(tmp_path / "no/x")), "cannot be written"),
        (("start", "9", "--percent", "many", "--by", "Builder"), "no percentages"),
        (("start", "9", "--percent", "nan", "--by", "Builder"), "no percentages"),
        (("start", "9", "--percent", "1,inf", "--by", "Builder"), "no percentages"),
        (("start", "9", "--soak", "nan", "--by", "Builder"), "no number of hours"),
        (("start", "9", "--timeout", "inf", "--by", "Builder"), "no number of hours"),
        (("start", "9", "--freeze", "2014-12-24/2014-12-27", "--by", "Builder"), "no time between"),
    ):
        assert says in shell.bad(*typed), typed


def screens_dist(folder: Path) -> Path:
    """A built ui/dist of three files."""
    dist = folder / "dist"
    for path, body in FILES.items():
        file = dist / "ui/abc" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    told = words(version="abc", entry=f"/ui/abc/{ENTRY}", styles=[f"/ui/abc/{STYLE}"])
    (dist / "release.json").write_text(json.dumps(told))
    return dist


def test_a_releases_files_are_served_as_they_were_signed(shell: Shell) -> None:
    private = shell.key().read_bytes()
    large = {**FILES, ENTRY: b"// " + b"x" * 5_000}
    shell.active(made(private, large, version="3.0"))
    shell.upload(made(private, version="4.0"))
    with opened(shell.data) as installation:
        box = mint(installation, "box", default_service(installation), read_clock())
        app = build_web(installation, landing=lambda: "")
        with TestClient(app, raise_server_exceptions=False) as client:
            told = client.get("/api/v1/box/release", headers={"Authorization": f"Bearer {box}"}).json()
            assert (told["version"], told["entry"]) == ("3.0", f"/ui/3.0/{ENTRY}")
            first = client.get(told["entry"], headers={"Accept-Encoding": "gzip"})
            assert (first.status_code, first.content) == (200, large[ENTRY])
            assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert first.headers["content-type"] == "text/javascript; charset=utf-8"
            assert first.headers["content-encoding"] == "gzip"
            assert client.get(told["entry"], headers={"If-None-Match": first.headers["etag"]}).status_code == 304
            assert client.get(told["styles"][0]["href"]).content == FILES[STYLE]
            for nothing in ("4.0/" + ENTRY, "3.0/none.js", "3.0/", "3.0/../4.0/" + ENTRY, "3.0/release.json", "3.0/%2e%2e/x"):
                assert client.get(f"/ui/{nothing}").status_code == 404, nothing
            _spoil(installation.settings.data_folder / "published" / "releases", "more.js")
            assert client.get("/ui/3.0/assets/more.js").status_code == 503
            assert _built_in_still_stands(client)


def _spoil(folder: Path, name: str) -> None:
    for file in folder.rglob(name):
        file.write_bytes(b"import 'elsewhere';")


def _built_in_still_stands(client: "TestClient[Litestar]") -> bool:
    page = client.get("/watch/").text
    entry = page.partition('src="/ui/')[2].partition('"')[0]
    return bool(entry) and client.get(f"/ui/{entry}").status_code == 200


def test_files_are_kept_while_there_is_room_and_read_once_for_many(tmp_path: Path) -> None:
    asyncio.run(_ask_for_many(tmp_path))


async def _ask_for_many(tmp_path: Path) -> None:
    book, store = ReleaseBook(None), ObjectStore.local(tmp_path)
    bodies = {f"f{n}.js": bytes([n]) * 900 for n in range(5)}
    release = UIRelease(
        id=ReleaseId("r"), product="p", version="3", digest="d", entry="f0.js", integrity="", styles=(), models=None,
        files=hashes(bodies), made_at="", uploaded_at=NOW, uploader="Builder", key=ReleaseKeyId(""),
    )  # fmt: skip
    book.put([Spread(release, stand(Act(kind=ActKind.APPROVED, at=NOW, actor=who) for who in ("Second", "Third")))])
    for path, body in bodies.items():
        store.put(release.object_path(path), body)
    files, reads = UploadedFiles(store, book, kept_bytes=2_000), list[str]()
    fetch = store.get
    store.get = lambda path: reads.append(path) or fetch(path)  # type: ignore[method-assign, func-returns-value]
    found = await asyncio.gather(*(files.file("3", "f0.js") for _ in range(50)))
    assert {one.body for one in found if one is not None} == {bodies["f0.js"]}
    assert len(reads) == 1
    for path in bodies:
        assert await files.file("3", path) is not None
        assert files.weight <= 2_000
    assert len(reads) == 5
    await files.file("3", "f4.js")
    assert len(reads) == 5
    await files.file("3", "f0.js")
    assert len(reads) == 6, "what was used longest ago had given way"
    assert await files.file("3", "none.js") is None
    assert await files.file("4", "f0.js") is None
