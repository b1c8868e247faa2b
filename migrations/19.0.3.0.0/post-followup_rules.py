"""Who reads enrollments: those of quotations, invoices and contacts are not everybody's."""

OLD = "['|', ('lead_id.user_id', 'in', (user.id, False)), ('user_id', '=', user.id)]"
NEW = (
    "['|', '&', ('res_id', '=', False), ('lead_id.user_id', 'in', (user.id, False)), "
    "('user_id', '=', user.id)]"
)


def migrate(cr, version):
    cr.execute(
        """UPDATE ir_rule r SET domain_force = %s
             FROM ir_model_data d
            WHERE d.model = 'ir.rule' AND d.res_id = r.id AND d.module = 'waba_campaign'
              AND d.name = 'waba_sequence_enrollment_rule_user' AND r.domain_force = %s""",
        (NEW, OLD),
    )
    cr.execute(
        """DELETE FROM rule_group_rel g USING ir_model_data d, ir_model_data o
            WHERE d.model = 'ir.rule' AND d.module = 'waba_campaign'
              AND d.name = 'waba_sequence_enrollment_rule_all_leads' AND g.rule_group_id = d.res_id
              AND o.model = 'res.groups' AND o.module = 'sales_team'
              AND o.name = 'group_sale_salesman_all_leads' AND g.group_id = o.res_id"""
    )
