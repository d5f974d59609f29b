"""HTML is read as a person reads it, at the cost of one pass, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.tasks.kit.html import _plain, plain, reads


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("  plain\nas it is  ", "plain\nas it is"),
        ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
        ("<html>\n<body>\nAway\nuntil Monday\n</body>\n</html>\n", "Away until Monday"),
        ("<p>One</p><p>two<br/>three</p>", "One\ntwo\nthree"),
        ("<DIV>a</DIV><div class='x'>b</div>", "a\nb"),
        ("&lt;b&gt; &amp;nbsp; &nbsp;x&#33;", "<b> &nbsp; x!"),
        ("<style>p { color: red }</style><script>alert('<p>')</script><title>t</title>shown", "shown"),
        ("<head><meta x></head><body>shown", "shown"),
        ("<head><body>shown", "shown"),
        ("a<!-- hidden <p> -->b<!-- never closed", "ab"),
        ('<a href="x" title="a > b">link</a>', "link"),
        ("<p>don't</p><p>it's</p>", "don't\nit's"),
        ("<![foo[x]]>text<![endif]>", "text"),
        ("<!DOCTYPE html><?xml version='1'?>text", "text"),
        ("text<a href='never closed", "text"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<o:p>word</o:p> <styled>x</styled>", "word x"),
    ],
)
def test_html_as_text(html: str, text: str) -> None:
    assert plain(html) == text


@given(html=st.text(alphabet="<>!-/=\"' ab&;#[]?\n", max_size=60))
def test_whatever_the_html_is(html: str) -> None:
    assert plain(html) == plain(html).strip()


PIECES = st.sampled_from([
    "<p>", "</P>", "<br/>", "<a href='x>y'>", "<style>p {}</style>", "<script", "<!-- <p> -->", "<a <p>", "&amp;",
    "&lt;p&gt;", "Away", " ", "\n", "<", ">", "<title>", "</title>", '<p title="', '"', "<o:p>",
])  # fmt: skip


@given(st.lists(PIECES).map("".join) | st.text(alphabet="<>!-/=\"' apbr&;#[]?\n", max_size=60))
def test_a_text_that_comes_again_is_read_as_the_first_time(html: str) -> None:
    for each in (html, html, html * 300):
        assert plain(each) == (_plain(each) if "<" in each or "&" in each else each.strip())


@pytest.mark.timeout(120)  # two passes for each piece would take hours
@pytest.mark.parametrize("piece", ["<a", "<!--", '<a b="', "<style>", "<a =", "= ", "<a ='", "&", "<script></scrip"])
def test_hostile_html_costs_one_pass(piece: str) -> None:
    assert plain(f"<p>Away</p>{piece * 200_000}").startswith("Away")


def test_what_a_reply_says() -> None:
    assert reads("<p>a  b</p>\n") == ("a b", ())
    assert reads("<a class=x href='u&amp;v'>t</a> <A HREF=w>") == ("t", ("u&v", "w"))
    assert reads(None) == ("", ())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", ["<a ", "<a href", "<a href=", '<a href="', "href ", "<a href='\""])
def test_hostile_links_cost_one_pass(piece: str) -> None:
    reads("<a " + piece * 100_000)
