"""The configuration file: every room's settings, assembled, loaded, and written out as an annotated sample.

One TOML file, typed; each section is declared by the room that obeys it. A mistake is reported with the file, the line
and what was expected. The sample is generated from the declarations, so it cannot be out of date.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from angarium.edge.decoy.upstream import split
from angarium.edge.imap.breath import LEAST
from angarium.edge.settings import Decoy, Limits, Listen
from angarium.mail.checks.peers import pattern
from angarium.mail.federation.via import parse_via
from angarium.mail.settings import Accounts, Federation, Messages, Push, Retention
from angarium.reach.names import canonical
from angarium.reach.settings import BadServer, Dns, Names, Onion, Proxy, Tls, server
from angarium.reach.tcp_info import COUNTS
from angarium.wire.connect import target

__all__ = ["Config", "ConfigError", "load", "override", "parse", "sample"]

HEAD = """\
# Angarium's settings. Every line that begins with "# name = value" shows a default: take the "# " away and change the
# value to use another. Start the relay again to apply what you changed.
"""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings. The names of the fields are the sections of the file."""

    names: Names = Names()
    tls: Tls = Tls()
    dns: Dns = Dns()
    onion: Onion = Onion()
    listen: Listen = Listen()
    accounts: Accounts = Accounts()
    messages: Messages = Messages()
    retention: Retention = Retention()
    push: Push = Push()
    federation: Federation = Federation()
    proxy: Proxy = Proxy()
    decoy: Decoy = Decoy()
    limits: Limits = Limits()


class ConfigError(Exception):
    """The configuration cannot be used. The text says where, what was found and what was expected."""


def load(path: Path) -> Config:
    """Read the configuration file.

    Raises:
        ConfigError: it cannot be read, is empty, as a crash may leave it, is not TOML, or a setting is unknown or
            out of bounds.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    if not text.strip():
        raise ConfigError(f"{path}: is empty: put back what was in it, or remove it to have one with the defaults made")
    return parse(text, str(path))


def parse(text: str, file: str) -> Config:
    """Read the text of a configuration file; `file` is its name in errors. Raises ConfigError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*) \(at line (\d+), column \d+\)$", str(error))
        what, line = (found[1], int(found[2])) if found else (str(error), len(text.splitlines()))
        raise ConfigError(f"{file}:{line}: not TOML: {what[:1].lower()}{what[1:]}") from None
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(str(error), text, file)) from None
    _judge(config, text, file)
    return config


def override(config: Config, settings: Mapping[str, Any]) -> Config:
    """Put `settings` ("section.name" to value), given on the command line, over a configuration. Raises ConfigError."""
    raw = msgspec.to_builtins(config)
    for name, value in settings.items():
        section, _, key = name.partition(".")
        raw[section][key] = value
    try:
        changed = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise ConfigError(f"{where.rstrip('`')}: {what[:1].lower()}{what[1:]}") from None
    _judge(changed, "", "the command line")
    return changed


def explain(problem: str, text: str, file: str) -> str:
    """Turn a validation error (``… - at `$.section.key` ``) into file, line, setting, and what was expected."""
    what, _, where = problem.replace("[...]", "").partition(" - at `$")
    keys = [key for key in where.rstrip("`").split(".") if key]
    if unknown := re.search(r"unknown field `(.+)`", what):
        keys.append(unknown[1])
        return f"{file}:{line_of(keys, text)}: there is no setting {'.'.join(keys)}{_meant(keys)}"
    keys = [key.split("[")[0] for key in keys]
    what = what[:1].lower() + what[1:].replace("`object`", "a [section]")
    if what.startswith("invalid enum value"):
        what = f"expected one of {', '.join(_choices(keys))}"
    return f"{file}:{line_of(keys, text)}: {'.'.join(keys)}: {what}{_found(keys, text)}"


def line_of(keys: list[str], text: str) -> int:
    """The number of the line (from 1) that sets `keys`: a section, or a section and a name."""
    section, at = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            section = header[1]
            if keys[:1] == [section] or (at == 1 and keys[:1] == section.split(".")[:1]):
                at = number
        elif setting := re.match(r"\s*([\w.-]+)\s*=", line):
            path = (section.split(".") if section else []) + setting[1].split(".")
            if path == keys:
                return number
    return at


def sample(settings: Mapping[str, Any] | None = None) -> str:
    """The annotated sample: every section and setting with its meaning, its bounds and its default.

    `settings` ("section.name" to value) are written as set, the others as comments.
    """
    settings = settings or {}
    parts = [HEAD]
    for section in fields(Config):
        kind = section.type
        parts.append(f"\n# {_doc(kind)}\n[{section.name}]\n")
        hints = get_type_hints(kind, include_extras=True)
        for setting in fields(kind):
            default = setting.default if setting.default is not msgspec.NODEFAULT else setting.default_factory()
            name = f"{section.name}.{setting.name}"
            line = f"{'' if name in settings else '# '}{setting.name} = {_toml(settings.get(name, default))}"
            parts.append(f"\n# {_describe(hints[setting.name])}\n{line}\n")
    return "".join(parts)


def _judge(config: Config, text: str, file: str) -> None:
    """What one setting cannot know of another."""

    def fail(section: str, name: str, what: str) -> None:
        where = f"{file}:{line_of([section, name], text)}" if text else file
        raise ConfigError(f"{where}: {section}.{name}: {what}")

    for setting, names in (("domain", [config.names.domain]), ("aliases", config.names.aliases)):
        for name in filter(None, names):
            if canonical(name) is None:
                fail("names", setting, f"expected a domain name or an IP address, found {_toml(name)}")
    for one in config.dns.servers:
        try:
            server(one)
        except BadServer:
            fail("dns", "servers", f"expected an IP address, with or without a port, found {_toml(one)}")
    if config.decoy.folder and not Path(config.decoy.folder).is_absolute():
        fail("decoy", "folder", f"expected a path from the root on, found {_toml(config.decoy.folder)}")
    if config.decoy.site and ((found := split(config.decoy.site)) is None or canonical(found[1]) is None):
        fail("decoy", "site", f"expected https://HOST or http://HOST:PORT, found {_toml(config.decoy.site)}")
    decoys = [name for name in ("folder", "site", "empty") if getattr(config.decoy, name)]
    if len(decoys) > 1:
        fail("decoy", decoys[1], "expected one of decoy.folder, decoy.site and decoy.empty")
    for setting, ports in (("greet_imap", config.listen.greet_imap), ("greet_smtp", config.listen.greet_smtp)):
        if ports and not (config.decoy.clear if config.decoy.wanted else config.listen.clear):
            fail(
                "listen",
                setting,
                "expected none: nothing in clear is taken on the https door (listen.clear, decoy.clear)",
            )
    if both := {*config.listen.greet_imap} & {*config.listen.greet_smtp}:
        fail(
            "listen", "greet_smtp", f"port {min(both)} stands in listen.greet_imap: one port can greet in one way only"
        )
    for one in config.proxy.allow:
        if (goal := target(one)) is None or canonical(goal[0]) is None:
            fail("proxy", "allow", f"expected HOST:PORT, found {_toml(one)}")
    for setting, lines in (("allow", config.federation.allow), ("deny", config.federation.deny)):
        for line in lines:
            if pattern(line) is None:
                fail("federation", setting, f"expected a domain, an IP address or *.domain, found {_toml(line)}")
    for name, route in config.federation.routes.items():
        if canonical(name) is None:
            fail("federation", "routes", f"expected a domain name or an IP address, found {_toml(name)}")
        via = parse_via(route.via)
        if via and not (canonical(via.host) and (via.port is None or 0 < via.port < 65_536)):
            fail("federation", "routes", f"expected a host and a port, found {_toml(route.via)}")
    if config.federation.queue_bytes < config.messages.max_size:
        fail("federation", "queue_bytes", "expected at least messages.max_size: a larger message would never fit")
    if bool(config.tls.cert) != bool(config.tls.key):
        missing, given = ("key", "cert") if config.tls.cert else ("cert", "key")
        fail("tls", given, f"expected tls.{missing} to be given too")
    if config.accounts.name_min_length > config.accounts.name_max_length:
        fail("accounts", "name_min_length", "expected at most accounts.name_max_length")
    if config.retention.quota_low_percent > config.retention.quota_high_percent:
        fail("retention", "quota_low_percent", "expected at most retention.quota_high_percent")
    if config.limits.breath_bytes and not COUNTS:
        fail("limits", "breath_bytes", "expected 0: this system does not count what a connection has carried")
    if 0 < config.limits.breath_bytes < LEAST or config.limits.breath_bytes < 0:
        fail("limits", "breath_bytes", f"expected 0, or at least {LEAST}: a login and a text must fit")
    if config.messages.max_size > config.retention.quota:
        fail("messages", "max_size", "expected at most retention.quota: a larger message would never fit")


def _meant(keys: list[str]) -> str:
    kind = _kind(keys[:-1])
    if kind is None:
        return ""
    known = [field.name for field in fields(kind)]
    close = difflib.get_close_matches(keys[-1], known, 1)
    return f"; did you mean {'.'.join([*keys[:-1], close[0]])}?" if close else f"; expected one of {', '.join(known)}"


def _choices(keys: list[str]) -> list[str]:
    return [_toml(choice) for choice in get_args(_kind(keys))]


def _kind(keys: list[str]) -> Any:
    """The type that a path leads to, tables with names of their own passed over; None: there is no such setting."""
    kind: Any = Config
    for key in keys:
        kind = next((field.type for field in fields(kind) if field.name == key), None)
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
    return kind


def _found(keys: list[str], text: str) -> str:
    value: Any = tomllib.loads(text)
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return ""
        value = value[key]
    return f", found {_toml(value)}" if isinstance(value, (str, int, float, bool, list)) else ""


def _doc(kind: type) -> str:
    return (kind.__doc__ or "").split("\n\n")[0].replace("\n    ", "\n# ")


def _describe(hint: Any) -> str:
    """The description and the bounds in a setting's annotation."""
    if get_origin(hint) is not Annotated:
        return ""
    kind, *notes = get_args(hint)
    metas = [note for note in notes if isinstance(note, Meta)]
    said = " ".join(meta.description for meta in metas if meta.description)
    low = next((meta.ge for meta in metas if meta.ge is not None), None)
    high = next((meta.le for meta in metas if meta.le is not None), None)
    choices = () if get_origin(kind) in {list, tuple} else get_args(kind)
    if choices and all(isinstance(choice, str) for choice in choices):
        return said
    if low is not None and high is not None:
        return f"{said} ({low} to {high})"
    if low is not None:
        return f"{said} (at least {low})"
    return said


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, Struct):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    return str(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else _toml(key)
