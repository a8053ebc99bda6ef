"""The vocabulary of errors: closed, each with a status, and whole after a trip through a pickle (durable work stores them)."""

import pickle

import pytest

from matinee.base.errors import ErrorCode, MatineeError
from matinee.outside.processes import ToolFailed


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_status(code: ErrorCode) -> None:
    assert 400 <= code.http_status <= 599


@pytest.mark.parametrize("kind", [MatineeError, ToolFailed])
def test_an_error_survives_being_stored(kind: type[MatineeError]) -> None:
    error = kind("FILM.mp4 is empty.", remedy="Copy it again.", code=ErrorCode.FILM_REFUSED)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.remedy, again.code) == (error.message, error.remedy, error.code)
    assert str(again) == "FILM.mp4 is empty. Copy it again."
