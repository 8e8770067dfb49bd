"""Shrinks the pictures `0`, `1` … of the working directory and prints a line of JSON about each."""

import json
from pathlib import Path

from PIL import Image, ImageOps  # type: ignore[import-not-found]  # in the image of the sandbox

#: Pixels on the long side: more are shrunk by the model services anyway.
LONG_SIDE = 1568
#: Pixels on the short side that services demand at least; a smaller picture gets a white margin.
SHORT_SIDE = 32
#: Pixels that are decoded: four bytes each have to fit into the container's memory.
MOST_PIXELS = 64_000_000
#: Bytes up to which a picture stays lossless.
LOSSLESS_BYTES = 512 * 1024


def shrink(name: str) -> dict[str, object]:
    with Image.open(name) as picture:
        original = picture.size
        picture.draft("RGB", (LONG_SIDE, LONG_SIDE))  # a large JPEG is decoded at a fraction of its size
        width, height = picture.size
        if width * height > MOST_PIXELS:
            return {"size": original, "problem": "pixels"}
        picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        shown = ImageOps.exif_transpose(picture).convert("RGBA")
    width, height = (max(side, SHORT_SIDE) for side in shown.size)
    page = Image.new("RGB", (width, height), "white")
    page.paste(shown, (0, 0), shown)
    lossless = Path(f"{name}.png")
    page.save(lossless)
    if lossless.stat().st_size > LOSSLESS_BYTES:
        lossless.unlink()
        page.save(f"{name}.jpg", quality=85)
    return {"size": original, "width": width, "height": height}


Image.MAX_IMAGE_PIXELS = None  # its own limit is a warning; ours is above
for found in sorted((path.name for path in Path().iterdir()), key=int):
    try:
        result = shrink(found)
    except Exception as error:  # noqa: BLE001 (decoders of damaged files raise whatever they like)
        result = {"problem": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps({"name": found} | result), flush=True)
