"""Which queries a gate may have."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shipway.api.v1alpha1.gates import Query

QUERY = TypeAdapter(Query)


@pytest.mark.parametrize(
    "query",
    [
        "up",
        'sum(rate(x{namespace="{{namespace}}",pod=~"{{service}}-.*"}[1m]))\n/ 2',
        'a{v="{{version}}"} / a{v="{{stableVersion}}",s="{{stableService}}"}',
        "{__name__='x'}",
        "x{{{version}}}",
    ],
)
def test_a_query_has_known_placeholders_and_any_braces_of_its_own(query: str):
    assert QUERY.validate_python(query) == query


@pytest.mark.parametrize(
    "query",
    [
        "",
        "x" * 1025,
        "{{pod}}",
        "{{ version }}",
        "{{.Name}}",
        "x{{{pod}}}",
        "{{{{version}}}}",
        "{{version",
        "{{version}",
    ],
)
def test_nothing_else_is_taken_for_a_placeholder(query: str):
    with pytest.raises(ValidationError):
        QUERY.validate_python(query)
