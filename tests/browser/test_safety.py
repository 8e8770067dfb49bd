"""Whatever a message, a block, a name or a file holds is shown and never run.

That no page asks another host is checked for every test of this folder, in `open_page`.
"""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, channel
from tests.support.browser import open_page

ATTACKS = (
    "<img src=x onerror=window.broken=1>",
    "<script>window.broken=1</script>",
    "<svg/onload=window.broken=1>",
    "[click](javascript:window.broken=1)",
    "[click](JaVaScRiPt:window.broken=1)",
    "[click](data:text/html,<script>window.broken=1</script>)",
    "![x](javascript:window.broken=1)",
    '[a](https://example.com" onmouseover="window.broken=1)',
    "<javascript:window.broken=1|click>",
    "<https://example.com|<img src=x onerror=window.broken=1>>",
    "```<img src=x onerror=window.broken=1>\n<b>x</b>\n```",
    "| <img src=x onerror=window.broken=1> |\n|---|\n| <b>x</b> |",
    "<!date^1^{date}^javascript:window.broken=1|x>",
)


ODD = """() => [...document.querySelectorAll(".main *")].filter((el) =>
  ["SCRIPT", "IFRAME", "OBJECT", "EMBED"].includes(el.tagName)
  || [...el.attributes].some(({name}) => name.startsWith("on"))
  || (el.hasAttribute("href") && !/^(https?:|#)/.test(el.getAttribute("href"))))
  .map((el) => el.outerHTML)"""


async def assert_inert(page: Page) -> None:
    """No attack ran, nothing that could run is in the page, also after a pointer has been over every link."""
    await page.evaluate(
        "document.querySelectorAll('a').forEach((el) => el.dispatchEvent(new Event('mouseover')))"
    )
    assert await page.evaluate("window.broken") is None
    assert await page.evaluate(ODD) == []


def blocks_with(attack: str) -> list[dict[str, Any]]:
    """Every block that holds text."""
    mrkdwn = {"type": "mrkdwn", "text": attack}
    rich = {
        "type": "rich_text_section",
        "elements": [
            {"type": "text", "text": attack},
            {"type": "link", "url": "javascript:window.broken=1", "text": attack},
        ],
    }
    button = {
        "type": "button",
        "action_id": "a",
        "text": {"type": "plain_text", "text": attack[:70]},
        "value": attack,
    }
    return [
        {"type": "section", "text": mrkdwn, "fields": [mrkdwn]},
        {"type": "header", "text": {"type": "plain_text", "text": attack}},
        {"type": "context", "elements": [mrkdwn]},
        {"type": "rich_text", "elements": [rich]},
        {"type": "actions", "elements": [button]},
    ]


async def test_text_is_text_in_every_field_that_holds_any(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    for attack in ATTACKS:
        slack.people.post(ADA, GENERAL, attack)
        await bot.chat_postMessage(channel=GENERAL, text=attack, username=attack)
        await bot.chat_postMessage(channel=GENERAL, markdown_text=attack)
        await bot.chat_postMessage(channel=GENERAL, text="x", blocks=blocks_with(attack))
    await expect(channel(page)).to_have_count(4 * len(ATTACKS))
    await expect(channel(page).locator(".unknown-block")).to_have_count(0)
    await assert_inert(page)


async def test_plan_rows_and_sources_are_text(page: Page, bot: AsyncWebClient, slack: SlackStandIn) -> None:
    attack = ATTACKS[0]
    task = slack.people.post(ADA, GENERAL, "go")
    sources = [{"type": "url", "url": "javascript:window.broken=1", "text": attack}]
    await bot.chat_startStream(
        channel=GENERAL,
        thread_ts=task,
        recipient_team_id=slack.team_id,
        recipient_user_id=ADA,
        task_display_mode="plan",
        chunks=[
            {"type": "plan_update", "title": attack},
            {
                "type": "task_update",
                "id": attack,
                "title": attack,
                "status": "in_progress",
                "details": attack,
                "output": attack,
                "sources": sources,
            },
        ],
    )
    await channel(page).first.locator(".reply-bar").click()
    await expect(page.locator(".plan-title")).to_have_text(attack)
    assert await page.locator(".thread .plan img, .thread .plan a").count() == 0
    await assert_inert(page)


async def test_a_picture_with_a_script_and_a_page_as_file_stay_inert(page: Page, slack: SlackStandIn) -> None:
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" onload="window.broken=1">'
        b"<script>window.broken=1</script></svg>"
    )
    files = [
        slack.people.upload(ADA, "a.svg", drawing, "image/svg+xml"),
        slack.people.upload(
            ADA, "<img src=x onerror=window.broken=1>.html", b"<script>window.broken=1</script>", "text/html"
        ),
    ]
    slack.people.post(ADA, GENERAL, "", files=files)
    await expect(channel(page).locator(".preview pre")).to_have_text("<script>window.broken=1</script>")
    await expect(channel(page).locator(".picture img")).to_have_js_property("complete", True)
    await assert_inert(page)


async def test_a_remote_picture_is_linked_and_not_loaded(page: Page, bot: AsyncWebClient) -> None:
    image = {"type": "image", "image_url": "https://example.com/spy.png", "alt_text": "a chart"}
    await bot.chat_postMessage(channel=GENERAL, text="x", blocks=[image])
    await expect(channel(page).get_by_role("link", name="a chart")).to_have_attribute(
        "href", "https://example.com/spy.png"
    )
    assert await channel(page).locator("img[src*=example]").count() == 0


async def test_the_policy_holds_against_an_injected_script(browser: Browser, slack: SlackStandIn) -> None:
    async with open_page(browser, slack.url, allowed=("Content Security Policy",)) as page:
        answer = await page.request.get(slack.url)
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        refused = await page.evaluate(
            """() => new Promise((resolve) => {
              const told = (event) => resolve(event.violatedDirective);
              document.addEventListener("securitypolicyviolation", told);
              const script = document.createElement("script");
              script.textContent = "window.broken = 1";
              document.head.append(script);
            })"""
        )
        assert refused.startswith("script-src")
        assert await page.evaluate("window.broken") is None


async def test_a_malformed_block_leaves_its_message_standing(page: Page, slack: SlackStandIn) -> None:
    ts = slack.people.post(ADA, GENERAL, "x")
    message = slack.state.message(GENERAL, ts)
    assert message is not None
    broken: tuple[dict[str, Any], ...] = (
        {"type": "section", "text": 5},
        {"type": "actions"},
        {"type": "table", "rows": 3},
        {"type": "unheard-of"},
        {"type": "section", "text": {"type": "plain_text", "text": "still here"}},
    )
    slack.state.put_message(type(message)(message.channel, message.ts, message.user, blocks=broken))
    await expect(channel(page)).to_contain_text("still here")
    await expect(channel(page).locator(".unknown-block")).to_have_count(4)


async def test_twelve_thousand_marks_do_not_stop_the_page(page: Page, bot: AsyncWebClient) -> None:
    for mark in ("*", "[", "`", "*a ", "> ", "- ", "|-"):
        await bot.chat_postMessage(channel=GENERAL, markdown_text=(mark * 12_000)[:11_999])
    await bot.chat_postMessage(channel=GENERAL, text="after")
    await expect(channel(page)).to_have_count(8)
