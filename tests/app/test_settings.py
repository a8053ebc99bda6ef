"""Settings: defaults, file, variables, command, in that order; and a wrong one is named with where it stands."""

from pathlib import Path

import msgspec
import pytest

from matinee.app.settings import SettingInvalid, Settings, load_settings

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_each_source_overrules_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "matinee.toml").write_text('port = 9000\nservice = "from the file"\nedge_port = 9001\n')
    environ = {"MATINEE_SERVICE": "from a variable", "MATINEE_EDGE_PORT": "9002", "UNRELATED": "x"}
    settings = load_settings(tmp_path, environ, edge_port=9003)
    assert (settings.port, settings.service, settings.edge_port, settings.host) == (
        9000,
        "from a variable",
        9003,
        "127.0.0.1",
    )


def test_what_is_not_named_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.database == f"sqlite:///{tmp_path}/matinee.db"
    assert settings.published == f"file://{tmp_path}/published"
    assert settings.web_origin == "http://127.0.0.1:8400"


@pytest.mark.parametrize(
    ("toml", "environ", "says"),
    [
        ("prot = 1", {}, "matinee.toml has a key that is no setting: prot"),
        ('port = "many"', {}, "$.port"),
        ("port = 99999", {}, "port is 99999, and must be from 0 to 65535"),
        ("port = ", {}, "matinee.toml cannot be read"),
        ('data = "/elsewhere"', {}, "which only --data and MATINEE_DATA may"),
        ('tls_key = "key.pem"', {}, "tls_certificate and tls_key go together"),
        ("port = 8401", {}, "port and edge_port are both 8401"),
        ('drm_systems = ["magic"]', {}, "drm_systems"),
        ("", {"MATINEE_PORT": "many"}, "MATINEE_PORT is 'many', and should be a whole number"),
        ("", {"MATINEE_INGEST_AT_ONCE": "0"}, "ingest_at_once is 0"),
    ],
)
def test_a_wrong_setting_is_named_with_where_it_stands(
    tmp_path: Path, toml: str, environ: dict[str, str], says: str
) -> None:
    (tmp_path / "matinee.toml").write_text(toml)
    with pytest.raises(SettingInvalid) as caught:
        load_settings(tmp_path, environ)
    assert says in str(caught.value)
    assert caught.value.remedy


def test_every_key_is_documented_with_its_default() -> None:
    rows = {line.split("`")[1]: line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    assert set(rows) == set(fields) - {"data"}
    for name, row in rows.items():
        default = fields[name].default
        if isinstance(default, int) or (default and isinstance(default, str)):
            shown = str(default).lower() if isinstance(default, bool) else default
            assert f"`{shown}`" in row, f"{name}'s default is {shown}"
