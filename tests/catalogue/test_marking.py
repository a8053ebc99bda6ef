"""Markers through an ingest, over HTTP, and by the command: a season of two episodes from files to the title's answer."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from matinee.app import cli
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.ids import PublisherId, TitleId
from matinee.catalogue import landmark_store, marking, store
from matinee.catalogue import work as ingest_work
from matinee.catalogue.marking import edit_markers
from matinee.catalogue.model import MarkerKind, MarkerSource, Title
from matinee.catalogue.work import OutcomeState, hand_in, read_outcome
from matinee.outside.processes import ToolFailed
from matinee.outside.tools import find_tools
from matinee.parties import audit, outbox
from tests.catalogue.ingesting import ingest_of
from tests.encoding.music import melody, silence, write_sound

JINGLE = melody(1, 6.5)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with open_installation(load_settings(tmp_path_factory.mktemp("season") / "data", {})) as opened:
        yield opened


def make_episode(path: Path, *sounds: np.ndarray, chapters: str = "", seconds: int = 24) -> Path:
    sound = write_sound(path.with_suffix(".m4a"), sounds, "-c:a", "aac", "-b:a", "96k")
    argv = [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", "-i", str(sound)]
    argv += ["-f", "lavfi", "-i", f"testsrc2=size=416x234:rate=12:duration={seconds}"]
    if chapters:
        path.with_suffix(".ffmeta").write_text(";FFMETADATA1\n" + chapters)
        argv += ["-i", str(path.with_suffix(".ffmeta")), "-map_chapters", "2"]
    argv += ["-map", "1:v", "-map", "0:a", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", str(path)]
    subprocess.run(argv, check=True, timeout=120)
    return path


def add(installation: Installation, film: Path) -> Title:
    service = default_service(installation)
    with installation.database.write() as conn:
        request = hand_in(conn, installation.queue, film, service, read_clock())
    ingest = ingest_of(installation)
    outcome = read_outcome(ingest.run(lambda _name, step: step(), ingest_work._json(request)))
    assert (outcome.state, outcome.message) == (OutcomeState.PUBLISHED, "")
    return title_of(installation, request.title)


def title_of(installation: Installation, title: TitleId) -> Title:
    with installation.database.read() as conn:
        return store.load_title(conn, title)


@pytest.fixture(scope="module")
def season(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> tuple[Title, Title, Title]:
    """The first episode as it stood alone; then both, once the second had come."""
    folder = tmp_path_factory.mktemp("episodes")
    one = add(installation, make_episode(folder / "Show S01E01.mkv", melody(10, 2.5), JINGLE, melody(11, 15)))
    two = add(installation, make_episode(folder / "Show S01E02.mkv", melody(12, 3.1), JINGLE * np.float32(0.5), melody(13, 14.4)))
    return one, title_of(installation, one.id), two


def test_a_second_episode_brings_both_of_them_their_intro(season: tuple[Title, Title, Title]) -> None:
    alone, first, second = season
    assert alone.markers == ()
    for title, begins in ((first, 2_500), (second, 3_100)):
        (intro,) = title.markers
        assert (intro.kind, intro.source) == (MarkerKind.INTRO, MarkerSource.FOUND)
        assert abs(intro.start_ms - begins) <= 1_000
        assert abs(intro.end_ms - begins - 6_500) <= 1_000
    assert first.playable == alone.playable, "its package is the same"


def test_the_earlier_episode_is_told_of_through_the_outbox(
    installation: Installation, season: tuple[Title, Title, Title]
) -> None:
    with installation.database.read() as conn:
        events = outbox.after(conn, 0)
    assert [e.payload["change"] for e in events if e.key == season[0].id] == [store.PUBLISHED, store.MARKED]


def test_chapters_and_hands_win_and_a_third_episode_leaves_them(
    installation: Installation, season: tuple[Title, Title, Title], tmp_path: Path
) -> None:
    _, first, second = season
    edit_markers(installation.database, first.publisher, first.id, {MarkerKind.INTRO: None}, read_clock(), actor="a test")
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=9000\ntitle=Intro\n"
    film = make_episode(tmp_path / "Show S01E03.mkv", melody(14, 1.2), JINGLE, melody(15, 16.3), chapters=chapter)
    third = add(installation, film)
    assert [(m.start_ms, m.end_ms, m.source) for m in third.markers] == [(1_000, 9_000, MarkerSource.WRITTEN)]
    assert title_of(installation, first.id).markers == ()
    assert title_of(installation, first.id).settled == (MarkerKind.INTRO,)
    assert title_of(installation, second.id).markers == second.markers
    with installation.database.read() as conn:
        row = audit.page_of(conn, None, None, 1)[0]
    assert (row.actor, row.action, row.subject, row.detail) == ("a test", "title.markers", first.id, {"intro": None})


def test_the_command_sets_and_tells_them(
    installation: Installation, season: tuple[Title, Title, Title], capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(installation.settings.data_folder)
    title = season[2].id
    assert cli.run(["markers", title, "--credits", "0:21.5", "--no-recap", "--data", data, "--json"]) == cli.DONE
    told = msgspec.json.decode(capsys.readouterr().out)
    assert {"kind": "credits", "start_ms": 21_500, "end_ms": 24_000, "source": "written"} in told["markers"]
    assert told["settled"] == ["credits", "recap"]
    assert cli.run(["markers", title, "--data", data]) == cli.DONE
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("found", "0:21.500", "none"))
    assert cli.run(["markers", title, "--intro", "soon", "--data", data]) == cli.FAILED
    assert "no time" in capsys.readouterr().err
    assert cli.run(["markers", title, "--intro", "0:20-0:10", "--data", data]) == cli.FAILED
    assert "does not lie within" in capsys.readouterr().err


def test_a_film_that_cannot_be_listened_to_is_published_all_the_same(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ToolFailed("ffmpeg was ended by signal 9.")

    monkeypatch.setattr(marking, "find_landmarks", broken)
    title = add(installation, make_episode(tmp_path / "Alone S02E01.mkv", silence(3), seconds=3))
    assert title.markers == ()


def test_a_season_that_cannot_be_compared_leaves_its_titles_alone(
    installation: Installation, season: tuple[Title, Title, Title], monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation.database.read() as conn:
        kept = landmark_store.landmarks_of(conn, [season[2].id])[season[2].id]

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(marking.markers, "found_together", broken)
    assert marking.mark_season(installation.database, season[2].id, kept, read_clock) == "{}"
    assert marking.mark_season(installation.database, TitleId("gone"), kept, read_clock) == "{}"


def test_landmarks_go_with_their_title(installation: Installation, season: tuple[Title, Title, Title], tmp_path: Path) -> None:
    title = add(installation, make_episode(tmp_path / "Short S01E01.mkv", melody(16, 3), seconds=3))
    with installation.database.read() as conn:
        assert title.id in landmark_store.landmarks_of(conn, [title.id])
    with installation.database.write() as conn:
        store.remove(conn, PublisherId(title.publisher), title.id, read_clock())
        assert landmark_store.landmarks_of(conn, [title.id]) == {}
