"""Steps of follow-ups have a key, by which branches name them; one for all would name none."""


def migrate(cr, version):
    cr.execute("ALTER TABLE waba_sequence_step ADD COLUMN IF NOT EXISTS key varchar")
    # A copy of a step in a new version has its own: those under way go on in order.
    cr.execute("UPDATE waba_sequence_step SET key = 's' || id WHERE key IS NULL")
