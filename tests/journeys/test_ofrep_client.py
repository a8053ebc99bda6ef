"""OpenFeature's own Python client, which we did not write, reads whether a box has a service from a running installation."""

from collections.abc import Iterator

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from tests.journeys.service import Service


@pytest.fixture
def client(service: Service) -> Iterator[api.OpenFeatureClient]:
    provider = OFREPProvider(service.web, headers_factory=lambda: {"Authorization": f"Bearer {service.api_key}"})
    api.set_provider(provider)
    yield api.get_client()
    api.shutdown()


def test_a_strangers_client_reads_our_flags(service: Service, client: api.OpenFeatureClient) -> None:
    with service.client() as box:
        me = box.get("/api/v1/me").raise_for_status().json()
    flag, context = me["services"][0]["id"], EvaluationContext(targeting_key=me["box"]["id"])

    there = client.get_boolean_details(flag, False, context)
    assert (there.value, there.variant, there.reason) == (True, "on", Reason.TARGETING_MATCH)
    assert there.flag_metadata["shows"] == "playable"

    unknown = client.get_boolean_details("0" * 26, False, context)
    assert (unknown.value, unknown.error_code) == (False, ErrorCode.FLAG_NOT_FOUND)
    nobody = client.get_boolean_details(flag, False, EvaluationContext())
    assert (nobody.value, nobody.error_code) == (False, ErrorCode.TARGETING_KEY_MISSING)
    stranger = client.get_boolean_details(flag, False, EvaluationContext(targeting_key="0" * 26))
    assert (stranger.value, stranger.error_code) == (False, ErrorCode.INVALID_CONTEXT)
    assert client.get_string_details(flag, "fallback", context).error_code is ErrorCode.TYPE_MISMATCH
