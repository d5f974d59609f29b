"""Fuzzes what reads texts from outside: `python -m tests.hostile.fuzz MINUTES`, in numbered rounds that go on where the
last start ended (`.fuzz/round`). A round is made from its number alone, so one that fails can be played again:
`python -m tests.hostile.fuzz --round 4711`. A finding is any error that the reader does not document.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from bulkmail.config import load
from bulkmail.core import retryafter
from bulkmail.core.batch import BatchRejected, unpack
from bulkmail.core.odata import challenge, check_path, error_of, ids_of, link_path
from bulkmail.core.throttle import refusal
from bulkmail.core.where import Where
from bulkmail.errors import BulkmailError, GraphError, InputError, LinkRefused
from bulkmail.identity.claims import decode
from bulkmail.identity.form import form_of, unwrapped
from bulkmail.identity.refusal import Names, refused
from bulkmail.model import Mailbox, Response
from bulkmail.rundir.journal import read
from bulkmail.rundir.manifest import MANIFEST, Manifest
from bulkmail.sink.format import Csv, Ndjson
from bulkmail.source.file import FileSource
from bulkmail.tasks.kit.template import checked, fill
from bulkmail.tasks.request.places import at, holds, plain, unsigned
from bulkmail.tasks.usage.detail import Detail
from bulkmail.text import one_line, shown

AT = Path(".fuzz") / "round"
PIECES = (
    b'{"', b'":', b"[", b"]", b"{}", b"null", b"1e400", b"9" * 400, b"\\ud800", b"\xff\xfe", b"\0", b"\x1b[31m",
    b"%2e%2e/",
    b"/../", b"http://", b"eyJ" + b"a" * 90, b"AADSTS700016: ", b"-----BEGIN CERTIFICATE-----", b"-----END ",
    b"Bearer ",
    b"Thu, 26 Nov 2026 18:00:00 GMT", b'"error":', b'"code":', b'"responses":', b'"id":"0"', b'"status":429',
    b" " * 999,
    b"\xe2\x80\xae", b"=cmd|' /C'!A0", b'[app]\ntenant_id="', b"{{a}}", b'"crc":"00000000"}\n', b',"synced":0', b"\n",
)  # fmt: skip
NAMES = Names("login.contoso.com", "contoso.com", "id")
BASE = "https://graph.microsoft.com/v1.0"


def made(dice: random.Random) -> bytes:
    """Bytes of pieces that mean something somewhere, and of some that mean nothing."""
    parts = [
        dice.choice(PIECES) if dice.random() < 0.8 else dice.randbytes(dice.randrange(9))
        for _ in range(dice.randrange(1, 30))
    ]
    return b"".join(parts)


def parsed(content: bytes) -> Any:
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(content)
    text = content.decode("utf-8", "surrogateescape")
    return {
        "error": {"code": text, "message": text, "innerError": text},
        "responses": [text, {"id": text, "status": 401}],
    }


def _answered(content: bytes) -> None:
    text, body = content.decode("latin-1"), parsed(content)
    headers = {"retry-after": text, "request-id": text, "www-authenticate": f'claims="{text}"', "date": text}
    for status in (200, 401, 429, 503):
        answer = Response(status, headers, body)
        error_of(body), ids_of(answer), challenge(answer), refusal(answer), retryafter.parse(headers, 0.0)
    refused(400, headers, body, NAMES)
    refused(400, headers, {"error_description": text, "error_codes": [body]}, NAMES)
    with suppress(BatchRejected):
        unpack(body, 3)


def _linked(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    for link in (text, f"{BASE}/users/ada/{text}", f"{BASE}{text}"):
        with suppress(LinkRefused):
            link_path(link, BASE, "/users/ada")
    with suppress(ValueError):
        check_path(text)


def _shown(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    one_line(text).encode(), shown(text).encode(), decode(f"a.{text}.b")
    row = {"a": text, "b": parsed(content)}
    assert orjson.loads(Ndjson().encode([row]))
    Csv(["a", "b"]).encode([row])


def _unlocked(content: bytes) -> None:
    form_of(unwrapped(content))


def _stored(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name, suppress(BulkmailError):
        folder = Path(name)
        (folder / MANIFEST).write_bytes(content)
        (folder / "j").write_bytes(content)
        (folder / "job.toml").write_bytes(content)
        with suppress(BulkmailError):
            Manifest.read(folder)
        with suppress(BulkmailError):
            list(read(folder / "j", run="0" * 32))
        load(folder / "job.toml", environment={})


def _listed(content: bytes) -> None:
    """A list of mailboxes, whichever way of writing it looks like; and the report of usage, in pieces."""
    for head in (b"", b"mailbox,name\n", b"["):
        with suppress(BulkmailError):
            list(FileSource(BytesIO(head + content), keep_columns=True)._steps())
    for head in (b"", b"User Principal Name,Storage Used (Byte)\n"):
        with suppress(GraphError):
            report = Detail()
            report.feed(head + content[:50])
            report.feed(content[50:])
            report.close()
            report.of("ada@contoso.com")


def _chosen(content: bytes) -> None:
    """What a job says: which rows are meant, what goes into a text, what stands where in an answer."""
    text, body = content.decode("utf-8", "surrogateescape"), parsed(content)
    for wish in (text, f"A == {text}", f"A in ({text})", f"startswith(A, {text})"):
        with suppress(ValueError):
            Where(wish)(lambda _: text)
    row = Mailbox("ada@contoso.com", 1, columns={"A": text})
    for template in (text, f"{{A}} {text}"):
        with suppress(ValueError, InputError):
            fill(checked(template), row)
    unsigned(body), plain(body), at(body, text), holds(body, body)


READERS: Mapping[str, Callable[[bytes], None]] = {
    "answers": _answered, "links": _linked, "texts": _shown, "keys": _unlocked, "files": _stored,
    "lists": _listed, "wishes": _chosen,
}  # fmt: skip


def play(number: int) -> None:
    """One round. Raises what a reader should not have raised, with the round in its notes."""
    content = made(random.Random(number))
    for name, reader in READERS.items():
        try:
            reader(content)
        except Exception as error:
            error.add_note(f"round {number}, {name}: {content!r}")
            raise


def main(arguments: list[str]) -> None:
    if arguments[0] == "--round":
        play(int(arguments[1]))
        return
    AT.parent.mkdir(exist_ok=True)
    number = int(AT.read_text()) if AT.exists() else 0
    latest = time.monotonic() + 60 * float(arguments[0])
    while time.monotonic() < latest:
        play(number)
        number += 1
        if number % 1000 == 0:
            AT.write_text(str(number))
    AT.write_text(str(number))
    sys.stdout.write(f"{number:,} rounds so far, and nothing was found\n")


if __name__ == "__main__":
    main(sys.argv[1:])
