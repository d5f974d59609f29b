"""A fixture for the tests of the wire."""

import pytest

from tests.transport.wired import WAY


@pytest.fixture(params=[True, False], ids=["line", "session"])
def way(request: pytest.FixtureRequest) -> None:
    """Every test is of both ways to the service."""
    WAY["lean"] = request.param
