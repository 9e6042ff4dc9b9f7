"""The command ``offhook flash``: it parses, calls the function of :mod:`tools.flash` and prints.

Verbs import what they need when they run, as those of :mod:`tools.cli` do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tools.exits import AS_EXPECTED, BAD, NO
from tools.options import InOrder, db_option, json_option, secrets_option

if TYPE_CHECKING:
    from flash_image import Form

F = TypeVar("F", bound=Callable[..., Any])


class FlashGroup(InOrder):
    """A group whose errors about images are one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; what it does not like about an image is one line and exit code 2."""
        from tools.flash.files import FlashError

        try:
            return super().invoke(ctx)
        except FlashError as error:
            click.echo(f"offhook: {error}", err=True)
            ctx.exit(BAD)


def output_option(function: F) -> F:
    """``-o``, of a verb that makes a new file."""
    return click.option("--output", "-o", required=True, metavar="FILE", help="The file; - is standard output.")(
        function
    )


def aside_option(function: F) -> F:
    """``-o``, of a verb that changes an image."""
    return click.option("--output", "-o", metavar="FILE", help="Write there, and leave the image as it is.")(function)


def form_option(function: F) -> F:
    """``--form``."""
    forms = click.Choice(["raw", "packed", "ihex", "srec"])
    return click.option("--form", type=forms, help="Of the file; default: what its ending says.")(function)


def force_option(text: str) -> Callable[[F], F]:
    """``--force``, for what ``text`` says."""
    return click.option("--force", is_flag=True, help=text)


def layer_option(text: str) -> Callable[[F], F]:
    """``--layer``."""
    return click.option("--layer", type=click.Choice(["user", "provisioned"]), help=text)


@click.group(cls=FlashGroup)
def flash() -> None:
    """Flash images by hand: build, inspect, compare, change and convert them.

    \b
    IMAGE is a packed image (.kxf), a raw dump, Intel HEX or S-records, told apart by what is in it; - is standard
    input. KEY is written as in a configuration file, that of a line SIP_PASS/1; url is the last good URL.
    Exit codes: 0 as expected, 1 the answer is "no" (images differ, nothing is stored), 2 bad input.

    \b
    Examples:
      offhook flash inspect phone.kxf
      offhook flash set phone.kxf TIME_ZONE 60
    """


@flash.command()
@click.argument("source", metavar="IMAGE.toml")
@output_option
@form_option
@force_option("Take values that the catalogue does not allow; write over a file that is there.")
@json_option
def build(source: str, output: str, form: Form | None, force: bool, as_json: bool) -> None:
    """Make an image out of a TOML or JSON file.

    Keys: mac, model, serial, format (2 or 1), last_url; tables [geometry], [provisioned], [user], [files], [boot],
    [firmware.a], [firmware.b], [[log]]. Files lie below the folder of the TOML file. The JSON is that of
    `inspect --json --secrets`: edit its `content`, and the chip in `raw` gets the differences as one transaction.

    \b
    Examples:
      offhook flash build phone.toml -o phone.kxf
      offhook flash inspect a.kxf --json --secrets | offhook flash build - -o b.kxf
    """
    from tools.flash import building, telling

    listening(output, as_json)
    telling.written(building.build(source, output, form=form, force=force), as_json)


@flash.command()
@click.argument("image")
@secrets_option
@json_option
def inspect(image: str, secrets: bool, as_json: bool) -> None:
    """Tell what is on a chip, and map its sectors.

    With --json and --secrets it is complete, and `build` makes an equal image of it.

    \b
    Examples:
      offhook flash inspect phone.kxf
      offhook flash inspect dump.bin --json --secrets
    """
    from tools.flash import inspecting, telling

    telling.inspection(inspecting.inspect(image), secrets, as_json)


@flash.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--verbose", "-v", is_flag=True, help="Show every range of bytes, line and sector that differs.")
@secrets_option
@json_option
@click.pass_context
def diff(ctx: click.Context, old: str, new: str, verbose: bool, secrets: bool, as_json: bool) -> None:
    """Compare two images by content and by byte.

    Exit code 1 if they differ. Wear and faults are compared if both images are packed. Bytes that may be passwords are
    shown with --secrets only.

    \b
    Examples:
      offhook flash diff before.kxf after.kxf
      offhook flash diff good.bin bad.hex -v --secrets
    """
    from tools.flash import comparing, telling

    found = comparing.diff(old, new, secrets=secrets)
    telling.comparison(found, secrets, verbose, as_json)
    ctx.exit(AS_EXPECTED if found.equal else NO)


@flash.command()
@click.argument("image")
@click.argument("key")
@layer_option("Only there; default: what is in force, the user's before the provisioned.")
@secrets_option
@json_option
@click.pass_context
def get(ctx: click.Context, image: str, key: str, layer: str | None, secrets: bool, as_json: bool) -> None:
    """Print a stored value and its layer.

    Exit code 1 if there is none.

    \b
    Examples:
      offhook flash get phone.kxf TIME_ZONE
      offhook flash get phone.kxf SIP_PASS/1 --layer provisioned --secrets
    """
    from tools.flash import settings, telling

    found = settings.get_setting(image, key, layer)
    telling.value(found, secrets, as_json)
    ctx.exit(AS_EXPECTED if found.stored else NO)


@flash.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("image")
@click.argument("key")
@click.argument("value")
@layer_option("Where; default: user.")
@click.option("--perm", help="Of a provisioned value: RW, R, !, !R or !RW.")
@click.option("--access", help="Of a provisioned value: A, U or AU.")
@aside_option
@force_option("Take a key or value that the catalogue does not know; write over a file, or back what loses something.")
@secrets_option
@json_option
def set_(image: str, key: str, value: str, secrets: bool, as_json: bool, **wishes: Any) -> None:
    """Store a value, as a phone does.

    \b
    Examples:
      offhook flash set phone.kxf TIME_ZONE 60
      offhook flash set phone.kxf SIP_PASS/1 sesame --layer provisioned --perm RW
      offhook flash set phone.kxf url http://192.0.2.20/ -o other.kxf
    """
    from tools.flash import settings, telling

    listening(wishes["output"], as_json)
    telling.change(settings.set_setting(image, key, value, **wishes), secrets, as_json)


@flash.command()
@click.argument("image")
@click.argument("key")
@layer_option("Only there; default: wherever it is stored.")
@aside_option
@force_option("Write over a file, or back what loses something.")
@secrets_option
@json_option
@click.pass_context
def rm(ctx: click.Context, /, image: str, key: str, secrets: bool, as_json: bool, **wishes: Any) -> None:
    """Remove a stored value, as a phone does.

    Exit code 1 if there is none.

    \b
    Examples:
      offhook flash rm phone.kxf TIME_ZONE
      offhook flash rm phone.kxf SIP_PASS/1 --layer user
    """
    from tools.flash import settings, telling

    listening(wishes["output"], as_json)
    found = settings.remove_setting(image, key, **wishes)
    telling.change(found, secrets, as_json)
    ctx.exit(AS_EXPECTED if found.before else NO)


@flash.command()
@click.argument("image")
@click.argument("name")
@output_option
@click.option("--raw", is_flag=True, help="NAME is a partition; take every byte of it.")
@force_option("Write over a file that is there.")
@click.option("--secrets", is_flag=True, help="Leave passwords in the text of the log.")
@json_option
def extract(image: str, name: str, output: str, as_json: bool, **wishes: bool) -> None:
    """Write a part of an image to a file.

    NAME is standard, product, master, root1 to root3, firmware-a, firmware-b, log (as text), or with --raw a partition.

    \b
    Examples:
      offhook flash extract phone.kxf product -o product.cfg
      offhook flash extract phone.kxf log -o -
      offhook flash extract phone.kxf journal --raw -o journal.bin
    """
    from tools.flash import parts, telling

    listening(output, as_json)
    telling.extracted(parts.extract(image, name, output, **wishes), as_json)


@flash.command()
@click.argument("image")
@click.argument("name")
@click.argument("source", metavar="FILE")
@aside_option
@click.option("--raw", is_flag=True, help="NAME is a partition; the rest of it becomes blank.")
@force_option("Also firmware or a certificate that is not sound; write over a file, or back what loses something.")
@json_option
def insert(image: str, name: str, source: str, output: str | None, raw: bool, force: bool, as_json: bool) -> None:
    """Put a file into an image.

    NAME is standard, product, master, root1 to root3, firmware-a, firmware-b, or with --raw a partition.

    \b
    Examples:
      offhook flash insert phone.kxf product product.cfg
      offhook flash insert phone.kxf firmware-b update.fw -o other.kxf
    """
    from tools.flash import parts, telling

    listening(output, as_json)
    telling.inserted(parts.insert(image, name, source, raw=raw, output=output, force=force), as_json)


@flash.command()
@click.argument("source", metavar="IMAGE")
@output_option
@form_option
@force_option("Write over a file that is there.")
@json_option
def convert(source: str, output: str, form: Form | None, force: bool, as_json: bool) -> None:
    """Write an image in another form.

    Forms: packed (.kxf), raw (.bin), ihex (.hex), srec (.srec). Only a packed image holds the wear and the faults of
    the chip.

    \b
    Examples:
      offhook flash convert dump.hex -o phone.kxf
      offhook flash convert phone.kxf -o phone.rom --form raw
    """
    from tools.flash import moving, telling

    listening(output, as_json)
    telling.converted(moving.convert(source, output, form=form, force=force), as_json)


@flash.command()
@click.argument("run", metavar="RUN[@N]")
@output_option
@click.option("--phone", type=click.IntRange(0), default=0, show_default=True, help="Which phone of a run of many.")
@form_option
@force_option("Write over a file that is there.")
@db_option
@json_option
def dump(run: str, output: str, phone: int, form: Form | None, force: bool, db: str, as_json: bool) -> None:
    """Write the flash of a phone in a run.

    It is the flash as it is just after event N; default: at the end of the run.

    \b
    Examples:
      offhook flash dump 3@60 -o phone.kxf
      offhook flash dump case-4711.jsonl -o phone.bin
    """
    from tools.flash import moving, telling

    listening(output, as_json)
    telling.dumped(moving.dump(run, output, db=db, phone=phone, form=form, force=force), as_json)


def listening(output: str | None, as_json: bool) -> None:
    """Standard output takes one thing only."""
    if as_json and output == "-":
        raise click.UsageError("--json and -o - would both go to standard output")
