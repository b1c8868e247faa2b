import re
import unittest

from .common import ROOT


class TestSuiteComplete(unittest.TestCase):
    """Odoo's own runner runs what tests/__init__.py imports, pytest what lies in the folder."""

    def test_every_module_is_imported_once_and_in_order(self):
        folder = ROOT / "tests"
        lines = (folder / "__init__.py").read_text(encoding="utf-8").splitlines()
        named = [re.fullmatch(r"from \. import (test_\w+)", line)[1] for line in lines]
        self.assertEqual(named, sorted(path.stem for path in folder.glob("test_*.py")))
