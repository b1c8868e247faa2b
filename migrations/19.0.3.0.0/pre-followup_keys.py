"""Steps of follow-ups have a key, by which branches name them; one for all would name none.

The same in all versions: leads on earlier steps are moved by it, as until now by their position.
"""


def migrate(cr, version):
    cr.execute("ALTER TABLE waba_sequence_step ADD COLUMN IF NOT EXISTS key varchar")
    cr.execute(
        """UPDATE waba_sequence_step s SET key = 's' || s.sequence_id || '-' || placed.position
             FROM (SELECT id, row_number() OVER (PARTITION BY sequence_id, version
                                                     ORDER BY sequence, id) AS position
                     FROM waba_sequence_step) placed
            WHERE placed.id = s.id AND s.key IS NULL"""
    )
