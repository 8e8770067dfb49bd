"""Pictures as models get them: shrunk in a container, and a sentence for what is none. Needs Docker."""

from __future__ import annotations

from sandbox.files import SandboxFile
from sandbox.pictures import NO_PICTURE, ShrunkPicture, shrink
from sandbox.sandbox import Sandbox
from tests.support.sandboxes import RunCode

MAKE = """
from PIL import Image
Image.new("RGB", (3000, 1000), "red").save("wide.png")
Image.effect_noise((2400, 2400), 90).save("noise.png")
Image.new("RGBA", (40, 5), (0, 0, 0, 0)).save("tiny.gif")
Image.new("L", (12000, 9000)).save("huge.png")
Image.new("RGB", (12000, 9000), "blue").save("huge.jpg")
rotated = Image.new("RGB", (200, 100))
exif = rotated.getexif(); exif[0x0112] = 6
rotated.save("rotated.jpg", exif=exif)
"""


async def test_pictures_are_shrunk_and_what_is_none_is_named(
    run_code: RunCode, shared_sandbox: Sandbox
) -> None:
    made = (await run_code(MAKE)).contents()
    names = ["wide.png", "noise.png", "tiny.gif", "huge.jpg", "rotated.jpg"]
    others = [made["huge.png"], b"no picture", b"\x89PNG\r\n\x1a\n" + b"x" * 400, b""]
    found = await shrink(shared_sandbox, [SandboxFile.of(f) for f in [*(made[n] for n in names), *others]])
    shown = [f for f in found if isinstance(f, ShrunkPicture)]
    assert [(f.media_type, f.width, f.height, f.original) for f in shown] == [
        ("image/png", 1568, 523, (3000, 1000)),
        ("image/jpeg", 1568, 1568, (2400, 2400)),
        ("image/png", 40, 32, (40, 5)),
        ("image/png", 1568, 1176, (12000, 9000)),
        ("image/png", 100, 200, (200, 100)),
    ]
    assert found[5:] == [
        "has 12,000 × 9,000 pixels, which is too large to open", NO_PICTURE, NO_PICTURE, NO_PICTURE,
    ]  # fmt: skip
    assert await shrink(shared_sandbox, []) == []
