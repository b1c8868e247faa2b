"""WhatsApp's marks as HTML: around words only, within each other, nothing of the text as markup."""

from odoo.addons.waba_campaign.models.base.waba_template import marked_text

from ..pure import PureCase


class TestMessageMarks(PureCase):
    def test_marks(self):
        for text, html in (
            ("", ""),
            ("a *bold* day", "a <b>bold</b> day"),
            ("*20 % menos*, _ya_ ~no~!", "<b>20 % menos</b>, <i>ya</i> <s>no</s>!"),
            ("*very _much_ so*", "<b>very <i>much</i> so</b>"),
            ("¡*Hoy*!\n*y mañana*", "¡<b>Hoy</b>!\n<b>y mañana</b>"),
            ("2*3*4 snake_case_name {{first_name}}", None),
            ("* spaced * and *open\nnext*", None),
            ("*<img src=x>* & co", "<b>&lt;img src=x&gt;</b> &amp; co"),
        ):
            with self.subTest(text):
                self.assertEqual(marked_text(text), text if html is None else html)
