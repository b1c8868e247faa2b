"""Names of jobs and activity types, and an e-mail's text, which an upgrade does not write again.

Whoever changed one keeps it: only what stands as it was shipped, in English, is replaced.
"""

from odoo import SUPERUSER_ID, api

# {external id: (name as shipped before, now)}
RENAMED = {
    "ir_cron_apply_webhooks": ("WhatsApp: apply webhooks", "WhatsApp: process webhooks"),
    "ir_cron_media": ("WhatsApp: fetch and upload files", "WhatsApp: transfer files"),
    "ir_cron_poll": (
        "WhatsApp: read numbers and templates",
        "WhatsApp: sync numbers and templates",
    ),
    "ir_cron_watch": (
        "WhatsApp: lift pauses and close campaigns",
        "WhatsApp: resume and finish campaigns",
    ),
    "ir_cron_note_silence": (
        "WhatsApp: note messages never delivered",
        "WhatsApp: record undelivered messages",
    ),
    "ir_cron_judge": (
        "WhatsApp: count messages and judge numbers",
        "WhatsApp: update health scores",
    ),
    "ir_cron_money": ("WhatsApp: count cost and results", "WhatsApp: update costs and attribution"),
    "ir_cron_alert": (
        "WhatsApp: e-mail managers about numbers",
        "WhatsApp: email alerts about numbers",
    ),
    "activity_type_reputation": ("WhatsApp reputation", "WhatsApp: number to review"),
    "activity_type_reply": ("WhatsApp: answer", "WhatsApp: reply"),
    "activity_type_may_opt_out": ("WhatsApp: opt-out to confirm", "WhatsApp: opt-out to review"),
    "activity_type_approval": ("WhatsApp approval", "WhatsApp: campaign approval"),
}

# Parts of the e-mail about numbers: (as shipped before, now).
MAIL = (
    (" that need a look:", " that need attention:"),
    ("<p>Numbers of ", "<p>WhatsApp numbers of "),
    ("Meta's rating: ", "Quality rating: "),
    ("Our reading: ", "Health score: "),
    (": why it moved, what was done, what to do next.", " for likely causes and recommendations."),
    (
        'You get this as a manager of WhatsApp Campaigns, once for each state. To get it no more, '
        'switch "E-mail the managers" off on the number.',
        'You receive this as a WhatsApp manager, once per state. To unsubscribe, turn off "Email '
        'managers" on the number.',
    ),
)


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {"lang": "en_US"})
    for name, (before, now) in RENAMED.items():
        record = env.ref(f"waba_campaign.{name}", raise_if_not_found=False)
        if record and record.name == before:
            record.name = now
    template = env.ref("waba_campaign.mail_template_reputation_alert", raise_if_not_found=False)
    if template and template.body_html:
        body = str(template.body_html)
        for before, now in MAIL:
            body = body.replace(before, now)
        if body != str(template.body_html):
            template.body_html = body
