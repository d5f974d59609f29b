"""Packing and unpacking: each part its own answer, or none, whatever comes back."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.batch import BYTES, PARTS, BatchRejected, Size, pack, unpack
from bulkmail.model import Request, Response

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 30) | st.floats(0, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def parts_of(body: bytes) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = orjson.loads(body)["requests"]
    return requests


def entry(number: int, **other: Any) -> dict[str, Any]:
    """The right answer of one part: its body names it."""
    return {"id": str(number), "status": 200, "body": {"mine": number}, **other}


@given(st.lists(st.integers(0, 900_000), min_size=1, max_size=60))
def test_everything_is_packed_once_and_in_order_within_the_bounds(sizes: list[int]) -> None:
    requests = [Request("POST", f"/{number}", body={"x": "y" * size}) for number, size in enumerate(sizes)]
    packed: list[str] = []
    while len(packed) < len(requests):
        body, count = pack(requests[len(packed) :])
        parts = parts_of(body)
        assert 1 <= len(parts) == count <= PARTS
        assert len(body) <= BYTES or count == 1
        assert [part["id"] for part in parts] == [str(number) for number in range(count)]
        packed += [part["url"] for part in parts]
    assert packed == [request.path for request in requests]


def test_a_part_too_large_for_company_goes_alone() -> None:
    large = Request("POST", "/large", body={"x": "y" * (BYTES + 1)})
    assert pack([large, large])[1] == 1


def test_a_part_says_what_the_request_says() -> None:
    request = Request("PATCH", "/users/a%20b/x", headers={"If-Match": "e"}, body={"a": 1})
    assert parts_of(pack([request, Request("GET", "/y")])[0]) == [
        {"id": "0", "method": "PATCH", "url": "/users/a%20b/x", "body": {"a": 1},
         "headers": {"If-Match": "e", "Content-Type": "application/json"}},
        {"id": "1", "method": "GET", "url": "/y"},
    ]  # fmt: skip


def test_a_content_type_of_its_own_is_kept_whatever_its_case() -> None:
    request = Request("POST", "/x", headers={"content-type": "application/json; odata=verbose"}, body=[])
    assert parts_of(pack([request])[0])[0]["headers"] == {"content-type": "application/json; odata=verbose"}


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)), st.booleans())
def test_shuffled_and_missing_answers(order: list[int], missing: set[int], numbers: bool) -> None:
    entries = [entry(number, id=number if numbers else str(number)) for number in order if number not in missing]
    answers = unpack({"responses": entries}, 8)
    for number, answer in enumerate(answers):
        assert (answer is None) is (number in missing)
        assert answer is None or answer.body == {"mine": number}


@given(st.data())
def test_a_mutated_answer_never_gives_a_part_what_is_not_its_own(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    entries: list[Any] = [entry(number) for number in data.draw(st.permutations(range(count)))]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(entries) - 1))
        kind = data.draw(st.sampled_from(["id", "status", "headers", "drop", "double", "junk", "foreign"]))
        if kind == "drop" and len(entries) > 1:
            del entries[at]
        elif kind == "double":
            entries.append(entries[at])
        elif kind == "junk":
            entries[at] = data.draw(JSON)
        elif kind == "foreign":
            entries.append(
                entry(99, id=data.draw(st.sampled_from(["99", "-1", "00", " 0", "0 ", "\u0660", "", 1.0, "x"])))
            )
        elif kind in ("id", "status", "headers") and isinstance(entries[at], dict):
            entries[at] = {**entries[at], kind: data.draw(JSON)}
    try:
        answers = unpack({"responses": entries}, count)
    except BatchRejected:
        return
    assert len(answers) == count
    given_ids = {str(one["id"]): one for one in entries}
    for number, answer in enumerate(answers):
        if answer is not None:
            assert answer.status == given_ids[str(number)]["status"]
            assert answer.body == given_ids[str(number)].get("body")


@given(JSON)
def test_whatever_is_no_answer_is_rejected(body: Any) -> None:
    if not (isinstance(body, dict) and isinstance(body.get("responses"), list)):
        with pytest.raises(BatchRejected):
            unpack(body, 3)


@pytest.mark.parametrize(
    "entries",
    [
        [entry(0), entry(0)],
        [entry(0), entry(2)],
        [entry(0), entry(-1)],
        [entry(0, id=True)],
        [entry(0, id=None)],
        [entry(0, id=[0])],
        [{"status": 200}],
        ["0"],
        [None],
        [entry(0, id="9" * 5000)],
    ],
)
def test_ids_that_leave_a_doubt_reject_the_whole_answer(entries: list[Any]) -> None:
    with pytest.raises(BatchRejected):
        unpack({"responses": entries}, 2)


@pytest.mark.parametrize("status", ["200", 200.0, True, None, 0, 99, 600, -1, [200]])
def test_a_status_that_is_none_is_no_answer(status: Any) -> None:
    assert unpack({"responses": [entry(0, status=status), entry(1)]}, 2) == [None, Response(200, {}, {"mine": 1})]


def answered(**fields: Any) -> Response:
    answer = unpack({"responses": [{"id": "0", "status": 200, **fields}]}, 1)[0]
    assert answer is not None
    return answer


def test_header_names_lose_their_case_and_values_become_text() -> None:
    answer = answered(headers={"RETRY-After": 7, "X-Y": "z"})
    assert answer.headers == {"retry-after": "7", "x-y": "z"}
    assert answered(headers=["x"]).headers == {}


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({}, None),
        ({"body": None}, None),
        ({"body": {"a": 1}}, {"a": 1}),
        ({"body": b64encode(b"\x00\xff").decode(), "headers": {"Content-Type": "image/jpeg"}}, b"\x00\xff"),
        ({"body": b64encode(b"x").decode()}, b"x"),
        ({"body": "not base64!", "headers": {"content-type": "text/plain"}}, b"not base64!"),
        ({"body": "text", "headers": {"CONTENT-TYPE": "application/json"}}, "text"),
        ({"body": "MTIz", "headers": {"content-type": "application/json"}}, "MTIz"),
        ({"body": b64encode(b'{"a": 1}').decode(), "headers": {"content-type": "application/json"}}, {"a": 1}),
    ],
)
def test_bodies(fields: dict[str, Any], body: Any) -> None:
    assert answered(**fields).body == body


def test_the_size_falls_by_half_and_climbs_by_one_in_four_posts() -> None:
    size = Size(16)
    sizes = []
    for refused in (1, 3, 0, 0, 0, 0, 1, 1, 1, 1, 1):
        size.answered(refused)
        sizes.append(int(size.now))
    assert sizes == [8, 4, 4, 4, 4, 5, 2, 1, 1, 1, 1]
    assert repr(size) == "<Size 1 of 16>"
    assert Size(100).most == PARTS
