"""Teams are told by real Apprise over real HTTP: whom, what, once, and what is said when it does not arrive."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from shipway.integrations.apprise import AppriseReceiver, addresses, body, title
from shipway.integrations.notice import NotDeliveredError, Stage
from unit.integrations import notices

NOTICE = replace(
    notices.NOTICE, uid="u1", name="ranker-v3-rollback", severity="Major", summary="v3: 7 errors in 31 answers"
)


class Service:
    """Somebody who is told by HTTP."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.refuses: set[str] = set()
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path in self.refuses:
            return web.Response(status=500)
        self.told.append((request.path, await request.json()))
        return web.Response()

    def url(self, path: str) -> str:
        return f"json://127.0.0.1:{self.port}/{path}"


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    app = web.Application()
    app.router.add_post("/{path}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


async def test_a_team_is_told_at_its_own_addresses_and_who_only_names_it_at_the_default(
    tmp_path: Path, service: Service
) -> None:
    (tmp_path / "reco").write_text(f"# chat\n{service.url('chat')}\n\n{service.url('page')}\n")
    (tmp_path / "default").write_text(service.url("everybody"))
    receiver = AppriseReceiver(tmp_path)
    await receiver.send(NOTICE)
    await receiver.send(replace(NOTICE, uid="u2", team="", owner="reco"))
    assert [path for path, _ in service.told] == ["/chat", "/page", "/everybody"]
    assert service.told[0][1]["title"] == "[Major] team-reco: ranker v3 was taken back: errors"
    assert "7 errors in 31 answers" in service.told[0][1]["message"]


def test_a_comment_may_be_indented_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "reco").write_text("  # chat\n\n  json://chat  \n")
    assert addresses(tmp_path, "reco") == ("reco", [(3, "json://chat")])


async def test_who_took_it_is_not_told_again_when_another_did_not(tmp_path: Path, service: Service) -> None:
    (tmp_path / "reco").write_text(f"{service.url('chat')}\n{service.url('page')}")
    service.refuses = {"/page"}
    receiver = AppriseReceiver(tmp_path)
    with pytest.raises(NotDeliveredError, match="line 2 of key reco"):
        await receiver.send(NOTICE)
    service.refuses = set()
    await receiver.send(NOTICE)
    await receiver.send(replace(NOTICE, stage=Stage.RESOLVED))
    assert [path for path, _ in service.told] == ["/chat", "/page", "/chat", "/page"]


async def test_an_address_that_is_none_is_told_by_its_line_and_never_by_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "reco").write_text("nosuchservice://token-of-ours")
    with pytest.raises(NotDeliveredError) as error:
        await AppriseReceiver(tmp_path).send(NOTICE)
    assert "line 1 of key reco" in str(error.value)
    assert "token-of-ours" not in str(error.value) + caplog.text


async def test_an_address_that_is_added_is_used_without_a_restart(tmp_path: Path, service: Service) -> None:
    receiver = AppriseReceiver(tmp_path)
    with pytest.raises(NotDeliveredError, match="no addresses under reco or default"):
        await receiver.send(NOTICE)
    (tmp_path / "reco").write_text(service.url("chat"))
    await receiver.send(NOTICE)
    assert len(service.told) == 1


@pytest.mark.parametrize("team", ["../secrets", "..", "", "/etc/passwd"])
def test_no_team_names_a_file_elsewhere(tmp_path: Path, team: str) -> None:
    (tmp_path.parent / "secrets").write_text("json://elsewhere")
    with pytest.raises(NotDeliveredError, match="no addresses"):
        addresses(tmp_path, team)


def test_each_stage_says_how_far_it_is() -> None:
    assert title(replace(NOTICE, stage=Stage.MITIGATED)).endswith("taken back: errors, the traffic is back")
    assert title(replace(NOTICE, stage=Stage.RESOLVED)) == "[resolved] team-reco: ranker v3"
    assert "gates cannot tell: errors" in title(replace(NOTICE, type="GateError"))
    burnt = replace(NOTICE, type="SLOBurn", stage=Stage.MITIGATED)
    assert title(burnt).endswith("ranker uses up its error budget too fast: errors")


def test_what_there_is_not_is_not_written() -> None:
    assert "On call" not in body(replace(NOTICE, on_call="", runbook=""))
    assert body(NOTICE).splitlines()[-1] == "kubectl -n team-reco describe incident ranker-v3-rollback"
