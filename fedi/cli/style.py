"""`easel style`: LoRAs that this machine learns from pictures of its authors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from fedi.cli import context, downloads, learning
from fedi.cli.accounts import local
from fedi.runtime import Easel
from fedi.social import audit
from fedi.social.errors import NotFound
from fedi.social.training import lessons, pseudonyms
from fedi.studio import stock, styles
from fedi.studio.styles import Source
from generation import catalogue, lora_files
from generation.style import bases, brief
from generation.style.brief import Brief, Learned, Picture

app = typer.Typer(help="Styles that are learned from pictures, here.", no_args_is_help=True)

SUBJECTS = ("a cat", "a house by the sea")  # of samples: what a style is put on says most of it
# What a training remembers of where its pictures are from, and where that is written down.
_AUTHOR, _ASKED, _WRITTEN = "author", "asked", "written_down"

Name = Annotated[str, typer.Argument(help="Of the style: letters, digits, dashes, underscores.")]


@dataclass(frozen=True)
class _Wanted:
    """Whose pictures: `author` as they were named, empty for all who consent; `asked`: when they
    asked for it, if they did."""

    author: str
    asked: datetime | None

    def note(self) -> dict[str, str]:
        asked = {_ASKED: self.asked.isoformat()} if self.asked is not None else {}
        return {_AUTHOR: self.author, **asked}

    @classmethod
    def of(cls, noted: dict[str, str]) -> _Wanted:
        asked = noted.get(_ASKED)
        return cls(noted[_AUTHOR], datetime.fromisoformat(asked) if asked else None)


@app.command()
def train(
    name: Name,
    author: Annotated[str, typer.Option("--from", help="The author: @alice.")] = "",
    consented: Annotated[
        bool, typer.Option("--consented", help="All who let others train on their pictures.")
    ] = False,
    asked: Annotated[
        bool,
        typer.Option(
            help="The author asked for this style: then all that anybody can see of theirs is "
            "learned from, and the card says so."
        ),
    ] = False,
    base: Annotated[
        str,
        typer.Option(help="The model: a name, a hub id, or a folder; else the one that paints."),
    ] = "",
    trigger: Annotated[
        str, typer.Option(help="The words that call the style; else its name.")
    ] = "",
    sample: Annotated[
        list[str] | None, typer.Option(help="What a sample shows; several times for several.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, max=brief.MAX_STEPS, help="How long it learns.")] = (
        1000
    ),
    batch: Annotated[int, typer.Option(min=1, max=64, help="Pictures to a step.")] = 1,
    rank: Annotated[int, typer.Option(min=1, max=brief.MAX_RANK, help="How much it can hold.")] = (
        16
    ),
    rate: Annotated[float, typer.Option(min=1e-7, max=0.1, help="How fast it learns.")] = 1e-4,
    resolution: Annotated[
        int, typer.Option(min=0, max=2048, help="Pixels of a side; 0 is the model's own.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="What chance begins with.")] = 0,
    keep_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 100,
    sample_every: Annotated[int, typer.Option(min=1, help="Steps between samples.")] = 250,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = "",
    resume: Annotated[bool, typer.Option(help="Go on with one that was stopped.")] = False,
) -> None:
    """Learn a style from an author's pictures; Ctrl-C stops it, and --resume goes on."""
    folder = brief.work(name)
    with downloads.in_words():
        if resume:
            if name not in brief.begun():
                raise context.CommandError(f"No style {name[: brief.MAX_NAME]} was begun here.")
            context.run(_go_on(folder))
        else:
            brief.check_name(name)
            if name in brief.begun():
                raise context.CommandError(
                    f"{name} was begun already: --resume goes on with it, and "
                    f"`easel style remove {name}` throws it away."
                )
            if bool(author) is consented or (asked and consented):
                raise context.CommandError(
                    "Whose pictures? Say it with --from @alice, or with --consented."
                )
            words = trigger.strip() or name.replace("-", " ").replace("_", " ")
            plan = Brief(
                name=name,
                model=base,
                trigger=words,
                pictures=(),
                steps=steps,
                batch=batch,
                rank=rank,
                rate=rate,
                resolution=resolution,
                seed=seed,
                keep_every=keep_every,
                sample_every=sample_every,
                samples=tuple(sample or [f"{words}, {subject}" for subject in SUBJECTS]),
                device=device,
            )
            wanted = _Wanted(author, datetime.now(UTC) if asked else None)
            context.run(_begin(folder, plan, wanted))
        done = learning.learn(folder)
    if not done:
        typer.echo(f"Stopped: `easel style train {name} --resume` goes on.")
        return
    [record] = lora_files.known(done)
    size = stock.told(record.path.stat().st_size)
    typer.echo(f"{done} is here: {size}, for models of the family {record.family}.")
    typer.echo(f"What it learned from says {record.path.with_name(brief.CARD)}.")
    typer.echo(f'A recipe names it so: "loras": [{{"name": "{done}", "weight": 1}}]')


async def _begin(folder: Path, plan: Brief, wanted: _Wanted) -> None:
    async with context.opened() as easel:
        painting = easel.settings.painting
        model = plan.model or painting.model or catalogue.STARTER.key
        try:
            bases.find(model)
        except catalogue.UnknownModel as error:
            raise context.CommandError(str(error)) from error
        found = await _sources(easel, wanted)
        if not found:
            raise context.CommandError(_nothing(wanted))
        files = await styles.fetch(easel.storage, found)
        for file, content in files.items():
            brief.replace(folder / "pictures" / file, content)
        plan = msgspec.structs.replace(
            plan,
            model=model,
            device=plan.device or painting.device,
            pictures=tuple(each.picture for each in found if each.picture.file in files),
            origin=wanted.note(),
        )
        begun = await _write_down(easel, plan, wanted, begins=True)
        if not begun.pictures:
            brief.give_up(plan.name)
            raise context.CommandError(_nothing(wanted))
        brief.write(folder, begun)
        _drop(folder, plan, begun)
        whose = wanted.author or "all who consented"
        typer.echo(f"{plan.name} learns from {len(begun.pictures)} pictures of {whose}.", err=True)


async def _go_on(folder: Path) -> None:
    """Look once more whether all pictures may still be learned from."""
    plan = brief.read(folder)
    async with context.opened() as easel:
        now = await _write_down(easel, plan, _Wanted.of(plan.origin))
    if not now.pictures:
        raise context.CommandError(
            f"None of its pictures may be learned from any more: "
            f"`easel style remove {plan.name}` throws it away."
        )
    if now == plan:
        return
    brief.write(folder, now)
    if gone := _drop(folder, plan, now):
        typer.echo(
            f"{gone} of its pictures went since: it learns from {len(now.pictures)}.", err=True
        )


def _drop(folder: Path, plan: Brief, now: Brief) -> int:
    """Remove the files of what is not learned from any more. Returns how many there were."""
    gone = set(plan.pictures) - set(now.pictures)
    for picture in gone:
        (folder / "pictures" / picture.file).unlink(missing_ok=True)
    return len(gone)


async def _write_down(easel: Easel, plan: Brief, wanted: _Wanted, *, begins: bool = False) -> Brief:
    """Let authors see what is learned from. Returns the brief with those pictures that may be."""
    key = await pseudonyms.secret(easel)
    number = plan.origin.get(_WRITTEN)
    async with easel.database.write() as tx:
        author = await local(tx, wanted.author) if wanted.author else None
        written, left = await styles.write_down(
            tx,
            key,
            plan.name,
            plan.pictures,
            author,
            asked=wanted.asked is not None,
            begun=int(number) if number else None,
        )
        if begins and left:
            note = wanted.note()
            await audit.note(tx, None, "style.train", plan.name, pictures=len(left), of=note)
    origin = wanted.note() | {_WRITTEN: str(written)}
    return msgspec.structs.replace(plan, pictures=left, origin=origin)


async def _left(easel: Easel, plan: Brief, wanted: _Wanted) -> tuple[Picture, ...]:
    key = await pseudonyms.secret(easel)
    async with easel.database.read() as session:
        author = await local(session, wanted.author) if wanted.author else None
        asked = wanted.asked is not None
        return await styles.left(session, key, plan.pictures, author, asked=asked)


async def _sources(easel: Easel, wanted: _Wanted) -> list[Source]:
    key = await pseudonyms.secret(easel)
    async with easel.database.read() as session:
        author = await local(session, wanted.author) if wanted.author else None
        if author is not None and wanted.asked is not None:
            return await styles.asked_for(session, key, author, wanted.asked)
        return await styles.consented(session, key, author)


def _nothing(wanted: _Wanted) -> str:
    if wanted.asked:
        return (
            f"{wanted.author} has posted no picture that anybody can see and that is theirs alone."
        )
    yes = "authors say yes under Settings, Training data."
    if not wanted.author:
        return f"No picture here may be learned from: {yes}"
    return (
        f"{wanted.author} has no picture that may be learned from: {yes} If this one asked for "
        "this style, say --asked."
    )


@app.command("list")
def list_styles() -> None:
    """List the styles that were learned here, and those that are not done."""
    with downloads.in_words():
        learned, begun = brief.all_learned(), brief.begun()
    if not learned and not begun:
        typer.echo("No style was learned here: `easel style train NAME --from @AUTHOR` begins one.")
        return
    table = Table("style", "trigger", "base", "pictures", "steps")
    for one in learned:
        [record] = lora_files.known(one.brief.name)
        table.add_row(*_row(one.brief, record.base, f"{one.brief.steps}"))
    for name in begun:
        plan = brief.read(brief.work(name))
        done = brief.steps_done(brief.work(name))
        table.add_row(*_row(plan, plan.model, f"{done} of {plan.steps}, not done"))
    Console(width=None if Console().is_terminal else 120).print(table)


def _row(plan: Brief, base: str, steps: str) -> tuple[str, ...]:
    return plan.name, plan.trigger, base, str(len(plan.pictures)), steps


@app.command()
def show(name: Name) -> None:
    """Show the card of a style, and which of its sources went since."""
    found = _learned(name)
    typer.echo((brief.kept(name) / brief.CARD).read_text(encoding="utf-8"))
    gone = context.run(_gone(found.brief))
    if gone:
        typer.echo(
            f"{gone} of its {len(found.brief.pictures)} pictures may not be learned from any "
            f"more: train it anew without them, or remove it."
        )


async def _gone(plan: Brief) -> int:
    async with context.opened() as easel:
        try:
            left = await _left(easel, plan, _Wanted.of(plan.origin))
        except NotFound:  # the author left
            left = ()
    return len(plan.pictures) - len(left)


@app.command()
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Remove a style that was learned here, or one that is not done."""
    with downloads.in_words():
        begun = name in brief.begun()
        found = None if begun else _learned(name)
    if not yes:
        typer.confirm(f"Remove {name}?", abort=True)
    if found is not None:
        [record] = lora_files.known(name)
        with downloads.in_words():
            lora_files.remove(record)
    else:
        brief.give_up(name)
    context.run(note_removal(name))
    typer.echo(f"{name} is removed.")


async def note_removal(name: str) -> None:
    """Let the audit trail, and those whose pictures it learned from, know that a style is gone."""
    async with context.opened() as easel, easel.database.write() as tx:
        await lessons.end(tx, name)
        await audit.note(tx, None, "style.remove", name)


def _learned(name: str) -> Learned:
    with downloads.in_words():
        found = brief.learned(name)
    if found is None:
        raise context.CommandError(f"No style {name} was learned here.")
    return found
