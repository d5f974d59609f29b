"""The documentation that comes with the program, a Markdown file for each topic. Only reads."""

from importlib.resources import files

from bulkmail.errors import UsageError
from bulkmail.text import nearest

TOPICS = {
    "setup": "certificate, app registration, permissions, first job",
    "jobs": "every key of a job file, and where else it can come from",
    "input": "what a list of mailboxes may look like",
    "output": "the files of a run directory, and the exit codes",
    "tasks": "what each task does, its options, columns and permissions",
    "limits": "how fast a run goes, and why a mailbox waits",
    "reliability": "stop, resume, plan, apply, undo, and what is promised",
    "scheduling": "every night, without a terminal",
    "rehearsals": "try it on a simulated tenant, outages included",
    "plugins": "a task of your own, and its tests",
    "measured": "figures, and how to get yours",
    "architecture": "how the code is laid out, and why",
    "contributing": "what a patch needs",
}


def read(topic: str) -> str:
    """The Markdown text of a topic. Raises UsageError for a topic that does not exist."""
    if topic not in TOPICS:
        raise UsageError(f"there is no topic {topic!r}{nearest(topic, TOPICS)}", hint="`bulkmail help` lists them.")
    return (files(__name__) / f"{topic}.md").read_text(encoding="utf-8")
