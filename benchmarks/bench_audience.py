"""Preparing an audience: leads with duplicates, blacklisted and opted-out people, and bad numbers.

Ours: the job's method for a launched campaign. The peer: `mass_mailing_sms` preparing the same
leads (traces and queued messages, nothing sent), in the same process and database.
"""

import os
import time
from pathlib import Path
from unittest.mock import patch

from .figures import median

NAME = "audience"


def run(bench, world):
    small, large = bench.size((100_000, 1_000_000), (300, 600))
    ours, theirs = [], []
    for _round in range(bench.size(2, 1)):
        make_leads(bench, small)
        ours.append(_measure_preparation(bench, world, small))
        theirs.append(prepare_by_mass_mailing(bench, small))
    _report_ours(bench, small, ours)
    rate = small / median(theirs)
    bench.report.add(NAME, f"mass_mailing_sms, {small:,} people", rate, "people/s")
    times = median([other / our for other, (our, _grown) in zip(theirs, ours, strict=True)])
    bench.report.add(NAME, "times mass_mailing_sms", times, must=(">=", 5))
    make_leads(bench, large)
    million = [_measure_preparation(bench, world, large)]
    _report_ours(bench, large, million)
    bench.report.add(
        NAME,
        f"time per person, {large:,} against {small:,}",
        (million[0][0] / large) / (median([seconds for seconds, _grown in ours]) / small),
        must=("<=", 1.25),
    )


def _measure_preparation(bench, world, count):
    """(seconds, MB by which the process grew at its largest)."""
    before, _peak = _memory()
    _reset_peak_memory()
    seconds = prepare(bench, world, count)
    _now, peak = _memory()
    return seconds, (peak - before) / 1024


def _report_ours(bench, count, measured):
    seconds = median([seconds for seconds, _grown in measured])
    grown = max(grown for _seconds, grown in measured)
    bench.report.add(NAME, f"{count:,} people", count / seconds, "people/s")
    bench.report.add(NAME, f"memory growth for {count:,}", grown, "MB", must=("<=", 200))


def make_leads(bench, count):
    """`count` leads: of a hundred 5 repeat a number, 2 are blacklisted, 3 want no promotions, 1 has
    no number and 1 an invalid one."""
    # Nothing is sent here.
    bench.sql("DELETE FROM waba_message WHERE res_model = 'crm.lead' AND wamid IS NULL")
    bench.sql("DELETE FROM waba_recipient WHERE number LIKE '+3462%%'")
    bench.sql("TRUNCATE crm_lead CASCADE")
    bench.sql("DELETE FROM phone_blacklist")
    bench.sql(
        """INSERT INTO crm_lead (name, contact_name, partner_name, phone, phone_sanitized, type,
                                 active, company_id, country_id, create_date, write_date, priority,
                                 probability, automated_probability)
           SELECT 'Lead ' || n,
                  'Ana' || translate(n::text, '0123456789', 'abcdefghij') || ' Prueba',
                  'Muebles Prueba', number,
                  CASE WHEN number LIKE '+34%%' THEN number END,
                  'opportunity', TRUE, c.id, (SELECT id FROM res_country WHERE code = 'ES'),
                  now(), now(), '0', 10, 10
             FROM generate_series(1, %s) AS n,
                  LATERAL (SELECT CASE n %% 100 WHEN 98 THEN NULL WHEN 99 THEN '12'
                                  ELSE '+34' || (620000000 + CASE WHEN n %% 20 = 0 THEN n - 1
                                                             ELSE n END) END AS number) AS x,
                  (SELECT id FROM res_company ORDER BY id LIMIT 1) AS c""",
        count,
    )
    bench.sql(
        """INSERT INTO phone_blacklist (number, active)
           SELECT DISTINCT phone, TRUE FROM crm_lead WHERE phone LIKE '+34%%' AND id %% 50 = 0"""
    )
    bench.sql(
        """INSERT INTO waba_recipient (portfolio_id, number, marketing_state)
           SELECT DISTINCT (SELECT min(id) FROM waba_portfolio), phone, 'opted_out'
             FROM crm_lead WHERE phone LIKE '+34%%' AND id %% 33 = 1
               ON CONFLICT DO NOTHING"""
    )
    bench.vacuum()


def prepare(bench, world, count, **values):
    """Launch a campaign to every lead and run the preparing job to its end; seconds.

    :param values: further values of the campaign
    """
    with bench.env() as env:
        campaign = env["waba.campaign"].create(
            {
                "name": "Bench audience",
                "template_id": world.template_id,
                "sender_id": world.sender_ids[0],
                "company_id": world.company_id,
                "res_model": "crm.lead",
                "audience_domain": "[('type', '=', 'opportunity')]",
                **values,
            }
        )
        for line in campaign.variable_ids:
            if not line._is_complete():
                line.text = "sofas"
        # Only the preparation is measured; so many new contacts need a manager's override.
        campaign.with_user(env.ref("base.user_admin"))._start_launch()
        env.cr.commit()
        started = time.monotonic()
        while campaign.state == "preparing":
            env["waba.campaign"]._cron_prepare()
        took = time.monotonic() - started
        campaign.state = "done"
        by_state = campaign._count_states()[campaign.id]
    assert sum(by_state.values()) == count, f"{count} leads became {by_state}"
    assert 0.8 * count < by_state["queued"] < 0.95 * count, f"exclusions are off: {by_state}"
    return took


def prepare_by_mass_mailing(bench, count):
    """The same leads through a mailing's own preparation; seconds."""
    with bench.env() as env:
        mailing = env["mailing.mailing"].create(
            {
                "subject": "Bench audience",
                "mailing_type": "sms",
                "mailing_model_id": env["ir.model"]._get_id("crm.lead"),
                "mailing_domain": "[('type', '=', 'opportunity')]",
                "body_plaintext": "Hola {{ object.contact_name }}, en {{ object.partner_name }}"
                " tienes hasta el domingo un 20 % en sofás.",
                "sms_force_send": False,
                "use_exclusion_list": True,
            }
        )
        # Odoo refuses a list of more than about 14,000 ids there unless the environment allows it.
        with patch.dict(os.environ, ODOO_LIMIT_LITEVAL_BUFFER="100000000"):
            started = time.monotonic()
            mailing.action_send_sms()
            env.flush_all()
            took = time.monotonic() - started
        traces = env["mailing.trace"].search_count([("mass_mailing_id", "=", mailing.id)])
        assert traces == count, f"{count} leads became {traces} traces"
        env.cr.rollback()
    return took


def _memory():
    """(resident now, most so far) in kB of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])


def _reset_peak_memory():
    # proc(5): 5 resets the peak resident set size to the present value.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
