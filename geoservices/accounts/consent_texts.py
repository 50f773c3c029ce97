"""What people were ever asked, word for word. A text that was published stays as it was.

A text that is to mean something else is added below with a version of its own; a translation, with
the same version and another language. The last one of a purpose is the one that people are asked.
They are written for a reading age of 9 to 11 (https://www.gov.uk/guidance/content-design).
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from geoservices.accounts.models import Purpose
from geoservices.languages import ENGLISH

WELSH: Final = "cy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedText:
    """The question put to a person; `language` is a tag as BCP 47 has them."""

    purpose: Purpose
    version: str
    language: str = ENGLISH
    text: str

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the words in UTF-8."""
        return sha256(self.text.encode()).digest()


PUBLISHED: Final = (
    PublishedText(
        purpose=Purpose.CHECK_IN_CONTENT,
        version="2026-11",
        text="When I check in somewhere, show me what is on there, and tell me about it.",
    ),
    PublishedText(
        purpose=Purpose.NEARBY,
        version="2026-11",
        text="While I let my phone share where I am, tell me about things to do at public "
        "places I come to. My positions are deleted after a day.",
    ),
    PublishedText(
        purpose=Purpose.STAFF_TASKS,
        version="2026-11",
        text="While I am at work and share where I am, send me the tasks that wait where I am. "
        "My positions are deleted after a day.",
    ),
    PublishedText(
        purpose=Purpose.CHECK_IN_CONTENT,
        version="2026-12",
        text="When I check in at a place, show me what is on there and tell me about it. "
        "Keep a list of my check-ins for 30 days, so that I can see it too. "
        "I can stop this at any time. Then my check-ins are deleted.",
    ),
    PublishedText(
        purpose=Purpose.NEARBY,
        version="2026-12",
        text="When my phone shares where I am, tell me about things to do at public places I come "
        "to. Delete where my phone was after a day. Delete the list of places I came to after 30 "
        "days. I can stop this at any time. Then all of it is deleted.",
    ),
    PublishedText(
        purpose=Purpose.STAFF_TASKS,
        version="2026-12",
        text="When I am at work and my phone shares where I am, send me the jobs that wait there. "
        "Only look in the working hours that I set. Delete where my phone was after a day. Delete "
        "the list of places I came to after 30 days. I can stop this at any time. Then all of it "
        "is deleted.",
    ),
    PublishedText(
        purpose=Purpose.STATISTICS,
        version="2026-12",
        text="Count me when you add up how many people came to a place. You only get to see a "
        "count of 10 people or more, and never who they were. I can stop this at any time. Then I "
        "am not counted any more.",
    ),
    PublishedText(
        purpose=Purpose.EMAIL,
        version="2026-12",
        text="Keep my e-mail address, and send me a letter with what I have not read yet. I can "
        "stop this at any time. Then my address is deleted and no more letters come.",
    ),
    PublishedText(
        purpose=Purpose.CHECK_IN_CONTENT,
        version="2027-01",
        text="When I check in at a place, show me what is on there and tell me about it. Let me "
        "use offers and book places at events. Keep a list of my check-ins for 30 days. Keep a "
        "list of the offers I used until 40 days after each offer ends. That is so that nobody "
        "gets more than their share. Keep what I booked for a week after it. I can see all of "
        "this and stop it at any time. Then it is all deleted.",
    ),
    PublishedText(
        purpose=Purpose.STAFF_TASKS,
        version="2027-01",
        text="When I am at work and my phone shares where I am, send me the jobs that wait there. "
        "Only look in the working hours that I set. Delete where my phone was after a day. Delete "
        "the list of places I came to or checked in at after 30 days. Delete the list of the "
        "offers I used 40 days after each offer ends. I can stop this at any time. "
        "Then all of it is deleted.",
    ),
    PublishedText(
        purpose=Purpose.NEARBY,
        version="2027-01",
        text="When my phone shares where I am, tell me about things to do at public places I come "
        "to. Tell me other news too, such as a new event or a place that is shut, wherever I am. "
        "Delete where my phone was after a day. Delete the list of places I came to after 30 "
        "days. I can stop this at any time. Then all of it is deleted.",
    ),
    PublishedText(
        purpose=Purpose.STATISTICS,
        version="2027-01",
        text="Count me when you add up how many people came to a place. Count me too when you add "
        "up how many were sent a message, opened it and did what it was about. You only get to see "
        "a count of 10 people or more, and never who they were. I can stop this at any time. Then "
        "I am not counted any more.",
    ),
    PublishedText(
        purpose=Purpose.CHECK_IN_CONTENT,
        version="2027-01",
        language=WELSH,
        text="Pan fyddaf yn cofrestru fy mod mewn lle, dangoswch i mi beth sydd ymlaen yno a "
        "rhowch wybod i mi amdano. Gadewch i mi ddefnyddio cynigion ac archebu lle mewn "
        "digwyddiadau. Cadwch restr o’r lleoedd y cofrestrais ynddynt am 30 diwrnod. Cadwch restr "
        "o’r cynigion a ddefnyddiais tan 40 diwrnod ar ôl i bob cynnig ddod i ben. Mae hynny fel "
        "nad oes neb yn cael mwy na’i gyfran. Cadwch yr hyn a archebais am wythnos ar ôl iddo "
        "fod. Gallaf weld hyn i gyd a’i stopio unrhyw bryd. Yna caiff y cyfan ei ddileu.",
    ),
    PublishedText(
        purpose=Purpose.STAFF_TASKS,
        version="2027-01",
        language=WELSH,
        text="Pan fyddaf yn y gwaith a’m ffôn yn rhannu ble rydw i, anfonwch ataf y gwaith sy’n "
        "aros yno. Peidiwch ag edrych ond yn yr oriau gwaith a osodaf. Dilëwch ble roedd fy ffôn "
        "ar ôl diwrnod. Dilëwch y rhestr o’r lleoedd y des i iddynt neu y cofrestrais ynddynt ar "
        "ôl 30 diwrnod. Dilëwch y rhestr o’r cynigion a ddefnyddiais 40 diwrnod ar ôl i bob "
        "cynnig ddod i ben. Gallaf stopio hyn unrhyw bryd. Yna caiff y cyfan ei ddileu.",
    ),
    PublishedText(
        purpose=Purpose.NEARBY,
        version="2027-01",
        language=WELSH,
        text="Pan fydd fy ffôn yn rhannu ble rydw i, rhowch wybod i mi am bethau i’w gwneud mewn "
        "mannau cyhoeddus y dof iddynt. Rhowch wybod i mi am newyddion eraill hefyd, fel "
        "digwyddiad newydd neu le sydd ar gau, ble bynnag yr wyf. Dilëwch ble roedd fy ffôn ar ôl "
        "diwrnod. Dilëwch y rhestr o’r lleoedd y des i iddynt ar ôl 30 diwrnod. Gallaf stopio hyn "
        "unrhyw bryd. Yna caiff y cyfan ei ddileu.",
    ),
    PublishedText(
        purpose=Purpose.STATISTICS,
        version="2027-01",
        language=WELSH,
        text="Cyfrwch fi pan fyddwch yn adio faint o bobl a ddaeth i le. Cyfrwch fi hefyd pan "
        "fyddwch yn adio faint a gafodd neges, a’i hagorodd ac a wnaeth yr hyn yr oedd yn sôn "
        "amdano. Ni chewch weld ond cyfrif o 10 o bobl neu fwy, a byth pwy oeddent. Gallaf "
        "stopio hyn unrhyw bryd. Yna ni chaf fy nghyfrif mwyach.",
    ),
    PublishedText(
        purpose=Purpose.EMAIL,
        version="2026-12",
        language=WELSH,
        text="Cadwch fy nghyfeiriad e-bost, ac anfonwch lythyr ataf gyda’r hyn nad wyf wedi ei "
        "ddarllen eto. Gallaf stopio hyn unrhyw bryd. Yna caiff fy nghyfeiriad ei ddileu ac ni "
        "ddaw rhagor o lythyrau.",
    ),
)
