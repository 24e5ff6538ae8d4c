"""Photos as evidence: what a phone sent, read and written anew by ourselves."""

from __future__ import annotations

import io
import warnings

from smartbin.core.errors import BadInput

SIDE_MAX = 1_600
"""Pixels of the longer side that are kept: enough to read a label."""
PIXELS_MAX = 40_000_000
"""Of what is read: more than a phone's camera has, and 120 MB in memory."""
QUALITY = 80


def clean(sent: bytes) -> bytes:
    """The photo as a JPEG of our own making: upright, without EXIF, place, thumbnail or anything
    that was appended. Raises BadInput for what is not a JPEG, is torn or has too many pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(sent), formats=["JPEG"]) as photo:
                if photo.width * photo.height > PIXELS_MAX:
                    raise BadInput(
                        f"photo: {photo.width} x {photo.height} pixels; send at most "
                        f"{PIXELS_MAX // 1_000_000} million"
                    )
                photo.draft("RGB", (SIDE_MAX, SIDE_MAX))
                upright = ImageOps.exif_transpose(photo).convert("RGB")
        upright.thumbnail((SIDE_MAX, SIDE_MAX))
        plain = Image.new("RGB", upright.size)
        plain.paste(upright)
        written = io.BytesIO()
        plain.save(written, "JPEG", quality=QUALITY)
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        raise BadInput("photo: cannot be read as a JPEG; take it again") from error
    return written.getvalue()
