"""Figures of answers and their sources."""

from __future__ import annotations

import pytest

from agents.figures import CheckedFigures, check_figures, correction
from agents.figures.sources import SourceKind
from agents.journal import Entry, MemoryJournal
from agents.tools import Tool
from agents.tools.team_tools import TeamTool
from bot.controls.sources import source_list
from bot.thread.answer import render
from tasks.message import ThreadAddress
from tasks.store.preferences import FiguresMode
from tasks.task import Outcome, State, Task
from tests.support.figure_answers import BLIND, FigureAnswer, figure_answers, measure, read_answers
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel
from tests.support.team import CutJournal, Team, endpoint_of

TASK = Task(
    id="t1", thread=ThreadAddress("T1", "C1", "1.1"), message_ts="1.1", user="U1", user_name="ada",
    request="write", files=(), state=State.RUNNING, attempt=1, created_at=0.0,
)  # fmt: skip


def checked(
    answer: str, *runs: str, request: str = "", reports: tuple[str, ...] = ()
) -> tuple[list[str], list[str]]:
    log = FigureAnswer(answer, request, runs, reports, (), ())
    found = check_figures(answer, request, log.agents)
    assert found is not None
    return [one.text for one in found.found], list(found.unfound)


def test_figures_without_a_source_are_recognized_in_200_answers() -> None:
    answers = figure_answers()
    measured = measure(answers)
    assert len(answers) == 200
    assert measured.precision >= 0.98, measured.mistakes
    assert measured.recall >= 0.95, measured.mistakes
    assert measured.figures > 400


def test_figures_without_a_source_are_recognized_in_answers_that_were_written_blind() -> None:
    measured = measure(read_answers(BLIND))
    assert measured.precision >= 0.95, measured.mistakes
    assert measured.recall >= 0.95, measured.mistakes
    assert measured.figures > 300


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1 234,50", "1234.5"), ("1\u202f234,50", "1234.5"),
        ("1'234.50", "1234.5"), ("12,34,567", "1234567"), ("12 %", "0.1234"), ("12.3%", "12.34"),
        ("3.2 M", "3214567.0"), ("3.2bn", "3214567890"), ("3,2 Mrd.", "3214567890"), ("3.2億", "320400000"),
        ("0.1234", "12.34%"), ("1.23e-5", "0.0000123"), ("about 3,000", "2987"), ("42", "41.7"),
    ],
)  # fmt: skip
def test_a_figure_is_found_in_each_form(answer: str, printed: str) -> None:
    found, unfound = checked(f"It is {answer} in all.", f"value: {printed}")
    assert len(found) == 1
    assert not unfound


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ("4 min 12 s", "252.3"), ("2 Std. 5 Min.", "125"), ("1 h 20 min", "1.333"), ("840 ms", "0.8396"),
        ("2.4 GiB", "2560000000"), ("1億2,300万", "123000000"), ("2.1 percentage points", "0.021"),
        ("2,3 Prozentpunkte", "0.023"), ("4,5 points", "0.045"), ("3 of 4", "0.75"), ("3 sur 4", "3 / 4"),
        ("3.2×10^6", "3214567"), ("6.0 x 10²³", "6.02e23"), ("5,600+", "5602"),
    ],
)  # fmt: skip
def test_a_figure_with_its_unit_is_found_in_what_another_unit_printed(answer: str, printed: str) -> None:
    assert checked(f"It is {answer}.", f"value: {printed}") == ([answer.rstrip("+.")], []) or (
        checked(f"It is {answer} in all.", f"value: {printed}") == ([answer.rstrip("+")], [])
    )


def test_a_range_has_the_unit_of_its_end() -> None:
    answer = "From 1.2 to 1.5 M, 8–12 % late, 12.4 → 15.1 M€"
    found, unfound = checked(answer, "1204000 1497000\n0.08 0.12\n12.4e6 15.1e6")
    assert (found, unfound) == (["1.2", "1.5 M", "8", "12 %", "12.4", "15.1 M"], [])


@pytest.mark.parametrize(
    "answer",
    [
        "Room 4.17, Raum 2.114, gate B27, seat 14C, port 8443, rows 17 and 203, § 19, RFC 9110, HTTP/2.",
        "Order 88-1203, Bestellung Nr. 450-8812, facture n° 2026-0417, pedido n.º 7781, EAN 4006381333931.",
        "Um 14.30 Uhr, a las 10.45 h, on Tuesday 8, am Do., 10.12., 15時30分, 第3四半期.",
        "Tel. 089 1234-567, Tél. 01 42 68 53 00, +49 89 1234-567.",
        "The ratio is 3:2 (95% CI; p < 0.001); 5! is less than 2^10.",
        "10.20.0.0/16 and flight LH 1234.",
    ],
)
def test_numbers_of_things_times_and_formulas_are_no_figures(answer: str) -> None:
    assert checked(answer, "ok 0") == ([], [])


def test_words_that_are_verbs_too_take_no_figure_away() -> None:
    assert checked("I'd order 140 units and invoice 300 of them.", "300") == (["300"], ["140"])
    assert checked("A) free: 0\nB) 12k", "0 11950") == (["0", "12k"], [])


@pytest.mark.parametrize(
    "answer",
    [
        "Two thirds.", "On 2026-11-30, 30.11.2026, 30 November 2026, 3 mars 2026 and 2026年11月30日.",
        "At 14:30, 9 am, 9 Uhr and 14 h 30.", "Version 2.1.3, v1.2, Python 3.11 and 10.0.0.1.",
        "1. One\n2) Two\n- 3. Three\n## 4.1 Four", "`5` and\n```\n55\n```",
        "> 99\nShe wrote \"98\", „97“ and «96».",
        "https://x.test/95 [a](b/94) <@U93> <https://x.test|x> w92 report_91.csv #90 INV-89-1",
        "Step 3 of table 4.",
    ],
)  # fmt: skip
def test_what_is_no_figure_is_left_alone(answer: str) -> None:
    assert checked(answer, "ok 0") == ([], [])


def test_a_sum_that_no_run_printed_is_unfound_and_rounding_is_to_the_digits_shown() -> None:
    table = "| a | sum |\n|---|---|\n| x | 10 |\n| y | 21 |\n| all | 31 |"
    assert checked(table, "x 10\ny 21") == (["10", "21"], ["31"])
    assert checked("5.67 or 5.66", "5.6666") == (["5.67"], ["5.66"])


@pytest.mark.parametrize(
    ("answer", "printed", "found", "unfound"),
    [
        ("It grew to 3.2\nmillion euros.", "3214567", ["3.2 million"], []),
        ("A share of 12.3\n  percent.", "0.1234", ["12.3 percent"], []),
        ("A share of 12.3 \n% of all", "0.4", [], ["12.3 %"]),
        ("The rows are 7\n234 and 88.", "7\n234\n88", ["7", "234", "88"], []),
        ("The rows are 7\n234.", "7234", [], ["7", "234"]),
        ("| 7 | 234 |", "7234", [], ["7", "234"]),
        ("| 1,234 |\n| 567 |", "1234567", [], ["1,234", "567"]),
        ("It is 12\n\nPercent are parts.", "12", ["12"], []),
    ],
)
def test_lines_and_cells_divide_figures_and_a_unit_may_begin_the_next_line(
    answer: str, printed: str, found: list[str], unfound: list[str]
) -> None:
    assert checked(answer, printed) == (found, unfound)


def test_figures_of_the_request_are_not_counted_and_reports_are_a_weaker_source() -> None:
    assert checked("Of your 1,200 rows, 88 and 9 match.", "88", request="1200 rows", reports=("9",)) == (
        ["88", "9"],
        [],
    )
    log = FigureAnswer("", "", ("88",), ("9",), (), ()).agents
    both, one = check_figures("88 and 9", "", log), check_figures("88", "", log)
    assert both is not None
    assert not both.are_all_from_runs
    assert [figure.source.kind for figure in both.found] == [SourceKind.RUN, SourceKind.REPORT]
    assert one is not None
    assert one.are_all_from_runs
    assert (one.found[0].source.title, one.found[0].source.line) == ("Compute", "88")


def test_the_time_and_the_sizes_of_files_that_the_system_adds_are_no_sources() -> None:
    added = "Ann: go\n[Asked on Tuesday, 2026-12-01 02:46.]\n[Files in /work: a.csv (5120 bytes)]"
    log = FigureAnswer("", added, ("1",), (), (), ()).agents
    found = check_figures("46 and 5,120", "go", log)
    assert found is not None
    assert found.unfound == ("46", "5,120")


def test_the_numbers_of_a_chart_that_the_answer_shows_are_figures() -> None:
    agents = FigureAnswer("", "", ("May 12410 0.31\nJune 15020 0.29",), (), (), ()).agents
    series = [["k€", [12.4, 15.3, 0.0]], ["%", [31.0, 29.0, -1.5]]]
    chart = {"kind": "bar", "title": "Sales", "labels": ["May", "June", "July"], "series": series}
    agents["w1"].append(
        Entry("result", {"text": "The answer will have the chart.", "facts": {"chart": chart}})
    )
    assert check_figures("See the chart.", "", agents) == CheckedFigures((), ()), (
        "of no worker that has ended"
    )
    report = {"worker": {"worker": "w1", "status": "done", "title": "Compute"}}
    agents[""].append(Entry("result", {"text": "{}", "facts": report}))
    checked = check_figures("See the chart.", "", agents)
    assert checked is not None
    assert [one.text for one in checked.found] == ["12.4 (chart)", "31 (chart)", "29 (chart)"]
    assert checked.unfound == ("15.3 (chart)", "1.5 (chart)")
    assert "15.3 (chart), 1.5 (chart)" in correction("See the chart.", agents)


def test_without_a_run_nothing_is_checked() -> None:
    log = FigureAnswer("", "", (), ("12",), (), ()).agents
    assert check_figures("It is 55.", "", log) is None
    assert not correction("It is 55.", log)


@pytest.mark.parametrize("item", [{"type": "web_search_call"}, {"role": "assistant", "annotations": [{}]}])
def test_what_the_service_found_in_the_web_can_not_be_checked(item: dict[str, object]) -> None:
    log = FigureAnswer("", "", ("1",), (), (), ()).agents
    log["w1"].append(Entry("reply", {"text": "It is 55.", "calls": [], "raw": [item]}))
    assert check_figures("It is 55.", "", log) is None
    assert not correction("It is 55.", log)


def test_a_correction_is_asked_for_once_and_names_only_what_has_no_source() -> None:
    log = FigureAnswer("", "", ("12",), (), (), ()).agents
    words = correction("12, 55 and 66", log)
    assert ": 55, 66. " in words
    assert not correction("12", log)
    log[""].append(Entry("user", {"text": words, "goes_on": True, "drops": True}))
    assert not correction("12, 55 and 66", log)


def test_an_answer_of_200_kb_and_5000_figures_is_checked() -> None:
    figures = [f"{number:,}" for number in range(2_100, 7_100)]
    answer = "\n".join(f"| {figure} | {'word ' * 5}" for figure in figures)
    found, unfound = checked(answer, "\n".join(str(number) for number in range(4_600, 7_100)))
    assert len(answer) > 150_000
    assert (len(found), len(unfound)) == (2_500, 2_500)


@pytest.mark.parametrize("piece", ["1 ", "[](1", "- 1.", "+1 ", "```\n", '"', "a-1", "1'", "/a", "3 may "])
def test_a_strange_text_of_50_kb_ends(piece: str) -> None:
    checked(piece * (50_000 // len(piece)), "1")


def test_the_answer_says_which_figures_have_a_source() -> None:
    log = FigureAnswer("", "", ("88",), (), (), ()).agents
    good = Outcome(state=State.ANSWERED, text="88", figures=check_figures("88", "", log))
    bad = Outcome(state=State.ANSWERED, text="88, 12", figures=check_figures("88, 12", "", log))

    (message,) = render(TASK, good).messages
    assert "1 figure, from runs" in str(message.below[0])
    assert "handoff_sources" in str(message.below)
    (message,) = render(TASK, bad).messages
    assert message.markdown.endswith("_One figure has no source in any run, tool or report: 12_")
    assert "from runs" not in str(message.below)
    (message,) = render(TASK, bad, figures=FiguresMode.STRICT).messages
    assert message.markdown.startswith("**:warning: One figure has no source")
    (message,) = render(TASK, bad, figures=FiguresMode.OFF).messages
    assert message.markdown == "88, 12"
    assert "handoff_sources" not in str(message.below)


def test_the_list_of_sources_shows_worker_run_and_line_and_fits_a_message() -> None:
    log = FigureAnswer("", "", ("first 1", "total <88>"), (), (), ()).agents
    found = check_figures("88 and 12", "", log)
    assert found is not None
    assert source_list(found) == "*88* · Compute, run 2: `total &lt;88&gt;`\n*12* · no source"
    many = FigureAnswer(
        "", "", ("\n".join(f"a line with {n}" for n in range(5_000, 6_000)),), (), (), ()
    ).agents
    long = check_figures(" ".join(str(n) for n in range(5_000, 6_000)), "", many)
    assert long is not None
    shown = source_list(long)
    assert len(shown) < 4_000
    assert shown.endswith(" more")


async def count_rows(table: str) -> str:
    """Count the rows of a table."""
    return f"{table} has 1234 rows"


async def careless(asked: Asked) -> Reply:
    """Makes a figure up, and corrects it when it is asked to."""
    if asked.is_worker:
        calls = (
            Call("count_rows", {"table": "orders"}), Call("report", {"status": "done", "summary": "counted"})
        )  # fmt: skip
        return calls[min(asked.turn, 1)]
    if not asked.results:
        return Call("create_worker", {"task_description": "Count the rows"})
    was_asked = asked.last_user.startswith("These figures of your answer have no source")
    return Say("It has 1,234 rows." if was_asked else "It has 1,234 rows, 17 of them empty.")


def counting_team(journal: MemoryJournal, *, checks: bool = True) -> Team:
    tools = [TeamTool(Tool.from_function(count_rows))]
    return Team(journal=journal, toolbox=lambda: tools, checks_figures=checks)


@pytest.mark.parametrize(("checks", "requests", "answer"), [
    (True, 5, "It has 1,234 rows."), (False, 4, "It has 1,234 rows, 17 of them empty."),
])  # fmt: skip
async def test_the_orchestrator_corrects_its_answer_once(checks: bool, requests: int, answer: str) -> None:
    async with ScriptedModel(careless) as model, endpoint_of(model) as endpoint:
        assert (await counting_team(MemoryJournal(), checks=checks).run(endpoint)).text == answer
        assert len(model.requests) == requests


async def test_a_correction_survives_a_kill_at_each_entry_and_is_not_paid_twice() -> None:
    whole = MemoryJournal()
    async with ScriptedModel(careless) as model, endpoint_of(model) as endpoint:
        await counting_team(whole).run(endpoint)
        for cut in range(1, sum(map(len, whole.agents.values()))):
            journal = CutJournal(cut)
            with pytest.raises(BaseException) as died:  # noqa: PT011 (a group may hold it)
                await counting_team(journal).run(endpoint)
            assert not isinstance(died.value, AssertionError)
            survived = journal.survived()
            assert (await counting_team(survived).run(endpoint)).text == "It has 1,234 rows."
            assert [e.kind for e in survived.entries] == [e.kind for e in whole.entries]


async def test_a_model_that_insists_is_asked_once_only() -> None:
    async def insists(asked: Asked) -> Reply:
        reply = await careless(asked)
        return Say("It has 99 rows.") if isinstance(reply, Say) else reply

    journal = MemoryJournal()
    async with ScriptedModel(insists) as model, endpoint_of(model) as endpoint:
        assert (await counting_team(journal).run(endpoint)).text == "It has 99 rows."
        assert len(model.requests) == 5
    found = check_figures("It has 99 rows.", "", journal.agents)
    assert found is not None
    assert found.unfound == ("99",)
