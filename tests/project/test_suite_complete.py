import re

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
