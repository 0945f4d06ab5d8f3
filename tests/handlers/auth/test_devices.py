"""Names of devices."""

import pytest

from handlers.auth.devices import device_name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("", "Unknown device"),
        ("python-requests/2.32", "python-requests"),
        ("Mixee/3.1 (Android 16)", "Android"),
        ("\x07", "Unknown device"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
                "Safari/537.36 Edg/140.0.0.0"
            ),
            "Edge on Windows",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
                "Mobile Safari/537.36"
            ),
            "Chrome on Android",
        ),
    ],
)
def test_a_device_is_named_after_what_it_says_of_itself(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
