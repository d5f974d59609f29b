"""Counts the steps of a backtracking match, as the engine of `re` takes them: work, and not time."""

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

of, _parser = (import_module(f"re.{name}") for name in ("_constants", "_parser"))  # the tree that `re` itself compiles

Then: TypeAlias = Callable[[int], bool]

_CATEGORIES: Mapping[Any, Callable[[str], bool]] = {
    of.CATEGORY_DIGIT: str.isdigit, of.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    of.CATEGORY_SPACE: str.isspace, of.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    of.CATEGORY_WORD: lambda c: c.isalnum() or c == "_", of.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}  # fmt: skip


def steps(pattern: re.Pattern[str], text: str, *, anchored: bool) -> int:
    """Steps of `match` (anchored) or of a `search` that goes through `text`."""
    counter = _Counter(text, pattern.flags)
    tree = list(_parser.parse(pattern.pattern, pattern.flags))
    for start in range(1 if anchored else len(text) + 1):
        if counter.run(tree, start, lambda _end: True):
            break
    return counter.taken


class _Counter:
    def __init__(self, text: str, flags: int) -> None:
        self.text = text
        self.folds = bool(flags & re.IGNORECASE)
        self.taken = 0

    def run(self, tree: Sequence[tuple[Any, Any]], at: int, then: Then) -> bool:  # noqa: PLR0911 - a case a line
        if not tree:
            return then(at)
        self.taken += 1
        (op, given), rest = tree[0], tree[1:]

        def go_on(end: int) -> bool:
            return self.run(rest, end, then)

        if op in (of.LITERAL, of.NOT_LITERAL, of.ANY, of.IN):
            return at < len(self.text) and self._fits(op, given, self.text[at]) and go_on(at + 1)
        if op is of.BRANCH:
            return any(self.run([*one, *rest], at, then) for one in given[1])
        if op is of.SUBPATTERN:
            return self.run([*given[3], *rest], at, then)
        if op in (of.MAX_REPEAT, of.MIN_REPEAT):
            return self._repeated(given, at, go_on, greedy=op is of.MAX_REPEAT)
        if op in (of.POSSESSIVE_REPEAT, of.ATOMIC_GROUP):
            end = self._whole([(of.MAX_REPEAT, given)] if op is of.POSSESSIVE_REPEAT else list(given), at)
            return end is not None and go_on(end)
        if op in (of.ASSERT, of.ASSERT_NOT):
            start = at - 1 if given[0] < 0 else at  # those that look behind look at one character
            found = start >= 0 and self._whole(list(given[1]), start) is not None
            return found is (op is of.ASSERT) and go_on(at)
        assert op is of.AT, op
        return go_on(at)  # a place, which costs a step and is taken to hold

    def _whole(self, tree: Sequence[tuple[Any, Any]], at: int) -> int | None:
        ends: list[int] = []
        self.run(tree, at, lambda end: not ends.append(end))  # type: ignore[func-returns-value]
        return ends[0] if ends else None

    def _repeated(self, given: Any, at: int, then: Then, *, greedy: bool) -> bool:
        least, most, body = given

        def again(times: int, here: int) -> bool:
            def once_more() -> bool:
                more = most is of.MAXREPEAT or times < most
                return more and self.run(list(body), here, lambda end: end > here and again(times + 1, end))

            if times < least:
                return once_more()
            return (once_more() or then(here)) if greedy else (then(here) or once_more())

        return again(0, at)

    def _fits(self, op: Any, given: Any, char: str) -> bool:
        if self.folds:
            char = char.lower()
        if op is of.ANY:
            return char != "\n"
        if op is not of.IN:
            return (ord(char) == given) is (op is of.LITERAL)
        negated = given[0][0] is of.NEGATE
        return negated is not any(_is_in(kind, what, char) for kind, what in given[negated:])


def _is_in(kind: Any, what: Any, char: str) -> bool:
    if kind is of.LITERAL:
        return bool(ord(char) == what)
    if kind is of.RANGE:
        return bool(what[0] <= ord(char) <= what[1])
    return bool(_CATEGORIES[what](char))
