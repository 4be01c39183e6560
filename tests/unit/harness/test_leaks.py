"""The look-out for secrets finds what was said, names it, and does not say it again."""

import base64

from harness.leaks import LeakSearch

SECRET = {
    "kind": "Secret",
    "metadata": {"namespace": "team", "name": "storage"},
    "data": {
        "AWS_SECRET_ACCESS_KEY": base64.b64encode(b"hunter2-hunter2").decode(),
        "AWS_ENDPOINT_URL": base64.b64encode(b"http://s3.example.com").decode(),
    },
}
META = {"namespace": "team", "name": "train"}


def search() -> LeakSearch:
    made = LeakSearch()
    made.see(SECRET)
    return made


def test_a_secret_in_a_status_an_event_or_a_log_line_is_found_and_named() -> None:
    found = search()
    found.see({"kind": "TrainingJob", "metadata": META, "status": {"summary": "bad key hunter2-hunter2"}})
    found.see({"kind": "Event", "metadata": META, "note": "hunter2-hunter2"})
    found.read("... hunter2-hunter2 ...", "operator.log")
    assert found.found == {
        f"AWS_SECRET_ACCESS_KEY of Secret team/storage is said in {where}"
        for where in ("TrainingJob team/train", "Event team/train", "operator.log")
    }


def test_addresses_and_what_users_wrote_into_their_specs_are_no_secrets() -> None:
    found = search()
    found.read("cannot reach http://s3.example.com", "operator.log")
    found.see({"kind": "TrainingJob", "metadata": META, "spec": {"env": "hunter2-hunter2"}})
    assert found.found == set()


def test_a_token_is_known_by_its_form() -> None:
    found = search()
    part = "A" * 24
    found.read(f"Bearer eyJ{part}.eyJ{part}.{part}", "operator.log")
    assert found.found == {"a token is said in operator.log"}


def test_a_secret_that_is_known_late_is_found_in_what_was_said_before() -> None:
    found = LeakSearch()
    found.see({"kind": "Event", "metadata": META, "note": "hunter2-hunter2"})
    found.see(SECRET)
    assert found.found == {"AWS_SECRET_ACCESS_KEY of Secret team/storage is said in Event team/train"}
