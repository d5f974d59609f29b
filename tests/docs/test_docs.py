"""The documentation is complete, current, and shows no command that does not exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bulkmail import docs
from bulkmail.cli import COMMANDS, app, load
from bulkmail.docs import reference
from bulkmail.errors import EXIT_CODES, BulkmailError, UsageError
from bulkmail.tasks import SUMMARIES, built_in, every, summaries

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = reference.documents()
NAMES = [path.name for path in DOCUMENTS]


def test_every_topic_has_a_file_and_every_file_is_a_topic() -> None:
    assert {path.stem for path in reference.FOLDER.glob("*.md")} == set(docs.topics())
    for topic, about in docs.topics().items():
        assert docs.read(topic).startswith("# ")
        assert about, f"{topic}.md begins `# {topic}: what it is about`"


def test_every_task_is_described_on_the_page_of_its_family() -> None:
    families = {name.partition(".")[0] for name in built_in()}
    assert families == set(docs.families())
    for family in families:
        assert f"<!-- generated: task-options {family} -->" in docs.read(family)


def test_an_unknown_topic_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean setup"):
        docs.read("setpu")


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_generated_parts_are_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert reference.renewed(text) == text, "run: python -m bulkmail.docs"


def test_every_part_is_shown_somewhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert set(re.findall(r"<!-- generated: ([a-z-]+)", text)) == set(reference.PARTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_links_lead_to_files_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert link.startswith("https://") or (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_readme_is_short_and_names_every_guide() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    for topic in docs.GUIDES:
        assert f"(bulkmail/docs/{topic}.md)" in text


def shown(path: Path) -> Iterator[list[str]]:
    """The words of each `bulkmail` command in a code block."""
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True) if line.startswith("bulkmail ") and ":" not in line[:10] else []
            if words:
                yield words


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_commands_and_their_flags_exist(path: Path) -> None:
    for _, *words in shown(path):
        if not words or words[0].startswith("-"):
            continue
        assert words[0] in COMMANDS, f"{path.name}: bulkmail {words[0]}"
        command: Any = load(words.pop(0))
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"{path.name}: {command.name} {words[0]}"
            command = command.commands[words.pop(0)]
        known = {"--help", *(name for one in command.params for name in (*one.opts, *one.secondary_opts))}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known, f"{path.name}: {command.name} has no {used - known}"


def test_every_error_has_a_documented_exit_code() -> None:
    def all_of(kind: type[BulkmailError]) -> Iterator[type[BulkmailError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from all_of(below)

    assert {kind.exit_code for kind in all_of(BulkmailError)} <= set(EXIT_CODES)


def test_help_lists_the_topics_and_prints_one() -> None:
    listed = CliRunner().invoke(app, ["help"])
    assert listed.exit_code == 0
    assert all(topic in listed.output for topic in docs.topics())
    one = CliRunner().invoke(app, ["help", "setup"])
    assert one.output == docs.read("setup")
    wrong = CliRunner().invoke(app, ["help", "stup"])
    assert wrong.exit_code == UsageError.exit_code


def test_the_list_of_tasks_is_what_they_say_themselves() -> None:
    assert SUMMARIES.read_text(encoding="utf-8") == reference.summaries(), "run: python -m bulkmail.docs"
    assert list(summaries().items()) == [(one.name, one.summary) for one in every().values()]
