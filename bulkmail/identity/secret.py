"""A text that must not be seen: a password, a client secret. Knows nothing of what it opens."""

import codecs
import os
import stat
from pathlib import Path
from typing import NoReturn

from bulkmail.errors import ConfigError

LARGEST = 64 * 1024  # bytes; a federated assertion is a few thousand


class Secret:
    """Holds `text` so that no repr, log line, comparison or pickle shows it. `reveal()` is the only way out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def encoded(self) -> bytes:
        """In UTF-8. Raises ConfigError where it is not text, as when the environment held other bytes."""
        try:
            return self._text.encode()
        except UnicodeEncodeError:
            pass  # raised below: this one carries the text
        raise ConfigError("a secret holds bytes that are not text", hint="Write it in UTF-8, or put it into a file.")

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def read_secret(path: Path) -> Secret:
    """The first line of a file; in UTF-8, or the UTF-16 that Windows PowerShell writes.

    Raises ConfigError where the file cannot be read, is not text or is empty.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST)
    except OSError as error:
        raise ConfigError(
            f"cannot read the secret in {path}: {error.strerror}",
            hint=f"Looked for {path.absolute()}. A password of your choice stands on its first line: "
            f"(umask 077; openssl rand -base64 24 > {path})",
        ) from None
    text = _decoded(content)
    if text is None:
        raise ConfigError(
            f"the first line of {path} is not UTF-8 text", hint="Save the file as UTF-8, with the secret as it was set."
        )
    if not (line := first_line(text)):
        raise ConfigError(f"{path} is empty, or its first line is", hint="Its first line has to be the secret.")
    return Secret(line)


def first_line(text: str) -> str:
    """A secret as it was meant: without the line end that editors, pipes and key vaults put behind it."""
    return text.partition("\n")[0].rstrip("\r")


def exposed(path: Path) -> str:
    """A sentence where others may read a file with a secret; empty where they may not, or that cannot be told."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    open_to_others = os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO)
    return f"{path} holds a secret and others may open it: chmod 600 {path}" if open_to_others else ""


def _decoded(content: bytes) -> str | None:
    """The first line as text; None where the bytes are not text: the error of a decoder would carry them."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16") if wide else content.partition(b"\n")[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
