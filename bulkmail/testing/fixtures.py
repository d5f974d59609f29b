"""The rehearsal tenant as a pytest fixture, for those who test a task of their own. The only room that knows pytest.

In a test file or the topmost conftest.py:

    pytest_plugins = ["bulkmail.testing.fixtures"]

    def test_kind(tenant: Tenant, tmp_path: Path) -> None:
        done = tenant.run("kind.py:kind", tmp_path)
        assert done.code == 0
        assert len(done.rows) == 50

A fixture `tenant_settings` of the same name in your file makes another tenant: larger, slower, with faults.
"""

from collections.abc import Iterator

import pytest

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Tenant, open_tenant


@pytest.fixture(scope="module")
def tenant_settings() -> Settings:
    """Fifty mailboxes, each of which answers."""
    return Settings(mailboxes=50, absent=0.0, denied=0.0, moving=0.0)


@pytest.fixture(scope="module")
def tenant(tenant_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A tenant for the tests of one file: what one of them changes, the next one finds changed."""
    with open_tenant(tmp_path_factory.mktemp("tenant"), tenant_settings) as opened:
        yield opened
