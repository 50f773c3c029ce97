"""What different devices show of a text until it is opened."""

from geoservices.campaigns.definitions import Text
from geoservices.campaigns.screens import ROOM, Device, on_screens


def test_a_device_shows_what_fits_and_that_there_is_more() -> None:
    """Not a character more than there is room for; what fits is shown as it is."""
    long = Text(title="Wythnos " * 15, body="Dewch i mewn. " * 35)
    short = Text(title="Tea", body="In the caf\u00e9, at four.")

    for shown in on_screens(long):
        room = ROOM[shown.device]
        for text, whole, most in (
            (shown.text.title, long.title, room.title),
            (shown.text.body, long.body, room.body),
        ):
            assert most - len("Wythnos ") <= len(text) <= most
            assert text.endswith("\u2026")
            assert whole.startswith(text[:-1])
    assert {shown.text.title for shown in on_screens(short)} == {"Tea"}
    assert {shown.text.body for shown in on_screens(short)} == {"In the caf\u00e9, at four."}
    assert [shown.device for shown in on_screens(short)] == list(ROOM)


def test_what_just_fits_is_whole_and_one_more_is_not() -> None:
    """Nor is a letter parted from its accent."""
    least = min(room.title for room in ROOM.values())
    fits, longer, accented = "a" * least, "a" * (least + 1), "a" * (least - 1) + "e\u0301"

    titles = [
        {shown.device: shown.text.title for shown in on_screens(Text(title=title, body=""))}
        for title in (fits, longer, accented)
    ]

    [first, second, third] = [one[Device.ANDROID] for one in titles]
    assert (first, len(second), second[-1]) == (fits, least, "\u2026")
    assert third == "a" * (least - 1) + "\u2026"
