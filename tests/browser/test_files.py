"""Files out and in: attaching by button, paste and drop; pictures, tables and texts in messages."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, MEI, box, channel, write

CSV = "name;amount\n" + "".join(f"row {n};{n}.5\n" for n in range(1, 21)) + '"a ""quoted""; one";7\n'


def png(width: int = 40, height: int = 30) -> bytes:
    """A green picture."""
    lines = b"".join(b"\0" + b"\x0b\x75\x64" * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


async def test_attaching_by_button_and_sending(page: Page, slack: SlackStandIn, tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text(CSV)
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files(tmp_path / "numbers.csv")
    await expect(page.locator(".attachment")).to_contain_text("numbers.csv")
    await write(page, "here you are")
    await expect(channel(page).locator(".file")).to_contain_text("numbers.csv")
    await expect(page.locator(".attachment")).to_have_count(0)
    (message,) = slack.state.messages
    assert [slack.state.files[file].data.decode() for file in message.files] == [CSV]


async def test_a_table_shows_its_beginning_with_its_columns(page: Page, slack: SlackStandIn) -> None:
    file = slack.people.upload(ADA, "numbers.csv", CSV.encode())
    slack.people.post(ADA, GENERAL, "", files=[file])
    preview = channel(page).locator(".preview")
    await expect(preview.locator("th")).to_have_text(["name", "amount"])
    await expect(preview.locator("tbody tr")).to_have_count(6)
    await expect(preview).to_contain_text("15 more rows")


async def test_a_text_shows_its_first_lines_as_text(page: Page, slack: SlackStandIn) -> None:
    source = "<b>not bold</b>\n" + "line\n" * 30
    slack.people.post(
        ADA, GENERAL, "", files=[slack.people.upload(ADA, "notes.txt", source.encode(), "text/plain")]
    )
    await expect(channel(page).locator(".preview pre")).to_contain_text("<b>not bold</b>")
    await expect(channel(page).locator(".preview")).to_contain_text("more lines")


async def test_a_pasted_picture_is_attached_and_can_be_removed(page: Page) -> None:
    await box(page).focus()
    await page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "image.png", {type: "image/png"}));
          const how = {clipboardData: data, bubbles: true, cancelable: true};
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        list(png()),
    )
    await expect(page.locator(".attachment img")).to_be_visible()
    await page.get_by_role("button", name="Remove image.png").click()
    await expect(page.locator(".attachment")).to_have_count(0)


async def test_dropping_a_file_on_the_composer_attaches_it(page: Page) -> None:
    data = await page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["a,b\\n1,2\\n"], "dropped.csv", {type: "text/csv"}));
          return data;
        }"""
    )
    await page.locator(".main .composer").dispatch_event("drop", {"dataTransfer": data})
    await expect(page.locator(".attachment")).to_contain_text("dropped.csv")


async def test_the_bots_picture_shows_inline_and_large(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn, tmp_path: Path
) -> None:
    task = slack.people.post(MEI, GENERAL, "@Handoff plot")
    await bot.files_upload_v2(
        filename="plot.png", content=png(), channel=GENERAL, thread_ts=task, title="The plot"
    )
    await channel(page).first.locator(".reply-bar").click()
    picture = page.locator(".thread .picture img")
    await expect(picture).to_have_js_property("naturalWidth", 40)
    await page.get_by_role("button", name="Show The plot large").click()
    large = page.get_by_role("dialog", name="plot.png")
    await expect(large.locator("img")).to_be_visible()
    async with page.expect_download() as download:
        await large.get_by_label("Download plot.png").click()
    await (await download.value).save_as(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes() == png()
    await page.keyboard.press("Escape")
    await expect(large).to_have_count(0)
