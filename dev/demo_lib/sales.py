"""A sales week after the big campaign: visitors of a trade fair, from first contact to won.

Everything by public interfaces: a user's calls to Odoo, people who write in the simulator. The
visitors wrote to the shop by the code on its stand, so their service windows are open and their
messages need no slot of the daily limit, which the big campaign has used up.
"""

import base64
import io
import json
import re
import time
from datetime import datetime, timedelta, timezone

import requests
from PIL import Image, ImageDraw

from .journey import PHONE_UID, SHOP, WABA_UID, print_step
from .processes import DemoError

FAIR = "Feria del Hábitat"
CAMPAIGN = "Catálogo de la feria"
FOLLOWUP = "Offer sent, no answer"
OPT_IN_FILE = "feria_del_habitat_tarjetas.csv"
TARGET = "https://demo-store.example/catalogo"
# Name, subject, expected revenue, and outcome of the campaign's message.
VISITORS = (
    ("Lucía Ortega", "Mesa de comedor extensible", 1450, "reply"),
    ("Javier Molina", "Cocina a medida", 8900, "click"),
    ("Carmen Salas", "Sofá de tres plazas", 1290, "won"),
    ("Pablo Iglesias Soler", "Estanterías de roble", 760, "read"),
    ("Elena Vidal", "Dormitorio juvenil", 2350, "won"),
    ("Hugo Pardo", "Mobiliario de oficina", 6200, "click"),
    ("Rosa Quiroga", "Butacas para la recepción", 1980, "reply"),
    ("Tomás Acosta", "Armario empotrado", 2100, "read"),
    ("Inés Cárdenas", "Sillas de terraza", 540, "click"),
    ("Diego Fuentes", "Cama con canapé", 980, "delivered"),
    ("Sofía Ibarra", "Mueble de televisión", 650, "read"),
    ("Andrés Zamora", "Mesa de reuniones", 3100, "reply"),
    ("Marta Navarro", "Amueblar piso de alquiler", 5400, "won"),
    ("Raúl Tovar", "Sofá cama", 890, "read"),
    ("Pilar Castro", "Escritorio de nogal", 720, "delivered"),
    ("Luis Montoya", "Sillas de comedor", 640, "read"),
    ("Julia Herrera", "Cocina a medida", 7600, "click"),
    ("Iván Serrano", "Taburetes para el bar", 1120, "read"),
    ("Camila Rojas", "Vestidor", 3300, "reply"),
    ("Óscar Lozano", "Mesa de centro", 310, "stop"),
    ("Valentina Peña", "Sofá de esquina", 1870, "read"),
    ("Mateo Ruiz", "Literas", 1150, "delivered"),
    ("Ana García", "Aparador", 830, "click"),
    ("Joaquín Vega", "Mesa plegable", 290, "undeliverable"),
)
PLAYED = {"reply": "reply", "won": "reply", "click": "read", "stop": "stop"}
# Leads that got an offer and are followed up; the last of them answers.
OFFERED = (1, 3, 5, 7, 16, 18)
# The visitor who asks a question later and waits for an answer.
ASKING = {8: "¿Las sillas se pueden apilar?", 22: "¿Tienen el aparador en nogal?"}
OPT_INS = 20
PACE_SECONDS = 12
RATES = (("Spain", "es", 0.05), ("Mexico", "mx", 0.03), ("Colombia", "co", 0.01))
INVENTED = "Invented rates for this demo, not Meta's"
LINK_END = re.compile(r'"([^"/ ]+-[^"/ ]{10,})"')
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126 Mobile"


def tell(demo):
    """Play the week; return its results, for the summary and the checks."""
    return SalesStory(demo).run_sales_story()


def summary(facts):
    """The story in sentences, as text."""
    lines = [
        "A week in sales",
        "===============",
        f"{facts['leads']} visitors of the stand wrote by its code; each became a lead.",
        f"{facts['opted_in']} opt-ins on record, from “{OPT_IN_FILE}”.",
        "Campaign “{name}”: {delivered_count} of {people_count} delivered, {read_count} read, "
        "{replied_count} replied; {clicks} clicks, {won} won.".format(name=CAMPAIGN, **facts),
        f"Costs {facts['cost']}. {INVENTED}.",
        f"Follow-up “{FOLLOWUP}”: {facts['followed']} leads, {facts['first_steps']} first messages "
        f"sent, {facts['stopped']} ended by an answer.",
        f"Lucía sent a question and a photo; Marta answered inside the window "
        f"({facts['answer_state']}).",
        "Drafts to open: Navidad: mesas y sillas (warnings), Miami y Montevideo (a stop).",
        "An automatic reply for closed hours is there, switched off.",
    ]
    return "\n".join(lines)


class SalesStory:
    """The steps in their order; Marta sells, the administrator manages."""

    def __init__(self, demo):
        self.demo = demo
        self.simulator, self.admin, self.sales = demo.simulator, demo.admin, demo.sales
        self.leads = []

    def run_sales_story(self):
        self._set_up()
        self._make_templates()
        self._visitors_write()
        self._import_opt_ins()
        self._launch()
        self._visitors_click()
        self._win()
        self._follow_up()
        self._answer_conversation()
        self._draft()
        return self._facts()

    # ---- before -------------------------------------------------------------------------------

    def _set_up(self):
        print_step("a week in sales: rates, settings, an automatic reply that is switched off")
        self.sender_id = self._one("waba.sender", [("phone_number_uid", "=", PHONE_UID)])
        self.me = self._one("res.users", [("login", "=", "waba_sales")])
        team_id = self._one("crm.team", [("use_leads", "=", False)], make={"name": "Tienda",
                            "use_leads": False, "use_opportunities": True})  # fmt: skip
        euro = self._one("res.currency", [("name", "=", "EUR"), ("active", "in", (True, False))])
        self.admin.call("res.currency", "write", [euro], {"active": True})
        self.admin.call(
            "res.company",
            "write",
            [1],
            {
                "currency_id": euro,
                "waba_create_lead": True,
                "waba_lead_team_id": team_id,
                "waba_lead_user_id": self.me,
            },
        )
        start = (datetime.now(timezone.utc) - timedelta(days=120)).strftime("%Y-%m-%d")
        for market, code, amount in RATES:
            country_id = self._one("res.country", [("code", "=", code.upper())])
            for category, part in (("marketing", 1), ("utility", 0.4)):
                values = {"market": f"{market} (invented)", "country_ids": [country_id],
                          "category": category, "amount": amount * part,
                          "currency_id": euro, "valid_from": start}  # fmt: skip
                self.admin.call("waba.rate", "create", [values])
        self.admin.call(
            "waba.auto.reply",
            "create",
            [{
                "name": "Tienda cerrada",
                "trigger": "out_of_hours",
                "text": "Gracias por escribirnos. Ahora la tienda está cerrada; mañana a las 9 le "
                "responde una persona.",
                "active": False,
            }],
        )  # fmt: skip

    def _make_templates(self):
        """As a user would in WhatsApp Manager; Meta's review takes seconds here."""
        self.simulator.post("settings", template_review_seconds=0.2)
        link = f"{self._base_url()}/r/{{{{1}}}}"
        buttons = [
            {"type": "URL", "text": "Ver catálogo", "url": link, "example": [f"{link[:-5]}abc"]},
            {"type": "QUICK_REPLY", "text": "Baja"},
        ]
        body = _named_body(
            "Hola {{first_name}}, gracias por visitarnos en la feria. Hasta el domingo mantenemos "
            "los precios de feria; aquí tiene el catálogo completo.",
            first_name="Ana",
        )
        self._make_template("catalogue", "MARKETING", [
            {"type": "HEADER", "format": "TEXT", "text": "Los precios de la feria"}, body,
            {"type": "FOOTER", "text": "Pulse Baja para no recibir más ofertas"},
            {"type": "BUTTONS", "buttons": buttons},
        ])  # fmt: skip
        self._make_template("offer_sent", "UTILITY", [_named_body(
            "Hola {{first_name}}, soy {{salesperson}}, de Muebles Roble. Le he enviado el "
            "presupuesto por correo. Si algo no encaja, dígamelo por aquí.",
            first_name="Ana", salesperson="Marta")])  # fmt: skip
        self._make_template("offer_reminder", "UTILITY", [_named_body(
            "Hola {{first_name}}, ¿ha podido ver el presupuesto? Se lo mantenemos hasta final de "
            "mes. Un saludo, {{salesperson}}.",
            first_name="Ana", salesperson="Marta")])  # fmt: skip
        account_id = self._one("waba.account", [("waba_uid", "=", WABA_UID)])
        self.demo.children.wait_for("Meta's review", self._are_templates_approved, seconds=60)
        self.admin.call("waba.account", "action_sync", [account_id])

    def _make_template(self, name, category, components):
        reply = requests.post(
            f"{self.simulator.address}/v25.0/{WABA_UID}/message_templates",
            json={"name": name, "language": "es", "category": category,
                  "parameter_format": "NAMED", "components": components},
            headers={"Authorization": "Bearer SIM-TOKEN"},
            timeout=60,
        )  # fmt: skip
        if not reply.ok:
            raise DemoError(f"the simulator refused the template {name}: {reply.text}")

    def _are_templates_approved(self):
        templates = self.simulator.get("world")["templates"]
        return not any(template["status"] == "PENDING" for template in templates)

    # ---- the fair -----------------------------------------------------------------------------

    def _visitors_write(self):
        print_step(f"{len(VISITORS)} visitors of the stand write by its code; each becomes a lead")
        people = [
            {"number": _number(index), "name": name, "behaviour": PLAYED.get(fate, fate)}
            for index, (name, _wish, _amount, fate) in enumerate(VISITORS)
        ]
        replies = ["Gracias, lo miro hoy.", "¿Me puede llamar mañana por la mañana?"]
        self.simulator.post("behaviour", people=people, stop_kinds=["button"], reply_texts=replies)
        for index in range(len(VISITORS)):
            self._receive_message(
                index, "Hola, estoy en su estand de la feria. ¿Me envían el catálogo?"
            )
        self.demo._settle()
        tag_id = self.sales.call("crm.tag", "create", [{"name": FAIR, "color": 10}])[0]
        stage_id = self._one("crm.stage", [("name", "=", "Qualified")])
        for index, (name, wish, amount, _fate) in enumerate(VISITORS):
            lead_id = self._one("crm.lead", [("phone", "=", _number(index))])
            self.leads.append(lead_id)
            self.sales.call(
                "crm.lead",
                "write",
                [lead_id],
                {
                    "name": wish,
                    "contact_name": name,
                    "expected_revenue": amount,
                    "tag_ids": [[4, tag_id]],
                    "stage_id": stage_id,
                },
            )
        self.tag_id = tag_id

    def _import_opt_ins(self):
        """The cards that visitors filled in, by what Odoo's import calls."""
        said = (datetime.now(timezone.utc) - timedelta(days=2)).strftime("%Y-%m-%d")
        rows = [
            [_number(index), "marketing", "opt_in", said, f"Tarjeta firmada en la feria por {name}"]
            for index, (name, *_rest) in enumerate(VISITORS[:OPT_INS])
        ]
        answer = self.admin.call(
            "waba.consent",
            "load",
            ["person_id", "purpose", "action", "said_at", "evidence"],
            rows,
            context={"import_file": True, "waba_list": {"file": OPT_IN_FILE}},
        )
        if answer["messages"]:
            raise DemoError(f"the opt-ins were not imported: {answer['messages'][0]['message']}")

    # ---- the campaign -------------------------------------------------------------------------

    def _launch(self):
        print_step(f"the salesperson launches “{CAMPAIGN}” and follows what comes of it")
        self.campaign_id = self._make_campaign(
            CAMPAIGN, "catalogue", f"[('tag_ids.name', '=', {FAIR!r})]",
            {("button", "1"): {"source": "link", "text": TARGET}},
        )  # fmt: skip
        self.sales.call("waba.campaign", "action_launch", [self.campaign_id])
        self.demo.children.wait_for("the fair's campaign is sent", self._is_sent)
        self.demo._settle()
        self._run("ir_cron_watch")

    def _is_sent(self):
        campaign = self._campaign("state", "people_count", "queued_count")
        reserved = self.admin.call("waba.message", "search_count", [("state", "=", "reserved")])
        return campaign["people_count"] and not campaign["queued_count"] and not reserved

    def _make_campaign(self, name, template, domain, variables):
        template_id = self._one(
            "waba.template", [("name", "=", template), ("language", "=", "es")], user=self.sales
        )
        [campaign_id] = self.sales.call(
            "waba.campaign",
            "create",
            [{
                "name": name,
                "template_id": template_id,
                "sender_id": self.sender_id,
                "res_model": "crm.lead",
                "audience_domain": domain,
            }],
        )  # fmt: skip
        lines = self.sales.search(
            "waba.campaign.variable",
            [("campaign_id", "=", campaign_id), ("kind", "!=", "payload")],
            ["component", "name"],
        )
        for line in lines:
            if values := variables.get((line["component"], line["name"])):
                self.sales.call("waba.campaign.variable", "write", [line["id"]], values)
        return campaign_id

    def _visitors_click(self):
        """Those who would open the catalogue do, by the address that each of them got."""
        clicking = {
            _number(index).lstrip("+")
            for index, (*_who, fate) in enumerate(VISITORS)
            if fate in ("click", "won")
        }
        for entry in self.simulator.entries("log"):
            is_theirs = entry["is_send"] and entry["wa_id"] in clicking
            if is_theirs and (end := LINK_END.search(_button_text(entry["body"]))):
                requests.get(
                    f"{self.demo.odoo.address}/r/{end.group(1)}",
                    headers={"User-Agent": ANDROID},
                    allow_redirects=False,
                    timeout=60,
                )

    def _win(self):
        for index, (_name, _wish, _amount, fate) in enumerate(VISITORS):
            if fate == "won":
                self.sales.call("crm.lead", "action_set_won_rainbowman", [self.leads[index]])

    # ---- the follow-up ------------------------------------------------------------------------

    def _follow_up(self):
        print_step(
            f"a manager starts the follow-up “{FOLLOWUP}”; {len(OFFERED)} leads get their offers"
        )
        stage_id = self._one("crm.stage", [("name", "=", "Proposition")])
        steps = [
            {"wait_amount": 0, "in_working_hours": False, "template": "offer_sent"},
            {"wait_amount": 2, "wait_unit": "days", "template": "offer_reminder"},
            {"wait_amount": 3, "wait_unit": "days", "kind": "activity",
             "summary": "Llamar: ¿qué le falta al presupuesto?"},
        ]  # fmt: skip
        commands = []
        for number, step in enumerate(steps):
            if name := step.pop("template", None):
                step["template_id"] = self._one("waba.template", [("name", "=", name)])
            commands.append([0, 0, {"sequence": 10 * number, **step}])
        [sequence_id] = self.admin.call(
            "waba.sequence",
            "create",
            [{
                "name": FOLLOWUP,
                "trigger": "stage",
                "stage_ids": [stage_id],
                "sender_id": self.sender_id,
                "step_ids": commands,
            }],
        )  # fmt: skip
        action = self.admin.call("waba.sequence", "action_activate", [sequence_id])
        [wizard_id] = self.admin.call(
            action["res_model"], "create", [{"sequence_id": sequence_id, "who": "new"}]
        )
        self.admin.call(action["res_model"], "action_confirm", [wizard_id])
        self.sequence_id = sequence_id
        # Otherwise the job waits for the pace per person, and the scheduler polls once a minute.
        time.sleep(PACE_SECONDS)
        offered = [self.leads[index] for index in OFFERED]
        self.sales.call("crm.lead", "write", offered, {"stage_id": stage_id})
        self.demo.children.wait_for("the follow-ups are sent", self._are_steps_done)
        self.demo._settle()
        self._receive_message(OFFERED[-1], "Sí, lo he visto. ¿Pueden montarlo antes de Navidad?")
        self.demo._settle()

    def _are_steps_done(self):
        return len(OFFERED) == self._count_messages(sequence_id=self.sequence_id)

    def _count_messages(self, **wanted):
        domain = [(name, "=", value) for name, value in wanted.items()]
        domain.append(("state", "in", ("accepted", "sent", "delivered", "read")))
        return self.admin.call("waba.message", "search_count", domain)

    # ---- the conversation ---------------------------------------------------------------------

    def _answer_conversation(self):
        print_step("Lucía asks and sends a photo; the salesperson answers inside the window")
        lead_id = self.leads[0]
        self._receive_message(0, "¿La mesa extensible cabe en un hueco de 2,10 m?")
        self.demo._settle()
        photo = {"kind": "image", "mime_type": "image/png", "content": _photo(),
                 "caption": "Es este, junto a la ventana"}  # fmt: skip
        self.simulator.post("inbound", phone_id=PHONE_UID, number=_number(0), media=photo)
        self.demo._settle()
        self.demo.children.wait_for("the photo is fetched", self._is_photo_there)
        shown = ["crm.lead", lead_id]
        screen = self.sales.call("waba.conversation", "conversation_data", shown=shown)
        answer = self.sales.call(
            "waba.conversation",
            "conversation_send",
            {
                "conversation_id": screen["id"],
                "shown": shown,
                "key": "demo-answer",
                "known_id": screen["last_id"],
                "text": "Sí, Lucía: cerrada mide 1,60 m y abierta 2,05 m. Le quedan 5 cm libres. "
                "¿Se la reservo con el precio de feria?",
            },
        )
        if answer.get("refused") or answer.get("conflict"):
            raise DemoError(f"the answer was not taken: {answer}")
        self.demo.children.wait_for("the answer is sent", lambda: self._answer_state() == "read")
        self.sales.call("waba.conversation", "conversation_seen", screen["id"], shown=shown)
        self._receive_message(0, "¡Perfecto! Sí, resérvela. ¿Cuándo la entregan?")
        for index, question in ASKING.items():
            self._receive_message(index, question)
        self.demo._settle()

    def _is_photo_there(self):
        found = self.admin.search("waba.media", [], ["state"])
        return found and all(media["state"] == "done" for media in found)

    def _answer_state(self):
        found = self.admin.search("waba.message", [("origin", "=", "manual")], ["state"])
        return found[-1]["state"] if found else ""

    # ---- drafts -------------------------------------------------------------------------------

    def _draft(self):
        everyone = f"['|', ('tag_ids.name', '=', 'Dormant'), ('tag_ids.name', '=', {FAIR!r})]"
        draft_id = self._make_offer("Navidad: mesas y sillas", everyone, "mesas")
        b_template = self._one(
            "waba.template", [("name", "=", "welcome_back"), ("language", "=", "es")]
        )
        values = {"ab_test": True, "b_template_id": b_template}
        self.sales.call("waba.campaign", "write", [draft_id], values)
        overseas = "[('country_id.code', 'in', ['US', 'CU', 'UY'])]"
        self._make_offer("Miami y Montevideo", overseas, "miami")
        self._run("ir_cron_judge")
        self._run("ir_cron_money")

    def _make_offer(self, name, domain, link_end):
        variables = {
            ("body", "1"): {"source": "first_name", "fallback": "cliente"},
            ("body", "2"): {"source": "our_company"},
            ("button", "1"): {"source": "text", "text": link_end},
        }
        return self._make_campaign(name, "autumn_offer", domain, variables)

    # ---- reading ------------------------------------------------------------------------------

    def _facts(self):
        campaign = self._campaign(
            "people_count", "delivered_count", "read_count", "replied_count", "state", "money_cost"
        )
        events = self.admin.search(
            "waba.attribution", [("campaign_id", "=", self.campaign_id)], ["kind"]
        )
        enrollments = self.admin.search(
            "waba.sequence.enrollment",
            [("sequence_id", "=", self.sequence_id)],
            ["state", "stop_reason"],
        )
        return {
            **campaign,
            "leads": len(self.leads),
            "opted_in": self.admin.call(
                "waba.consent", "search_count", [("source", "=", "import")]
            ),
            "clicks": sum(event["kind"] == "click" for event in events),
            "won": sum(event["kind"] == "won" for event in events),
            "cost": campaign["money_cost"],
            "followed": len(enrollments),
            "first_steps": self._count_messages(sequence_id=self.sequence_id),
            "stopped": sum(one["stop_reason"] == "replied" for one in enrollments),
            "answer_state": self._answer_state(),
        }

    def _campaign(self, *fields):
        return self.admin.call("waba.campaign", "read", [self.campaign_id], fields)[0]

    def _base_url(self):
        return self.admin.call("ir.config_parameter", "get_param", "web.base.url")

    def _run(self, name):
        """The button Run Manually of a scheduled job."""
        row = self.admin.search(
            "ir.model.data", [("module", "=", "waba_campaign"), ("name", "=", name)], ["res_id"]
        )[0]
        self.demo.children.wait_for(f"{name} has run", lambda: self._has_run(row["res_id"]))

    def _has_run(self, cron_id):
        """Whether it was run; not while its process runs it just now."""
        try:
            return self.admin.call("ir.cron", "method_direct_trigger", [cron_id]) is True
        except DemoError as error:
            if "already executing" not in str(error):
                raise
            return False

    def _receive_message(self, index, text):
        self.simulator.post("inbound", phone_id=PHONE_UID, number=_number(index), text=text)

    def _one(self, model, domain, make=None, user=None):
        """The id of the first that is found."""
        found = (user or self.admin).call(model, "search", domain, limit=1)
        if not found and make:
            found = self.admin.call(model, "create", [make])
        if not found:
            raise DemoError(f"{SHOP} has no {model} with {domain}")
        return found[0]


def _number(index):
    return f"+346000001{index + 1:02}"


def _named_body(text, **examples):
    params = [{"param_name": name, "example": text} for name, text in examples.items()]
    return {"type": "BODY", "text": text, "example": {"body_text_named_params": params}}


def _button_text(body):
    """The parameters of a request's buttons, as JSON text."""
    components = (body.get("template") or {}).get("components") or []
    return json.dumps([part for part in components if part.get("type") == "button"])


def _photo():
    """Base64 of a drawing: the place between window and wall, as somebody measures it."""
    image = Image.new("RGB", (720, 480), "#e9e0d0")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 350, 720, 480), fill="#b98d5f")
    for left in range(-60, 720, 120):
        draw.line((left, 480, left + 70, 350), fill="#a67c50", width=3)
    draw.rectangle((0, 338, 720, 352), fill="#f7f3ea")
    draw.rectangle((40, 60, 210, 270), fill="#bfe0ee", outline="#ffffff", width=12)
    draw.line((125, 60, 125, 270), fill="#ffffff", width=8)
    draw.rectangle((640, 0, 720, 338), fill="#d8ccb6")
    draw.line((235, 300, 630, 300), fill="#c0392b", width=5)
    for x, step in ((235, 18), (630, -18)):
        draw.line((x, 282, x, 318), fill="#c0392b", width=5)
        draw.polygon([(x, 300), (x + step, 290), (x + step, 310)], fill="#c0392b")
    draw.ellipse((520, 20, 590, 90), fill="#f4d58d")
    draw.line((555, 0, 555, 22), fill="#7f6a4d", width=4)
    draw.text((385, 248), "2,10 m", fill="#c0392b", font_size=36)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
