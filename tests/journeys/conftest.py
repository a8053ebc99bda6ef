"""What journeys share: the one service, and a browser for each module."""

from tests.journeys.screens import browser
from tests.journeys.service import service

__all__ = ["browser", "service"]
