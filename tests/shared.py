"""Where the shared films and data lie, where they lie: MATINEE_SHARED, else a folder `shared` beside the checkout."""

import os
from pathlib import Path

_ROOT = Path(os.environ.get("MATINEE_SHARED") or Path(__file__).resolve().parents[2] / "shared")

MEDIA: Path | None = _ROOT / "media" if (_ROOT / "media").is_dir() else None
DATA: Path | None = _ROOT / "data" if (_ROOT / "data").is_dir() else None
