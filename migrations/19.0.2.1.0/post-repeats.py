"""Templates sent before this version count for the repeat guard too."""

# Twice the longest period that the rule can have: messages may have waited.
DAYS = 60


def migrate(cr, version):
    cr.execute(
        """UPDATE waba_message
              SET template_left_at = COALESCE(promoted_at, slot_at, accepted_at, sent_at,
                                              delivered_at, read_at, reserved_until)
            WHERE template_left_at IS NULL AND direction = 'out' AND kind = 'template'
              AND origin IS DISTINCT FROM 'test'
              AND state IN ('reserved', 'uncertain', 'accepted', 'held', 'sent', 'delivered',
                            'read')
              AND create_date > now() AT TIME ZONE 'UTC' - make_interval(days => %s)""",
        [DAYS],
    )
