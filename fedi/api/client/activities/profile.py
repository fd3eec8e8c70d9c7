"""Update of oneself: what an app may say of an account, by the names of its own document.

`name`, `summary`, `icon`, `image`, `attachment` (PropertyValues), `manuallyApprovesFollowers`,
`discoverable`, `indexable`, `alsoKnownAs`, `attributionDomains` and `type` (Person or Service) are
changed; null takes away. Who would change keys, boxes or the name is refused (`staying`).
Everything else in it is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import col, select
from starlette.exceptions import HTTPException

from activitypub.addressing import PUBLIC
from activitypub.objects import Source, values
from activitypub.objects import activity as made
from fedi.api.client import envelope, finding, pictures
from fedi.api.client.activities import staying
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.api.client.envelope import Document
from fedi.database.tables import Account, MediaAttachment
from fedi.federation.translate import outward
from fedi.social import account_keys, activities, moves, profiles, text
from fedi.social.errors import Invalid, NotAllowed, SocialError
from fedi.social.profiles import Changes, Line
from fedi.studio import faces, media

FLAGS = {
    "manuallyApprovesFollowers": "locked",
    "discoverable": "discoverable",
    "indexable": "indexable",
}
KINDS = frozenset({"Person", "Service"})
FACES: dict[str, faces.Kind] = {"icon": "avatar", "image": "header"}


async def update(asked: Asked, object_: Document) -> Done:
    """Change what an account says of itself."""
    async with asked.easel.database.read() as session:
        author = await session.get_one(Account, asked.author.id)
        keys = await account_keys.listed(session, author)
        staying.check_actor(outward.actor(author, session.instance, keys).document(), object_)
    said: dict[str, Any] = _words(object_) | _flags(object_) | _kind(author, object_)
    if "alsoKnownAs" in object_:
        said["also_known_as"] = await _aliases(asked, author, object_["alsoKnownAs"])
    stored: list[str] = []
    try:
        for name, kind in FACES.items():
            if name in object_:
                said |= await _face(asked, kind, object_[name], stored)
        async with asked.easel.database.write() as tx:
            author = await asked.whom(tx)
            uri = activities.mint_uri(tx, author)
            await profiles.change(tx, author, Changes(**said), activity_uri=uri)
            ours = await account_keys.ensure(tx, author)
            actor = outward.actor(author, tx.instance, [ours]).document()
            done = made.update(uri, author.uri, actor, to=[PUBLIC], cc=[author.followers_uri])
            return await keep(tx, author, done, visibility="public")
    except SocialError:  # whatever else breaks off leaves files that the daily cleaning finds
        for key in stored:
            await asked.easel.storage.delete(key)
        raise


def _words(object_: Document) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if not {"name", "nameMap"}.isdisjoint(object_):
        said["display_name"] = values.mapped(object_, "name")[0] or ""
    if not {"summary", "summaryMap", "source"}.isdisjoint(object_):
        said["note"] = _summary(object_)
    if "attachment" in object_:
        entries = values.entries(object_["attachment"], profiles.MAX_FIELDS + 1)
        lines = [entry for entry in entries if isinstance(entry, Mapping)]
        said["fields"] = [
            Line(_plain(entry.get("name")), _plain(entry.get("value")))
            for entry in lines
            if entry.get("type") == "PropertyValue"
        ]
    return said


def _summary(object_: Document) -> str:
    """What somebody says of themselves, as typed; accounts keep words, and links are found in
    them."""
    source = object_.get("source")
    if isinstance(source, Mapping) and isinstance(source.get("content"), str):
        return Source.parse(source).content
    return text.plain(text.sanitise(values.mapped(object_, "summary")[0] or ""))


def _kind(author: Account, object_: Document) -> dict[str, Any]:
    """Whether it is a person or a program, by the type; and what else is a list of names."""
    said: dict[str, Any] = {}
    if "type" in object_ and (kind := envelope.kind(object_)) != author.actor_type:
        if not {kind, author.actor_type} <= KINDS:
            raise NotAllowed("An account is a Person or a Service.")
        said["bot"] = kind == "Service"
    if "attributionDomains" in object_:
        most = profiles.MAX_ATTRIBUTION_DOMAINS + 1
        named = values.entries(object_["attributionDomains"], most)
        said["attribution_domains"] = [name for name in named if isinstance(name, str)]
    return said


async def _aliases(asked: Asked, author: Account, value: Any) -> list[str]:
    """The other accounts of theirs, which may move here; each that is new is looked up.

    Raises:
        Invalid: they are too many.
        NotFound: there is no such account.
    """
    named = values.uris(value, moves.MAX_ALIASES + 1)
    if len(named) > moves.MAX_ALIASES:
        raise Invalid(f"An account has at most {moves.MAX_ALIASES} aliases.")
    return [
        uri if uri in author.also_known_as else (await finding.person(asked.easel, uri)).uri
        for uri in named
    ]


def _plain(value: Any) -> str:
    return text.plain(text.sanitise(value)) if isinstance(value, str) else ""


def _flags(object_: Document) -> dict[str, Any]:
    said = {}
    for name, field in FLAGS.items():
        if name in object_:
            value = values.boolean(object_[name])
            if value is None and object_[name] is not None:
                raise HTTPException(400, f"“{name}” must be true or false.")
            said[field] = bool(value)
    return said


async def _face(asked: Asked, kind: faces.Kind, value: Any, stored: list[str]) -> dict[str, Any]:
    """An avatar or a header of a picture that was uploaded; null: none any more."""
    entry = value[0] if isinstance(value, list) and value else value
    if not entry:
        return {kind: ""}
    if isinstance(entry, str):
        entry = {"type": "Image", "url": entry}
    if not isinstance(entry, Mapping):
        raise HTTPException(400, "A picture is an object with a url.")
    url = pictures.address(entry)
    key = media.key_of(asked.easel.settings.instance, url or "")
    if key is None:
        raise Invalid(pictures.NOT_HERE)
    alt = entry.get("name") or entry.get("summary")
    said = {f"{kind}_description": alt} if isinstance(alt, str) else {}
    if key == getattr(asked.author, kind):
        return said
    async with asked.easel.database.read() as session:
        query = select(MediaAttachment.id).where(
            col(MediaAttachment.file) == key, MediaAttachment.account_id == asked.author.id
        )
        if (await session.exec(query)).first() is None:
            raise Invalid("There is no such picture of yours.")
    made_of = await asked.easel.storage.read(key)
    stored.append(await faces.store(asked.easel, kind, made_of))
    return {kind: stored[-1], **said}
