"""The public face: complete, in order, and enough to write a task with."""

import importlib.metadata
import subprocess
import sys

import pytest

import bulkmail


def test_all_is_sorted_and_is_there() -> None:
    assert bulkmail.__all__ == sorted(bulkmail.__all__)
    assert all(hasattr(bulkmail, name) for name in bulkmail.__all__)


def test_every_name_can_be_imported_and_no_other_can() -> None:
    named = [name for names in bulkmail._PLACES.values() for name in names.split()]
    assert sorted([*named, "__version__"]) == bulkmail.__all__ == dir(bulkmail)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        bulkmail.Nothing  # noqa: B018


def test_the_version_is_that_of_the_package() -> None:
    assert bulkmail.__version__ == importlib.metadata.version("bulkmail")


def test_importing_it_brings_no_network_and_no_terminal() -> None:
    libraries = {"aiohttp", "msal", "rich", "typer", "cryptography", "pydantic"}
    program = f"import bulkmail, sys; print(sorted({libraries} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "[]"


def test_the_decorator_is_not_hidden_by_the_room_of_its_name() -> None:
    program = "from bulkmail.task import declare; from bulkmail import task; print(task is declare.task)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "True"
