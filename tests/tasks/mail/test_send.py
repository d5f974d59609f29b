"""Every letter goes out once: not twice, not never, whatever answers are lost; and in doubt it is told as unknown."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError, InputError, OutcomeUnknown
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Mailbox, Response
from bulkmail.sim import Fault
from bulkmail.tasks import check_options
from bulkmail.tasks.mail.letter import key_of, letter_for
from bulkmail.tasks.mail.send import COLUMNS, mail_send, target
from bulkmail.testing import Scripted, Stepper, collect, run
from tests.tasks.rig import ADA, BASE, Bench, Settling, on_bench

OPTIONS: Mapping[str, Any] = {"campaign": "notice", "subject": "Hello {Name}", "body": "Dear {Name},\nread this."}
ROW = {"Name": "Ada <L>", "Boss": "boss@contoso.example; hr@contoso.example"}


def on(folder: Path, act: Callable[[Bench], Any], options: Mapping[str, Any] = OPTIONS, **how: Any) -> dict[str, Any]:
    return on_bench("mail.send", folder, act, options, **how)


def sent(bench: Bench, number: int = 0) -> list[dict[str, Any]]:
    return bench.desk.sim.contents("sent", bench.mailbox(number).address)


def drafts(bench: Bench, number: int = 0) -> list[dict[str, Any]]:
    rows = bench.desk.sim.contents("messages", bench.mailbox(number).address)
    return [row for row in rows if row["key"] and row["isDraft"]]


def test_a_draft_and_then_its_id(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox(columns=ROW)
        planned = await bench.plan(ada)
        assert [one.path.split("/", 3)[3] for one in bench.planned] == ["messages", "messages/to-be-made/send"]
        assert not sent(bench)
        assert not drafts(bench)
        (told,) = await bench.run(ada)
        key = key_of("notice", ada.address, (ada.address,))
        assert told == {
            "sender": ada.address, "to": [ada.address], "subject": "Hello Ada <L>", "action": "send", "key": key,
            "state": "done",
        }  # fmt: skip
        assert ["mailbox", *told] == list(COLUMNS)
        assert planned == [{**told, "state": "planned"}]
        summary = {"to": [ada.address], "subject": "Hello Ada <L>"}
        assert [one.change for one in bench.made] == [
            Change(f"draft:{key}", None, summary), Change(f"message:{key}", None, summary, further=True)
        ]  # fmt: skip
        (letter,) = sent(bench)
        assert letter["key"] == key
        assert letter["body"] == {"contentType": "text", "content": "Dear Ada <L>,\nread this."}
        assert [one["emailAddress"]["address"] for one in letter["toRecipients"]] == [ada.address]
        assert not drafts(bench)

        assert await bench.run(ada) == [{**told, "action": "already", "state": None}]
        assert bench.writes == []
        assert await bench.plan(ada) == [{**told, "action": "already", "state": None}]
        assert len(sent(bench)) == 1

    assert on(tmp_path, act)["effects"]["repeated"] == {}


@pytest.mark.parametrize("mode", ["draft", "direct"])
def test_html_from_a_file_by_one_sender_to_those_of_the_row(mode: str, tmp_path: Path) -> None:
    (tmp_path / "letter.html").write_text("<style>p{color:red}</style><p>Dear {Name}</p>", encoding="utf-8")
    options = {"campaign": "c", "subject": "S\n{Name}", "body_file": "letter.html", "content": "html", "to": "{Boss}"}

    async def act(bench: Bench) -> None:
        office = bench.mailbox(1)
        changed: dict[str, Any] = {"sender": office.address, "mode": mode}
        (told,) = await bench.run(bench.mailbox(0, ROW), **changed)
        assert told["sender"] == office.address
        assert told["to"] == ["boss@contoso.example", "hr@contoso.example"]
        assert all(one.mailbox == office.address for one in bench.requests)
        (letter,) = sent(bench, 1)
        assert letter["body"]["content"] == "<style>p{color:red}</style><p>Dear Ada &lt;L&gt;</p>"
        assert letter["subject"] == "S Ada <L>"
        assert letter["key"] == told["key"]
        assert len(bench.writes) == (2 if mode == "draft" else 1)
        assert not sent(bench, 0)

    on(tmp_path, act, options)


def test_a_letter_that_was_sent_directly_is_found_by_a_draft(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox(columns=ROW)
        (told,) = await bench.run(ada, mode="direct")
        assert (await bench.run(ada))[0] == {**told, "action": "already", "state": None}
        assert len(sent(bench)) == 1

    on(tmp_path, act)


def test_suppressed_and_redirected(tmp_path: Path) -> None:
    (tmp_path / "never.txt").write_text("BOSS@contoso.example\n", encoding="utf-8")

    async def act(bench: Bench) -> None:
        ada = bench.mailbox(columns=ROW)
        (told,) = await bench.run(ada, to="{Boss}", redirect_to="me@contoso.example")
        assert told["to"] == ["me@contoso.example"]
        test_key = told["key"]
        (told,) = await bench.run(ada, to="{Boss}")
        assert told["to"] == ["hr@contoso.example"]
        assert told["key"] != test_key
        assert len(sent(bench)) == 2
        for redirect in (None, "me@contoso.example"):
            (told,) = await bench.run(ada, to="boss@contoso.example", redirect_to=redirect)
            assert (told["action"], told["to"], told["state"]) == ("suppressed", [], None)
            assert bench.requests == []

    on(tmp_path, act, {**OPTIONS, "suppress": "never.txt"})


FAULTS = [
    Fault("lost", match="^POST .*/messages", times=2),
    Fault("gateway", match="^POST .*/messages", times=2),
    Fault("status", match="^POST .*/messages", status=503, times=2),
    Fault("late", match="^POST .*/messages$", seconds=0.05, times=1),
    Fault("late", match="^POST .*/send$", seconds=0.05, times=1),
    Fault("lost", match="^POST .*/messages$", times=1),
    Fault("lost", match="^POST .*/send$", times=1),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.match}-{fault.times}")
def test_whatever_is_lost_it_goes_out_once(fault: Fault, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(4):
            ada = bench.mailbox(number, ROW)
            (told,) = await bench.run_through(Settling(bench.writing, 0.15), ada)
            assert told["action"] == "send"
            assert len(sent(bench, number)) == 1
            assert not drafts(bench, number)
            assert (await bench.run(ada))[0]["action"] == "already"

    books = on(tmp_path, act, faults=(fault,))
    assert sum(books["faults"].values()) >= 4
    assert books["effects"]["repeated"] == {}


def test_a_direct_letter_in_doubt_is_unknown_and_not_repeated(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(4):
            with pytest.raises(OutcomeUnknown):
                await bench.run(bench.mailbox(number, ROW), mode="direct")
            assert len(bench.requests) == 1
            assert bench.requests[0].effect is Effect.NONE
            assert len(sent(bench, number)) == 1

    on(tmp_path, act, faults=(Fault("lost", match="sendMail"),))


def test_a_copy_is_not_kept_where_none_is_wanted(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        (told,) = await bench.run(bench.mailbox(columns=ROW))
        assert told["action"] == "send"
        assert bench.requests[0].body["saveToSentItems"] is False
        assert sent(bench) == []

    on(tmp_path, act, {**OPTIONS, "mode": "direct", "save_to_sent": False})


def test_a_draft_that_was_left_gets_the_letter_as_it_is_now(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox(columns=ROW)
        with pytest.raises(GraphError):
            await bench.run(ada)
        assert len(drafts(bench)) == 1
        (told,) = await bench.run(ada, subject="Corrected", body="It is <b>Monday</b>.", content="html")
        assert told["action"] == "send"
        assert [one.split("/")[-1] for one in bench.writes] != ["messages", "send"]
        assert [one.partition(" ")[0] for one in bench.writes] == ["PATCH", "POST"]
        assert [one.change.further for one in bench.made] == [False, True], "one letter is one change"
        (letter,) = sent(bench)
        assert letter["subject"] == "Corrected"
        assert letter["body"] == {"contentType": "html", "content": "It is <b>Monday</b>."}

    on(tmp_path, act, faults=(Fault("status", match="/send$", status=403, total=1),))


def test_a_letter_that_a_process_before_had_begun_is_counted_already(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox(columns=ROW)
        with pytest.raises(GraphError):
            await bench.run(ada)
        drafted = list(bench.made)
        assert [one.change.key for one in drafted] == [f"draft:{drafts(bench)[0]['key']}"]
        (told,) = await bench.run(ada, earlier=drafted)
        assert told["action"] == "send"
        assert [one.change.further for one in bench.made] == [True]

    on(tmp_path, act, faults=(Fault("status", match="/send$", status=403, total=1),))


def test_a_draft_that_another_run_has_left_is_counted_as_it_is_sent(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        ada = bench.mailbox(columns=ROW)
        with pytest.raises(GraphError):
            await bench.run(ada)
        await bench.run(ada)
        assert [one.change.further for one in bench.made] == [False]
        assert len(sent(bench)) == 1

    on(tmp_path, act, faults=(Fault("status", match="/send$", status=403, total=1),))


@pytest.mark.parametrize(
    ("options", "columns", "said"),
    [
        ({}, {}, "row 2 has no column 'Name'; it has mailbox"),
        ({"to": "{Boss}"}, {"Name": "A", "Boss": " "}, "row 2: to: ' ' is not an address"),
        ({"to": "{Boss}"}, {"Name": "A", "Boss": "a@b.c; nobody"}, "row 2: to: 'nobody' is not an address"),
        ({"sender": "{Boss}"}, {"Name": "A", "Boss": "nobody"}, "row 2: sender: 'nobody' is not an address"),
        ({"redirect_to": "{Boss}"}, {"Name": "A"}, "row 2 has no column 'Boss'"),
    ],
)
def test_a_row_that_cannot_be_meant_fails_before_anything_is_sent(
    options: dict[str, Any], columns: dict[str, str], said: str
) -> None:
    service = Scripted(lambda _: Response(500))
    checked = check_options(mail_send, {**OPTIONS, **options})
    with pytest.raises(InputError) as caught:
        run(collect(mail_send.run(ADA._replace(columns=columns), Graph.of(ADA, service, BASE), checked)))
    assert said in str(caught.value)
    assert service.requests == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"campaign": ""}, "task.campaign: should be a text of at least 1 character"),
        ({"body": None}, "give either body or body_file"),
        ({"body_file": "letter.txt"}, "give either body or body_file"),
        ({"to": "somebody"}, "task.to: 'somebody' is not an address"),
        ({"to": ""}, "task.to: '' is not an address"),
        ({"sender": "a@b.c;d@e.f"}, "sender should be one address"),
        ({"redirect_to": "a@b.c;d@e.f"}, "redirect_to should be one address"),
        ({"save_to_sent": False}, 'save_to_sent = false goes with mode = "direct"'),
        ({"mode": "drafts"}, "task.mode: should be one of 'draft' or 'direct'"),
        ({"supress": "x"}, "task.supress is not an option of mail.send; did you mean suppress?"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_options(mail_send, {**OPTIONS, **options}, tmp_path)
    assert said in str(caught.value)


def test_where_the_requests_go() -> None:
    mailbox = Mailbox("ada@example.com", 2, "6a1f0f5e-0000-4000-8000-000000000001", {"Office": "o@example.com"})
    targets: Iterator[tuple[str, str]] = iter([
        ("{mailbox}", ""), ("ADA@example.com", ""), ("{Office}", "o@example.com"), ("x@example.com", "x@example.com"),
    ])  # fmt: skip
    for sender, there in targets:
        assert target(mailbox, check_options(mail_send, {**OPTIONS, "sender": sender})) == there  # type: ignore[arg-type]


def test_keys() -> None:
    key = key_of("c", "a@x", ("b@x", "c@x"))
    assert key == key_of("c", "A@x", ("C@X", "b@x"))
    assert len({key, key_of("d", "a@x", ("b@x", "c@x")), key_of("c", "b@x", ("b@x", "c@x")),
                key_of("c", "a@x", ("b@x",)), key_of("c", "a@x", ("b@x", "c@x"), ("t@x",))}) == 5  # fmt: skip


def test_driven_by_hand() -> None:
    options = check_options(mail_send, {**OPTIONS, "body": "x", "subject": "s", "mode": "direct"})
    stepper = Stepper(lambda transport: mail_send.run(ADA, Graph.of(ADA, transport, BASE), options))
    request = stepper.step()
    assert request is not None
    assert (request.method, request.path) == ("POST", "/users/ada@example.com/sendMail")
    with pytest.raises(OutcomeUnknown):
        stepper.step(OutcomeUnknown("lost"))
    assert stepper.rows == []


def test_recipients_as_a_mail_program_writes_them() -> None:
    options: Any = check_options(mail_send, {**OPTIONS, "to": "{Mail}"})
    for cell, addresses in (
        ("Ahorn, Anna <anna@a.example>", ("anna@a.example",)),
        ("Ben <ben@a.example>; Cora <cora@a.example>;", ("ben@a.example", "cora@a.example")),
        ("ben@a.example <ben@a.example>", ("ben@a.example",)),
    ):
        assert letter_for(ADA._replace(columns={"Name": "A", "Mail": cell}), options).to == addresses


def test_a_sender_by_its_id_in_any_form() -> None:
    options: Any = check_options(mail_send, {**OPTIONS, "sender": "{Id}"})
    ada = ADA._replace(columns={"Name": "A", "Id": "{5BAB455C-54EA-43A5-855C-00009E3779B9}"})
    assert letter_for(ada, options).sender == "5BAB455C-54EA-43A5-855C-00009E3779B9"


def test_direct_mode_needs_less() -> None:
    options = {"campaign": "c", "subject": "s", "body": "b"}
    assert mail_send.permission == "Mail.ReadWrite and Mail.Send"
    assert mail_send.needs(check_options(mail_send, {**options, "mode": "direct"})).text == "Mail.Send"
