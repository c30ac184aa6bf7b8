"""The mutants of a module: copies of its syntax tree that differ from it in one place.

Each mutant is a small mistake that a person could make: a bound that is off by one, a swapped comparison, a condition
or an assignment that is gone, another constant, another member of an enumeration. Docstrings, type annotations,
messages to people and `assert_never` are left as they are, because no behaviour follows from them.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from coach.model.cue import CueName
from coach.model.events import Direction, Level, Signal
from coach.model.protocol import PhaseKind

SWAPPED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.USub: (ast.UAdd,),
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}
MEMBERS = {kind.__name__: [one.name for one in kind] for kind in (CueName, Direction, Level, PhaseKind, Signal)}
CODE = re.compile(r"[a-z][a-z0-9_]*")
FRACTION_FACTOR = 1.25
"""A fraction is made a quarter larger: one more would be no mistake that a person makes."""
Change = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """One mutant of a module. `line` is the text of its line, `change` says what is different in it."""

    number: int
    lineno: int
    line: str
    change: str
    source: str
    place: int
    apply: Change

    @property
    def key(self) -> tuple[str, str]:
        """What names this mutant after other lines have moved."""
        return self.line, self.change

    def tree(self) -> ast.Module:
        """Return the mutated module."""
        tree = ast.parse(self.source)
        self.apply(next(node for at, node in enumerate(ast.walk(tree)) if at == self.place))
        return ast.fix_missing_locations(tree)


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a module, in the order of its lines."""
    tree, lines = ast.parse(source), source.splitlines()
    left_alone = set(_left_alone(tree))
    owners = {id(part): owner for owner in ast.walk(tree) for part in ast.iter_child_nodes(owner)}
    found = []
    for place, node in enumerate(ast.walk(tree)):
        if id(node) not in left_alone:
            lineno: int = getattr(node, "lineno", None) or getattr(owners.get(id(node)), "lineno", 0)
            found += [(lineno, change, place, apply) for change, apply in _changes(node)]
    found.sort(key=lambda one: one[0])
    return [
        Mutant(number, lineno, lines[lineno - 1].strip(), change, source, place, apply)
        for number, (lineno, change, place, apply) in enumerate(found)
    ]


def _left_alone(tree: ast.Module) -> Iterator[int]:
    """Yield the identities of nodes that no behaviour follows from."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        match node:
            case ast.FunctionDef():
                every = (*node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg)
                parts = [node.returns, *(one.annotation for one in every if one is not None), *node.decorator_list]
            case ast.AnnAssign():
                parts = [node.annotation]
            case ast.ClassDef():
                parts = [*node.bases, *node.keywords, *node.decorator_list]
            case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom() | ast.JoinedStr():
                parts = [node]
            case ast.Raise() | ast.Assert():
                parts = [node]
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                parts = [node]
            case ast.Call(func=ast.Name(id="assert_never" | "TypeVar")) | ast.Subscript(value=ast.Name(id="Literal")):
                parts = [node]
            case _:
                pass
        for part in parts:
            if part is not None:
                yield from (id(one) for one in ast.walk(part))


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Yield what may be changed in one node: a name of the change, and how to do it."""
    yield from _operator_changes(node)
    yield from _value_changes(node)
    yield from _statement_changes(node)


def _operator_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare():
            for place, was in enumerate(node.ops):
                for other in SWAPPED.get(type(was), ()):
                    yield f"{type(was).__name__} → {other.__name__}", _swap_comparison(place, other)
        case ast.BoolOp():
            yield _swap_operator(node.op)
            for place, term in enumerate(node.values):
                yield f"without `{ast.unparse(term)}`", _drop("values", place)
        case ast.BinOp() | ast.AugAssign():
            if type(node.op) in SWAPPED:
                yield _swap_operator(node.op)
        case ast.UnaryOp(op=ast.USub()):
            yield _swap_operator(node.op)
        case ast.UnaryOp(op=ast.Not()):
            yield "Not → nothing", _become(lambda old: old.operand)  # type: ignore[attr-defined]
        case _:
            pass


def _value_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Constant():
            yield from _other_constant(node)
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            if name in FUNCTIONS:
                yield f"{name} → {FUNCTIONS[name]}", _rename_call(FUNCTIONS[name])
            if name == "replace":
                for place, keyword in enumerate(node.keywords):
                    yield f"replace without `{keyword.arg}`", _drop("keywords", place)
        case ast.Attribute(value=ast.Name(id=name), attr=member) if member in MEMBERS.get(name, ()):
            members = MEMBERS[name]
            yield f"{name}.{member} → next", _set_value("attr", members[(members.index(member) + 1) % len(members)])
        case _:
            pass


def _statement_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            if not isinstance(node.test, ast.Compare | ast.UnaryOp):
                yield f"not `{ast.unparse(node.test)}`", _negate_test
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            pass
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute()]):
            yield f"without `{ast.unparse(node)}`"[:90], _become(lambda _: ast.Pass())
        case ast.Return(value=ast.AST()) if not _is_none(node.value):
            yield "returns None", _set_value("value", ast.Constant(None))
        case _:
            pass


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _other_constant(node: ast.Constant) -> Iterator[tuple[str, Change]]:
    match node.value:
        case bool(was):
            yield f"{was} → {not was}", _set_value("value", not was)
        case int(was):
            yield f"{was} → {was + 1}", _set_value("value", was + 1)
        case float(was):
            # A fraction, or a number that is given to a tenth, is not off by one when somebody is mistaken.
            other = FRACTION_FACTOR * was if 0 < was < 1 else was + 1
            yield f"{was:g} → {other:g}", _set_value("value", other)
        case str(was) if CODE.fullmatch(was):
            yield f'"{was}" → "{was}_"', _set_value("value", f"{was}_")
        case _:
            pass


def _swap_comparison(place: int, other: type[ast.AST]) -> Change:
    def apply(node: ast.AST) -> None:
        node.ops[place] = other()  # type: ignore[attr-defined]

    return apply


def _swap_operator(was: ast.AST) -> tuple[str, Change]:
    other = SWAPPED[type(was)][0]
    return f"{type(was).__name__} → {other.__name__}", lambda node: setattr(node, "op", other())


def _set_value(field: str, value: object) -> Change:
    return lambda node: setattr(node, field, value)


def _drop(field: str, place: int) -> Change:
    def apply(node: ast.AST) -> None:
        values = getattr(node, field)
        del values[place]

    return apply


def _rename_call(other: str) -> Change:
    def apply(node: ast.AST) -> None:
        function = node.func  # type: ignore[attr-defined]
        setattr(function, "id" if isinstance(function, ast.Name) else "attr", other)

    return apply


def _negate_test(node: ast.AST) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]


def _become(other: Callable[[ast.AST], ast.AST]) -> Change:
    """Put another node in the place of this one, by taking over its class and fields."""

    def apply(node: ast.AST) -> None:
        new = other(node)
        where = {name: getattr(node, name) for name in ("lineno", "col_offset") if hasattr(node, name)}
        node.__class__ = new.__class__
        node.__dict__.clear()
        node.__dict__.update(new.__dict__ | where)

    return apply
