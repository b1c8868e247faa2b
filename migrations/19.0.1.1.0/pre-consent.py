"""Which company each word of the ledger was said to.

Before the ledger's trigger guards the new column, and before anything reads it. Told by, in this
order: the message it was said in; the only company with an account in the person's portfolio; the
only company of the colleague who noted it, if that is one of these. What remains has no company: as
an opt-out it holds for all as ever, as an opt-in it holds for none, for nobody knows whose it is.
"""

KNOWN = """
UPDATE waba_consent c SET company_id = told.company_id
  FROM (
       SELECT word.id, COALESCE(
              (SELECT m.company_id FROM waba_message m WHERE m.id = word.message_id),
              (SELECT min(a.company_id) FROM waba_account a
                WHERE a.portfolio_id = r.portfolio_id
               HAVING min(a.company_id) = max(a.company_id)),
              (SELECT min(rel.cid) FROM res_company_users_rel rel
                WHERE rel.user_id = word.user_id AND word.user_id <> 1
               HAVING count(*) = 1
                  AND min(rel.cid) IN (SELECT a.company_id FROM waba_account a
                                        WHERE a.portfolio_id = r.portfolio_id))
              ) AS company_id
         FROM waba_consent word JOIN waba_recipient r ON r.id = word.recipient_id
        WHERE word.company_id IS NULL
       ) told
 WHERE told.id = c.id AND told.company_id IS NOT NULL
"""


def migrate(cr, version):
    if not version:
        return
    cr.execute("ALTER TABLE waba_consent ADD COLUMN IF NOT EXISTS company_id integer")
    # The trigger of a version that knows the column already refuses to change it.
    cr.execute("DROP TRIGGER IF EXISTS waba_consent_never_changed ON waba_consent")
    cr.execute(KNOWN)
