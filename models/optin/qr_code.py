"""Opt-in: QR codes as PNG and SVG, for pages, posters and downloads.

Called by waba_optin_source.py. By reportlab's encoder, which Odoo's barcodes use too; drawn here,
because reportlab's own PNG needs a library that many installations of Odoo do without.
"""

import io

from PIL import Image
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

# Light modules around the code, as its standard asks.
BORDER = 4
# Pixels of one module: some 1,000 across, enough for a poster.
MODULE_PIXELS = 20


def qr_image(value, kind):
    """Return the QR code of a text as bytes.

    :param kind: 'png' | 'svg'
    """
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(value)
    code.make()
    return (_draw_png if kind == "png" else _draw_svg)(code.modules)


def _draw_png(modules):
    side = len(modules) + 2 * BORDER
    image = Image.new("1", (side, side), 1)
    for y, row in enumerate(modules):
        for x, is_dark in enumerate(row):
            if is_dark:
                image.putpixel((x + BORDER, y + BORDER), 0)
    file = io.BytesIO()
    size = side * MODULE_PIXELS
    image.resize((size, size), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def _draw_svg(modules):
    side = len(modules) + 2 * BORDER
    path = "".join(
        f"M{x + BORDER} {y + BORDER}h1v1h-1z"
        for y, row in enumerate(modules)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side * 8}" '
        f'height="{side * 8}" shape-rendering="crispEdges"><rect width="100%" height="100%" '
        f'fill="#fff"/><path d="{path}"/></svg>'
    ).encode()
