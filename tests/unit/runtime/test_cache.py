"""The cache: only newer versions, nothing rises from the dead, owners find what is theirs."""

import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.api import labels
from shipway.kube.resource import HTTP_ROUTE, POD, Key, Object
from shipway.runtime.cache import REMEMBER_DEAD_SECONDS, ObjectCache, version_of

OWNER = Key("TrainingJob", "ns", "job")


def pod(name: str = "p", *, version: int, uid: str = "u1", owner: str | None = None, **fields: Any) -> Object:
    marks = {labels.KIND: "TrainingJob", labels.NAME: owner} if owner else {}
    meta = {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": str(version), "labels": marks}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, **fields}


def test_a_newer_version_replaces_and_an_older_does_not() -> None:
    cache = ObjectCache()

    assert cache.put(POD, pod(version=9))
    assert not cache.put(POD, pod(version=8))
    assert not cache.put(POD, pod(version=9))
    assert cache.put(POD, pod(version=10))
    assert version_of(cache.get(POD, "ns", "p") or {}) == 10


def test_versions_are_numbers_not_texts() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=99))

    assert cache.put(POD, pod(version=100))


def test_a_late_event_does_not_raise_what_was_deleted() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=5))
    cache.remove(POD, pod(version=5), gone_for_good=True)

    assert not cache.put(POD, pod(version=6))
    assert cache.get(POD, "ns", "p") is None


def test_a_new_object_of_the_same_name_is_another_one() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=5, uid="old"))
    cache.remove(POD, pod(version=5, uid="old"), gone_for_good=True)

    assert cache.put(POD, pod(version=8, uid="new"))


def test_the_deletion_of_an_older_incarnation_leaves_the_new_one() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=8, uid="new"))

    assert cache.remove(POD, pod(version=6, uid="old")) is None
    assert cache.get(POD, "ns", "p") is not None


def test_what_left_a_selection_may_come_back_as_it_left_or_newer_and_no_older() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=5))
    cache.remove(POD, pod(version=6))

    assert not cache.put(POD, pod(version=5))
    assert cache.put(POD, pod(version=6))
    assert cache.put(POD, pod(version=7))


def test_a_farewell_that_is_told_twice_does_not_end_what_has_been_asked_for_since() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=5))
    cache.remove(POD, pod(version=6))
    cache.put(POD, pod(version=6))

    assert cache.remove(POD, pod(version=6)) is None
    assert cache.get(POD, "ns", "p") is not None


def test_owners_find_what_is_theirs_until_the_label_changes() -> None:
    cache = ObjectCache()
    cache.put(POD, pod("a", version=1, uid="a", owner="job"))
    cache.put(POD, pod("b", version=2, uid="b", owner="other"))
    assert [p["metadata"]["name"] for p in cache.owned(POD, OWNER)] == ["a"]

    cache.put(POD, pod("a", version=3, uid="a", owner="other"))
    assert cache.owned(POD, OWNER) == ()
    assert len(cache.owned(POD, Key("TrainingJob", "ns", "other"))) == 2


def test_what_bears_a_tag_is_found_in_every_namespace_until_it_bears_it_no_more() -> None:
    cache = ObjectCache(tags={POD: lambda obj: obj["spec"]["tags"]})
    cache.put(POD, pod("a", version=1, uid="a", spec={"tags": ["red", "round"]}))
    elsewhere = pod("a", version=2, uid="b", spec={"tags": ["red"]})
    elsewhere["metadata"]["namespace"] = "elsewhere"
    cache.put(POD, elsewhere)
    assert [p["metadata"]["namespace"] for p in cache.tagged(POD, "red")] == ["ns", "elsewhere"]

    cache.put(POD, pod("a", version=3, uid="a", spec={"tags": ["round"]}))
    cache.remove(POD, elsewhere, gone_for_good=True)
    assert cache.tagged(POD, "red") == ()
    assert [p["metadata"]["namespace"] for p in cache.tagged(POD, "round")] == ["ns"]


def test_nothing_is_looked_for_by_tags_that_nobody_gives() -> None:
    with pytest.raises(KeyError, match="pods bear no tags"):
        ObjectCache().tagged(POD, "red")


def test_lists_are_of_one_namespace() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=1))

    assert len(cache.list(POD, "ns")) == 1
    assert cache.list(POD, "elsewhere") == ()


def test_a_resource_is_there_once_every_part_of_it_is() -> None:
    cache = ObjectCache()
    assert not cache.has(HTTP_ROUTE)

    assert not cache.set_synced(HTTP_ROUTE, "ns1", synced=False)
    assert not cache.set_synced(HTTP_ROUTE, "ns2", synced=True)
    assert not cache.has(HTTP_ROUTE)
    assert cache.set_synced(HTTP_ROUTE, "ns1", synced=True)
    assert cache.has(HTTP_ROUTE)


def test_the_dead_are_forgotten_after_a_while() -> None:
    now = 0.0
    cache = ObjectCache(monotonic=lambda: now)
    for number in range(100):
        cache.remove(POD, pod(version=1, uid=str(number)), gone_for_good=True)
    now = REMEMBER_DEAD_SECONDS + 1
    cache.remove(POD, pod(version=1, uid="last"), gone_for_good=True)

    assert len(cache._dead) == 1


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["put", "watch-delete", "answered-delete"]),
        st.sampled_from("ab"),
        st.sampled_from(["u1", "u2"]),
        st.integers(1, 30),
        st.sampled_from(["job", "other", None]),
    ),
    max_size=40,
)


@given(EVENTS)
def test_indexes_agree_with_the_objects_whatever_comes(events: list[tuple[str, str, str, int, str | None]]) -> None:
    cache = ObjectCache()
    for what, name, uid, version, owner in events:
        obj = pod(name, version=version, uid=f"{name}-{uid}", owner=owner)
        before = cache.get(POD, "ns", name)
        if what == "put":
            took = cache.put(POD, obj)
            assert cache.get(POD, "ns", name) == (obj if took else before)
        else:
            cache.remove(POD, obj, gone_for_good=what == "answered-delete")
        everything = [cache.get(POD, *place) for place in cache.places(POD)]
        assert _sorted(cache.list(POD, "ns")) == _sorted(everything)
        for job in ("job", "other"):
            mine = [o for o in everything if o["metadata"]["labels"].get(labels.NAME) == job]
            assert _sorted(cache.owned(POD, Key("TrainingJob", "ns", job))) == _sorted(mine)


def _sorted(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda obj: obj["metadata"]["name"])


def test_what_a_list_lacks_is_told_unless_it_is_newer_than_the_list() -> None:
    cache = ObjectCache()
    for name, version, uid in (("kept", 1, "k"), ("gone", 2, "g"), ("anew", 3, "old"), ("young", 9, "y")):
        cache.put(POD, pod(name, version=version, uid=uid))
    seen = {("ns", "kept"): "k", ("ns", "anew"): "new"}
    assert [obj["metadata"]["name"] for obj in cache.unlisted(POD, seen, 5)] == ["gone", "anew"]
    assert cache.newest_version(POD) == 9


def test_who_changes_what_was_read_does_not_change_what_is_known() -> None:
    cache = ObjectCache()
    cache.put(POD, pod(version=1, status={"phase": "Running"}))
    read = cache.get(POD, "ns", "p")
    assert read is not None
    read["status"]["phase"] = "Failed"
    again = cache.get(POD, "ns", "p")
    assert again is not None
    assert again["status"]["phase"] == "Running"


def test_what_is_kept_takes_hardly_more_room_than_its_json() -> None:
    cache = ObjectCache()
    made = [pod(f"p-{number}", version=number, uid=f"u-{number}", note="x" * 1500) for number in range(300)]
    tracemalloc.start()
    try:
        for obj in made:
            cache.put(POD, obj)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken / len(made) < 1500 + 1500
