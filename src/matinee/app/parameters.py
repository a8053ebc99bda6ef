"""Options that most commands take, and the group of those whose words are in files of their own."""

from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

ASKING = Group("Who may ask", sort_key=3)
CARRYING = Group("Who carries what", sort_key=2)

Data = Annotated[Path | None, Parameter(name="--data", help="The data folder.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document instead of a table.")]
By = Annotated[str, Parameter(name="--by", help="Who says so: it stands in the audit.")]
