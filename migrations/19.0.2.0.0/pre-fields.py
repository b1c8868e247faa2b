"""Fields with the names of the glossary: canary and A/B test."""

TABLES = ("waba_campaign", "waba_message", "waba_test_send")
RENAMED = {
    "is_trial": "is_ab_test",
    "trial_share": "ab_applied_share",
    "trial_state": "ab_state",
    "trial_until": "ab_decide_at",
    "wave_limit": "canary_limit",
    "wave_sent_at": "canary_sent_at",
    "wave_size": "canary_size",
    "wave_started_at": "canary_started_at",
    "wave_state": "canary_state",
    "wave_text": "canary_text",
    "wave_until": "canary_check_at",
}


def migrate(cr, version):
    for old, new in RENAMED.items():
        for table in TABLES:
            if _has_column(cr, table, old) and not _has_column(cr, table, new):
                cr.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"')
        cr.execute(
            "UPDATE ir_model_fields SET name = %s WHERE name = %s AND model LIKE 'waba.%%'",
            (new, old),
        )
        cr.execute(
            """UPDATE ir_model_data
                  SET name = regexp_replace(name, %s, %s)
                WHERE module = 'waba_campaign'
                  AND model IN ('ir.model.fields', 'ir.model.fields.selection')
                  AND name ~ %s""",
            (f"__{old}(__|$)", rf"__{new}\1", f"__{old}(__|$)"),
        )
        # Views and saved filters, also those that people made.
        cr.execute(
            r"""UPDATE ir_ui_view
                   SET arch_db = regexp_replace(arch_db::text, %s, %s, 'g')::jsonb
                 WHERE model LIKE 'waba.%%' AND arch_db::text ~ %s""",
            (rf"\y{old}\y", new, rf"\y{old}\y"),
        )
        cr.execute(
            r"""UPDATE ir_filters
                   SET domain = regexp_replace(domain, %s, %s, 'g'),
                       context = regexp_replace(context, %s, %s, 'g')
                 WHERE model_id LIKE 'waba.%%'""",
            (rf"\y{old}\y", new, rf"\y{old}\y", new),
        )
    cr.execute("DROP INDEX IF EXISTS waba_message__trial_idx")


def _has_column(cr, table, column):
    cr.execute(
        "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
        (table, column),
    )
    return bool(cr.rowcount)
