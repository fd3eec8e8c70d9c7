"""What is written into a picture's file, so that it says for itself that a machine made it.

Three layers, each read by others: the A1111 `parameters` text (Civitai, A1111, SD.Next, Fooocus),
XMP with IPTC's `DigitalSourceType` (Google, Meta and LinkedIn label by it) and IPTC Photo
Metadata 2025.1's AI fields, and plain EXIF. The label is always written; prompt and seed only
where the author shares the recipe. `read` gives all of it back.
"""

from __future__ import annotations

import io
import json
import re
import struct
from typing import Any, Literal
from xml.sax.saxutils import escape

import msgspec
from defusedxml import DefusedXmlException, ElementTree
from PIL import Image, PngImagePlugin

from generation.recipe import Recipe

# https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED_ALGORITHMIC_MEDIA = f"{SOURCES}trainedAlgorithmicMedia"
COMPOSITE = f"{SOURCES}compositeWithTrainedAlgorithmicMedia"  # painted over another picture
ENHANCED = f"{SOURCES}algorithmicallyEnhanced"  # made larger: what was done, not what it is
# PLUS's vocabulary of who may mine a picture for data.
MINING_ALLOWED = "http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"
NO_TRAINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"

Format = Literal["PNG", "WEBP", "JPEG"]
MEDIA_TYPES: dict[Format, str] = {
    "PNG": "image/png",
    "WEBP": "image/webp",
    "JPEG": "image/jpeg",
}

WEBP_QUALITY = 90
JPEG_QUALITY = 92
MAX_ALT_TEXT = 1500  # characters, Mastodon's limit
MAX_NAME = 300  # characters of a model, a version, a creator
MAX_ADDRESS = 2048  # characters of the id of a post, as activitypub.objects.values has it
MAX_XMP = 262_144  # bytes of a packet that is parsed; JPEG allows 65,502 in one segment
MAX_TEXT = 65_536  # characters of `parameters` that are read

_NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
}
XMP_KEY = "XML:com.adobe.xmp"  # PNG iTXt keyword, XMP specification part 3, 1.1.5
_SOFTWARE, _IMAGE_DESCRIPTION, _EXIF_IFD, _USER_COMMENT = 0x0131, 0x010E, 0x8769, 0x9286
# Outside XML 1.0's Char production.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A1111's own reader, re-stated: name, colon, and a JSON string or everything to the next comma.
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


class ProvenanceError(ValueError):
    """A file that is no picture we read; the message is one plain sentence."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of its origin; empty where it says nothing.

    generated: whether it says that a trained algorithm made it, in whole or in part.
    parameters: the A1111 text. fields: its last line's pairs, such as `Seed` and `Steps`.
    source: what it was made from. mining: a term of PLUS.
    """

    digital_source_type: str = ""
    ai_system: str = ""
    ai_system_version: str = ""
    ai_prompt: str = ""
    description: str = ""
    creator: str = ""
    software: str = ""
    source: str = ""
    mining: str = ""
    parameters: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    fields: dict[str, str] = {}

    @property
    def generated(self) -> bool:
        return self.digital_source_type.rsplit("/", 1)[-1] in (
            "trainedAlgorithmicMedia",
            "compositeWithTrainedAlgorithmicMedia",
        )


def stamp(
    picture: bytes,
    *,
    recipe: Recipe,
    model: str,
    model_version: str,
    alt_text: str,
    creator: str,
    share_recipe: bool,
    software: str,
    sampler: str = "",
    upscaler: str = "",
    source_type: str = TRAINED_ALGORITHMIC_MEDIA,
    parent: str = "",
    training: bool = False,
    format: Format = "PNG",
) -> bytes:
    """The picture in `format`, with its origin written into it.

    picture: encoded, any metadata in it is dropped. recipe: resolved, as it was painted.
    model, model_version: as people read them. creator: who asked for it (`alice@host`).
    share_recipe: whether prompt, seed and the rest of the recipe may be read by all.
    software: name and version of the program. upscaler: what made it larger.
    source_type: an IPTC digital source type.
    parent: the id of the post whose picture this one was made from.
    training: whether others may train on it. Raises ProvenanceError for no picture.
    """
    image = opened(picture)
    image = image.convert("RGBA" if image.has_transparency_data and format != "JPEG" else "RGB")
    image.info.clear()
    parameters = (
        infotext(
            recipe,
            model=model,
            model_version=model_version,
            sampler=sampler,
            upscaler=upscaler,
            software=software,
            size=image.size,
            parent=parent,
        )
        if share_recipe
        else ""
    )
    packet = _packet(
        [
            _simple("Iptc4xmpExt:DigitalSourceType", source_type),
            _simple("Iptc4xmpExt:AISystemUsed", model),
            _simple("Iptc4xmpExt:AISystemVersionUsed", model_version),
            _simple("Iptc4xmpExt:AIPromptInformation", _prompts(recipe), None)
            if share_recipe
            else "",
            _simple("plus:DataMining", MINING_ALLOWED if training else NO_TRAINING),
            _words("dc:description", alt_text),
            _words("Iptc4xmpCore:AltTextAccessibility", alt_text),
            _creator(creator),
            _simple("dc:source", parent, MAX_ADDRESS),
            _simple("xmp:CreatorTool", software),
        ]
    ).decode()
    out = io.BytesIO()
    if format == "PNG":
        texts = PngImagePlugin.PngInfo()
        if parameters:
            texts.add_text("parameters", parameters)  # tEXt, or iTXt where Latin-1 ends
        texts.add_text("Software", _clean(software, MAX_NAME))
        texts.add_itxt(XMP_KEY, packet)
        image.save(out, "PNG", pnginfo=texts)
        return out.getvalue()
    exif = Image.Exif()
    exif[_SOFTWARE] = _clean(software, MAX_NAME)
    if parameters:
        # EXIF 2.3, 4.6.5: an eight-byte code for the characters; A1111 writes UTF-16 big-endian.
        exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = b"UNICODE\0" + parameters.encode("utf-16-be")
    quality = WEBP_QUALITY if format == "WEBP" else JPEG_QUALITY
    image.save(out, format, quality=quality, exif=exif, xmp=packet.encode())
    return out.getvalue()


def source_type(recipe: Recipe) -> str:
    """IPTC's word for how a picture came into being: from words, or with other pictures in it. One
    that was made larger afterwards is still that."""
    begun_with = recipe.source or recipe.mask or recipe.references
    return COMPOSITE if begun_with else TRAINED_ALGORITHMIC_MEDIA


def infotext(
    recipe: Recipe,
    *,
    model: str,
    model_version: str,
    software: str,
    sampler: str = "",
    upscaler: str = "",
    size: tuple[int, int] | None = None,
    parent: str = "",
) -> str:
    """The recipe as A1111's `parameters` text.

    size: width and height in pixels, where the recipe leaves them open; A1111's `Size` is that
    before enlarging. upscaler, parent: as in `stamp`.
    """
    width, height = (recipe.width, recipe.height) if recipe.width else size or (None, None)
    pairs: list[tuple[str, Any]] = [
        ("Steps", recipe.steps),
        ("Sampler", sampler or None),
        ("CFG scale", None if recipe.guidance is None else f"{recipe.guidance:g}"),
        ("Seed", recipe.seed),
        ("Size", f"{width}x{height}" if width and height else None),
        ("Denoising strength", None if recipe.strength is None else f"{recipe.strength:g}"),
        ("Hires upscale", recipe.upscale),
        ("Hires upscaler", (upscaler or None) if recipe.upscale else None),
        ("Loras", ", ".join(f"{lora.name}: {lora.weight:g}" for lora in recipe.loras) or None),
        ("Model hash", model_version[:10] if _is_hash(model_version) else None),
        ("Model", model or None),
        ("Version", software or None),
        ("Remix of", parent or None),
    ]
    lines = [_clean(recipe.prompt)]
    if recipe.negative_prompt:
        lines.append("Negative prompt: " + _clean(recipe.negative_prompt))
    lines.append(
        ", ".join(f"{name}: {_quote(str(value))}" for name, value in pairs if value is not None)
    )
    return "\n".join(lines)


def read(picture: bytes) -> Credentials:
    """What a PNG, JPEG, WebP, GIF or AVIF file says of its origin. Never trusts it.

    Raises ProvenanceError for no picture; damaged metadata counts as none.
    """
    return read_opened(opened(picture))


def read_opened(image: Image.Image) -> Credentials:
    """What a picture that Pillow has opened says of its origin; see `read`."""
    parameters = _read_parameters(image)[:MAX_TEXT]
    prompt, negative_prompt, fields = _parse_infotext(parameters)
    return Credentials(
        **_read_xmp(image),
        parameters=parameters,
        prompt=prompt,
        negative_prompt=negative_prompt,
        fields=fields,
    )


def label(source_type: str, system: str, version: str, *, mining: str = "") -> bytes:
    """An XMP packet with the honest label of a file, and nothing else.

    source_type: an IPTC digital source type; without one, and without `mining`, it is empty.
    mining: who may mine it for data, in PLUS's vocabulary.
    """
    if not source_type and not mining:
        return b""
    simple = {
        "Iptc4xmpExt:DigitalSourceType": source_type,
        "Iptc4xmpExt:AISystemUsed": system,
        "Iptc4xmpExt:AISystemVersionUsed": version,
        "plus:DataMining": mining,
    }
    return _packet([_simple(name, value) for name, value in simple.items()])


def opened(picture: bytes) -> Image.Image:
    """The picture, decoded. Raises ProvenanceError for none."""
    try:
        image = Image.open(io.BytesIO(picture), formats=["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
        image.load()  # PNG texts may stand after the pixels
        return image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ProvenanceError("This is no picture that can be read.") from error


def _clean(text: str, longest: int | None = None) -> str:
    return _UNWRITABLE.sub("", text)[:longest]


def _quote(value: str) -> str:
    """A value of the last line; JSON where a reader would otherwise end it too early."""
    value = _clean(value, MAX_NAME)
    if any(sign in value for sign in ',:\n"'):
        return json.dumps(value, ensure_ascii=False)
    return value


def _is_hash(version: str) -> bool:
    return re.fullmatch("[0-9a-f]{10,64}", version) is not None


def _prompts(recipe: Recipe) -> str:
    """Both, as IPTC's AIPromptInformation wants them."""
    if not recipe.negative_prompt:
        return recipe.prompt
    return f"{recipe.prompt}\nNegative prompt: {recipe.negative_prompt}"


def _words(name: str, value: str) -> str:
    text = escape(_clean(value, MAX_ALT_TEXT))
    item = f'<rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt>'
    return f"<{name}>{item}</{name}>" if text else ""


def _creator(name: str) -> str:
    who = escape(_clean(name, MAX_NAME))
    return f"<dc:creator><rdf:Seq><rdf:li>{who}</rdf:li></rdf:Seq></dc:creator>" if who else ""


def _simple(name: str, value: str, longest: int | None = MAX_NAME) -> str:
    text = escape(_clean(value, longest))
    return f"<{name}>{text}</{name}>" if text else ""


def _packet(properties: list[str]) -> bytes:
    spaces = " ".join(f'xmlns:{name}="{uri}"' for name, uri in _NAMESPACES.items() if name != "x")
    return "".join(
        [
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
            f'<x:xmpmeta xmlns:x="{_NAMESPACES["x"]}"><rdf:RDF xmlns:rdf="{_NAMESPACES["rdf"]}">',
            f'<rdf:Description rdf:about="" {spaces}>',
            *properties,
            "</rdf:Description></rdf:RDF></x:xmpmeta>",
            '<?xpacket end="r"?>',
        ]
    ).encode()


def _read_xmp(image: Image.Image) -> dict[str, str]:
    packet = image.info.get(XMP_KEY) or image.info.get("xmp") or b""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not isinstance(packet, bytes) or not packet or len(packet) > MAX_XMP:
        return {}
    try:
        root = ElementTree.fromstring(packet.rstrip(b"\0 \n"))
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        return {}  # LookupError: an encoding that does not exist

    def value(prefix: str, name: str) -> str:
        qualified = f"{{{_NAMESPACES[prefix]}}}{name}"
        for description in root.iter(f"{{{_NAMESPACES['rdf']}}}Description"):
            if qualified in description.attrib:  # the compact form of a simple property
                return str(description.attrib[qualified])
            element = description.find(qualified)
            if element is not None:
                item = element.find(f".//{{{_NAMESPACES['rdf']}}}li")
                return ((element if item is None else item).text or "").strip()
        return ""

    return {
        "digital_source_type": value("Iptc4xmpExt", "DigitalSourceType"),
        "ai_system": value("Iptc4xmpExt", "AISystemUsed"),
        "ai_system_version": value("Iptc4xmpExt", "AISystemVersionUsed"),
        "ai_prompt": value("Iptc4xmpExt", "AIPromptInformation"),
        "description": value("dc", "description"),
        "creator": value("dc", "creator"),
        "software": value("xmp", "CreatorTool"),
        "source": value("dc", "source"),
        "mining": value("plus", "DataMining"),
    }


def _read_parameters(image: Image.Image) -> str:
    text = image.info.get("parameters")
    if isinstance(text, str):
        return str(text)
    try:
        comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    except (OSError, ValueError, KeyError, SyntaxError, struct.error):
        return ""
    if isinstance(comment, bytes) and comment.startswith(b"UNICODE\0"):
        return comment[8:].decode("utf-16-be", "replace")
    return ""


def _parse_infotext(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt, and the last line's pairs, as A1111 reads them."""
    lines = text.strip().split("\n")
    pairs = _PAIR.findall(lines[-1])
    fields: dict[str, str] = {}
    if len(pairs) >= 3:  # fewer is a prompt with colons in it
        lines.pop()
        for name, value in pairs:
            fields[name.strip()] = _unquote(value.strip())
    prompt, _, negative = "\n".join(lines).partition("Negative prompt:")
    return prompt.strip(), negative.strip(), fields


def _unquote(value: str) -> str:
    if value.startswith('"') and value.endswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value
