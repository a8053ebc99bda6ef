"""`matinee serve`: the web in this process, the edge and a worker as children that are started again when they die.

The edge is told nothing but the published store, the token keys and where to listen: no database, no master key.
"""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import structlog
import uvicorn
from litestar import Litestar

from matinee.app.settings import Settings
from matinee.base.errors import ErrorCode, MatineeError
from matinee.outside.processes import dies_with_parent

RESTART_AFTER_SECONDS = 1.0
GIVE_UP_AFTER_RESTARTS = 20
STEADY_AFTER_SECONDS = 60.0
STOP_WITHIN_SECONDS = 8

log = structlog.get_logger("matinee.serve")


class PortTaken(MatineeError):
    """Another program listens where we are to."""

    code = ErrorCode.SETTING_INVALID


@dataclass(frozen=True, slots=True)
class Child:
    """A process that belongs to this command."""

    name: str
    module: str
    environment: Mapping[str, str]


def serve(app: Litestar, settings: Settings, children: tuple[Child, ...], on_ready: Callable[[], None]) -> None:
    """Serve until interrupted. Raises PortTaken before anything is started."""
    for port in (settings.port, settings.edge_port):
        _check_port(settings.host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=3,
            ssl_certfile=settings.tls_certificate or None,
            ssl_keyfile=settings.tls_key or None,
        )
    )
    # uvicorn ends in order and then raises the signal again: by the default, SIGTERM would kill this process before its children
    # are ended and the database is closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), _supervised(children):
        threading.Thread(target=_tell_when_started, args=(server, on_ready), daemon=True).start()
        server.run()


def _tell_when_started(server: uvicorn.Server, on_ready: Callable[[], None]) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.02)
    on_ready()


@contextlib.contextmanager
def _supervised(children: tuple[Child, ...]) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=_keep_running, args=(child, stopping), name=child.name) for child in children]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in reversed(threads):
            thread.join()


def _keep_running(child: Child, stopping: threading.Event) -> None:
    attempt = 0
    while attempt < GIVE_UP_AFTER_RESTARTS:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", child.module],
            env=dict(child.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this command, which then ends its children in order
            preexec_fn=dies_with_parent,
        )
        while process.poll() is None:
            if stopping.wait(0.1):
                _stop(process)
                return
        # Twenty deaths in a row are a fault that stays; twenty in a year are not.
        attempt = 0 if time.monotonic() - began >= STEADY_AFTER_SECONDS else attempt + 1
        log.error("a part of the service died and is started again", part=child.name, exit=process.returncode, attempt=attempt)
        if stopping.wait(RESTART_AFTER_SECONDS):
            return
    log.error("a part of the service will not stay up", part=child.name)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Nothing can listen at {host}:{port}: {error.strerror}.",
                remedy="Stop what listens there, or choose others with --port and --edge-port.",
            ) from error
