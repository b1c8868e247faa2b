"""Sending comes first where one worker runs all jobs: before webhooks (4) and follow-ups (6)."""


def migrate(cr, version):
    cr.execute(
        """UPDATE ir_cron SET priority = 3
            WHERE priority = 6 AND id IN (SELECT cron_id FROM waba_sender)"""
    )
