import pytest

from functions.local.edge.routing import function_of, is_page


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/analyze", "analyze"),
        ("/v1/analyze/", "analyze"),
        ("/v1/analyze/openapi.json", "analyze"),
        ("/v1/session", "analyze"),
        ("/v1/status/events", "status"),
        ("/v1/stream/dQw4w9WgXcQ/137+140", "stream"),
        ("/v1/analyzer", None),
        ("/v1", None),
        ("/v1/", None),
        ("/v2/analyze", None),
        ("/page/v1/analyze", None),
        ("//v1/analyze", None),
        ("", None),
        ("/healthz", None),
    ],
)
def test_a_path_belongs_to_a_function(path: str, name: str | None) -> None:
    assert function_of(path) == name


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/readyz", "/metrics"])
def test_the_page_is_not_shown_where_programs_look(path: str) -> None:
    assert not is_page(path)


@pytest.mark.parametrize("path", ["", "/", "/some/where", "/v10"])
def test_the_page_is_shown_elsewhere(path: str) -> None:
    assert is_page(path)
