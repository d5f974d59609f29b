"""The documentation that comes with the program, a Markdown file for each topic. Only reads.

GUIDES are listed here. Any other page is that of a task family, is found by looking, and begins with the heading
`# FAMILY: what it is about`.
"""

from collections.abc import Mapping
from importlib.resources import files

from bulkmail.errors import UsageError
from bulkmail.text import nearest

GUIDES = {
    "setup": "certificate, app registration, permissions, first job",
    "jobs": "every key of a job file, and where else it can come from",
    "input": "what a list of mailboxes may look like",
    "output": "the files of a run directory, and the exit codes",
    "reports": "the page of a run, and in what two runs differ",
    "tasks": "all tasks with their permissions, and where each is described",
    "limits": "how fast a run goes, and why a mailbox waits",
    "reliability": "stop, resume, plan, apply, undo, and what is promised",
    "scheduling": "every night, without a terminal",
    "cluster": "many processes, on this machine or on many",
    "operations": "a time box that covers all, freshness, metrics, two runs at once, masked addresses",
    "rehearsals": "try it on a simulated tenant, outages included",
    "plugins": "a task of your own, and its tests",
    "measured": "figures, and how to get yours",
    "architecture": "how the code is laid out, and why",
    "contributing": "what a patch needs",
}


def topics() -> Mapping[str, str]:
    """Every topic with what it is about: the guides, then a page for each task family."""
    return {**GUIDES, **families()}


def families() -> Mapping[str, str]:
    """The pages of task families with what they are about, by name."""
    pages = sorted(path.name.removesuffix(".md") for path in files(__name__).iterdir() if path.name.endswith(".md"))
    return {name: _about(name) for name in pages if name not in GUIDES}


def read(topic: str) -> str:
    """The Markdown text of a topic. Raises UsageError for a topic that does not exist."""
    known = topics()
    if topic not in known:
        raise UsageError(f"there is no topic {topic!r}{nearest(topic, known)}", hint="`bulkmail help` lists them.")
    return _text(topic)


def _about(family: str) -> str:
    heading = _text(family).partition("\n")[0]
    return heading.partition(": ")[2]


def _text(topic: str) -> str:
    return (files(__name__) / f"{topic}.md").read_text(encoding="utf-8")
