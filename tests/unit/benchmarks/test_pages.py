"""What is written for pages and printed in terminals."""

import pytest

from benchmarks.pages import aligned, filled, table


def test_a_table_is_aligned_for_a_terminal_and_what_is_around_it_stays() -> None:
    text = f"before | it\n\n{table(('rule', 'runs'), [('ours', '60'), ('the peer, patient', '1,000')])}\n\nafter it\n"
    assert aligned(text).splitlines() == [
        "before | it",
        "",
        "| rule              | runs  |",
        "| ----------------- | ----- |",
        "| ours              | 60    |",
        "| the peer, patient | 1,000 |",
        "",
        "after it",
    ]


def test_a_page_without_the_marks_is_refused_with_their_names() -> None:
    with pytest.raises(ValueError, match="needs the lines <!-- here --> and <!-- end of figures -->"):
        filled("a page", begin="<!-- here -->", text="")
