"""The scripts of dev/: what a person reads when packages cannot be had, with an apt-get of our own;
whole runs of the suite, which must not pass by not having been run; the lines that they note."""

import ast
import importlib.util
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from ..common import ROOT
from ..pure import PureCase

# What apt itself says, and whether the mirror is to blame.
SAID = {
    "E: Unable to locate package odoo-19": True,
    "E: Package 'odoo-19' has no installation candidate": True,
    "E: Failed to fetch http://deb.debian.org/x.deb  Temporary failure resolving": True,
    "Err:1 http://deb.debian.org sid InRelease\n  Could not resolve 'deb.debian.org'": True,
    "E: Could not connect to 10.0.0.1:3142, connection timed out": True,
    "E: You don't have enough free space in /var/cache/apt/archives/.": False,
    "dpkg: error processing package postgresql (--configure)": False,
}
# Without a network `update` ends well; nothing else does.
APT = """#!/bin/sh
[ "$1" != update ] || exit 0
cat <<END
%s
END
exit 100
"""


class TestAptFailed(PureCase):
    def _setup(self, said, call):
        """Standard error and status of a piece of dev/lib.sh whose apt-get says this and fails."""
        with tempfile.TemporaryDirectory() as folder:
            apt = Path(folder) / "apt-get"
            apt.write_text(APT % said)
            apt.chmod(0o755)
            done = subprocess.run(
                ["bash", "-c", f'source "{ROOT}/dev/lib.sh"; WABA_DEV={folder}; {call}'],
                env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                check=False,
            )  # fmt: skip
        return done.stderr, done.returncode

    def test_the_mirror_is_named_when_it_is_to_blame(self):
        for said, is_offline in SAID.items():
            for call in (
                "install_packages odoo-19",
                "quietly apt-get download x || apt_failed odoo-19",
            ):
                with self.subTest(said=said, call=call):
                    told, status = self._setup(said, call)
                    self.assertEqual(status, 1)
                    self.assertIn("odoo-19", told)
                    self.assertEqual("the Debian mirror cannot be reached" in told, is_offline)
                    self.assertIn(said.splitlines()[0], told, "apt's own words are shown too")


class TestSuite(PureCase):
    """dev/suite.py on a folder of tests, its pytest without Odoo."""

    def _run(self, **files):
        """Exit status and output of two workers on these test files."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder, "tests", f"test_{name}.py")
                path.parent.mkdir(exist_ok=True)
                path.write_text(textwrap.dedent(text))
            # Options of pytest-odoo, which would look for a database.
            options = "def pytest_addoption(parser):\n" + "".join(
                f"    parser.addoption('--odoo-{name}', action='append')\n"
                for name in ("database", "extra")
            )
            Path(folder, "conftest.py").write_text(options)
            done = subprocess.run(
                [sys.executable, ROOT / "dev/suite.py", "one", "two", "--", "-p", "no:odoo",
                 "-p", "no:cacheprovider", "-p", "pytest_share", "--rootdir", folder, folder],
                env={**os.environ, "WABA_DEV": folder, "PYTHONPATH": str(ROOT / "dev")},
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def test_what_two_workers_did_is_added_up(self):
        file = "def test_one(): pass\ndef test_two(): pass\n"
        status, told = self._run(a=file, b=file, c=file)
        self.assertEqual(status, 0, told)
        self.assertIn(" 6 passed in ", told)

    def test_failures_of_both_are_shown(self):
        status, told = self._run(
            a="def test_one(): assert 0, 'first'",
            b="import unittest\nclass TestB(unittest.TestCase):\n"
              "    def tearDown(self): raise ValueError('second')\n    def test_two(self): pass",
            c="import pytest\ndef test_three(): pytest.skip('no wish')",
        )  # fmt: skip
        self.assertEqual(status, 1)
        for text in ("first", "second", "FAILED tests/test_a.py::test_one", "no wish"):
            self.assertIn(text, told)
        self.assertIn("2 failed, 1 skipped in ", told)

    def test_a_worker_that_dies_and_what_it_left_is_an_error(self):
        status, told = self._run(
            a="import os\ndef test_one(): os._exit(0)\ndef test_two(): pass",
            b="def test_three(): pass",
        )
        self.assertEqual(status, 1)
        self.assertRegex(told, r"ERROR worker \d ended with status 0 in tests/test_a.py")
        self.assertIn("ERROR 2 tests were not run", told)

    def test_a_file_that_cannot_be_read_and_a_missing_browser_are_errors(self):
        status, told = self._run(a="import nothing_like_it", b="def test_b(): pass")
        self.assertEqual(status, 1)
        self.assertIn("nothing_like_it", told)
        status, told = self._run(a="import pytest\ndef test_a(): pytest.skip('Chrome not found')")
        self.assertEqual(status, 1)
        self.assertIn("ERROR tests/test_a.py::test_a: not run", told)

    def test_the_files_that_take_longest_are_there(self):
        share = _load("pytest_share")
        found = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
        self.assertEqual(set(share.LONGEST) - found, set())


def _load(name):
    """A module of dev/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "dev" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestLines(PureCase):
    """dev/pytest_lines.py, on code with a marked line for each that is executed."""

    CODE = '''
        """Text."""
        from __future__ import annotations
        import functools  # x

        @functools.cache  # x
        def found(value):  # x
            """Text."""
            if value == 1:  # x
                return 1
            elif value == 2:  # x
                total = (  # x
                    value
                    + 1
                )
            else:
                total = 0
            try:  # x
                for item in [total]:  # x
                    {}[item]  # x
            except KeyError:  # x
                pass  # x
            except ValueError:
                pass
            finally:
                total += 1  # x
            match total:  # x
                case 4:  # x
                    return total  # x
                case _:
                    return 0

        class Thing:  # x
            name = "a"  # x

            def unused(self):  # x
                return self.name

        answer = found(2)  # x
    '''

    def test_the_lines_that_are_executed_are_noted(self):
        lines = _load("pytest_lines")
        text = textwrap.dedent(self.CODE)
        names = {"__name__": "x", lines.NOTES: {}}
        exec(compile(lines.with_notes(ast.parse(text)), "x", "exec"), names)
        marked = [at for at, line in enumerate(text.splitlines(), 1) if line.endswith("# x")]
        self.assertEqual(sorted(names[lines.NOTES]), marked)
        self.assertEqual(names["answer"], 4)
        self.assertEqual(names["found"].__doc__, "Text.")
