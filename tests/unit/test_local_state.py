from pathlib import Path

import pytest

from functions.local import state
from functions.local.failure import LaunchError


def test_the_folder_follows_xdg(tmp_path: Path) -> None:
    assert state.folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "sluice"
    assert (tmp_path / "sluice").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("base", ["", "not/absolute"])
def test_the_folder_is_in_the_home_otherwise(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state.folder({"XDG_STATE_HOME": base}) == tmp_path / ".local" / "state" / "sluice"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "sluice").touch()
    with pytest.raises(LaunchError, match=r"cannot make the state folder .*sluice"):
        state.folder({"XDG_STATE_HOME": str(tmp_path)})


def test_a_secret_is_made_once_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    secret = state.kept_secret(path)
    assert len(secret) >= 32
    assert state.kept_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with state.exclusive(tmp_path), pytest.raises(LaunchError, match="already running"), state.exclusive(tmp_path):
        pass
    with state.exclusive(tmp_path):
        pass
