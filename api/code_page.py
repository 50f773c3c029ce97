"""The page that a scanned code leads to, in the languages that it is written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from geoservices.codes.links import CodeProblem
from geoservices.languages import ENGLISH, look_up, preferred

PAGE = Template((files("api") / "pages" / "code.html").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said of a code of which nothing can come."""

    heading: str
    what_to_do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the page says in one language."""

    heading: str
    """Which place the code is for; `{place}` stands for its name."""
    purpose: str
    not_checked_in: str
    check_in: str
    website: str
    useless: Mapping[CodeProblem, Advice]
    for_now: Mapping[CodeProblem | None, str]
    """What to do with a code that is known, if anything is wrong with it or not."""


WORDS: Mapping[str, Words] = {
    ENGLISH: Words(
        heading="This code is for {place}",
        purpose="With it you can say that you are here, and see what is on. "
        "We call this checking in.",
        not_checked_in="You have only opened a page. You are not checked in, "
        "and we have kept nothing.",
        check_in="Check in",
        website="See their website",
        useless={
            CodeProblem.UNKNOWN: Advice(
                "We do not know this code",
                "Perhaps only part of it was scanned. Please scan it again.",
            ),
            CodeProblem.EXPIRED: Advice(
                "This code is too old",
                "It is not used any more. Please ask at the desk for a new one.",
            ),
            CodeProblem.REVOKED: Advice(
                "This code is not used any more", "Please ask at the desk for a new one."
            ),
        },
        for_now={
            CodeProblem.OUT_OF_DATE: "The code on the screen has changed since you scanned it. "
            "To check in, scan the screen again.",
            CodeProblem.NOT_YET: "You cannot check in with this code yet. It starts later.",
            None: "To check in, go on to the next page.",
        },
    ),
    "cy": Words(
        heading="Mae’r cod hwn ar gyfer {place}",
        purpose="Gallwch ei ddefnyddio i ddweud eich bod yma, a gweld beth sydd ymlaen. "
        "Cofrestru yw ein gair ni am hyn.",
        not_checked_in="Dim ond agor tudalen a wnaethoch. Nid ydych wedi’ch cofrestru, "
        "ac nid ydym wedi cadw dim.",
        check_in="Cofrestru fy mod i yma",
        website="Mynd i’r wefan",
        useless={
            CodeProblem.UNKNOWN: Advice(
                "Nid ydym yn adnabod y cod hwn",
                "Efallai mai dim ond rhan ohono a gafodd ei sganio. Sganiwch ef eto.",
            ),
            CodeProblem.EXPIRED: Advice(
                "Mae’r cod hwn yn rhy hen",
                "Nid yw’n cael ei ddefnyddio mwyach. Gofynnwch wrth y ddesg am un newydd.",
            ),
            CodeProblem.REVOKED: Advice(
                "Nid yw’r cod hwn yn cael ei ddefnyddio mwyach",
                "Gofynnwch wrth y ddesg am un newydd.",
            ),
        },
        for_now={
            CodeProblem.OUT_OF_DATE: "Mae’r cod ar y sgrin wedi newid ers i chi ei sganio. "
            "I gofrestru, sganiwch y sgrin eto.",
            CodeProblem.NOT_YET: "Ni allwch gofrestru gyda’r cod hwn eto. "
            "Bydd yn dechrau yn nes ymlaen.",
            None: "I gofrestru, ewch ymlaen i’r dudalen nesaf.",
        },
    ),
}
"""The words by their language's tag."""


def language_for(header: str) -> str:
    """Return the language of the page for a browser that sends such an `Accept-Language`."""
    return look_up(WORDS, preferred(header) or ENGLISH) or ENGLISH


def of_useless(problem: CodeProblem, language: str) -> str:
    """Return the page of a code of which nothing can come."""
    words = WORDS[language]
    advice = words.useless[problem]
    return draw(advice.heading, [advice.what_to_do, words.not_checked_in], language=language)


def of_place(
    name: str,
    problem: CodeProblem | None,
    language: str,
    *,
    website: str | None,
    check_in: str,
) -> str:
    """Return the page of a place's code.

    Args:
        name: The place's.
        problem: What is wrong with the code for now, if anything.
        language: The tag of the page's language.
        website: The place's, which is linked if it is an address.
        check_in: Where the web app checks in with the code, if nothing is wrong with it.
    """
    words = WORDS[language]
    links = [] if problem else [(check_in, words.check_in)]
    if website and website.startswith(("https://", "http://")):
        links.append((website, words.website))
    told = [words.purpose, words.for_now[problem], words.not_checked_in]
    return draw(words.heading.format(place=name), told, links, language=language)


def draw(
    heading: str,
    told: Sequence[str],
    links: Sequence[tuple[str, str]] = (),
    *,
    language: str = ENGLISH,
) -> str:
    """Return a page with a heading, paragraphs, and links.

    Args:
        heading: It.
        told: What each paragraph says.
        links: Where each link leads, and what stands on it.
        language: The tag of the language that all of it is in.
    """
    paragraphs = [f"<p>{escape(paragraph)}</p>" for paragraph in told]
    paragraphs += [f'<p><a href="{escape(to)}">{escape(label)}</a></p>' for to, label in links]
    return PAGE.substitute(
        language=language, heading=escape(heading), paragraphs="\n".join(paragraphs)
    )
