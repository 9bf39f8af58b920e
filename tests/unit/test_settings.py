"""A bad value stops the start with a message that names it and keeps its secrets."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.settings import RateLimit, Settings, SettingsError, load_settings, rate_limit, size, whole

SECRET = "correct-horse-battery-staple"


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings(dotenv=None)


def test_without_any_variable_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch) == Settings()


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, GLOBAL_PROXY="", PORT=" ", ALLOW_ANONYMOUS="", TRUSTED_PROXIES="") == Settings()


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    settings = load(
        monkeypatch,
        GLOBAL_PROXY="socks5h://user:pass@proxy.example:1080/",
        REDIS_URL="rediss://store.example:6380/1",
        POT_PROVIDER_URL="http://pot:4416/",
        MAX_CONCURRENT_ANALYSES="2",
        MAX_CONCURRENT_DOWNLOADS="3",
        MAX_BANDWIDTH="10 MB",
        MAX_QUEUE_LENGTH="4",
        RATE_LIMIT="5/hour",
        RESULT_TTL="6",
        ANALYSIS_TIMEOUT="7",
        ANALYSIS_ATTEMPTS="8",
        STREAM_CONNECTIONS="9",
        STREAM_MEMORY="64MiB",
        STREAM_IDLE_TIMEOUT="10",
        STREAM_GRACE="11",
        ACCESS_KEY=SECRET,
        SECRET_KEY=SECRET,
        TRUSTED_PROXIES="10.0.0.0/8, ::1",
        PUBLIC_URL="https://example.org/sluice/",
        CORS_ORIGINS="https://a.example,https://b.example:8443",
        LOG_LEVEL="DEBUG",
        LOG_FORMAT="console",
        HOST="0.0.0.0",
        PORT="9000",
        ALLOW_ANONYMOUS="true",
        SSL_CERT_FILE=str(bundle),
    )
    assert settings == Settings(
        global_proxy="socks5h://user:pass@proxy.example:1080",
        redis_url="rediss://store.example:6380/1",
        pot_provider_url="http://pot:4416",
        max_concurrent_analyses=2,
        max_concurrent_downloads=3,
        max_bandwidth=10_000_000,
        max_queue_length=4,
        rate_limit=RateLimit(5, 3600),
        result_ttl=6,
        analysis_timeout=7,
        analysis_attempts=8,
        stream_connections=9,
        stream_memory=64 * 1024 * 1024,
        stream_idle_timeout=10,
        stream_grace=11,
        access_key=SECRET,
        secret_key=SECRET,
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("::1/128")),
        public_url="https://example.org/sluice",
        root_path="/sluice",
        cors_origins=("https://a.example", "https://b.example:8443"),
        log_level="debug",
        log_format="console",
        host="0.0.0.0",
        port=9000,
        allow_anonymous=True,
        ssl_cert_file=bundle,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GLOBAL_PROXY", "proxy.example:1080"),
        ("GLOBAL_PROXY", "ftp://user:topsecret@proxy.example"),
        ("GLOBAL_PROXY", "http://user:topsecret@proxy.example:port"),
        ("GLOBAL_PROXY", "http://user:topsecret@[broken"),
        ("REDIS_URL", "http://topsecret@store"),
        ("REDIS_URL", "redis://:topsecret@store:port"),
        ("REDIS_URL", "redis://:topsecret@store/first"),
        ("REDIS_URL", "redis+sentinel://:topsecret@store:26379"),
        ("REDIS_URL", "redis+sentinel://:topsecret@store:26379,other:port/main"),
        ("REDIS_URL", "redis+sentinel://:topsecret@store:26379/main/first"),
        ("REDIS_URL", "rediss://:topsecret@store?ssl_ca_certs=/nowhere/at/all.pem"),
        ("REDIS_URL", "rediss://:topsecret@store?ssl_check_hostname=perhaps"),
        ("REDIS_URL", "rediss://:topsecret@store?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis://:topsecret@store?ssl_check_hostname=false"),
        ("REDIS_URL", "rediss://:topsecret@store?sentinel_password=topsecret"),
        ("REDIS_URL", "redis://:topsecret@store?protocol=1"),
        ("REDIS_URL", "redis://:topsecret@store?password=topsecret"),
        ("POT_PROVIDER_URL", "pot:4416"),
        ("MAX_CONCURRENT_ANALYSES", "0"),
        ("MAX_CONCURRENT_DOWNLOADS", "many"),
        ("MAX_BANDWIDTH", "-1"),
        ("MAX_QUEUE_LENGTH", "1e3"),
        ("RATE_LIMIT", "60"),
        ("RATE_LIMIT", "60/fortnight"),
        ("RESULT_TTL", "90000"),
        ("ANALYSIS_TIMEOUT", "1.5"),
        ("ANALYSIS_ATTEMPTS", "٣"),
        ("STREAM_CONNECTIONS", "33"),
        ("STREAM_MEMORY", "1 MiB"),
        ("STREAM_IDLE_TIMEOUT", "0"),
        ("STREAM_GRACE", "-1"),
        ("ACCESS_KEY", "topsecret"),
        ("SECRET_KEY", "topsecret"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("PUBLIC_URL", "example.org"),
        ("PUBLIC_URL", "https://user:topsecret@example.org"),
        ("PUBLIC_URL", "https://topsecret@example.org/sluice"),
        ("ROOT_PATH", "sluice"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://user:topsecret@a.example"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("PORT", "65536"),
        ("ALLOW_ANONYMOUS", "perhaps"),
        ("SSL_CERT_FILE", "/nowhere/at/all.pem"),
    ],
)
def test_a_bad_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, **{name: value})
    assert str(refused.value).startswith(f"{name}: ")
    assert "topsecret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://store",
        "redis://user:p@ss@[::1]:6379/3?protocol=3",
        "rediss://store/",
        "redis+sentinel://a:1,b:2,c/main",
        "rediss+sentinel://user:password@a,b/main/2",
        "rediss+sentinel://a/main?sentinel_username=u&sentinel_password=p&ssl_check_hostname=false&protocol=2",
        f"rediss://store?ssl_ca_certs={__file__}&ssl_certfile={__file__}&ssl_keyfile={__file__}",
    ],
)
def test_every_kind_of_store(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert load(monkeypatch, REDIS_URL=url).redis_url == url


def test_everyone_may_only_be_let_in_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="ACCESS_KEY"):
        load(monkeypatch, HOST="0.0.0.0")
    assert load(monkeypatch, ALLOW_ANONYMOUS="true").allow_anonymous
    monkeypatch.delenv("ALLOW_ANONYMOUS")
    assert load(monkeypatch, ACCESS_KEY=SECRET, SECRET_KEY=SECRET).access_key == SECRET


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_loopback_address_needs_no_key(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert load(monkeypatch, HOST=host).host == host


def test_an_access_key_needs_a_secret_that_all_functions_share(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        load(monkeypatch, ACCESS_KEY=SECRET)


def test_the_path_of_the_public_url_is_the_root_path(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="ROOT_PATH"):
        load(monkeypatch, PUBLIC_URL="https://example.org/a", ROOT_PATH="/b")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1111\nRESULT_TTL=22\n")
    monkeypatch.setenv("PORT", "3333")
    settings = load_settings(dotenv=dotenv)
    assert (settings.port, settings.result_ttl) == (3333, 22)
    monkeypatch.delenv("RESULT_TTL", raising=False)


@given(st.integers(0, 10**12))
def test_plain_bytes_are_taken_as_they_are(value: int) -> None:
    assert size(0)(str(value)) == value


@pytest.mark.parametrize(("text", "value"), [("1K", 1024), ("1KiB", 1024), ("1 kb", 1000), ("2 GiB", 2 << 30), ("3B", 3)])
def test_units_of_bytes(text: str, value: int) -> None:
    assert size(0)(text) == value


@pytest.mark.parametrize("text", ["", "1.5", "-1", "1_000", "²", "1TiB", "9" * 20])
def test_nothing_else_is_a_number_of_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="bytes"):
        size(0)(text)


def test_a_rate_of_zero_switches_the_limit_off() -> None:
    assert rate_limit("0").count == 0


@given(st.text(max_size=8))
def test_a_whole_number_is_digits_within_its_bounds(text: str) -> None:
    try:
        assert 1 <= whole(1, 100)(text) <= 100
    except ValueError as refused:
        assert "1 to 100" in str(refused)  # noqa: PT017 - either outcome is fine, silence is not
