"""An expression that says which rows are meant: `Department == 'Finance' and not Exempt`. Knows cells, and no file.

It is written as in Python, and only what stands here is understood: it is parsed into a tree of which each node is
translated or refused, and never run as Python. Cells are texts, so the rules are those of people: case does not matter,
a cell beside a number is a number, and a cell by itself has to say yes or no. A library such as simpleeval has Python's
rules, by which `not Exempt` is false where the cell says `False`.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

LONGEST = 2000
"""Characters of an expression: nothing that a person writes, and little enough for any nesting in it."""

DEEPEST = 40
"""Levels of what stands in brackets, or behind a `not`."""

GREATEST = 1e15
"""Numbers are less: from there on they would be rounded."""

YES = frozenset({"true", "yes", "y", "1", "on"})
NO = frozenset({"", "false", "no", "n", "0", "off"})

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")

Value: TypeAlias = str | float | bool | tuple["Value", ...]
Look: TypeAlias = Callable[[str], str]
"""The text of a cell by the name of its column as the expression has it."""

Evaluate: TypeAlias = Callable[[Look], Value]


class Unclear(ValueError):
    """A cell does not say what the expression asks it; the text is to be read behind its column."""


class Where:
    """`Where(text)` raises ValueError, in words, for what is not understood."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._names: dict[str, None] = {}
        self._evaluate = self._condition(_parsed(text))

    def __repr__(self) -> str:
        return f"<Where {self.text}>"

    @property
    def names(self) -> Sequence[str]:
        """The columns that it asks for."""
        return tuple(self._names)

    def __call__(self, look: Look) -> bool:
        """Whether a row is meant: `look` gives its cells. Raises Unclear, and what `look` raises."""
        return _is_yes(self._evaluate(look))

    def _condition(self, node: ast.expr) -> Evaluate:
        """A node that says yes or no."""
        match node:
            case ast.BoolOp(op=op, values=values):
                parts, joined = [self._condition(one) for one in values], all if isinstance(op, ast.And) else any
                return lambda look: joined(_is_yes(part(look)) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self._condition(operand)
                return lambda look: not _is_yes(inner(look))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self._comparison([left, *comparators], ops)
            case ast.Call(func=ast.Name(id=name), args=[cell, text], keywords=[]) if name in _TESTS:
                test, whole, part = _TESTS[name], self._operand(cell), self._operand(text)
                return lambda look: test(_text(whole(look)), _text(part(look)))
            case _:
                return self._named(self._operand(node), ast.unparse(node))

    def _comparison(self, nodes: Sequence[ast.expr], ops: Sequence[ast.cmpop]) -> Evaluate:
        for op in ops:
            if type(op) not in _COMPARE:
                raise ValueError(f"{ast.unparse(nodes[0])!r} is compared in a way that is not understood; {_GRAMMAR}")
        operands, compare = [self._operand(node) for node in nodes], [_COMPARE[type(op)] for op in ops]

        def evaluate(look: Look) -> bool:
            values = [operand(look) for operand in operands]
            return all(test(*pair) for test, pair in zip(compare, pairwise(values), strict=True))

        return evaluate

    def _operand(self, node: ast.expr) -> Evaluate:
        """A node that gives a value."""
        match node:
            case ast.Constant(value=str() | bool() as value):
                return lambda _: value
            case ast.Constant(value=int() | float() as value) if abs(value) < GREATEST:
                return lambda _: value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if value < GREATEST:
                return lambda _: -value
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                values = [self._operand(item) for item in items]
                return lambda look: tuple(value(look) for value in values)
            case (
                ast.Name(id=name)
                | ast.Call(func=ast.Name(id="column"), args=[ast.Constant(value=str() as name)], keywords=[])
            ):
                self._names[name] = None
                return lambda look: look(name)
            case _:
                raise ValueError(f"{ast.unparse(node)!r} is not understood; {_GRAMMAR}")

    @staticmethod
    def _named(inner: Evaluate, name: str) -> Evaluate:
        """A value that has to be a yes or a no; where it is neither, the error names it."""

        def evaluate(look: Look) -> bool:
            try:
                return _is_yes(inner(look))
            except Unclear as error:
                raise Unclear(f"{name} {error}") from None

        return evaluate


def _parsed(text: str) -> ast.expr:
    """Raises ValueError."""
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST:,} characters")
    try:
        with warnings.catch_warnings(action="ignore"):  # Python warns of escapes in texts that it does not know
            tree = ast.parse(text.strip(), mode="eval").body
        if _depth(tree) <= DEEPEST:
            return tree
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pass
    raise ValueError(f"{text[:60]!r} is not an expression; {_GRAMMAR}")


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def cells(columns: Mapping[str, str], more: Mapping[str, str]) -> Look:
    """Looks up a column as it is spelled, or else caselessly, among `more` first; a row that is short has a blank."""

    def look(name: str) -> str:
        if (folded := name.casefold()) in more:
            return more[folded]
        if name in columns:
            return columns[name]
        return next((columns[one] for one in columns if one.casefold() == folded), "")

    return look


def _is_yes(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    said = _text(value)
    if said not in YES | NO:
        raise Unclear(f"is {str(value)[:40]!r}, which is neither yes nor no: compare it with something")
    return said in YES


def _text(value: Value) -> str:
    return str(value).strip().casefold()


def _number(value: Value) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    return float(text) if _NUMBER.fullmatch(text) else None


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return _is_yes(left) == _is_yes(right)
    if isinstance(left, int | float) or isinstance(right, int | float):
        number = _number(left)
        return number is not None and number == _number(right)
    return _text(left) == _text(right)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Value, Value], bool]:
    """By number where both are one, by text where both are none; a text is neither less nor more than a number."""

    def compare(left: Value, right: Value) -> bool:
        numbers = (_number(left), _number(right))
        if None not in numbers:
            return test(*numbers)
        if isinstance(left, int | float) or isinstance(right, int | float):
            return False
        return test(_text(left), _text(right))

    return compare


def _within(part: Value, whole: Value) -> bool:
    if isinstance(whole, tuple):
        return any(_equal(part, one) for one in whole)
    return _text(part) in _text(whole)


_COMPARE: Mapping[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: _equal,
    ast.NotEq: lambda left, right: not _equal(left, right),
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _within,
    ast.NotIn: lambda part, whole: not _within(part, whole),
}
_TESTS: Mapping[str, Callable[[str, str], bool]] = {"startswith": str.startswith, "endswith": str.endswith}
_GRAMMAR = (
    "write columns, 'texts' and numbers with ==, !=, <, <=, >, >=, in, not in, and, or, not, startswith(A, 'text') and "
    "endswith(A, 'text'); column('a name with blanks') is a column, too"
)


def unknown(where: Where, known: Iterable[str]) -> list[str]:
    """The columns that it asks for and that are not among the known ones."""
    there = {name.casefold() for name in known}
    return [name for name in where.names if name.casefold() not in there]
