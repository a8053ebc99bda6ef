"""The real ingest of an installation, without a queue or a worker: for tests that run its steps themselves."""

import msgspec

from matinee.app.installation import Installation, read_clock
from matinee.catalogue.work import Ingest, Shared
from matinee.encoding.ladder import FIXED_V1
from matinee.encoding.model import Ladder
from matinee.library.model import DrmSystem
from matinee.outside.tools import find_tools

QUICK = msgspec.structs.replace(FIXED_V1, preset="ultrafast", rungs=FIXED_V1.rungs[-1:])
"""One small rung, quickly."""


def ingest_of(installation: Installation, ladder: Ladder = QUICK, shared: Shared | None = None) -> Ingest:
    return Ingest(
        database=installation.database,
        published=installation.published,
        work_folder=installation.settings.work_folder,
        tools=find_tools(),
        master=installation.master,
        ladder=ladder,
        drm=(DrmSystem.CLEARKEY,),
        clock=read_clock,
        shared=shared,
    )
