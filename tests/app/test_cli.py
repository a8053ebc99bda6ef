"""The command line as a person and a script meet it: help that teaches, three exit codes, JSON, plain lines in a pipe.

Then what goes wrong: odd names, a folder without films, two adds at once, a refusal, a full disk. A film that is not published
leaves no row, no file and no process, which is seen by comparing the tables, the folder and the processes before and after.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from matinee.app import cli
from tests.app.test_docs import commands, typed
from tests.films import make_film
from tests.journeys.service import environment_for, run_matinee

ADD_SECONDS = 240
_ESCAPE = "\x1b"


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """A command in this process: (exit code, standard output, standard error)."""
    capsys.readouterr()
    try:
        code = cli.run(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of film, to be copied under other names."""
    return make_film(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=2, size="320x180", languages=("fra",))


def another(clip: Path, path: Path) -> Path:
    """The same film with other bytes: a box that every reader passes over is added at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = os.fsencode(path.name)
    path.write_bytes(clip.read_bytes() + (len(mark) + 8).to_bytes(4, "big") + b"free" + mark)
    return path


def rows_of(data: Path) -> dict[str, list[Any]]:
    """Every row of every table, but for the lists of what happened, which only grow, and how far they were read."""
    with sqlite3.connect(data / "matinee.db") as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        growing = ("outbox", "outbox_cursors", "audit", "audit_sides", "workers", "sqlite_sequence")
        kept = [name for name in names if name not in growing]
        assert len(kept) > 10
        return {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in kept}


def files_of(data: Path) -> set[str]:
    """Every file that films make; the databases and keys stay, and SQLite's own side files come and go."""
    return {str(path.relative_to(data)) for part in ("published", "work") for path in (data / part).rglob("*")}


def processes_of(data: Path) -> list[str]:
    """Command lines of the processes that work on this data folder."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MATINEE_DATA={data}".encode() in environ.read_bytes().split(b"\0"):
                found.append((environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile
    return found


# --- help, exit codes, JSON, pipes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(typed()))
def test_the_help_of_each_command_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run([*command.split(), "--help"], capsys)
    assert code == cli.DONE
    assert f"matinee {command}" in out
    doc = (typed()[command].default_command.__doc__ or "").strip().splitlines()[0]
    assert " ".join(doc.split()) in " ".join(out.split())
    for option in typed()[command].assemble_argument_collection():
        assert option.parameter.help, f"{command} {option.name} says nothing of itself"


def test_the_first_help_shows_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["--help"], capsys)
    assert code == cli.DONE
    for line in ("matinee demo", "matinee add ~/films", "matinee serve", "MATINEE_DATA", *sorted(commands())):
        assert line in out


@pytest.mark.parametrize(
    ("shows", "arguments", "code", "says"),
    [
        ("an empty catalogue is no failure", ["titles"], cli.DONE, "No titles yet"),
        ("nothing to check is no failure", ["check"], cli.DONE, "0 titles checked"),
        ("a title that is not there", ["show", "Nothing"], cli.FAILED, "There is no title 'Nothing'"),
        ("removing one that is not there", ["remove", "Nothing", "--yes"], cli.FAILED, "There is no title"),
        ("a path that is not there", ["add", "/nowhere/film.mp4"], cli.FAILED, "There is no file or folder /nowhere/film.mp4"),
        ("a command that is none", ["publish"], cli.WRONG_USE, "publish"),
        ("an option that is none", ["titles", "--jason"], cli.WRONG_USE, "--jason"),
        ("nothing to add", ["add"], cli.WRONG_USE, "FILMS"),
        ("a port that is no number", ["serve", "--port", "many"], cli.WRONG_USE, "many"),
    ],
)
def test_exit_codes(
    shows: str, arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MATINEE_DATA", str(tmp_path / "data"))
    got, out, err = run(arguments, capsys)
    assert got == code, (shows, out, err)
    assert says.casefold() in (out + err).casefold(), (shows, out, err)


def test_a_folder_without_films_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "notes.txt").write_text("none yet")
    code, _, err = run(["add", str(tmp_path / "holidays"), "--data", str(tmp_path / "data")], capsys)
    assert code == cli.FAILED
    assert "There is no film in the folder" in err
    assert "NAME.mp4" in err


# --- films ------------------------------------------------------------------------------------------------------------

HOSTILE = ("-film.mp4", "it's \"so\" $HOME `id`.mp4", "two\nlines.mp4", "100%d %s.mp4", "--data.mp4")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> tuple[dict[str, str], list[Any]]:
    """A folder of films whose names are traps, added at once: (the environment, the outcomes)."""
    folder = tmp_path_factory.mktemp("hostile")
    for name in HOSTILE:
        another(clip, folder / "films" / name)
    environment = environment_for(folder / "data")
    added = run_matinee(["add", str(folder / "films"), "--json"], environment, ADD_SECONDS)
    return environment, json.loads(added.stdout)


def test_names_that_are_traps_are_names(hostile: tuple[dict[str, str], list[Any]]) -> None:
    environment, outcomes = hostile
    assert [outcome["state"] for outcome in outcomes] == ["published"] * len(HOSTILE), outcomes
    checked = json.loads(run_matinee(["check", "--json"], environment).stdout)
    assert [report["faults"] for report in checked] == [[]] * len(HOSTILE)


def test_what_prints_data_prints_json(hostile: tuple[dict[str, str], list[Any]]) -> None:
    environment, outcomes = hostile
    listed = json.loads(run_matinee(["titles", "--json"], environment).stdout)
    assert {title["id"] for title in listed["titles"]} == {outcome["title"] for outcome in outcomes}
    assert listed["ingests"] == []
    one = json.loads(run_matinee(["show", outcomes[0]["title"], "--json"], environment).stdout)
    assert one["package"]["state"] == "published"
    assert json.loads(run_matinee(["token", "web", "--json"], environment).stdout)["token"].startswith("mtv_")


def test_a_pipe_gets_plain_lines(hostile: tuple[dict[str, str], list[Any]]) -> None:
    environment, outcomes = hostile
    listed = run_matinee(["titles"], environment)
    lines = listed.stdout.splitlines()
    assert len(lines) == len(HOSTILE), "a name with a line break makes two lines of one title"
    assert all(len(line.split("\t")) == 6 for line in lines)
    for command in (["titles"], ["check"], ["show", outcomes[0]["title"]], ["show", "nothing"]):
        done = run_matinee(command, environment)
        assert _ESCAPE not in done.stdout + done.stderr, f"{command} colours a pipe"


def test_adding_what_is_there_already_is_done_and_changes_nothing(
    hostile: tuple[dict[str, str], list[Any]], clip: Path, tmp_path: Path
) -> None:
    environment, _ = hostile
    data = Path(environment["MATINEE_DATA"])
    before = rows_of(data), files_of(data)
    again = run_matinee(["add", str(another(clip, tmp_path / HOSTILE[0]))], environment, ADD_SECONDS)
    assert again.returncode == cli.DONE, again.stderr
    assert "already published" in again.stderr
    assert (rows_of(data), files_of(data)) == before


def test_two_adds_of_one_film_at_once_make_one_title(tmp_path: Path, clip: Path) -> None:
    environment = environment_for(tmp_path / "data")
    film = another(clip, tmp_path / "one.mp4")
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "matinee.app.cli", "add", str(film), "--json"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=ADD_SECONDS) for process in both]
    assert [process.returncode for process in both] == [cli.DONE, cli.DONE], ends
    states = sorted(outcome["state"] for out, _ in ends for outcome in json.loads(out))
    assert states == ["published", "refused"]
    assert len(json.loads(run_matinee(["titles", "--json"], environment).stdout)["titles"]) == 1
    assert len(list((tmp_path / "data" / "published" / "packages").iterdir())) == 1
    assert processes_of(tmp_path / "data") == []


@pytest.fixture
def ready(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A data folder as it is before its first film, its publisher and service made: (folder, environment)."""
    environment = environment_for(tmp_path / "data")
    assert run_matinee(["token", "api"], environment).returncode == cli.DONE
    return tmp_path / "data", environment


@pytest.mark.parametrize(
    ("shows", "name", "content"),
    [
        ("text that poses as a film", "text.mp4", b"This is no film.\n" * 100),
        ("a playlist that poses as a film", "list.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("nothing at all", "empty.mkv", b""),
    ],
)
def test_a_refusal_leaves_no_row_no_file_and_no_process(
    ready: tuple[Path, dict[str, str]], tmp_path: Path, shows: str, name: str, content: bytes
) -> None:
    data, environment = ready
    before = rows_of(data), files_of(data)
    (tmp_path / name).write_bytes(content)
    done = run_matinee(["add", str(tmp_path / name)], environment, ADD_SECONDS)
    assert done.returncode == cli.FAILED, (shows, done.stdout, done.stderr)
    assert name in done.stderr, shows
    assert "Traceback" not in done.stderr
    assert (rows_of(data), files_of(data)) == before, shows
    assert processes_of(data) == [], shows


def test_a_refused_sidecar_names_the_key(ready: tuple[Path, dict[str, str]], tmp_path: Path, clip: Path) -> None:
    data, environment = ready
    before = rows_of(data), files_of(data)
    film = another(clip, tmp_path / "film.mp4")
    film.with_suffix(".toml").write_text('age_clas = 18\n[title]\nfr = "Film"\n')
    done = run_matinee(["add", str(film)], environment, ADD_SECONDS)
    assert done.returncode == cli.FAILED
    assert "film.toml: age_clas" in done.stderr
    assert "Did you mean age_class?" in done.stderr
    assert (rows_of(data), files_of(data)) == before


# --- a full disk ------------------------------------------------------------------------------------------------------

_SMALL = """
mount -t tmpfs -o size="$SIZE" tmpfs "$WORK" || exit 90
"$@"
code=$?
find "$WORK" -mindepth 1 > "$LEFT"
exit $code
"""

_FILLED = """
import os, pathlib, sqlite3, sys, threading, time

work, data = pathlib.Path(os.environ["WORK"]), pathlib.Path(os.environ["MATINEE_DATA"])
filler, deadline = work / "filler", time.monotonic() + 100

def stage() -> str:
    with sqlite3.connect(f"file:{data / 'matinee.db'}?mode=ro", uri=True) as connection:
        return (connection.execute("SELECT stage FROM ingests").fetchone() or ("",))[0]

def fill() -> None:
    while not any(work.rglob("encode*")):
        time.sleep(0.02)
    try:
        with filler.open("wb") as file:
            while True:
                file.write(bytes(2**20))
                file.flush()
    except OSError:
        pass
    while stage() != "paused" and time.monotonic() < deadline:
        time.sleep(0.05)
    pathlib.Path(os.environ["SAW"]).write_text(stage())
    filler.unlink()

threading.Thread(target=fill, daemon=True).start()
from matinee.app import cli
sys.exit(cli.run(sys.argv[1:]))
"""
"""Adds a film while another thread fills the disk, and empties it once the ingest says that it waits."""


def _namespace() -> list[str]:
    """How this user gets a mount of its own, that ends with the command."""
    for words in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    pytest.fail("No small disk can be made: run the tests as root, or set kernel.unprivileged_userns_clone to 1.")


def add_on_a_small_disk(
    ready: tuple[Path, dict[str, str]], tmp_path: Path, size: str, command: list[str]
) -> tuple["subprocess.CompletedProcess[str]", Any]:
    """Run a command of ours with a film on a disk of that size: how it ended, and the outcome that it told."""
    data, environment = ready
    film = make_film(tmp_path / "long.mp4", seconds=30)
    done = subprocess.run(
        [*_namespace(), "sh", "-c", _SMALL, "sh", *command, "add", str(film), "--json"],
        env={
            **environment,
            "WORK": str(data / "work"),
            "SIZE": size,
            "LEFT": str(tmp_path / "left.txt"),
            "SAW": str(tmp_path / "saw.txt"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ADD_SECONDS,
    )
    assert done.stdout, done.stderr
    (outcome,) = json.loads(done.stdout)
    return done, outcome


def test_a_full_disk_is_told_and_nothing_is_left(ready: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    data, _ = ready
    before = rows_of(data), files_of(data)
    done, outcome = add_on_a_small_disk(ready, tmp_path, "24m", [sys.executable, "-m", "matinee.app.cli"])
    assert done.returncode == cli.FAILED, (done.stdout, done.stderr)
    assert (outcome["state"], outcome["code"]) == ("failed", "disk_full"), outcome
    assert "room" in outcome["remedy"]
    assert (tmp_path / "left.txt").read_text() == ""
    assert (rows_of(data), files_of(data)) == before


def test_a_disk_that_fills_meanwhile_makes_a_film_wait_until_there_is_room(
    ready: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    done, outcome = add_on_a_small_disk(ready, tmp_path, "400m", [sys.executable, "-c", _FILLED])
    assert (tmp_path / "saw.txt").read_text() == "paused"
    assert done.returncode == cli.DONE, (done.stdout, done.stderr)
    assert outcome["state"] == "published", outcome
    assert (tmp_path / "left.txt").read_text() == ""



@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_detached_add_is_done_by_a_worker_alone(
    ready: tuple[Path, dict[str, str]], tmp_path: Path, clip: Path, number: signal.Signals
) -> None:
    _, environment = ready

    def told() -> tuple[list[str], list[str]]:
        known = json.loads(run_matinee(["titles", "--json"], environment).stdout)
        return [one["name"] for one in known["titles"]], [one["name"] for one in known["ingests"]]

    film = another(clip, tmp_path / "Left to others.mp4")
    assert run_matinee(["add", str(film), "--detach"], environment, ADD_SECONDS).returncode == cli.DONE
    assert told() == ([], ["Left to others.mp4"]), "nobody is there to do it, and it is not lost"
    worker = subprocess.Popen([sys.executable, "-m", "matinee.app.cli", "work"], env=environment, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + ADD_SECONDS / 2
        while told()[0] == []:
            assert worker.poll() is None
            assert time.monotonic() < end
        assert told() == (["Left to others"], [])
        worker.send_signal(number)
        assert worker.wait(20) == cli.DONE
    finally:
        worker.kill()
        worker.wait()
