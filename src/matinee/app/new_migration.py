"""Write the migration that brings the newest schema to what the stores declare now:

    .venv/bin/python -m matinee.app.new_migration "what changed"

Read what it wrote before it is committed: a renamed column looks like one dropped and one added.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from matinee.app.migrate import alembic_config, migrate
from matinee.outside.database import Database


def main(message: str) -> None:
    """Compare on a database of its own and write the file."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'schema.db'}")
        migrate(database)
        config = alembic_config()
        with database.write() as connection:
            config.attributes["connection"] = connection
            count = len(list(ScriptDirectory.from_config(config).walk_revisions()))
            command.revision(config, message, autogenerate=True, rev_id=f"{count + 1:04d}")
        database.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or sys.exit(__doc__))
