"""Slack's text: what people type and apps send becomes a reference or is escaped, nothing in between."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.slack.mrkdwn import as_sent, as_typed, mentioned
from playground.slack.rich_text import rich_text
from playground.slack.state import WorkspaceState
from playground.slack.world import playground_world

REFERENCE = re.compile(r"<(?:[@#!][^<>]+|https?:[^<>]+|mailto:[^<>]+|tel:[^<>]+)>")
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("<>&@#`| ")), max_size=60) | st.lists(
    st.sampled_from(
        ["@Handoff", "@ada", "#data", "`", "```", "<", ">", "&amp;", "<@U0ADA0001>", "https://a.b/c", " "]
    )
).map("".join)


@pytest.fixture(scope="module")
def state() -> WorkspaceState:
    return WorkspaceState(playground_world())


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@Handoff hello", "<@U0HANDOFF> hello"),
        ("@handoff: hello", "<@U0HANDOFF>: hello"),
        ("ask @Mei Tanaka and @diego", "ask <@U0MEI0002> and <@U0DIEGO03>"),
        ("<@U0HANDOFF> x < 3 && y", "<@U0HANDOFF> x &lt; 3 &amp;&amp; y"),
        ("see #data, not #datab", "see <#C0DATA001>, not #datab"),
        ("`@ada` and ```\n@ada\n```", "`@ada` and ```\n@ada\n```"),
        ("mail ada@handoff.org", "mail ada@handoff.org"),
        ("https://x.org/?a=1&b=<2>.", "<https://x.org/?a=1&amp;b=>&lt;2&gt;."),
        ("@here @nobody", "<!here> @nobody"),
    ],
)
def test_typed_names_become_references(state: WorkspaceState, typed: str, sent: str) -> None:
    assert as_typed(typed, state) == sent


@settings(deadline=None)
@given(TEXTS)
def test_nothing_typed_breaks_out_of_its_text(state: WorkspaceState, text: str) -> None:
    left = REFERENCE.sub("", as_typed(text, state))
    assert not re.search(r"[<>]", left)


@settings(deadline=None)
@given(TEXTS)
def test_what_an_app_sends_is_kept_once(text: str) -> None:
    kept = as_sent(text)
    assert as_sent(kept) == kept
    assert not re.search(r"[<>]", REFERENCE.sub("", kept))


def test_broadcasts_and_links_of_an_app_stay() -> None:
    assert (
        as_sent("<!channel> & <https://a.b|c> <x> &lt;") == "<!channel> &amp; <https://a.b|c> &lt;x&gt; &lt;"
    )


def test_a_text_comes_with_its_rich_blocks() -> None:
    mention, code = rich_text("<@U0HANDOFF> run\n```\nprint(1 &lt; 2)\n```")["elements"]
    assert mention["elements"] == [
        {"type": "user", "user_id": "U0HANDOFF"},
        {"type": "text", "text": " run\n"},
    ]
    assert (code["type"], code["elements"][0]["text"]) == ("rich_text_preformatted", "print(1 < 2)")
    (section,) = rich_text("`a` in <#C0DATA001> <!here> <https://a.b/?x=1&amp;y=2>")["elements"]
    kinds = [element["type"] for element in section["elements"] if element.get("text") != " "]
    assert kinds == ["text", "text", "channel", "broadcast", "link"]
    assert section["elements"][-1]["url"] == "https://a.b/?x=1&y=2"


@settings(deadline=None)
@given(TEXTS)
def test_no_word_gets_lost_on_the_way_to_blocks(state: WorkspaceState, text: str) -> None:
    sent = as_typed(text.replace("`", ""), state)
    sections = rich_text(sent)["elements"]
    words = [element.get("text", "") for section in sections for element in section["elements"]]
    plain = REFERENCE.sub("", sent).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert "".join(words) == plain


def test_mentions_are_found_with_and_without_a_label() -> None:
    assert mentioned("<@U1> <@W2|ada> <#C3> @U4") == {"U1", "W2"}
