from pathlib import Path

import pytest

from ml_server.config import Settings, read_settings
from ml_server.errors import InvalidSettingsError


def test_no_variable_means_the_defaults() -> None:
    assert read_settings({"PATH": "/bin", "HTML_X": "1"}) == Settings()


def test_every_default_is_allowed() -> None:
    defaults = {name: getattr(Settings(), name) for name in Settings.__struct_fields__}
    assert read_settings({f"ML_{name.upper()}": str(value) for name, value in defaults.items() if value}) == Settings()


def test_an_empty_variable_is_not_set() -> None:
    assert read_settings({"ML_API_KEY": "", "ML_TIMEOUT_S": ""}) == Settings()


def test_every_setting_is_read(tmp_path: Path) -> None:
    read = read_settings(
        {
            "ML_API_KEY": "0123456789abcdef",
            "ML_MODEL_DIR": str(tmp_path),
            "ML_MODEL": "other",
            "ML_MODEL_VERSION": "2.0.1",
            "ML_BIND": "[::1]:9100",
            "ML_WORKERS": "3",
            "ML_THREADS": "4",
            "ML_MAX_BODY_BYTES": "2048",
            "ML_MAX_BATCH": "5",
            "ML_TIMEOUT_S": "2.5",
        }
    )
    assert read == Settings(
        api_key="0123456789abcdef",
        model_dir=tmp_path,
        model="other",
        model_version="2.0.1",
        bind="[::1]:9100",
        workers=3,
        threads=4,
        max_body_bytes=2048,
        max_batch=5,
        timeout_s=2.5,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ML_API_KEY", "short"),
        ("ML_API_KEY", "has spaces in it, so no"),
        ("ML_API_KEY", "0123456789abcdef\n"),
        ("ML_MODEL_DIR", "relative/path"),
        ("ML_MODEL_DIR", "/no/such/directory"),
        ("ML_MODEL", "../etc"),
        ("ML_MODEL_VERSION", "latest"),
        ("ML_MODEL_VERSION", "null"),
        ("ML_BIND", "9000"),
        ("ML_WORKERS", "0"),
        ("ML_WORKERS", "65"),
        ("ML_WORKERS", "two"),
        ("ML_WORKERS", " 4"),
        ("ML_WORKERS", "+4"),
        ("ML_WORKERS", "1_0"),
        ("ML_WORKERS", "4.0"),
        ("ML_WORKERS", "0x4"),
        ("ML_WORKERS", "true"),
        ("ML_THREADS", "1"),
        ("ML_MAX_BODY_BYTES", "1e6"),
        ("ML_MAX_BATCH", "-1"),
        ("ML_TIMEOUT_S", "nan"),
        ("ML_TIMEOUT_S", "inf"),
        ("ML_TIMEOUT_S", "0.09"),
        ("ML_TIMEOUT_S", "601"),
        ("ML_TIMEOUT_S", "soon"),
        ("ML_TIMEOUT_S", "\udcff"),  # a byte that is no text
    ],
)
def test_wrong_value_is_refused(name: str, value: str) -> None:
    """A wrong value is refused by the name of its variable."""
    with pytest.raises(InvalidSettingsError, match=f"{name} must be") as refused:
        read_settings({name: value})
    assert value not in refused.value.message.removeprefix(f"wrong settings: {name}").split()


@pytest.mark.parametrize("bind", ["0.0.0.0:9000", "[::]:9000", "10.1.2.3:9000", "clinic.example:9000", "127.1:9000"])
def test_public_address_needs_key(bind: str) -> None:
    """What others can reach needs a key."""
    message = r"wrong settings: ML_API_KEY must be set where ML_BIND is not a loopback address or unix:/PATH$"
    for no_key in ({}, {"ML_API_KEY": ""}):
        with pytest.raises(InvalidSettingsError, match=message):
            read_settings({"ML_BIND": bind, **no_key})
    assert read_settings({"ML_BIND": bind, "ML_API_KEY": "0123456789abcdef"}).bind == bind
    with pytest.raises(InvalidSettingsError) as refused:
        read_settings({"ML_BIND": bind, "ML_API_KEY": "short"})
    assert len(refused.value.details) == 1


@pytest.mark.parametrize("bind", ["127.0.0.1:9000", "127.9.9.9:1", "[::1]:9000", "localhost:9000", "unix:/run/ml.sock"])
def test_local_address_needs_no_key(bind: str) -> None:
    """What only this machine reaches needs no key."""
    assert read_settings({"ML_BIND": bind}).bind == bind


def test_a_refusal_says_what_is_allowed() -> None:
    wrong = {"ML_API_KEY": "x", "ML_BIND": "x", "ML_MODEL": "?", "ML_MODEL_DIR": "x", "ML_MODEL_VERSION": "x"}
    with pytest.raises(InvalidSettingsError) as refused:
        read_settings(
            wrong | dict.fromkeys(("ML_MAX_BATCH", "ML_MAX_BODY_BYTES", "ML_THREADS", "ML_TIMEOUT_S", "ML_WORKERS"), "0")
        )
    assert dict(refused.value.details) == {
        "ML_API_KEY": "must be 16 to 256 printable ASCII characters without spaces",
        "ML_BIND": "must be HOST:PORT or unix:/PATH",
        "ML_MAX_BATCH": "must be a whole number from 1 to 100000",
        "ML_MAX_BODY_BYTES": "must be a whole number from 1024 to 1073741824",
        "ML_MODEL": "must be a model's name: letters, digits and _",
        "ML_MODEL_DIR": "must be the absolute path of a directory that exists",
        "ML_MODEL_VERSION": "must be a version such as 1.0.0",
        "ML_THREADS": "must be a whole number from 2 to 256",
        "ML_TIMEOUT_S": "must be a number of seconds from 0.1 to 600",
        "ML_WORKERS": "must be a whole number from 1 to 64",
    }


def test_misspelt_variable_is_refused() -> None:
    """A misspelt variable is refused, with the nearest one."""
    with pytest.raises(InvalidSettingsError, match=r"ML_APIKEY is not a setting; did you mean ML_API_KEY\?"):
        read_settings({"ML_APIKEY": "0123456789abcdef"})


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        read_settings({"ML_WORKERS": "none", "ML_THREADS": "none", "ML_MODLE": "x"})
    assert [detail.field for detail in refused.value.details] == ["ML_MODLE", "ML_THREADS", "ML_WORKERS"]


def test_settings_text_hides_key() -> None:
    """The key is not in the settings' text."""
    text = repr(read_settings({"ML_API_KEY": "0123456789abcdef"}))
    assert "0123456789abcdef" not in text
    assert "max_batch=256" in text
