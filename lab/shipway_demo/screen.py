"""What a person sees: acts, steps with a live line, and the table at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from shipway_demo.claims import Report

QUIET_SECONDS = 5.0
"""Without a terminal a step says something new at most this often."""


class Step:
    """One step under way: what it waits for, and how far it is."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._began = time.monotonic()
        self._line = ""
        self._printed = 0.0
        self._fraction: float | None = None
        self._spinner = Spinner("dots", style="cyan")
        self.outcome = ""

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def say(self, line: str, fraction: float | None = None) -> None:
        """Shows where the step is; `fraction` from 0 to 1 draws a bar."""
        changed, self._line, self._fraction = line != self._line, line, fraction
        if self._console.is_terminal or not changed or time.monotonic() - self._printed < QUIET_SECONDS:
            return
        self._printed = time.monotonic()
        self._console.print(f"    {self.seconds:5.1f} s  {line}", highlight=False)

    def done(self, outcome: str) -> None:
        """What stands beside the tick when the step ends."""
        self.outcome = outcome

    def __rich__(self) -> RenderableType:
        head = Table.grid(padding=(0, 1))
        head.add_row(self._spinner, Text(self._title, style="bold"), Text(f"{self.seconds:.0f} s", style="dim"))
        if not self._line:
            return head
        body = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=1.0, completed=self._fraction, width=28) if self._fraction is not None else Text("")
        body.add_row(Text("  "), bar, Text(self._line, style="dim"))
        return Group(head, body)


class Screen:
    """Prints the story."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(soft_wrap=True)

    def act(self, title: str) -> None:
        """A new part of the story."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left", style="blue")

    def note(self, line: str) -> None:
        """A remark between two steps."""
        self.console.print(f"  [yellow]-[/] {line}", highlight=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step with a live line; its tick and seconds stay on the screen."""
        step = Step(self.console, title)
        if not self.console.is_terminal:
            self.console.print(f"  … {title}", highlight=False)
        with Live(step, console=self.console, refresh_per_second=8, transient=True):
            try:
                yield step
            except BaseException:
                self.console.print(f"  [red]✗[/] {title} [dim]({step.seconds:.1f} s)[/]", highlight=False)
                raise
        outcome = f"  [cyan]{step.outcome}[/]" if step.outcome else ""
        self.console.print(f"  [green]✓[/] {title} [dim]({step.seconds:.1f} s)[/]{outcome}", highlight=False)

    def table(self, report: Report) -> None:
        """All claims."""
        table = Table(title=f"{len(report.claims)} claims in {report.seconds:.0f} s", title_justify="left")
        for column in ("claim", "value", "limit", ""):
            table.add_column(column, justify="right" if column == "value" else "left")
        for made in report.claims:
            mark = "[green]holds" if made.holds else "[bold red]FAILS"
            table.add_row(made.name, f"{made.value} {made.unit}".strip(), made.limit, mark)
        self.console.print()
        self.console.print(table)
