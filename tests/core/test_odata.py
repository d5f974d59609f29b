"""How Graph spells things: what is built reads back as meant, and what is odd is refused."""

from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.odata import (
    challenge,
    error_of,
    exchange,
    literal,
    next_path,
    page_size,
    query,
    segment,
    sends_mail,
    user,
    with_page_size,
)
from bulkmail.errors import LinkRefused
from bulkmail.model import Response

BASE = "https://graph.example/v1.0"
ASKED = "/users/ada@example.com/messages"
GUID = "11111111-2222-3333-4444-555555555555"

keys = st.text(min_size=1).filter(lambda text: text not in (".", ".."))


def link(path: str) -> dict[str, str]:
    return {"@odata.nextLink": BASE + path}


@given(keys)
def test_a_hostile_key_stays_one_segment(key: str) -> None:
    parts = urlsplit(BASE + user(key) + "/messages")
    assert not parts.query
    assert not parts.fragment
    below = parts.path.removeprefix("/v1.0")
    if key.startswith("$"):
        assert below.startswith("/users('")
        assert unquote(below[len("/users('") : -len("')/messages")]).replace("''", "'") == key
    else:
        assert [unquote(part) for part in below.split("/")] == ["", "users", key, "messages"]


def test_a_key_that_starts_with_a_dollar_sign_needs_the_other_spelling() -> None:
    assert user("$a'b") == "/users('%24a%27%27b')"
    assert next_path(link("/users('%24a%27%27b')/x?y"), BASE, user("$a'b") + "/x") == "/users('%24a%27%27b')/x?y"


@given(keys)
def test_a_key_is_ascii_without_blanks_on_the_wire(key: str) -> None:
    assert all("!" <= mark <= "~" for mark in user(key))


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_what_names_another_folder_is_no_segment(text: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        segment(text)
    with pytest.raises(ValueError, match="not a name"):
        user(text)


@given(st.dictionaries(st.sampled_from(["$top", "$filter", "$select", "x"]), st.text(min_size=1) | st.integers()))
def test_query_options_read_back_as_given(params: dict[str, str | int]) -> None:
    parts = urlsplit(BASE + query("/users", params))
    assert dict(parse_qsl(parts.query, keep_blank_values=True)) == {name: str(value) for name, value in params.items()}
    assert not parts.fragment


def test_options_are_added_to_those_that_are_there() -> None:
    assert query("/users?$count=true", {"$top": 5}) == "/users?$count=true&$top=5"
    assert query("/users", {}) == "/users"


def test_a_literal_doubles_its_apostrophes() -> None:
    assert literal("O'Neil") == "'O''Neil'"


@pytest.mark.parametrize("body", [None, {}, [], "text", b"bytes", {"@odata.nextLink": None}, {"@odata.nextLink": ""}])
def test_no_link_is_the_last_page(body: Any) -> None:
    assert next_path(body, BASE, ASKED) is None


@pytest.mark.parametrize(
    "path",
    [
        ASKED + "?$skiptoken=a%2Fb'c",
        "/users/ADA%40example.com/messages?$skip=10",
        "/Users/ada@example.com/messages?%24skip=10",
        "/users('ada%40example.com')/messages?$skip=10",
        f"/users/{GUID}/messages?$skip=10",
        ASKED + "?$filter=x%20eq%20'../..'",
        ASKED + "/delta?$deltatoken=..",
    ],
)
def test_a_link_of_the_same_mailbox_is_followed_letter_for_letter(path: str) -> None:
    assert next_path(link(path), BASE, ASKED) == path


def test_the_base_may_be_written_in_capitals_and_with_a_slash() -> None:
    body = {"@odata.nextLink": "HTTPS://Graph.Example/v1.0/users?$skiptoken=X"}
    assert next_path(body, BASE + "/", "/users?$top=9") == "/users?$skiptoken=X"


def test_a_one_letter_host_is_not_found_in_the_scheme() -> None:
    assert next_path({"@odata.nextLink": "http://t/v1.0/users?a"}, "http://t/v1.0", "/users") == "/users?a"


FOREIGN = [
    "https://evil.example/v1.0/users/ada@example.com/messages",
    "https://graph.example.evil.example/v1.0/users",
    "https://evilgraph.example/v1.0/users",
    "https://graph.example@evil.example/v1.0/users",
    "https://user:pass@graph.example/v1.0/users",
    "https://graph.example:pass@evil.example/v1.0/users",
    "https://graph.example\\@evil.example/v1.0/users",
    "https://evil.example\\graph.example/v1.0/users",
    "https://evil.example#@graph.example/v1.0/users",
    "https://evil.example?@graph.example/v1.0/users",
    "https://graph.example:8443/v1.0/users",
    "https://graph.example:443/v1.0/users",
    "http://graph.example/v1.0/users",
    "ftp://graph.example/v1.0/users",
    "file:///v1.0/users",
    "javascript:alert(1)",
    "//evil.example/v1.0/users",
    "/v1.0/users",
    "users?$skiptoken=x",
    "https://graph.example./v1.0/users",
    "https://gr\N{CYRILLIC SMALL LETTER A}ph.example/v1.0/users",
    "https://xn--grph-43d.example/v1.0/users",
    "https://graph\N{IDEOGRAPHIC FULL STOP}example/v1.0/users",
    "https://graph.microsoft.us/v1.0/users",
    "https://microsoftgraph.chinacloudapi.cn/v1.0/users",
    "https://127.0.0.1/v1.0/users",
    "https://[::1/v1.0/users",
    "https://[::1]/v1.0/users",
    "https://graph.example/beta/users",
    "https://graph.example/v1.0",
    "https://graph.example/v1.0evil/users",
    " https://graph.example/v1.0/users",
    "https://graph.example/v1.0/users\r\nHost: evil.example",
    "ht\ttps://graph.example/v1.0/users",
    "https:/graph.example/v1.0/users",
    "https:///graph.example/v1.0/users",
]


@pytest.mark.parametrize("there", FOREIGN)
@pytest.mark.parametrize("asked", [ASKED, "/users?$top=999"])
def test_a_link_to_anywhere_else_is_refused(there: str, asked: str) -> None:
    with pytest.raises(LinkRefused):
        next_path({"@odata.nextLink": there}, BASE, asked)


@pytest.mark.parametrize(
    "path",
    [
        "/users/eve@example.com/messages",
        "/users('eve@example.com')/messages",
        "/users/ada@example.com.evil/messages",
        "/me/messages",
        "/groups/x/members",
        "/users/ada@example.com/../eve@example.com/messages",
        "/users/ada@example.com/%2e%2E/eve@example.com/messages",
        "/users/ada@example.com/.%2e/eve@example.com/messages",
        "/users/ada@example.com%2f..%2feve@example.com/messages",
        "/users/ada@example.com/messages/..%5c..%5ceve",
        "/users/ada@example.com/messages/..",
        "/users/ada@example.com/./messages",
        "/users/ada@example.com/messages\\..\\..",
        "/users/ada@example.com/messages#there",
        "/users/ada@example.com/messages?a b",
        "/users/ada@example.com/messages?\u00e4",
        "//users/ada@example.com/messages",
    ],
)
def test_a_link_to_another_mailbox_is_refused(path: str) -> None:
    with pytest.raises(LinkRefused):
        next_path(link(path), BASE, ASKED)


def test_a_walk_by_object_id_stays_at_that_id() -> None:
    other = "99999999-2222-3333-4444-555555555555"
    with pytest.raises(LinkRefused):
        next_path(link(f"/users/{other}/messages"), BASE, f"/users/{GUID}/messages")


def test_a_walk_of_the_directory_does_not_end_in_a_mailbox() -> None:
    with pytest.raises(LinkRefused):
        next_path(link(f"/users/{GUID}/messages"), BASE, "/users?$top=5")


@pytest.mark.parametrize("there", [5, True, ["https://graph.example/v1.0/users"], {"a": 1}])
def test_a_link_that_is_no_text_is_refused(there: Any) -> None:
    with pytest.raises(LinkRefused):
        next_path({"@odata.nextLink": there}, BASE, "/users")


@given(st.text())
def test_whatever_is_followed_lies_below_the_base(there: str) -> None:
    try:
        path = next_path({"@odata.nextLink": BASE + there}, BASE, ASKED)
    except LinkRefused:
        return
    assert path is not None
    assert BASE + path == BASE + there
    assert unquote(path).casefold().startswith(("/users/ada@example.com", "/users('ada@example.com')"))


@pytest.mark.parametrize(
    ("path", "size", "other"),
    [
        ("/a?$top=100", 100, "/a?$top=7"),
        ("/a?x=1&%24top=3&y=2", 3, "/a?x=1&%24top=7&y=2"),
        ("/a?$TOP=9", 9, "/a?$TOP=7"),
        ("/a", None, "/a?$top=7"),
        ("/a?$skiptoken=z", None, "/a?$skiptoken=z&$top=7"),
        ("/a?$search='$top=8'", None, "/a?$search='$top=8'&$top=7"),
        ("/a?$top=x", None, "/a?$top=x&$top=7"),
    ],
)
def test_the_size_of_a_page_and_another_one(path: str, size: int | None, other: str) -> None:
    assert page_size(path) == size
    assert with_page_size(path, 7) == other


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": "A", "message": "m"}}, "A", "m"),
        ({"error": {"code": "A", "message": "m", "innerError": {"code": "B"}}}, "B", "m"),
        ({"error": {"code": "A", "innererror": {"code": "B", "innerError": {"code": "C"}}}}, "C", ""),
        ({"error": {"code": "A", "innerError": {"code": "429"}}}, "A", ""),
        ({"error": {"code": "A", "innerError": {"code": 7, "innererror": "x"}}}, "A", ""),
        ({"error": {"code": "A", "innerError": None, "innererror": {"code": "B"}}}, "A", ""),
        ({"error": {"code": 5, "message": ["x"]}}, "", ""),
        ({"error": {"code": "A\x1b[31m\nB", "message": "a\r\nb"}}, "A [31m B", "a b"),
        ({"error": "invalid_client"}, "", ""),
        ({}, "", ""),
        ([], "", ""),
        (None, "", ""),
        (b"<html>", "", ""),
    ],
)
def test_the_most_detailed_code_of_an_error(body: Any, code: str, message: str) -> None:
    assert error_of(body) == (code, message)


def test_errors_nested_without_end_come_to_an_end() -> None:
    body: dict[str, Any] = {"code": "deepest"}
    for depth in range(50):
        body = {"code": f"c{depth}", "innerError": body}
    assert error_of({"error": body})[0] == "c41"


CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1"},"x":"???>>>"}}'


def ask(claims: str) -> str:
    return f'Bearer realm="", authorization_uri="https://login.example", error="insufficient_claims", claims="{claims}"'


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ("", ""),
        ("Bearer error=invalid_token", ""),
        (ask(b64encode(CLAIMS.encode()).decode()), CLAIMS),
        (ask(b64encode(CLAIMS.encode()).decode().rstrip("=")), CLAIMS),
        (ask(urlsafe_b64encode(CLAIMS.encode()).decode()), CLAIMS),
        (ask("*** no base64 ***"), ""),
        (ask(b64encode(b"\xff\xfe").decode()), ""),
    ],
)
def test_the_claims_of_a_401(header: str, claims: str) -> None:
    headers = {"www-authenticate": header}
    assert challenge(Response(401, headers)) == claims
    part = {"id": "1", "status": 401, "headers": {"WWW-Authenticate": header}}
    assert challenge(Response(200, body={"responses": [{"id": "0", "status": 200}, part]})) == claims


@pytest.mark.parametrize(
    "response",
    [
        Response(200),
        Response(403, {"www-authenticate": ask("e30=")}),
        Response(200, body={"responses": "none"}),
        Response(200, body={"responses": [5, {"status": "401"}, {"status": 200}]}),
        Response(503, body={"responses": [{"status": 401}]}),
    ],
)
def test_no_401_is_no_challenge(response: Response) -> None:
    assert challenge(response) is None


def test_a_part_without_headers_asks_for_no_claims() -> None:
    assert challenge(Response(200, body={"responses": [{"status": 401, "headers": None}]})) == ""


ACTIONS = (
    "/sendMail",
    "/messages/AAMk=/send",
    "/messages/AAMk=/reply",
    "/messages/AAMk=/replyAll",
    "/events/x/forward",
)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("ending", ["", "()", "?x=1", "/"])
def test_what_sends_a_message(action: str, ending: str) -> None:
    where, _, verb = action.rpartition("/")
    assert sends_mail("POST", f"/users/ada@example.com{action}{ending}")
    assert sends_mail("POST", f"/users/ada@example.com{where}/microsoft.graph.{verb.upper()}{ending}")
    assert not sends_mail("GET", f"/users/ada@example.com{action}{ending}")


@pytest.mark.parametrize(
    "path",
    [
        "/users/ada/messages",
        "/users/ada/messages/AAMk=/createReply",
        "/users/ada/messages/AAMk=/createForward",
        "/users/ada/mailFolders/forward/messages",
        "/users/ada/mailFolders?name=/send",
        "/users/ada/messages/AAMk=/othersend",
        "/users/ada/messages/AAMk=/other.send",
    ],
)
def test_what_sends_none(path: str) -> None:
    assert not sends_mail("POST", path)


def test_a_mailbox_of_the_import_and_export_api() -> None:
    assert exchange("MBX:a/b") == "/admin/exchange/mailboxes/MBX%3Aa%2Fb"
    with pytest.raises(ValueError, match="not a name"):
        exchange("..")
