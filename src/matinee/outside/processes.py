"""Child processes for untrusted media: limits on memory, time and output, a bare environment, and none left behind.

The child leads its own process group, so that a time-out or our own death ends all that it started.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matinee.base.errors import ErrorCode, MatineeError

KEPT_STDERR_BYTES = 64 * 1024
_PR_SET_PDEATHSIG = 1


class ToolFailed(MatineeError):
    """A child process ended badly. `stderr` is the end of what it said, for a log, never for a viewer."""

    code = ErrorCode.TOOL_FAILED
    stderr: str = ""
    timed_out: bool = False
    signal_number: int = 0

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        code: ErrorCode | None = None,
        stderr: str = "",
        timed_out: bool = False,
        signal_number: int = 0,
    ) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.stderr = stderr
        self.timed_out = timed_out
        self.signal_number = signal_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use at the most."""

    wall_seconds: float
    memory_bytes: int = 6 * 1024**3
    cpu_seconds: int | None = None
    file_bytes: int | None = None
    output_bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Finished:
    """What a child that ended well left: its standard output, and the end of its standard error."""

    stdout: bytes
    stderr: str = field(repr=False)


def run(
    argv: Sequence[str],
    *,
    limits: Limits,
    cwd: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
    on_stdout_line: Callable[[str], None] | None = None,
    stdin_path: Path | None = None,
) -> Finished:
    """Run a program to its end under limits. Raises ToolFailed when it fails, is killed, or takes too long.

    With `on_stdout_line` each line of standard output is handed on as it comes (ffmpeg's -progress); `stdout` is empty.
    The environment is bare: PATH, HOME and a C locale, never ours, which may hold secrets.
    """
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        **(extra_env or {}),
    }
    name = Path(argv[0]).name
    with contextlib.ExitStack() as stack:
        stdin = stack.enter_context(stdin_path.open("rb")) if stdin_path else subprocess.DEVNULL
        child = subprocess.Popen(
            list(argv),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=_limiter(limits),
        )
        kept = _Tail(KEPT_STDERR_BYTES)
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            _kill_group(child.pid)

        timer = threading.Timer(limits.wall_seconds, stop)
        reader = threading.Thread(target=kept.drain, args=(child.stderr,), daemon=True)
        try:
            timer.start()
            reader.start()
            stdout = _read_stdout(child, name, limits, on_stdout_line)
            code = child.wait()
        finally:
            timer.cancel()
            _kill_group(child.pid)
            child.wait()
            reader.join()
    stderr = kept.text()
    if timed_out.is_set():
        raise ToolFailed(f"{name} took longer than {limits.wall_seconds:.0f} s and was stopped.", stderr=stderr, timed_out=True)
    if code != 0:
        what = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise ToolFailed(f"{name} {what}: {_last_line(stderr)}", stderr=stderr, signal_number=max(0, -code))
    return Finished(stdout, stderr)


@contextlib.contextmanager
def held_in_memory(data: bytes) -> Iterator[Path]:
    """A file that lies on no disk, for `stdin_path`: a child opens it as /dev/stdin and may seek in it. It ends with us."""
    with os.fdopen(os.memfd_create("held", os.MFD_CLOEXEC), "wb") as file:
        file.write(data)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")


def _read_stdout(child: "subprocess.Popen[bytes]", name: str, limits: Limits, on_line: Callable[[str], None] | None) -> bytes:
    assert child.stdout is not None  # noqa: S101 -- Popen was given a pipe
    if on_line is not None:
        for raw in child.stdout:
            on_line(raw.decode("utf-8", "replace").rstrip("\n"))
        return b""
    data = child.stdout.read(limits.output_bytes + 1)
    if len(data) > limits.output_bytes:
        raise ToolFailed(f"{name} wrote more than {limits.output_bytes} bytes and was stopped.")
    return data


class _Tail:
    """The last bytes of a stream: a hostile file can make a tool complain without end."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._data = bytearray()

    def drain(self, stream: object) -> None:
        while chunk := stream.read1(8192):  # type: ignore[attr-defined]
            self._data += chunk
            if len(self._data) > 2 * self._size:
                del self._data[: -self._size]

    def text(self) -> str:
        return bytes(self._data[-self._size :]).decode("utf-8", "replace")


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with_parent() -> None:
    """Run in a child between fork and exec: the kernel ends it when the thread that started it ends. Linux only."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limiter(limits: Limits) -> Callable[[], None]:
    def apply() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if limits.cpu_seconds is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
        if limits.file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
        dies_with_parent()

    return apply


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _last_line(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
