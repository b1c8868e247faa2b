"""Buttons call methods that have other names now.

A view is checked together with those that extend it, and some of ours are read before others: with
an old name left in any of them the upgrade would stop. Views that people added keep working too.
"""

RENAMED = {
    "action_again": "action_rerun",
    "action_apply_again": "action_reapply",
    "action_ask": "action_request_approval",
    "action_ask_apply": "action_confirm_apply",
    "action_export_people": "action_export_recipients",
    "action_leave_out": "action_exclude",
    "action_look_again": "action_refresh",
    "action_mend": "action_fix",
    "action_note_consent": "action_record_consent",
    "action_settle_home": "action_confirm_database",
    "action_settle_send_again": "action_settle_resend",
    "action_take": "action_retry_row",
    "action_view_counted_people": "action_view_counted_recipients",
    "action_view_money": "action_view_cost_report",
    "action_waba_note_consent": "action_waba_record_consent",
    "action_waba_open_person": "action_waba_open_recipient",
    "action_widen": "action_release_canary",
    "action_write_again": "action_create_followup_campaign",
}


def migrate(cr, version):
    for old, new in RENAMED.items():
        cr.execute(
            r"""UPDATE ir_ui_view
                   SET arch_db = regexp_replace(arch_db::text, %s, %s, 'g')::jsonb
                 WHERE (model LIKE 'waba.%%' OR model IN ('crm.lead', 'res.partner'))
                   AND arch_db::text ~ %s""",
            (rf"\y{old}\y", new, rf"\y{old}\y"),
        )
