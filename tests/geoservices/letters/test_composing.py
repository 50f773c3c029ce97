"""What letters say: everything in both parts, nothing of it as markup, nothing in the subject."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from geoservices.credentials.changes import Change
from geoservices.letters.composing import Item, account_changed, confirmation, digest
from tests.factories import NOON

LINK = "https://services.devon.example/notifications/5f0c7a52-2c1e-4b0e-8f6f-5f3b8b0a1c2d"
END = "https://services.devon.example/v1/email/unsubscribe?token=A&b=1"
TAGS = {"html", "head", "meta", "title", "body", "h2", "a", "p", "br"}


class Reader(HTMLParser):
    """Reads HTML: its tags, where its links lead, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        assert dict(attrs).keys() <= {"lang", "charset", "href"}
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def item(title: str = "Free hot drink", body: str = "Come in.") -> Item:
    """A notification in a digest."""
    return Item(title=title, body=body, link=LINK)


def test_a_digest_says_everything_twice() -> None:
    """Once for programs that show text and once for those that show HTML."""
    words = digest([item(), item("Story time", "At 4.\nBring a friend.")], unsubscribe=END)

    read = Reader(words.html)
    assert words.subject == "You have 2 unread messages"
    for told in ("Free hot drink", "Come in.", "Story time", "At 4.", "Bring a friend."):
        assert told in words.text
        assert told in read.text
    assert words.text.count(LINK) == 2
    assert words.text.rstrip().endswith(END)
    assert read.links == [LINK, LINK, END]


def test_one_message_is_one_message() -> None:
    """Nobody has 1 messages."""
    assert digest([item()], unsubscribe=END).subject == "You have 1 unread message"


@given(st.text(max_size=120), st.text(max_size=500))
def test_no_text_becomes_markup_or_a_header(title: str, body: str) -> None:
    """Tags, quotes and control characters are text, or left out; the subject does not change."""
    words = digest([item(f"<b>{title}", f'"><script>{body}')], unsubscribe=END)

    assert Reader(words.html).tags <= TAGS
    assert words.subject == "You have 1 unread message"
    assert words.text.replace("\n", "").isprintable()
    assert words.html.replace("\n", "").isprintable()


def test_a_confirmation_names_nobody() -> None:
    """It may reach a stranger; what proves that it was read is the link."""
    link = "https://services.devon.example/email#secret"

    words = confirmation(link)

    assert link in words.text
    assert Reader(words.html).links == [link]
    assert "secret" not in words.subject
    assert "If it was not you, do nothing." in words.text


@given(st.text(), st.sampled_from(Change))
def test_what_was_changed_leads_nowhere(organisation: str, change: Change) -> None:
    """Neither by a link, nor by markup in an organisation's name; both parts say the same."""
    words = account_changed(change, username="anna", organisation=organisation, at=NOON)

    read = Reader(words.html)
    assert read.tags == TAGS - {"h2", "a", "br"}
    assert read.links == []
    for line in filter(None, words.text.splitlines()):
        assert line in read.text
