"""Where `arabench.text.rules.entities` was; its names stay importable from here."""

from __future__ import annotations

from arabench.text.rules.entities import (
    KINDS,
    TAGS,
    URL_STOPS,
    URL_TAIL,
    Kind,
    emails,
    emoji,
    entity_rules,
    hashtags,
    mentions,
    phones,
    read_tags,
    urls,
    write_tags,
)

__all__ = [
    "KINDS",
    "TAGS",
    "URL_STOPS",
    "URL_TAIL",
    "Kind",
    "emails",
    "emoji",
    "entity_rules",
    "hashtags",
    "mentions",
    "phones",
    "read_tags",
    "urls",
    "write_tags",
]
