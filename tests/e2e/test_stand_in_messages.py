"""Messages, conversations, people and reactions through the real Web API client, and what Slack refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.support.bolt import new_client

GENERAL, ADA, MEI = "C0GENERAL", "U0ADA0001", "U0MEI0002"


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False) as running:
        yield running


async def refused(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    """The error of a call; the arguments go as JSON."""
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=arguments)
    return str(caught.value.response["error"])


async def test_auth_test_says_who_the_bot_is_and_what_it_may(
    client: AsyncWebClient, slack: SlackStandIn
) -> None:
    who = await client.auth_test()
    assert (who["user_id"], who["team_id"]) == (slack.bot_user_id, slack.team_id)
    assert "chat:write" in who.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        (None, "no.such", "unknown_method"),
    ],
)
async def test_tokens_and_methods_are_checked(
    slack: SlackStandIn, token: str | None, method: str, error: str
) -> None:
    client = AsyncWebClient(
        slack.bot_token if token is None else token, base_url=slack.api_url, retry_handlers=[]
    )
    assert await refused(client, method) == error


async def test_a_token_is_of_one_kind_and_can_be_revoked(slack: SlackStandIn) -> None:
    assert await refused(new_client(slack), "apps.connections.open") == "not_allowed_token_type"
    assert await refused(new_client(slack, slack.app_token), "auth.test") == "not_allowed_token_type"
    slack.credentials.revoke(slack.bot_token)
    assert await refused(new_client(slack), "auth.test") == "token_revoked"


async def test_a_missing_scope_is_named() -> None:
    async with SlackStandIn(scopes={"chat:write"}) as slack:
        with pytest.raises(SlackApiError) as caught:
            await new_client(slack).reactions_add(channel=GENERAL, timestamp="1.0", name="eyes")
    response = caught.value.response
    assert (response["error"], response["needed"], response["provided"]) == (
        "missing_scope", "reactions:write", "chat:write",
    )  # fmt: skip


async def test_arguments_come_by_query_form_and_json(slack: SlackStandIn) -> None:
    url, headers = f"{slack.api_url}conversations.info", {"Authorization": f"Bearer {slack.bot_token}"}
    form = {"channel": GENERAL, "token": slack.bot_token}
    async with aiohttp.ClientSession() as session:
        answers = [
            await session.get(url, params={"channel": GENERAL}, headers=headers),
            await session.post(url, params={"channel": GENERAL}, headers=headers),
            await session.post(url, data=form),
            await session.post(url, json={"channel": GENERAL}, headers=headers),
            await session.post(url, data="{", headers=headers | {"Content-Type": "application/json"}),
            await session.post(url, json=[], headers=headers),
        ]
        bodies = [await answer.json() for answer in answers]
    assert [body.get("error") for body in bodies] == [
        None,
        None,
        None,
        None,
        "invalid_json",
        "json_not_object",
    ]
    assert "token" not in slack.calls[2].arguments


async def test_a_thread_is_written_and_read_back(client: AsyncWebClient, slack: SlackStandIn) -> None:
    root = await slack.post(ADA, GENERAL, "@Handoff hello")
    metadata = {"event_type": "handoff", "event_payload": {"op": "1"}}
    first = await client.chat_postMessage(channel=GENERAL, thread_ts=root, text="a & b", metadata=metadata)
    await client.chat_postMessage(
        channel=GENERAL, thread_ts=root, markdown_text="**b**", reply_broadcast=True
    )
    thread = await client.conversations_replies(channel=GENERAL, ts=root, include_all_metadata=True)
    head, one, two = thread["messages"]
    assert (head["reply_count"], head["reply_users"], head["latest_reply"]) == (
        2,
        [slack.bot_user_id],
        two["ts"],
    )
    assert (one["ts"], one["text"], one["metadata"]) == (first["ts"], "a &amp; b", metadata)
    assert (two["blocks"][0]["type"], two["blocks"][0]["text"]) == ("markdown", "**b**")
    history = await client.conversations_history(channel=GENERAL)
    assert [message["ts"] for message in history["messages"]] == [two["ts"], root]
    assert "metadata" not in (await client.conversations_replies(channel=GENERAL, ts=root))["messages"][1]


async def test_reading_goes_page_by_page_and_from_a_moment_on(
    client: AsyncWebClient, slack: SlackStandIn
) -> None:
    root = await slack.post(ADA, GENERAL, "one")
    replies = [await slack.post(ADA, GENERAL, str(n), thread_ts=root) for n in range(5)]
    seen: list[str] = []
    async for page in await client.conversations_replies(channel=GENERAL, ts=root, limit=2):
        seen += [message["ts"] for message in page["messages"]]
    assert seen == [root, *replies]
    later = await client.conversations_replies(channel=GENERAL, ts=root, oldest=replies[2])
    assert [message["ts"] for message in later["messages"]] == [root, *replies[3:]]
    assert (
        await refused(client, "conversations.replies", channel=GENERAL, ts=root, cursor="?")
        == "invalid_cursor"
    )


async def test_the_bot_edits_and_deletes_its_own_messages_only(
    client: AsyncWebClient, slack: SlackStandIn
) -> None:
    posted = await client.chat_postMessage(channel=GENERAL, text="draft")
    updated = await client.chat_update(channel=GENERAL, ts=posted["ts"], text="final")
    assert (updated["text"], updated["message"]["edited"]["user"]) == ("final", slack.bot_user_id)
    await client.chat_delete(channel=GENERAL, ts=posted["ts"])
    assert slack.state.messages == ()
    theirs = await slack.post(ADA, GENERAL, "mine")
    assert await refused(client, "chat.update", channel=GENERAL, ts=theirs, text="x") == "cant_update_message"
    assert await refused(client, "chat.delete", channel=GENERAL, ts=theirs) == "cant_delete_message"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "no_text"),
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "", "text": "x"}, "invalid_arguments"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"blocks": [{"type": "divider"}], "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "metadata": {"event_type": "e"}}, "invalid_metadata_format"),
        (
            {"text": "x", "metadata": {"event_type": "e", "event_payload": {"p": "x" * 20_000}}},
            "metadata_too_large",
        ),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
    ],
)
async def test_a_post_that_slack_would_refuse_is_refused(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert await refused(client, "chat.postMessage", **{"channel": GENERAL} | arguments) == error


async def test_long_texts_are_cut_when_posted_and_refused_when_edited(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=GENERAL, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    await client.chat_update(channel=GENERAL, ts=posted["ts"], text="&" * 800)
    assert (
        await refused(client, "chat.update", channel=GENERAL, ts=posted["ts"], text="&" * 801)
        == "msg_too_long"
    )
    assert (
        await refused(client, "chat.update", channel=GENERAL, ts=posted["ts"], text="é" * 2_000 + "x")
        == "msg_too_long"
    )


async def test_a_reply_is_no_head_of_a_thread(client: AsyncWebClient, slack: SlackStandIn) -> None:
    root = await slack.post(ADA, GENERAL, "one")
    reply = await slack.post(ADA, GENERAL, "two", thread_ts=root)
    assert await refused(client, "chat.postMessage", channel=GENERAL, thread_ts=reply, text="x") == (
        "cannot_reply_to_message"
    )


async def test_where_the_bot_is_not_it_cannot_write_or_read(
    client: AsyncWebClient, slack: SlackStandIn
) -> None:
    public = slack.memberships.create_channel(ADA, "public")
    private = slack.memberships.create_channel(ADA, "secret", kind="private")
    assert await refused(client, "chat.postMessage", channel=public, text="x") == "not_in_channel"
    assert await refused(client, "conversations.history", channel=public) == "not_in_channel"
    assert await refused(client, "chat.postMessage", channel=private, text="x") == "channel_not_found"
    await client.conversations_join(channel=public)
    await client.chat_postMessage(channel="#public", text="x")
    slack.memberships.archive(public)
    assert await refused(client, "chat.postMessage", channel=public, text="x") == "is_archived"
    listed = await client.conversations_list(exclude_archived=True)
    assert {channel["name"] for channel in listed["channels"]} == {"general", "data"}
    joined = await client.users_conversations(types="public_channel,private_channel,im")
    assert len(joined["channels"]) == 6


async def test_a_direct_message_is_found_by_its_person(client: AsyncWebClient, slack: SlackStandIn) -> None:
    opened = await client.conversations_open(users=ADA)
    posted = await client.chat_postMessage(channel=ADA, text="hello")
    assert posted["channel"] == opened["channel"]["id"]
    info = await client.conversations_info(channel=posted["channel"])
    assert (info["channel"]["is_im"], info["channel"]["user"]) == (True, ADA)
    assert (await client.conversations_members(channel=GENERAL))["members"] == sorted(slack.state.users)


async def test_only_one_person_sees_an_ephemeral_message(client: AsyncWebClient, slack: SlackStandIn) -> None:
    sent = await client.chat_postEphemeral(channel=GENERAL, user=MEI, text="only you")
    assert [(shown.user, shown.message.ts) for shown in slack.state.ephemerals] == [(MEI, sent["message_ts"])]
    assert slack.state.messages == ()
    outside = slack.memberships.create_channel(ADA, "outside")
    await client.conversations_join(channel=outside)
    assert (
        await refused(client, "chat.postEphemeral", channel=outside, user=MEI, text="x")
        == "user_not_in_channel"
    )


async def test_reactions_come_once_and_go_once(client: AsyncWebClient, slack: SlackStandIn) -> None:
    ts = await slack.post(ADA, GENERAL, "hello")
    await client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    place = {"channel": GENERAL, "timestamp": ts, "name": "eyes"}
    assert await refused(client, "reactions.add", **place) == "already_reacted"
    await client.reactions_remove(**place)
    assert await refused(client, "reactions.remove", **place) == "no_reaction"
    assert await refused(client, "reactions.add", **place | {"name": "Not one"}) == "invalid_name"
    assert await refused(client, "reactions.add", **place | {"timestamp": "1.0"}) == "message_not_found"
    assert await refused(client, "reactions.add", name="eyes") == "no_item_specified"


async def test_a_permalink_opens_the_thread_on_the_page(client: AsyncWebClient, slack: SlackStandIn) -> None:
    root = await slack.post(ADA, GENERAL, "one")
    reply = await slack.post(ADA, GENERAL, "two", thread_ts=root)
    link = (await client.chat_getPermalink(channel=GENERAL, message_ts=reply))["permalink"]
    async with aiohttp.ClientSession() as session, session.get(link, allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/#/{GENERAL}/{root}"
    assert (
        await refused(client, "chat.getPermalink", channel=GENERAL, message_ts="1.0") == "message_not_found"
    )


async def test_people_bots_and_the_team_are_known(client: AsyncWebClient, slack: SlackStandIn) -> None:
    assert (await client.users_info(user=ADA))["user"]["profile"]["real_name"] == "Ada Okafor"
    assert len((await client.users_list())["members"]) == 4
    assert (await client.team_info())["team"]["name"] == "Playground"
    assert (await client.bots_info(bot=(await client.auth_test())["bot_id"]))["bot"][
        "user_id"
    ] == slack.bot_user_id
    assert await refused(client, "users.info", user="U0NOBODY0") == "user_not_found"


async def test_too_many_calls_get_retry_after() -> None:
    async with SlackStandIn() as strict:
        client = new_client(strict)
        for _ in range(20):
            await client.conversations_list()
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_list()
        assert caught.value.response.status_code == 429
        assert caught.value.response["error"] == "ratelimited"
        assert int(caught.value.response.headers["Retry-After"]) >= 1


async def test_a_channel_takes_messages_at_its_own_pace() -> None:
    async with SlackStandIn() as strict:
        client = new_client(strict)
        posting = (client.chat_postMessage(channel=GENERAL, text=str(n)) for n in range(20))
        answers = await asyncio.gather(*posting, return_exceptions=True)
        refusals = [answer for answer in answers if isinstance(answer, SlackApiError)]
        assert refusals
        assert all(refusal.response["error"] == "ratelimited" for refusal in refusals)
        await client.chat_postMessage(channel="C0DATA001", text="another channel has its own pace")


async def test_trouble_can_be_asked_for(client: AsyncWebClient, slack: SlackStandIn) -> None:
    slack.fail("chat.postMessage", "internal_error", times=2)
    assert [await refused(client, "chat.postMessage", channel=GENERAL, text="x") for _ in range(2)] == [
        "internal_error",
    ] * 2
    slack.fail("chat.postMessage", status=503)
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=GENERAL, text="x")
    slack.fail("chat.postMessage", "ratelimited", status=429, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=GENERAL, text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    assert not slack.state.messages
    slack.lose_reply("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=GENERAL, text="arrived")
    assert [message.text for message in slack.state.messages] == ["arrived"]
    await client.chat_postMessage(channel=GENERAL, text="well again")
    assert [call.status for call in slack.calls] == [200, 200, 503, 429, 0, 200]
