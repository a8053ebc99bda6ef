"""The documentation is complete: every command, route, error code and metric has its row, and each folder its README."""

import re
from pathlib import Path

import cyclopts
import pytest

from matinee.app.cli import app as command_line
from matinee.app.scenario import told
from matinee.base.errors import ErrorCode
from matinee.base.party import PartyKind, Role
from matinee.carriage.expressions import FIELDS
from matinee.telemetry.metrics import Counters
from tests.app.installations import Running
from tests.app.test_policies import handlers

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_WHO = {
    "screens": {PartyKind.BOX, PartyKind.VIEWER},
    "box": {PartyKind.BOX},
    "publisher": {Role.PUBLISHER},
    "own side": {Role.PUBLISHER, Role.OPERATOR, Role.AUDITOR},
    "owner": {Role.PUBLISHER, Role.OPERATOR},
    "operator": {Role.OPERATOR, Role.AUDITOR},
    "seller": {Role.OPERATOR},
    "staff": {PartyKind.STAFF},
    "approver": {Role.APPROVER},
    "anyone": set(PartyKind),
}
_FRAMEWORK = {"GET /api", "GET /api/{path}"}


def rows(name: str) -> dict[str, list[str]]:
    """The rows of a page's tables: the first cell in backticks -> the other cells."""
    found = {}
    for line in (DOCS / name).read_text().splitlines():
        match = re.match(r"\| (?:<a [^>]*></a>)?`([^`]+)` \| (.*) \|$", line)
        if match:
            found[match[1]] = [cell.strip() for cell in match[2].split(" | ")]
    return found


def commands() -> set[str]:
    return {name for name in command_line if not name.startswith("-")}


def typed() -> dict[str, cyclopts.App]:
    """Every command as it is typed ("titles", "boxes import")."""
    found = {}
    for name in commands():
        one = command_line[name]
        parts = {} if one.default_command else {part: one[part] for part in one if not part.startswith("-")}
        found |= {f"{name} {part}": inner for part, inner in parts.items()} if parts else {name: one}
    return found


def test_every_command_has_its_row_and_its_options() -> None:
    described = {re.split(r" [A-Z\[]|$", first.removeprefix("matinee "))[0]: first for first in rows("commands.md")}
    assert set(described) == set(typed())
    for name, row in described.items():
        options = {option for one in typed()[name].assemble_argument_collection() for option in one.names}
        for option in sorted(options - {"--data"}):
            assert not option.startswith("--") or f"[{option}" in row, f"{name} {option} is not described"


def test_every_route_has_its_row_and_says_who_may_ask(app_running: Running) -> None:
    described = rows("api.md")
    routes = {f"{method} {path}": handler for method, path, handler in handlers(app_running.app)}
    assert set(described) == set(routes) - _FRAMEWORK
    for route, (who, _) in described.items():
        assert routes[route].opt["policy"] == _WHO[who], f"{route} is not for {who} alone"


def test_every_error_code_has_its_row_with_its_status() -> None:
    described = rows("errors.md")
    assert set(described) == {str(code) for code in ErrorCode}
    for code in ErrorCode:
        assert described[code][0] == str(code.http_status), code
        assert f'<a id="{code}"></a>' in (DOCS / "errors.md").read_text(), f"{code} has no anchor for a problem's type"


def test_every_metric_has_its_row_with_its_labels() -> None:
    registry = Counters().registry
    described = rows("metrics.md")
    samples = {
        sample.name: [one for one in metric.samples if one.name == sample.name]
        for metric in registry.collect()
        for sample in metric.samples
    }
    assert set(described) == set(samples)
    for name, found in samples.items():
        for sample in found:
            for label, value in sample.labels.items():
                assert f"`{label}`" in described[name][1], f"{name}: the label {label} is not described"
                assert value in described[name][1], f"{name}: {label}={value} is not described"


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in (ROOT / "src/matinee").glob("*/__init__.py")), ids=lambda path: path.name
)
def test_each_folder_says_what_it_is_and_where_to_change_what(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert text.startswith(f"# {folder.name}"), "it opens with its name"
    assert len(text.splitlines()) >= 5


def test_every_field_of_a_scenario_and_of_a_rule_is_described() -> None:
    page = (DOCS / "scenarios.md").read_text()
    parts = {"the file": told.Scenario, "`[[services]]`": told.ServiceTold, "`[[box_models]]`": told.ModelTold}
    parts |= {"`[[operators]]`": told.OperatorTold, "`[[agreements]]`": told.AgreementTold, "`[[launches]]`": told.LaunchTold}
    parts |= {
        "`[[homes]]`": told.HomesTold,
        "`[[plans]]`": told.PlanTold,
        "`[[subscriptions]]`": told.SubscriptionTold,
        "`[[moves]]`": told.MoveTold,
        "`[[disputes]]`": told.DisputeTold,
        "`[[rollouts]]`": told.RolloutTold,
    }
    assert all(f"`{field}`" in page for struct in (told.WaveTold, told.FreezeTold) for field in struct.__struct_fields__)
    lists = {part.strip("`[]") for part in parts}
    for part, struct in parts.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {part} |"))
        for field in struct.__struct_fields__:
            assert f"`{field}`" in row or field in lists, f"{part} {field} is not described"
    for name in FIELDS:
        assert f"`{name}`" in page, f"a rule's box.{name} is not described"
