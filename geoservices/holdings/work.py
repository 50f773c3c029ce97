"""The inventory's entries of what members send of their work."""

from geoservices.holdings.inventory import Fate, Holding

WORK = (
    Holding(
        kind="photos-you-took",
        table="files",
        column="added_by",
        title="Photos of tasks that you sent",
        why="To show what was found and done. They are your organisation's, and stay without you "
        "until a year is over by default.",
        correction="DELETE /v1/files/{file_id} removes one.",
        told={
            "id": "The number of this photo, by which GET /v1/files/{file_id} shows it",
            "organisation_id": "Whose photo it is",
            "task_id": "Of which task",
            "added_at": "When you sent it",
            "size_bytes": "How large it is, in bytes",
            "width_px": "How wide, in pixels",
            "height_px": "How high, in pixels",
            "removed_at": "When it was removed; it goes within minutes",
        },
        withheld={
            "media_type": "It is the same for all of them.",
            "sha256": "Where it lies in our store.",
        },
        order=("added_at", "id"),
        fate=Fate.UNNAMED,
    ),
    Holding(
        kind="tasks-you-brought",
        table="task_imports",
        column="asked_by",
        title="Files of tasks that you sent",
        why="So that your organisation knows who did, and what became of each line. Kept for a "
        "month by default; once you are erased, without you.",
        correction="What was sent is not rewritten. Send the file as it should be.",
        told={
            "id": "The number of this file",
            "organisation_id": "Whose tasks they are",
            "reach": "At which places you managed tasks then, if not at all",
            "mode": "What was to become of it if lines were refused",
            "dry_run": "Whether it was for show",
            "time_zone": "By whose clocks times were read",
            "state": "How far it has come",
            "applied": "Whether tasks were made or changed",
            "lines_count": "How many lines it has",
            "lines_done": "Of how many something has become",
            "asked_at": "When you sent it",
            "done_at": "When it was done",
        },
        withheld={
            "attempt_count": "How often a machine of ours began with it.",
            "due_at": "When a machine of ours looks at it next.",
            "leased_until": "Until when a machine of ours works on it.",
        },
        order=("asked_at", "id"),
        fate=Fate.UNNAMED,
    ),
    Holding(
        kind="replays-you-asked-for",
        table="campaign_replays",
        column="asked_by",
        title="Replays of campaigns that you asked for",
        why="So that your organisation knows who did. Kept for a week by default; once you are "
        "erased, without you.",
        correction="What was asked for is not rewritten. Ask for another one.",
        told={
            "id": "The number of this replay",
            "organisation_id": "Whose campaign it is",
            "campaign_id": "Of which campaign",
            "version": "Of which of its versions",
            "days": "Over how many days",
            "since": "Since when",
            "reach": "Which places you managed then, if not all",
            "state": "How far it has come",
            "share_done": "How much of it is done, from 0 to 1",
            "asked_at": "When you asked",
            "done_at": "When it was over",
        },
        withheld={
            "attempt_count": "How often a machine of ours began with it.",
            "due_at": "When a machine of ours looks at it next.",
            "leased_until": "Until when a machine of ours works on it.",
            "result": "It is your organisation's, and about nobody in particular.",
        },
        order=("asked_at", "id"),
        fate=Fate.UNNAMED,
    ),
)
