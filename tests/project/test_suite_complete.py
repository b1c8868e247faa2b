import re
import sys
import unittest

from odoo.tests import loader
from odoo.tests.tag_selector import TagsSelector

from ..common import ROOT
from ..pure import PureCase


class TestSuiteComplete(PureCase):
    """Odoo's own runner runs what tests/__init__.py imports, pytest what lies in the folder."""

    def test_every_module_is_imported_once_and_in_order(self):
        folder = ROOT / "tests"
        lines = (folder / "__init__.py").read_text(encoding="utf-8").splitlines()
        named = [re.fullmatch(r"from \.(\w+) import (test_\w+)", line).groups() for line in lines]
        files = folder.rglob("test_*.py")
        self.assertEqual(named, sorted((path.parent.name, path.stem) for path in files))

    def test_no_two_modules_share_a_name(self):
        """Odoo's runner finds a module by its name in tests/__init__.py."""
        names = [path.stem for path in (ROOT / "tests").rglob("test_*.py")]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_odoos_runner_runs_as_many_tests_as_pytest(self):
        """`--test-tags /waba_campaign` takes a class's own methods and only what has tags."""
        chosen = TagsSelector("/waba_campaign")
        package = __name__.rsplit(".", 2)[0]
        modules = [
            module
            for name, module in sys.modules.items()
            if re.fullmatch(rf"{re.escape(package)}\.\w+\.test_\w+", name)
        ]
        self.assertEqual(len(modules), len([*(ROOT / "tests").rglob("test_*.py")]))
        for module in modules:
            with self.subTest(module.__name__):
                tests = filter(chosen.check, loader.get_module_test_cases(module))
                self.assertEqual({test.id() for test in tests}, _collected(module))


def _collected(module):
    """Ids of the tests of a module as unittest and pytest find them: inherited ones too."""
    names = unittest.defaultTestLoader.getTestCaseNames
    return {
        f"{case.__module__}.{case.__qualname__}.{name}"
        for case in vars(module).values()
        if isinstance(case, type)
        and issubclass(case, unittest.TestCase)
        and case.__module__ == module.__name__
        for name in names(case)
    }
