"""Rows from before it was stored whose rights are used."""

import runpy

from ..common import ROOT
from ..sequence_case import SequenceCase

SCRIPT = ROOT / "migrations" / "19.0.1.1.0" / "post-rights.py"


class TestRightsMigration(SequenceCase):
    def test_old_rows_are_filled_and_a_second_run_changes_nothing(self):
        migrate = runpy.run_path(str(SCRIPT))["migrate"]
        campaign = self._campaign(self._leads(1), scheduled_at="2099-01-01 10:00:00")
        campaign._start_launch()
        sequence = self._sequence()
        sequence.with_user(self.manager).name = "Changed last by the manager"
        line = campaign.variable_ids[0]
        self._write_stale_path(line, "user_id . name")
        self.cr.execute("UPDATE waba_campaign SET launched_mark = NULL")
        self.cr.execute("UPDATE waba_sequence SET reader_id = NULL")
        self.env.invalidate_all()
        for _run in range(2):
            migrate(self.cr, "19.0.1.0.0")
            self.env.invalidate_all()
            self.assertEqual((line.source, line.field_path), ("salesperson", False))
            self.assertEqual(sequence.reader_id, self.manager)
            self.assertEqual(campaign.launched_mark, campaign._content_fingerprint())
            self.assertEqual(campaign.state, "scheduled")
