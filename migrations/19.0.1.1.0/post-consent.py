"""What each company may take a person's words to be, from the ledger whose companies are known now.

Opt-outs are one time on every row of the person, opt-ins a row for each company (waba.opt.in). An
opt-out that is on the person and in no entry, as those made by SQL, is dated by the row itself.
"""

# What may stand for the same person: the row itself, and those with one of its numbers.
SAME = """
SELECT r.id AS of_id, s.id AS to_id FROM waba_recipient r JOIN waba_recipient s
    ON s.id = r.id OR s.number IN (r.number, r.wa_number) OR s.wa_number IN (r.number, r.wa_number)
"""

OUT = """
UPDATE waba_recipient target SET {purpose}_out_at = GREATEST(target.{purpose}_out_at, word.at)
  FROM (SELECT same.to_id, max(c.at) AS at
          FROM waba_consent c JOIN ({same}) same ON same.of_id = c.recipient_id
         WHERE c.purpose = '{purpose}' AND c.action = 'opt_out'
           AND (c.source <> 'erased' OR same.to_id = same.of_id)
      GROUP BY 1) word
 WHERE word.to_id = target.id
"""
OUT_WITHOUT_WORD = """
UPDATE waba_recipient SET {purpose}_out_at = COALESCE(write_date, create_date, now())
 WHERE {purpose}_state = 'opted_out' AND {purpose}_out_at IS NULL
"""
GIVEN = """
INSERT INTO waba_opt_in (recipient_id, company_id, purpose, at)
SELECT same.to_id, c.company_id, c.purpose, max(c.at)
  FROM waba_consent c JOIN ({same}) same ON same.of_id = c.recipient_id
  JOIN waba_recipient person ON person.id = same.to_id
 WHERE c.action = 'opt_in' AND c.company_id IS NOT NULL AND c.purpose = '{purpose}'
   AND (person.{purpose}_out_at IS NULL OR person.{purpose}_out_at <= c.at)
GROUP BY 1, 2, 3
ON CONFLICT (recipient_id, company_id, purpose) DO NOTHING
"""

OLD_RULE = "[('recipient_id.portfolio_id.account_ids.company_id', 'in', company_ids)]"
NEW_RULE = "[('company_id', 'in', company_ids)]"


def migrate(cr, version):
    if not version:
        return
    for purpose in ("marketing", "utility"):
        for query in (OUT, OUT_WITHOUT_WORD, GIVEN):
            cr.execute(query.format(purpose=purpose, same=SAME))
    from odoo import SUPERUSER_ID, api

    env = api.Environment(cr, SUPERUSER_ID, {})
    people = env["waba.recipient"].search(
        ["|", ("marketing_state", "!=", "unknown"), ("utility_state", "!=", "unknown")]
    )
    for start in range(0, len(people), 10_000):
        people[start : start + 10_000]._refresh_consent_states()
    rule = env.ref("waba_campaign.waba_consent_rule_company", raise_if_not_found=False)
    # A rule that the manager has changed is the manager's.
    if rule and rule.domain_force == OLD_RULE:
        rule.domain_force = NEW_RULE
