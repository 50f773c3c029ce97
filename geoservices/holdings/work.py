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
        kind="campaign-runs-you-asked-for",
        table="campaign_runs",
        column="requested_by",
        title="Times that you had a campaign tell everybody whom it is for",
        why="So that your organisation knows who did. They are its own, and stay without you.",
        correction="It happened, and is not rewritten.",
        told={
            "id": "The number of this run",
            "organisation_id": "Whose campaign it is",
            "campaign_id": "Which campaign",
            "created_at": "When you asked for it",
        },
        withheld={
            **dict.fromkeys(
                (
                    *("version", "trigger", "listing_id", "place_id", "occurred_at", "state"),
                    *("reason", "sent", "held", "due_at", "ended_at"),
                ),
                "It is about the run.",
            ),
            "reached": "It leads to somebody else, while the run is under way.",
        },
        order=("created_at", "id"),
        fate=Fate.UNNAMED,
    ),
    Holding(
        kind="series-for-you",
        table="task_series",
        column="assigned_to",
        title="Tasks that come again and are for you",
        why="So that each of them is for you. They are your organisation's, and stay without you.",
        correction="A manager can give them to somebody else.",
        told={
            "id": "The number of this series",
            "title": "What is to be done",
            "rule": "When it comes again",
        },
        withheld=dict.fromkeys(
            (
                *("organisation_id", "external_id", "place_id", "text", "evidence_needed"),
                *("priority", "team_id", "skill", "escalate_to", "checklist", "starts_at"),
                *("time_zone", "due_after", "lasts", "overlapping", "created_at", "made_until"),
                *("next_at", "ended_at"),
            ),
            "It is about the work.",
        ),
        order=("created_at", "id"),
        fate=Fate.UNNAMED,
    ),
)
