"""What a person reads when packages cannot be had (dev/lib.sh), with an apt-get of our own."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from .common import ROOT

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


class TestAptFailed(unittest.TestCase):
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
