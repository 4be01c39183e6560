"""What a training reports on its way reaches the status, at times, and only of the attempt under way."""

import pytest

from unit.controllers.training import KEY, Training


def test_progress_alone_is_written_every_ten_seconds_and_survives_a_restart_of_the_operator():
    t = Training().run()
    t.report(10)
    t.settle()
    writes = t.world.writes
    t.pass_time(4).report(20)
    plan = t.settle()
    assert t.world.writes == writes
    assert plan.requeue_after == pytest.approx(6, abs=1)
    t.restart_operator()
    t.settle()
    t.pass_time(4).report(30)
    t.settle()
    assert t.world.writes == writes, "the persisted time decides, not the memory of the process"
    t.pass_time(4).settle()
    assert t.status["progress"]["step"] == 30
    assert t.world.writes == writes + 1


def test_progress_rides_along_when_something_else_is_written():
    t = Training().run()
    t.report(10)
    t.settle()
    t.pass_time(2).report(20)
    t.world.end("ranker-1-0", code=137)
    t.settle()
    assert t.status["attempts"][0]["step"] == 20


def test_a_report_of_an_attempt_that_is_over_changes_nothing():
    t = Training().run()
    t.report(100)
    t.settle()
    t.world.end("ranker-1-1", code=137)
    t.run()
    writes = t.world.writes
    t.pass_time(60)
    t.settle()
    assert t.world.writes == writes
    assert (t.status["progress"]["step"], t.status["progress"]["attempt"]) == (100, 1)


def test_a_late_report_of_the_attempt_before_is_no_progress_of_this_one():
    t = Training().run()
    t.world.end("ranker-1-1", code=137)
    t.world.step(t.controller, KEY)
    t.report(700, attempt=1)
    t.run()
    assert t.attempt == 2
    assert "progress" not in t.status


def test_a_loss_that_is_no_number_stays_out_of_the_status():
    t = Training().run()
    t.report(5, loss="nan")
    t.settle()
    assert t.status["progress"]["step"] == 5
    assert "loss" not in t.status["progress"]
