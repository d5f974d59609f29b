"""An answer is taken apart alike however it is cut into chunks, and what is not whole is never taken for an answer."""

import re
from base64 import b64decode, b64encode
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.errors import OutcomeUnknown
from bulkmail.tasks.items.unpack import LARGEST, Answered, Unpacking, at_once, decoded

ITEMS = st.fixed_dictionaries(
    {"itemId": st.text(max_size=9), "changeKey": st.none() | st.text(max_size=9)},
    optional={
        "data": st.binary(max_size=300),
        "error": st.fixed_dictionaries({"code": st.sampled_from(["E1", "data"]), "message": st.text(max_size=9)}),
        "odd": st.just({"data": ["x", {"data": "y"}]}),
    },
)


def told(item: dict[str, Any], *, backwards: bool) -> dict[str, Any]:
    plain = {name: b64encode(value).decode() if name == "data" else value for name, value in item.items()}
    return dict(reversed(plain.items())) if backwards else plain


def unpacked(answer: bytes, size: int) -> list[tuple[Answered, bytes]]:
    unpacking, found, stream = Unpacking(), [], b""
    for start in range(0, len(answer), size):
        for event in unpacking.feed(answer[start : start + size]):
            if isinstance(event, bytes):
                stream += event
            else:
                found.append((event, stream))
                stream = b""
    unpacking.close()
    return found


@given(items=st.lists(ITEMS, max_size=6), size=st.integers(1, 400), backwards=st.booleans(), escaped=st.booleans())
def test_however_it_is_cut(items: list[dict[str, Any]], size: int, backwards: bool, escaped: bool) -> None:
    rows = [told(item, backwards=backwards) for item in items]
    answer = orjson.dumps({"@data": {"data": "AAAA"}, "value": rows, "other": [{"data": "no"}]})
    if escaped:  # as some writers of JSON do
        answer = answer.replace(b"+", b"\\u002B").replace(b"/", b"\\/")
    found = unpacked(answer, size)
    assert [(said.id, said.change_key) for said, _ in found] == [(i["itemId"], i["changeKey"] or "") for i in items]
    for (said, stream), item in zip(found, items, strict=True):
        assert said.whole == ("data" in item and "error" not in item)
        assert said.code == item.get("error", {}).get("code", "")
        assert stream == item.get("data", b"")


@given(items=st.lists(ITEMS, max_size=6), backwards=st.booleans(), escaped=st.booleans(), other=st.booleans())
def test_at_once_it_is_the_same(items: list[dict[str, Any]], backwards: bool, escaped: bool, other: bool) -> None:
    rows = [told(item, backwards=backwards) for item in items]
    answer = orjson.dumps({"@odata.context": "…", "value": rows} | ({"data": "AAAA"} if other else {}))
    if escaped:
        answer = answer.replace(b"+", b"\\u002B").replace(b"/", b"\\/")
    found = at_once(answer)
    if other or any("odd" in item for item in items):  # what looks like a stream stands where none should be
        assert found is None
        return
    assert found == [(said, stream if said.whole else b"") for said, stream in unpacked(answer, len(answer))]


@given(cut=st.integers(0, 200))
def test_at_once_what_is_cut_off_is_no_answer(cut: int) -> None:
    answer = orjson.dumps({"value": [{"itemId": "a", "data": b64encode(bytes(100)).decode()}, {"itemId": "b"}]})
    assert at_once(answer[: min(cut, len(answer) - 1)]) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"[]", b"{}", b'{"value":1}', b'{"value":[1]}', b'{"value":[{"data":"AAA\\""}]}', b'{"value":[{"data":"',
        b'{"value":[{"data":"AAAA","data":"AAAA"}]}',
        b'{"value":[{"data": "0"}]}', b'{"value":[{"data":7}]}', b'{"value":[{"data":"AAAA","d\\u0061ta":"x"}]}',
    ],
)  # fmt: skip
def test_at_once_only_of_what_is_written_as_expected(answer: bytes) -> None:
    assert at_once(answer) is None


@pytest.mark.parametrize("letters", [b"AAA", b"A\\\\/A", b"\\u00", b"\\u1234", b"AA\\nA", b"AA-A"])
def test_a_damaged_stream_is_refused(letters: bytes) -> None:
    answer = b'{"value":[{"itemId":"a","data":"%b"}]}' % letters
    with pytest.raises(OutcomeUnknown):
        at_once(answer)
    with pytest.raises(OutcomeUnknown):
        unpacked(answer, 1)


@given(cut=st.integers(0, 200))
def test_what_is_cut_off_is_no_answer(cut: int) -> None:
    answer = orjson.dumps({"value": [{"itemId": "a", "data": b64encode(bytes(100)).decode()}, {"itemId": "b"}]})
    with pytest.raises(OutcomeUnknown):
        unpacked(answer[: min(cut, len(answer) - 1)], 16)


@pytest.mark.parametrize(
    "answer",
    [
        b"[]", b"{}", b'{"value":1}', b"}", b'{"value":[{"itemId":"a","data":"A"}]}', b'{"value":[{"data":"????"}]}',
        b'{"value":[{"itemId":nil}]}', b'{"value":[' + b" " * LARGEST + b"]}",
    ],
)  # fmt: skip
def test_what_is_not_an_answer(answer: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        unpacked(answer, 1 << 16)


def test_an_item_without_a_stream_and_without_an_error() -> None:
    [(said, stream)] = unpacked(b'{"value":[{"itemId":7,"changeKey":7,"data":null,"error":{}}]}', 7)
    assert (said, stream) == (Answered("", "", whole=False), b"")


BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def is_base64(letters: bytes) -> bool:
    """As an encoder writes it: bits that no byte has are 0."""
    return BASE64.fullmatch(letters) is not None and b64encode(b64decode(letters)) == letters


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 90), st.sampled_from(b"=?-_A \n\xff")), max_size=4))
@example(bytes(3), [(4, ord("="))])
def test_letters_are_base64_or_refused(stream: bytes, damage: list[tuple[int, int]]) -> None:
    letters = bytearray(b64encode(stream))
    for place, letter in damage:
        letters[min(place, len(letters)) : place + 1] = bytes([letter])
    if is_base64(bytes(letters)):
        assert decoded(bytes(letters)) == b64decode(letters)
    else:
        with pytest.raises(OutcomeUnknown):
            decoded(bytes(letters))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 8])
def test_every_short_text_is_base64_or_refused(length: int) -> None:
    for letters in map(bytes, product(b"A-=\n", repeat=length)):
        if is_base64(letters):
            assert decoded(letters) == b64decode(letters)
        else:
            with pytest.raises(OutcomeUnknown):
                decoded(letters)
