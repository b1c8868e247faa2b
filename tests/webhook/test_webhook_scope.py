"""What a signature vouches for: no event changes anything of an account of another app."""

import json
import time

from odoo.tests import new_test_user

from ..common import NUMBER_ES, WABA_UID, WabaCase, epoch

NUMBER = "+34611000001"
THEIR_UID = "200000000000002"
THEIR_NUMBER_UID = "400000000000003"


class ScopeCase(WabaCase):
    """Company A owns `account`; company B has `theirs`, with another app in another portfolio."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_b = cls.env["res.company"].create({"name": "Company B"})
        cls.theirs = cls._create_account(
            name="B", waba_uid=THEIR_UID, app_secret="secret-of-b", company_id=cls.company_b.id
        )
        portfolio = cls.env["waba.portfolio"].create({"name": "B", "portfolio_uid": "b"})
        cls.theirs.write({"portfolio_id": portfolio.id, "state": "connected"})
        cls.their_sender = cls.env["waba.sender"].create(
            {"account_id": cls.theirs.id, "phone_number_uid": THEIR_NUMBER_UID,
             "number": "+34600000003", "display_phone_number": "+34 600 000 003"}
        )  # fmt: skip
        cls.their_template = cls.env["waba.template"].create(
            {"account_id": cls.theirs.id, "template_uid": "500000000000099", "name": "b_offer",
             "language": "es", "category": "marketing", "status": "approved"}
        )  # fmt: skip
        cls.sender.write({"number": "+34600000001", "display_phone_number": "+34 600 000 001"})

    def setUp(self):
        super().setUp()
        self.row = self._message(NUMBER, wamid="wamid.OURS")

    def _state_of_ours(self):
        """All that an outsider's event could change of A's."""
        self.env.flush_all()
        self.env.invalidate_all()
        person = self.row.recipient_id
        read = lambda records, *names: [tuple(one[name] for name in names) for one in records]  # noqa: E731
        mine = [("account_id", "=", self.account.id)]
        return {
            "rows": read(self.env["waba.message"].search(mine, order="id"), "id", "state", "wamid",
                         "failure_type", "replied_at", "delivered_at", "read_at"),
            "person": read(person, "marketing_state", "user_uid", "wa_number", "name",
                           "undeliverable_count"),
            "words": self.env["waba.consent"].search([("recipient_id", "=", person.id)]).ids,
            "account": read(self.account, "state", "stop_reason", "review_status", "restriction"),
            "limit": self.portfolio.messaging_limit,
            "numbers": read(self.account.sender_ids, "state", "platform_status", "quality_rating"),
            "templates": read(self.account.template_ids, "status", "quality_score", "category"),
            "chatter": [len(record.message_ids)
                        for record in (self.account, self.sender, self.template)],
            "evidence": self.env["waba.reputation.event"].search_count(mine),
            "windows": self.env["waba.conversation"].search_count(
                [("sender_id.account_id", "=", self.account.id)]),
        }  # fmt: skip

    def _entry(self, waba_uid, field, value):
        return {"id": waba_uid, "time": int(time.time()), "changes": [
            {"field": field, "value": {"messaging_product": "whatsapp", **value}}]}  # fmt: skip

    def _hostile(self, waba_uid, phone_uid):
        """{name: entry} that names what is A's, under an account's and a number's id."""
        now = str(int(time.time()))
        metadata = {"phone_number_id": phone_uid, "display_phone_number": "34600000001"}

        def status(**values):
            told = {
                "id": "wamid.X",
                "status": "failed",
                "timestamp": now,
                "recipient_id": NUMBER[1:],
                "errors": [{"code": 131050}],
                **values,
            }
            return self._entry(waba_uid, "messages", {"metadata": metadata, "statuses": [told]})

        def written(**values):
            message = {
                "id": "wamid.W",
                "from": NUMBER[1:],
                "timestamp": now,
                "type": "text",
                "text": {"body": "Hola"},
                **values,
            }
            return self._entry(waba_uid, "messages", {"metadata": metadata, "messages": [message]})

        template = {
            "message_template_id": int(self.template.template_uid),
            "message_template_name": self.template.name,
            "message_template_language": self.template.language,
        }
        tag = f"{self.row.uuid}/1"
        return {
            "wamid": status(id="wamid.OURS"),
            "uuid": status(biz_opaque_callback_data=tag),
            "uuid alone": status(id="", biz_opaque_callback_data=tag),
            "wamid and uuid": status(id="wamid.OURS", biz_opaque_callback_data=tag),
            "delivered": status(id="wamid.OURS", status="delivered", errors=[]),
            "quotation": written(context={"id": "wamid.OURS"}),
            "taken back": written(type="revoke", revoke={"original_message_id": "wamid.OURS"}),
            "its id": written(id="wamid.OURS"),
            "account": self._entry(waba_uid, "account_update", {
                "event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}),
            "review": self._entry(waba_uid, "account_review_update", {"decision": "REJECTED"}),
            "limit": self._entry(waba_uid, "business_capability_update", {
                "max_daily_conversations_per_business": 50}),
            "display number": self._entry(waba_uid, "security", {
                "display_phone_number": "34600000001", "event": "PIN_CHANGED"}),
            "name": self._entry(waba_uid, "phone_number_name_update", {
                "display_phone_number": "34600000001", "decision": "REJECTED"}),
            "template": self._entry(waba_uid, "message_template_status_update", {
                "event": "DISABLED", **template}),
            "quality": self._entry(waba_uid, "message_template_quality_update", {
                "new_quality_score": "RED", **template}),
            "category": self._entry(waba_uid, "template_category_update", {
                "previous_category": "MARKETING", "new_category": "UTILITY", **template}),
            "platform error": self._entry(waba_uid, "messages", {
                "metadata": metadata, "errors": [{"code": 131031}]}),
        }  # fmt: skip


class TestAnotherApp(ScopeCase):
    def test_nothing_signed_by_another_app_changes_a_row_of_ours(self):
        """By every handle there is, under our ids and under theirs, alone and in a body with an
        event of their own, which is applied all the same."""
        whose = {"ours": (WABA_UID, NUMBER_ES), "theirs": (THEIR_UID, THEIR_NUMBER_UID),
                 "none": ("", NUMBER_ES), "mixed": (THEIR_UID, NUMBER_ES)}  # fmt: skip
        for kind, (waba_uid, phone_uid) in whose.items():
            for name, entry in self._hostile(waba_uid, phone_uid).items():
                with self._case(f"{name}, {kind}"):
                    before = self._state_of_ours()
                    own = self._entry(THEIR_UID, "account_review_update", {"decision": "PENDING"})
                    event = self._receive({"entry": [entry, own]}, self.theirs)
                    self.assertEqual(self._state_of_ours(), before)
                    self.assertIn(event.state, ("applied", "waiting"), event.error)
                    if name != "review":
                        self.assertEqual(self.theirs.review_status, "pending")
                    if kind == "ours":
                        self.assertIn(WABA_UID, event.error or "")

    def test_a_status_outside_its_scope_is_named_and_its_neighbours_are_applied(self):
        person = self.env["waba.recipient"]._find_or_create_by_number(
            self.theirs.portfolio_id, [NUMBER]
        )[NUMBER]
        theirs = self._message(
            wamid="wamid.THEIRS", account_id=self.theirs.id, sender_id=self.their_sender.id,
            company_id=self.company_b.id, recipient_id=person.id, template_id=False,
        )  # fmt: skip
        statuses = [
            self._status(row, "delivered")["entry"][0]["changes"][0]["value"]["statuses"][0]
            for row in (self.row, theirs)
        ]
        event = self._receive(
            self._change("messages", {"statuses": statuses}, waba_uid=THEIR_UID), self.theirs
        )
        self.assertEqual((self.row.state, theirs.state), ("accepted", "delivered"))
        self.assertEqual(event.state, "applied")
        self.assertIn("wamid.OURS", event.error)
        # And the other way round: each app moves its own.
        event = self._receive(self._change("messages", {"statuses": statuses}), self.account)
        self.assertEqual((self.row.state, theirs.state), ("delivered", "delivered"))
        self.assertIn("wamid.THEIRS", event.error)

    def test_an_id_that_another_app_named_first_is_still_ours_to_get(self):
        self._receive(self._inbound_of(THEIR_UID, THEIR_NUMBER_UID, "wamid.SAME"), self.theirs)
        self._receive(self._inbound_of(WABA_UID, NUMBER_ES, "wamid.SAME"), self.account)
        messages = self.env["waba.message"].search([("wamid", "=", "wamid.SAME")])
        self.assertEqual(messages.account_id, self.account + self.theirs)

    def _inbound_of(self, waba_uid, phone_uid, wamid):
        body = self._inbound(NUMBER, "Hola", wamid=wamid)
        body["entry"][0]["id"] = waba_uid
        body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = phone_uid
        return body

    def test_newer_news_of_another_app_makes_nothing_of_ours_old(self):
        late = self._change("account_review_update", {"decision": "REJECTED"})
        late["entry"][0]["time"] = int(time.time()) - 60
        forged = self._change("account_review_update", {"decision": "APPROVED"})
        forged["entry"][0]["time"] = int(time.time())
        forged["entry"].append(
            self._entry(THEIR_UID, "account_review_update", {"decision": "PENDING"})
        )
        self._receive(forged, self.theirs)
        event = self._receive(late, self.account)
        self.assertEqual((event.state, self.account.review_status), ("applied", "rejected"))

    def test_an_account_that_lost_its_secret_speaks_for_itself_alone(self):
        (self.account + self.theirs).write({"app_secret": False})
        self._receive({"entry": [self._hostile(WABA_UID, NUMBER_ES)["account"]]}, self.theirs)
        self.assertEqual(self.account.state, "connected")

    def test_what_was_refused_is_shown_to_their_manager_and_not_to_ours(self):
        entry = self._hostile(THEIR_UID, NUMBER_ES)["wamid"]
        event = self._receive({"entry": [entry]}, self.theirs)
        manager = new_test_user(
            self.env, "waba_manager_b", company_id=self.company_b.id,
            company_ids=self.company_b.ids, groups="waba_campaign.waba_group_manager",
        )  # fmt: skip
        seen = self.env["waba.webhook.event"]
        self.assertIn(event, seen.with_user(manager).search([]))
        self.assertNotIn(event, seen.with_user(self.manager).search([]))


class TestSameApp(ScopeCase):
    """One app serves both accounts: what it signs may be about either, at either address."""

    def setUp(self):
        super().setUp()
        self.theirs.app_secret = self.account.sudo().app_secret

    def test_a_status_reaches_our_row_through_the_other_accounts_address(self):
        for waba_uid in (WABA_UID, THEIR_UID, ""):
            for by in ("wamid", "uuid"):
                with self._case(f"{waba_uid} {by}"):
                    body = json.loads(json.dumps(self._status(self.row, "delivered")))
                    told = body["entry"][0]["changes"][0]["value"]["statuses"][0]
                    told.pop("biz_opaque_callback_data" if by == "wamid" else "id")
                    body["entry"][0]["id"] = waba_uid
                    event = self._receive(body, self.theirs)
                    self.assertEqual((event.state, event.error), ("applied", False))
                    self.assertEqual(self.row.state, "delivered")

    def test_other_events_reach_the_account_they_name(self):
        for name in ("account", "review", "template", "display number"):
            with self._case(name):
                before = self._state_of_ours()
                entry = self._hostile(WABA_UID, NUMBER_ES)[name]
                self.assertEqual(self._receive({"entry": [entry]}, self.theirs).state, "applied")
                self.assertNotEqual(self._state_of_ours(), before)

    def test_a_message_is_kept_with_the_account_it_names(self):
        at = epoch(self.env.cr.now())
        body = self._inbound(NUMBER, "Hola", wamid="wamid.B", timestamp=at)
        self._receive(body, self.theirs)
        message = self.env["waba.message"].search([("wamid", "=", "wamid.B")])
        self.assertEqual(message.account_id, self.account)
