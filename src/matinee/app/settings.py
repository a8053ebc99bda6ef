"""Settings: defaults that run on one machine, changed by one TOML file, by MATINEE_... variables, or by the command line.

All state lies under one data folder. One machine and many run the same code: only these values differ. docs/settings.md
describes every key, and a test compares the two.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from matinee.base.errors import ErrorCode, MatineeError
from matinee.library.model import DrmSystem

FILE_NAME = "matinee.toml"
ENV_PREFIX = "MATINEE_"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_NOT_SETTINGS = {"MATINEE_DATA", "MATINEE_SHARED"}


class SettingInvalid(MatineeError):
    """A key or a value in the settings cannot be used; the message names the file or variable, and the key."""

    code = ErrorCode.SETTING_INVALID


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting, with its default. URLs and paths that are empty are derived from the data folder and the port."""

    data: str = ""
    host: str = "127.0.0.1"
    port: int = 8400
    edge_port: int = 8401
    public_url: str = ""
    edge_url: str = ""
    database_url: str = ""
    work_database_url: str = ""
    published_url: str = ""
    work_url: str = ""
    drm_systems: tuple[DrmSystem, ...] = (DrmSystem.CLEARKEY,)
    ladder: str = "fixed-v1"
    effort: str = ""
    ingest_at_once: int = 4
    encode_at_once: int = 0
    token_minutes: int = 240
    trust_hours: int = 24
    streams_without_plan: int = 6
    heartbeat_seconds: int = 10
    grace_days: int = 7
    viewing_months: int = 24
    plays_months: int = 13
    least_homes: int = 5
    screens_folder: str = ""
    publisher: str = "Matinee"
    service: str = "Matinee"
    currency: str = "EUR"
    tls_certificate: str = ""
    tls_key: str = ""
    shows_progress: bool = False
    call_private_addresses: bool = False
    log_level: str = "info"

    @property
    def data_folder(self) -> Path:
        return Path(self.data)

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_folder / 'matinee.db'}"

    @property
    def work_database(self) -> str:
        return self.work_database_url or f"sqlite:///{self.data_folder / 'work.db'}"

    @property
    def published(self) -> str:
        return self.published_url or f"file://{self.data_folder / 'published'}"

    @property
    def work_folder(self) -> Path:
        return self.data_folder / "work"

    @property
    def analyses_folder(self) -> Path:
        """Figures that were measured of films: never a picture."""
        return self.data_folder / "analyses"

    @property
    def work_store(self) -> str:
        return self.work_url or f"file://{self.work_folder}"

    @property
    def parts_at_once(self) -> int:
        """How many parts of films this machine encodes at once: a part keeps two cores busy now and then, and one always."""
        return self.encode_at_once or 1 + (os.cpu_count() or 1) // 2

    @property
    def screens(self) -> Path:
        return Path(self.screens_folder) if self.screens_folder else Path(__file__).resolve().parents[3] / "ui" / "dist"

    @property
    def scheme(self) -> str:
        return "https" if self.tls_certificate else "http"

    @property
    def web_origin(self) -> str:
        return (self.public_url or f"{self.scheme}://{_shown(self.host)}:{self.port}").rstrip("/")

    @property
    def edge_origin(self) -> str:
        return (self.edge_url or f"{self.scheme}://{_shown(self.host)}:{self.edge_port}").rstrip("/")


def load_settings(data: Path, environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Settings for a data folder: defaults, then its matinee.toml, then MATINEE_... variables, then what the command says.

    Raises SettingInvalid naming where the wrong value stands.
    """
    folder = data.expanduser().absolute()
    values: dict[str, Any] = {}
    file = folder / FILE_NAME
    if file.exists():
        values |= _checked(_read_toml(file), str(file))
    values |= _checked(_from_environment(environ), "the environment")
    values |= {key: value for key, value in overrides.items() if value is not None}
    values["data"] = str(folder)
    return _converted(values, "the settings")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingInvalid(f"{file} cannot be read: {error}.", remedy="Mend it, or move it away to run on defaults.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for name, text in environ.items():
        key = name.removeprefix(ENV_PREFIX).lower()
        if not name.startswith(ENV_PREFIX) or name in _NOT_SETTINGS or key not in types:
            continue
        if types[key] is int:
            if not re.fullmatch(r"-?\d+", text):
                raise SettingInvalid(f"{name} is {text!r}, and should be a whole number.", remedy=f"Set {name} to digits.")
            found[key] = int(text)
        elif types[key] is bool:
            if text.lower() not in _BOOLEANS:
                raise SettingInvalid(f"{name} is {text!r}, and should be true or false.", remedy=f"Set {name} to one.")
            found[key] = _BOOLEANS[text.lower()]
        else:
            found[key] = text if types[key] is str else [part.strip() for part in text.split(",") if part.strip()]
    return found


def _checked(values: dict[str, Any], where: str) -> dict[str, Any]:
    if "data" in values:
        raise SettingInvalid(f"{where} sets data, which only --data and MATINEE_DATA may.", remedy="Take the line out.")
    _converted(values, where)
    return values


def _converted(values: dict[str, Any], where: str) -> Settings:
    known = {field.name for field in msgspec.structs.fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SettingInvalid(
            f"{where} has a key that is no setting: {unknown[0]}.",
            remedy="docs/settings.md lists every key; correct it or take it out.",
        )
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise SettingInvalid(f"{where}: {error}.", remedy="docs/settings.md says what each key takes.") from error
    _check_ranges(settings, where)
    return settings


def _check_ranges(settings: Settings, where: str) -> None:
    ranges = {
        "port": (0, 65535),
        "edge_port": (0, 65535),
        "ingest_at_once": (1, 64),
        "encode_at_once": (0, 256),
        "token_minutes": (5, 24 * 60),
        "trust_hours": (1, 30 * 24),
        "heartbeat_seconds": (1, 60),
        "grace_days": (0, 60),
        "streams_without_plan": (0, 100),
        "viewing_months": (1, 120),
        "plays_months": (1, 120),
        "least_homes": (2, 1_000_000),
    }
    for key, (low, high) in ranges.items():
        value = getattr(settings, key)
        if not low <= value <= high:
            raise SettingInvalid(f"{where}: {key} is {value}, and must be from {low} to {high}.", remedy="Correct it.")
    if settings.port == settings.edge_port:
        raise SettingInvalid(
            f"{where}: port and edge_port are both {settings.port}, and two servers cannot share one.",
            remedy="Give the edge another port.",
        )
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise SettingInvalid(
            f"{where}: tls_certificate and tls_key go together, and one of them is missing.", remedy="Set both or none."
        )


def from_environment() -> Path:
    """The data folder where the command line names none: MATINEE_DATA, else `data` in the folder we stand in."""
    return Path(os.environ.get("MATINEE_DATA") or "data")


def settings_as_environment(settings: Settings) -> dict[str, str]:
    """The settings as a child reads them again, on top of this process's own environment."""
    values = {"MATINEE_DATA": settings.data}
    for key, value in msgspec.structs.asdict(settings).items():
        if key != "data":
            values[f"{ENV_PREFIX}{key.upper()}"] = ",".join(value) if isinstance(value, tuple) else str(value)
    return {**os.environ, **values}


def _shown(host: str) -> str:
    """A host as it stands in an address: every-interface hosts are reached by the loopback address."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 -- compared with, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
