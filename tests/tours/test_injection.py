"""What strangers, Meta and colleagues write is shown as words wherever it is shown, and never run.

One world is made of hostile texts by every road they come in; then it is rendered by the server
(chatter, activities, previews, e-mail, report, the data of the screens), opened in a real browser,
and its files are asked for over HTTP.
"""

import json
import re

from lxml import html as lxml_html
from markupsafe import Markup
from odoo import fields
from odoo.addons.waba_campaign.cloud_api.values import as_name
from odoo.tests import HttpCase, tagged

from ..common import WabaCase
from ..conversation.test_media import PNG
from .test_tours import TourCase

NUMBER, STRANGER = "+34611000001", "+34611000002"

# Each sets a global in a browser that runs it, or shows 49 where it is evaluated.
PAYLOADS = {
    "script": "<script>window.waba_ran=1</script>",
    "img": '<img src=x onerror="window.waba_ran=1">',
    "breaks out of an attribute": "\"'><svg onload=window.waba_ran=1>",
    "link": '<a href="javascript:window.waba_ran=1">click</a>',
    "address": "javascript:window.waba_ran=1",
    "entities": "&lt;script&gt;window.waba_ran=1&lt;/script&gt;&#60;img src=x&#62;",
    "qweb": '<t t-out="7*7"/><t t-esc="7*7"/>',
    "jinja": "{{7*7}} ${7*7} #{7*7}",
    "format": "%(x)s %s %d {0} {x} %",
    "markdown": "*bold* [x](javascript:window.waba_ran=1) `code`",
    "formula": "=cmd|' /C calc'!A0",
    "frame": '<iframe srcdoc="<script>parent.waba_ran=1</script>"></iframe>',
    "style": "<style>*{display:none}</style><base href=//evil.example>",
    "long": "x" * 10_000,
}
# What runs in a browser whatever else is in the same text.
EVERYTHING = " ".join(text for name, text in PAYLOADS.items() if name != "long")


def worlds(size=3):
    """(names, a text of some payloads at a time): short enough for where texts are cut."""
    names = list(PAYLOADS)
    for start in range(0, len(names), size):
        some = names[start : start + size]
        yield ", ".join(some), " ".join(PAYLOADS[name] for name in some)


DANGEROUS_TAGS = {"script", "svg", "iframe", "object", "embed", "style", "base", "meta", "t"}
ADDRESSES = ("href", "src", "action", "formaction", "srcdoc", "xlink:href", "data")


class HostileWorld(WabaCase):
    def setUp(self):
        super().setUp()
        # What is called as it is on the platform would be read over by the next sync.
        self.simulator.post("delivery", give_up_after=0)

    def _make_world(self, text):
        """Records that carry `text` wherever somebody else than us decides on a text."""
        partner = self.env["res.partner"].create({"name": text, "phone": NUMBER})
        self.lead = self._lead(
            NUMBER, name=text, contact_name=text, partner_name=text, partner_id=partner.id,
            type="opportunity", user_id=self.salesperson.id,
        )  # fmt: skip
        self.env.user.notification_type = "inbox"
        self._from_meta(text)
        self._from_strangers(text)
        self._from_colleagues(text)
        self._from_approvals(text)
        self._from_a_block(text)
        self.env.flush_all()

    def _from_meta(self, text):
        self.sender.verified_name = text
        self.template.write(
            {
                "components": [
                    {"type": "HEADER", "format": "TEXT", "text": text},
                    {"type": "BODY", "text": f"Hola {{{{1}}}} {text}"},
                    {"type": "FOOTER", "text": text},
                    {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": text}]},
                ],
            }
        )
        self._receive(
            self._change(
                "message_template_status_update",
                {"event": "REJECTED", "message_template_id": self.utility_template.template_uid,
                 "message_template_name": self.utility_template.name,
                 "message_template_language": "es", "reason": text},
            )
        )  # fmt: skip
        self._receive(
            self._change(
                "account_alerts",
                {"entity_type": "BUSINESS", "entity_id": "1", "alert_severity": "CRITICAL",
                 "alert_status": "ACTIVE", "alert_type": text, "alert_description": text},
            )
        )  # fmt: skip
        self._message(
            number=STRANGER, state="failed", person_name=text, failed_at=fields.Datetime.now(),
            text=text,
        )._apply_failure("bad_request", code=100, text=text, refused_at_once=True)  # fmt: skip
        self.sender._pause(text)
        self.account._add_stop(text)
        self.sender._notify_managers(text, text)
        self.account.state = "connected"
        self.sender.write({"state": "active", "pause_reason": text})

    def _from_strangers(self, text):
        said = [
            {"type": "text", "text": {"body": text}},
            {"type": "image", "image": {"id": "1", "mime_type": text, "caption": text}},
            {"type": "document",
             "document": {"id": "2", "mime_type": "text/html", "filename": text, "caption": text}},
            {"type": "button", "button": {"text": text, "payload": text}},
            {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": text}},
            {"type": "location", "location": {"latitude": 1.5, "longitude": 2, "name": text,
                                              "address": text, "url": text}},
            {"type": "contacts", "contacts": [
                {"name": {"formatted_name": text}, "phones": [{"phone": text}],
                 "emails": [{"email": text}], "org": {"company": text}}]},
            {"type": "interactive", "interactive": {
                "type": "button_reply", "button_reply": {"id": text, "title": text}}},
            {"type": "interactive", "interactive": {
                "type": "nfm_reply", "nfm_reply": {"name": text, "body": text,
                                                   "response_json": text}}},
            {"type": "order", "order": {"catalog_id": text, "text": text, "product_items": [
                {"product_retailer_id": text, "quantity": text, "item_price": text,
                 "currency": text}]}},
            {"type": "system", "system": {"body": text, "type": text}},
            {"type": text[:100], text[:100]: {"body": text}},
            {"type": "text", "text": {"body": text},
             "referral": {"headline": text, "body": text, "source_url": text}},
        ]  # fmt: skip
        for number in (NUMBER, STRANGER):
            for index, values in enumerate(said):
                body = self._inbound(number, "", wamid=f"wamid.{number}.{index}")
                value = body["entry"][0]["changes"][0]["value"]
                value["messages"][0].update(values)
                value["contacts"][0]["profile"]["name"] = text
                self._receive(body)

    def _from_colleagues(self, text):
        self.campaign = self._campaign(self.lead, name=text)
        for line in self.campaign.variable_ids:
            line.write({"source": "text", "text": text})
        self.campaign._message_log(body=text)
        self.campaign.write({"state": "running"})
        self.campaign._pause(text)
        person = self.env["waba.recipient"].search([("number", "=", NUMBER)], limit=1)
        self.env["waba.consent.note"].with_user(self.salesperson).create(
            {"recipient_id": person.id, "action": "opt_out", "note": text}
        ).action_confirm()
        self.sequence = self.env["waba.sequence"].create(
            {"name": text, "trigger": "manual", "sender_id": self.sender.id,
             "step_ids": [(0, 0, {"kind": "activity", "wait_amount": 0, "summary": text[:200],
                                  "note": text, "in_working_hours": False})]}
        )  # fmt: skip
        self.sequence._activate()
        self.sequence._enroll_leads(self.lead)
        enrollment = self.sequence.enrollment_ids
        enrollment._do_activity(self.sequence.step_ids)
        enrollment._stop_enrollments("person", text)
        self.env["waba.auto.reply"].create(
            {"name": text, "trigger": "keyword", "words": "hola", "text": text[:1000]}
        )

    def _from_approvals(self, text):
        """One campaign waits for a manager with its maker's note, one was refused with a reason."""
        self.asked, self.refused = (
            self._campaign(self.lead, name=text, user_id=self.salesperson.id) for _time in range(2)
        )
        for campaign in self.asked | self.refused:
            campaign.with_user(self.salesperson)._request_approval(text)
        self.refused.with_user(self.manager)._decide_approval("refused", text)

    def _from_a_block(self, text):
        """They blocked and reported us, in the words of whoever heard it."""
        self.env["waba.report.block"].with_user(self.salesperson).create(
            {"res_model": "crm.lead", "res_id": self.lead.id, "what": "both", "note": text}
        ).action_confirm()


@tagged("post_install", "-at_install")
class TestInjection(HostileWorld):
    """place × text, rendered by the server."""

    def _check(self, shown, where):
        """Nothing in this HTML runs, loads or leads to a script."""
        tree = lxml_html.fragment_fromstring(f"<div>{shown}</div>")
        for element in tree.iter():
            if not isinstance(element.tag, str):
                continue
            self.assertNotIn(element.tag, DANGEROUS_TAGS, where)
            for name, value in element.attrib.items():
                self.assertFalse(name.lower().startswith("on"), f"{where}: {name}={value}")
                if name in ADDRESSES:
                    self.assertNotRegex(value.strip().lower(), r"^(javascript|data|vbscript):")
                    self.assertNotEqual(value, "x", f"{where}: an image that nobody put there")
        # A time of day may have 49 minutes.
        evaluated = r"(?<![\d:])49(?![\d:])"
        self.assertNotRegex(tree.text_content(), evaluated, f"{where}: it was evaluated")
        return tree.text_content()

    def _html_fields(self):
        """(record, field) of every HTML field of our models in the database."""
        for name in self.env:
            model = self.env[name]
            if name.startswith("waba.") and not model._abstract and not model._transient:
                for field in model._fields.values():
                    if field.type == "html" and model._auto:
                        for record in model.search([]):
                            yield record, field

    def test_each_place_shows_each_text_as_words(self):
        for names, text in worlds():
            with self._case(names):
                self._make_world(text)
                self._look_at_chatters(text)
                self._look_at_activities(text)
                for record, field in self._html_fields():
                    self._check(record[field.name] or "", f"{record}.{field.name}")
                self._look_at_previews(text)
                self._look_at_conversations(text)
                self._look_at_mail_and_report(text)
                self._look_at_approvals(text)
                self._look_at_paper(text)

    def _look_at_chatters(self, text):
        records = [self.lead, self.campaign, self.sender, self.account, self.template,
                   self.utility_template, self.asked, self.refused]  # fmt: skip
        for record in records:
            messages = record.message_ids
            shown = [self._check(message.body, f"chatter of {record}") for message in messages]
            if record not in (self.template, self.utility_template):
                self.assertIn(_one_line(text), _one_line(" ".join(shown)), f"{record}")

    def _look_at_activities(self, text):
        """A step of a follow-up, a call for managers, an answer to be given."""
        answer = self.env.ref("waba_campaign.activity_type_reply")
        activities = self.env["mail.activity"].search(
            [("res_model", "in", ["crm.lead", "waba.sender", "waba.campaign"])]
        )
        self.assertEqual(
            set(activities.mapped("res_model")), {"crm.lead", "waba.sender", "waba.campaign"}
        )
        for activity in activities:
            note = self._check(activity.note or "", f"{activity}")
            said = _one_line(text)[:40] if activity.activity_type_id == answer else _one_line(text)
            self.assertIn(said, _one_line(note), f"{activity.res_model} {activity.summary[:50]}")

    def _look_at_previews(self, text):
        campaign = self.campaign.with_user(self.salesperson)
        for shown in (campaign.preview_html, self.template.preview_html):
            self.assertIn(_one_line(text)[:500], _one_line(self._check(shown, "preview")))
        data = self.env["waba.campaign"].campaign_preview_data(
            self.campaign.id,
            {
                "template_id": self.template.id,
                "sender_id": self.sender.id,
                "company_id": self.env.company.id,
                "res_model": "crm.lead",
                "audience_domain": self.campaign.audience_domain,
            },
            "first",
            self.lead.id,
        )
        self._check(data["html"], "preview of the form")

    def _look_at_conversations(self, text):
        conversations = self.env["waba.conversation"].search([])
        self.assertGreaterEqual(len(conversations), 2)
        for conversation in conversations:
            data = conversation.conversation_data(conversation.id)
            json.dumps(data)
            for message in data["messages"]:
                self._check(message.get("html") or "", "bubble")
                place = message.get("place") or {}
                self.assertRegex(place.get("url") or "https://", r"^https://")
                for file in message.get("files") or []:
                    self.assertRegex(file["url"] or "/waba/", r"^/waba/")

    def _look_at_mail_and_report(self, text):
        template = self.env.ref("waba_campaign.mail_template_reputation_alert")
        alerts = [{**self.sender._describe_alert(), "reason": text, "name": text}]
        mail = self.env["mail.mail"].browse(
            template.with_context(waba_alerts=alerts).send_mail(self.env.company.id)
        )
        self.assertIn(_one_line(text), _one_line(self._check(mail.body_html, "e-mail")))
        self.assertNotIn("49", mail.subject.replace(self.sender.display_phone_number or "", ""))
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "waba_campaign.action_report_reputation", self.sender.ids
        )
        body = lxml_html.fromstring(content).find("body")
        for script in body.xpath("//script[@src]|//link|//style|//meta|//base"):
            script.getparent().remove(script)
        scripts = [script.text or "" for script in body.iter("script")]
        self.assertFalse([script for script in scripts if "waba_ran" in script])
        self.assertFalse(body.xpath("//*[@onerror or @onload]"))

    def _look_at_approvals(self, text):
        """What the maker is told of the refusal: on the campaign, in the inbox, by e-mail."""
        told = self.refused.with_user(self.salesperson).approval_text
        self.assertIn(_one_line(text), _one_line(told), "it is shown as words")
        notice = self.env["mail.message"].search(
            [("model", "=", "waba.campaign"), ("res_id", "=", self.refused.id),
             ("message_type", "=", "user_notification"),
             ("partner_ids", "in", self.salesperson.partner_id.ids)]
        )  # fmt: skip
        self.assertTrue(notice)
        for message in notice:
            self.assertIn(_one_line(text), _one_line(self._check(message.body, "notice")))
        for mail in self.env["mail.mail"].search([("mail_message_id", "in", notice.ids)]):
            tree = lxml_html.fragment_fromstring(mail.body_html, create_parent="div")
            # What Odoo's own layout says.
            for meta in tree.xpath(".//meta[@itemprop or @http-equiv='Content-Type']"):
                meta.drop_tree()
            shown = lxml_html.tostring(tree, encoding="unicode")
            self.assertIn(_one_line(text), _one_line(self._check(shown, "e-mail of a refusal")))

    def _look_at_paper(self, text):
        """What is handed to the program that prints: pages, and what stands above and below."""
        action = self.env.ref("waba_campaign.action_report_reputation")
        content, _kind = action._render_qweb_html(action.report_name, self.sender.ids)
        pages, _ids, above, below, _format = action._prepare_html(content)
        self.assertEqual(len(pages), 1)
        for part, kind in ((pages[0], "page"), (above, "header"), (below, "footer")):
            found = lxml_html.fromstring(str(part)).xpath(
                f"//div[contains(concat(' ', normalize-space(@class), ' '), ' {kind} ')]"
            )
            self.assertTrue(found, kind)
            for node in found:
                # The company's own picture.
                for image in node.xpath(".//img[starts-with(@src, 'data:image/')]"):
                    image.drop_tree()
                shown = self._check(lxml_html.tostring(node, encoding="unicode"), kind)
                if kind == "page":
                    # The reason of a block, with who heard it.
                    self.assertIn(_one_line(text), _one_line(shown))

    def test_the_check_notices(self):
        for text in PAYLOADS.values():
            if not re.search("<(script|img|svg|iframe|style|t )|href=.java", text):
                continue
            with self.subTest(text), self.assertRaises(AssertionError):
                self._check(Markup(text), "unescaped")
        with self.assertRaises(AssertionError):
            self._check("49 49 #{49}", "evaluated")

    def test_names_of_strangers_are_one_line_that_turns_nothing_around(self):
        cases = {
            "Ana\u202egnp.exe": "Ana gnp.exe",
            "Ana\x00\x07\nLuz\r\n": "Ana Luz",
            "\u2066Ana\u2069": "Ana",
            "a\u2028b\u2029c": "a b c",
            "Ana 👩‍👩‍👧 🇪🇸": "Ana 👩‍👩‍👧 🇪🇸",
            "שלום": "שלום",
            "José\u0301": "José\u0301",
            "x" * 10_000: "x" * 255,
            "": "",
        }
        for given, shown in cases.items():
            self.assertEqual(as_name(given), shown, repr(given[:20]))
        for odd in (None, 1, {}, [], True):
            self.assertEqual(as_name(odd), "")
        body = self._inbound(
            STRANGER, "", type="document",
            document={"id": "7", "mime_type": "text/plain", "filename": "../ph\u202egnp.exe\x00"},
        )  # fmt: skip
        body["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = "A\u202eb"
        self._receive(body)
        message = self.env["waba.message"].search([("wamid", "=", "wamid.IN1")])
        self.assertEqual(message.media_ids.name, ".._ph gnp.exe")
        self.assertEqual(message.recipient_id.name, "A b")

    def test_text_with_a_nul_is_kept_without_it(self):
        self._make_world_of_strangers("a\x00b<script>c")
        texts = self.env["waba.message"].search([("direction", "=", "in")]).mapped("text")
        self.assertIn("ab<script>c", texts)

    def _make_world_of_strangers(self, text):
        self._from_strangers(text)
        failed = self.env["waba.webhook.event"].search([("state", "=", "failed")])
        self.assertFalse(failed.mapped("error"))


def _one_line(text):
    return " ".join(text.split())


FILES = [
    # kind, declared, content, whether a page may show it
    ("document", "text/html", b"<html><script>parent.waba_ran=1</script></html>", False),
    ("document", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", False),
    ("document", "application/xhtml+xml", b"<?xml version='1.0'?><html><script/></html>", False),
    ("document", "text/xml", b"<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>", False),
    ("document", "application/xml", b"<?xml version='1.0'?><a/>", False),
    ("document", "text/javascript", b"alert(1)", False),
    ("document", "application/pdf", b"<html><script>1</script></html>", False),
    ("document", "text/plain", b"<html><script>1</script></html>", False),
    ("document", "image/png", b"<html><script>1</script></html>", False),
    ("document", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", False),
    ("image", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", False),
    ("image", "image/jpeg", b"\xef\xbb\xbf  <!DOCTYPE html><script>1</script>", False),
    ("image", "image/svg+xml", PNG, False),
    ("sticker", "image/webp", b"<html><script>1</script></html>", False),
    ("video", "video/mp4", b"<html><script>1</script></html>", None),
    ("audio", "audio/ogg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
    ("audio", "text/html", b"<html></html>", False),
    ("image", "image/png; text/html", PNG, True),
    ("image", "image/png", PNG, True),
]  # fmt: skip
NAMES = ["x.html", "x.svg", "foto.png", "x.pdf\r\nContent-Type: text/html", "<script>.html", ""]
RUN_BY_BROWSERS = ("html", "svg", "xml", "javascript")


@tagged("post_install", "-at_install")
class TestFilesOverHttp(HostileWorld, HttpCase):
    """Whatever a stranger's file says it is, it is a download or a plain picture, never a page."""

    def enter_registry_test_mode(self):
        return TourCase.enter_registry_test_mode(self)

    def _kept(self, kind, declared, content, name):
        self._receive(
            self._inbound(
                NUMBER, "", wamid=f"wamid.{fields.Datetime.now()}.{name}.{len(content)}", type=kind,
                **{kind: {"id": "7", "mime_type": declared, "filename": name}},
            )
        )  # fmt: skip
        media = self.env["waba.media"].search([], order="id desc", limit=1)
        media._attach_file((content, declared))
        return media

    def test_types_and_lying_names(self):
        self._lead(NUMBER, user_id=self.salesperson.id)
        self.authenticate("waba_salesperson", "waba_salesperson")
        for number, (kind, declared, content, is_shown) in enumerate(FILES):
            name = NAMES[number % len(NAMES)]
            with self._case(f"{kind} {declared} {content[:20]} {name}"):
                media = self._kept(kind, declared, content, name)
                attachment = media.attachment_id
                self.env.flush_all()
                for url in (
                    f"/waba/media/{media.id}",
                    f"/waba/media/{media.id}?mimetype=text/html&download=false",
                    f"/web/content/{attachment.id}",
                    f"/web/content/{attachment.id}?mimetype=text/html",
                    f"/web/content/{attachment.id}/x.html",
                    f"/web/image/{attachment.id}",
                    f"/web/image/{attachment.id}/x.svg",
                ):
                    answer = self.url_open(url)
                    self.assertEqual(answer.status_code, 200, url)
                    self._check_harmless(answer, url)
                    if url.startswith("/waba/") and is_shown is not None:
                        is_download = answer.headers["Content-Disposition"].startswith("attachment")
                        self.assertEqual(is_download, not is_shown, url)

    def _check_harmless(self, answer, url):
        kind = answer.headers["Content-Type"].split(";")[0]
        saved = answer.headers.get("Content-Disposition", "").startswith("attachment")
        self.assertEqual(answer.headers.get("X-Content-Type-Options"), "nosniff", url)
        self.assertNotIn("\n", answer.headers.get("Content-Disposition", ""))
        # Odoo's own addresses take any type as a parameter, and then forbid the page everything.
        is_asked_for = "mimetype=" in url and not url.startswith("/waba/")
        if is_asked_for:
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        elif not saved:
            for word in RUN_BY_BROWSERS:
                self.assertNotIn(word, kind, url)


@tagged("post_install", "-at_install")
class TestInjectionTour(HostileWorld, TourCase):
    browser_size = "1440x900"

    def test_no_screen_runs_anything(self):
        """Lists, cards, forms, conversation, preview, dashboard: opened by one who may see all."""
        self._make_world(EVERYTHING)
        self.env.ref("base.user_admin").write(
            {"group_ids": [(4, self.env.ref("waba_campaign.waba_group_manager").id)]}
        )
        self._tour("waba_hostile_texts", "admin")
