"""Pytest plugin that records which lines of the addon a run executes: ``--lines FILE``.

FILE is a data file of coverage.py, whose own tracer makes every line of Odoo half as slow again
(only for Python 3.12 and later is there one that does not). Here a probe before each of our
statements records its line; other code is not changed. coverage.py decides which lines are
executable (dev/coverage_floors.py).
"""

import ast
import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

PACKAGE = "odoo.addons.waba_campaign."
ROOMS = ("cloud_api", "policy", "models", "controllers", "wizard", "report")
# The name of a module's notes, {line number: True}, among its globals.
NOTES = "__lines__"


def pytest_addoption(parser):
    parser.addoption("--lines", help="data file for the lines of the addon that are executed")


def pytest_configure(config):
    if config.getoption("--lines"):
        finder = Finder()
        sys.meta_path.insert(0, finder)
        config.pluginmanager.register(Keeper(config.getoption("--lines"), finder), "waba_lines")


class Keeper:
    def __init__(self, target, finder):
        self.target, self.finder = target, finder

    def pytest_unconfigure(self):
        from coverage import CoverageData

        data = CoverageData(basename=self.target)
        data.add_lines(
            {as_relative(path): list(notes) for path, notes in self.finder.notes.items()}
        )
        # What was never imported has lines too.
        data.touch_files([as_relative(path) for room in ROOMS for path in Path(room).rglob("*.py")])
        data.write()


def as_relative(path):
    """The path of a file as seen from the checkout; Odoo reaches it through a link."""
    return os.path.relpath(os.path.realpath(path))


class Finder:
    """Finds the modules of the packages as Python does, and has them loaded with probes.

    :ivar notes: {path of a module: {line number: True}}
    """

    def __init__(self):
        self.notes = {}

    def find_spec(self, name, path=None, target=None):
        if not name.startswith(PACKAGE) or name[len(PACKAGE) :].split(".")[0] not in ROOMS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path, self.notes)
        return spec


class Loader(SourceFileLoader):
    def __init__(self, name, path, notes):
        super().__init__(name, path)
        self.notes = notes.setdefault(path, {})

    # Not the bytecode that Python keeps of a module.
    def get_code(self, fullname):
        return self.source_to_code(self.get_data(self.path), self.path)

    def source_to_code(self, data, path, **options):
        return super().source_to_code(with_notes(ast.parse(data, path)), path, **options)

    def exec_module(self, module):
        setattr(module, NOTES, self.notes)
        super().exec_module(module)


def with_notes(tree):
    """Return the tree of a module, each statement preceded by a note of its line."""
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if isinstance(statements, list) and statements:
                setattr(node, block, noted(node, statements))
    return tree


def noted(parent, statements):
    result = []
    # The line of an `except` or a `case` is no statement: it is noted with the first one below it.
    if isinstance(parent, ast.ExceptHandler):
        result.append(note(parent.lineno, statements[0]))
    elif isinstance(parent, ast.match_case):
        result.append(note(parent.pattern.lineno, statements[0]))
    for statement in statements:
        # These must stay the first of their block.
        if not is_docstring(statement) and not is_future(statement):
            for line in lines_of(statement):
                result.append(note(line, statement))
        result.append(statement)
    return result


def lines_of(statement):
    decorators = getattr(statement, "decorator_list", ())
    return [*(decorator.lineno for decorator in decorators), statement.lineno]


def is_docstring(statement):
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def is_future(statement):
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def note(line, statement):
    """Return the tree of `__lines__[line] = True`, placed where the statement is."""
    place = {"lineno": statement.lineno, "col_offset": statement.col_offset,
             "end_lineno": statement.lineno, "end_col_offset": statement.col_offset}  # fmt: skip
    notes = ast.Name(NOTES, ast.Load(), **place)
    key = ast.Constant(line, **place)
    entry = ast.Subscript(notes, key, ast.Store(), **place)
    return ast.Assign([entry], ast.Constant(True, **place), **place)
