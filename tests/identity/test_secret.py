"""A secret shows itself nowhere but where it is asked to."""

import pickle
from pathlib import Path

import pytest

from bulkmail.errors import ConfigError
from bulkmail.identity.secret import Secret, first_line, read_secret


def test_it_hides() -> None:
    secret = Secret("canary")
    assert secret.reveal() == "canary"
    assert "canary" not in f"{secret!r} {secret} {secret:}"
    assert (bool(secret), bool(Secret(""))) == (True, False)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    "content",
    [
        b"pa ss",
        b"pa ss\n",
        b"pa ss\nanother line\n",
        b"pa ss\r\n",
        b"\xef\xbb\xbfpa ss\n",
        "pa ss\r\n".encode("utf-16"),
        "\ufeffpa ss".encode("utf-16-be"),
    ],
)
def test_the_line_end_and_the_encoding_of_a_file_do_not_count(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert read_secret(path).reveal() == "pa ss"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"caf\xe9-canary", "not UTF-8 text"),
    ],
)
def test_a_file_without_a_secret(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_secret(path)
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value) + caught.value.hint


def test_what_follows_the_first_line_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"pa ss\n\xff\xfe caf\xe9")
    assert read_secret(path).reveal() == "pa ss"


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nmore"])
def test_the_line_end_of_a_variable_does_not_count(end: str) -> None:
    assert first_line(f"pa ss{end}") == "pa ss"


def test_a_text_that_is_none() -> None:
    secret = Secret("caf\udce9-canary")
    with pytest.raises(ConfigError) as caught:
        secret.encoded()
    assert "canary" not in str(caught.value) + caught.value.hint
    assert caught.value.__context__ is None
    assert Secret("é").encoded() == b"\xc3\xa9"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_secret(tmp_path / "missing")
