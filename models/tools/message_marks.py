"""Tools: WhatsApp's marks in a text, *bold*, _italic_ and ~struck~, as HTML.

Called by the phone preview.
"""

import re

from markupsafe import Markup, escape

TAGS = {"*": "b", "_": "i", "~": "s"}
# Marks count only around words: not in 2*3*4, snake_case or {{first_name}}.
MARKED = re.compile(r'(?:^|(?<=[\s(¡¿"]))([*_~])(\S(?:[^\n]*?\S)?)\1(?=$|[\s).,;:!?"])')


def marked_text(text):
    """A text as safe HTML, marks within marks as well."""
    parts, end = [], 0
    for match in MARKED.finditer(text):
        marked = Markup(f"<{TAGS[match[1]]}>%s</{TAGS[match[1]]}>") % marked_text(match[2])
        parts += [escape(text[end : match.start()]), marked]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
