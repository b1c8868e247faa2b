"""Texts about a number's health are made for each reader, from figures of the next score."""


def migrate(cr, version):
    cr.execute(
        """ALTER TABLE waba_sender
            DROP COLUMN IF EXISTS reputation_base_text,
            DROP COLUMN IF EXISTS reputation_reason,
            DROP COLUMN IF EXISTS reputation_projection,
            DROP COLUMN IF EXISTS response_reason"""
    )
