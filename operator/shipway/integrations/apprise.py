"""Apprise: mail, chat and paging services, by the addresses that a team has given.

Addresses are secrets. They lie in the files of a folder, a mounted Secret: a file for each team, and `default` for all
others. It is read anew for each notice, so an address that is added is used without a restart.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from apprise import Apprise, NotifyType

from shipway.integrations.notice import NotDeliveredError, Notice, Stage

DEFAULT = "default"
REMEMBERED = 256
"""Notices of which it is known who took them: a second try must not tell anybody twice."""
_KINDS = {Stage.OPENED: NotifyType.FAILURE, Stage.MITIGATED: NotifyType.INFO, Stage.RESOLVED: NotifyType.SUCCESS}

# What it logs may name addresses, and addresses hold tokens; what matters is in the Incident's status.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


class AppriseReceiver:
    """A Receiver.

    Args:
        folder: Of the files.
    """

    refresh_seconds: float | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: OrderedDict[tuple[str, Stage], set[str]] = OrderedDict()

    async def send(self, notice: Notice) -> None:
        """Tell every address of the team that was not told yet.

        Raises:
            NotDeliveredError: There is none, one is not understood, or one did not take it.
        """
        key, urls = addresses(self._folder, notice.team)
        taken = self._taken_of(notice)
        failed = [number for number, url in urls if _name(url) not in taken and not await _tell(url, notice, taken)]
        if failed:
            lines = ", ".join(str(number) for number in failed)
            raise NotDeliveredError(f"line {lines} of key {key} did not take it, or is no address that Apprise knows")

    def _taken_of(self, notice: Notice) -> set[str]:
        taken = self._taken.setdefault((notice.uid, notice.stage), set())
        self._taken.move_to_end((notice.uid, notice.stage))
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        return taken


def addresses(folder: Path, team: str) -> tuple[str, Sequence[tuple[int, str]]]:
    """The key whose addresses are a team's, and these with the numbers of their lines.

    Raises:
        NotDeliveredError: Neither the team nor everybody has any.
    """
    try:
        files = {path.name: path for path in folder.iterdir() if path.is_file()}
    except OSError as error:
        raise NotDeliveredError(f"the addresses cannot be read: {type(error).__name__}") from error
    for key in (team, DEFAULT):
        lines = files[key].read_text(errors="replace").splitlines() if key in files else []
        found = [(n, line) for n, line in enumerate(map(str.strip, lines), 1) if line and not line.startswith("#")]
        if found:
            return key, found
    raise NotDeliveredError(f"the Secret of notifications.apprise has no addresses under {team} or {DEFAULT}")


def title(notice: Notice) -> str:
    """One line."""
    if notice.stage is Stage.RESOLVED:
        return f"[resolved] {notice.namespace}: {notice.model} {notice.version}"
    after = ", the traffic is back" if notice.stage is Stage.MITIGATED and notice.type == "Rollback" else ""
    return f"[{notice.severity}] {notice.namespace}: {notice.headline}{after}"


def body(notice: Notice) -> str:
    """What whoever is on call reads first."""
    rows = [
        notice.summary,
        f"On call: {notice.on_call}" if notice.on_call else "",
        f"Runbook: {notice.runbook}" if notice.runbook else "",
        f"kubectl -n {notice.namespace} describe incident {notice.name}",
    ]
    return "\n".join(row for row in rows if row)


async def _tell(url: str, notice: Notice, taken: set[str]) -> bool:
    box = Apprise()
    # The first address makes it load all of its services, which takes a second or two.
    if not await asyncio.to_thread(box.add, url):
        return False
    done = bool(await box.async_notify(title=title(notice), body=body(notice), notify_type=_KINDS[notice.stage]))
    if done:
        taken.add(_name(url))
    return done


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
