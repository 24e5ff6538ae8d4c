"""Every text of the screens exists in both languages, says the same things, and is used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[2] / "web"
SLOT = re.compile(r"\{(\w+)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# One word is meant: it names the other language, or serves a browser without scripts.
MEANT = {"TopTools.vue": "中文"}


def files(language: str) -> list[Path]:
    """A room's texts lie in its folder."""
    return sorted((WEB / "src").glob(f"*/{language}.json"))


def texts(language: str) -> dict[str, str]:
    def flat(node: dict[str, Any], prefix: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in node.items():
            found |= (
                flat(value, f"{prefix}{key}.")
                if isinstance(value, dict)
                else {f"{prefix}{key}": value}
            )
        return found

    found: dict[str, str] = {}
    for path in files(language):
        found |= flat(json.loads(path.read_text(encoding="utf-8")), "")
    return found


def test_both_languages_have_every_text() -> None:
    assert [path.parent for path in files("zh")] == [path.parent for path in files("en")]
    zh, en = texts("zh"), texts("en")
    assert zh.keys() == en.keys()
    assert not [key for key, value in (zh | en).items() if value == ""]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_text_is_given_twice(language: str) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), [key for key, _ in pairs]
        return dict(pairs)

    assert len(files(language)) > 10
    rooms: dict[str, str] = {}
    for path in files(language):
        said = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
        # The first word of a key is one room's alone.
        assert not rooms.keys() & said.keys()
        rooms |= dict.fromkeys(said, path.parent.name)


def test_both_languages_fill_the_same_slots() -> None:
    zh, en = texts("zh"), texts("en")
    # A text with a singular and a plural has its slots in both.
    for key, value in en.items():
        for form in value.split(" | "):
            assert set(SLOT.findall(form)) == set(SLOT.findall(zh[key])), key


def test_english_is_english_and_chinese_is_chinese() -> None:
    assert not [key for key, value in texts("en").items() if CHINESE.search(value)]
    assert not [
        key
        for key, value in texts("zh").items()
        if not CHINESE.search(said := SLOT.sub("", value)) and any(c.isalnum() for c in said)
    ]


def test_no_text_outside_the_files_of_texts() -> None:
    found = {}
    for path in sorted((WEB / "src").rglob("*.vue")):
        template = path.read_text(encoding="utf-8").split("<template>", 1)[-1]
        words = set(CHINESE.findall(template.replace(MEANT.get(path.name, ""), "")))
        if words:
            found[path.name] = words
    assert found == {}


def test_every_named_text_exists() -> None:
    known = texts("zh")
    # By $t("..."), by t("...") and by the title of a table's column.
    named = re.compile(r"""(?:(?:\$t|\bt)\(\s*|\btitle: )["']([\w.]+)["']""")
    missing = {
        (path.name, key)
        for path in sorted((WEB / "src").glob("*/*.vue"))
        for key in named.findall(path.read_text(encoding="utf-8"))
        if key not in known
    }
    assert missing == set()


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text(encoding="utf-8")


def test_the_types_of_the_api_are_the_descriptions() -> None:
    described = json.loads((WEB.parent / "docs" / "openapi.json").read_text(encoding="utf-8"))
    types = (WEB / "src" / "api" / "types.ts").read_text(encoding="utf-8")
    named = set(re.findall(r'Api\["(\w+)"\]', types))
    assert len(named) > 20
    assert named <= set(described["components"]["schemas"])
    # An event stream has no shape in OpenAPI; every other shape is made, not written.
    assert re.findall(r"^export interface (\w+)", types, re.M) == ["LiveDeposit"]
    build = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["scripts"]
    assert build["build"].startswith("npm run -s types &&")
    assert build["types"].startswith("openapi-typescript ../docs/openapi.json ")
