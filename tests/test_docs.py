"""The documentation is true: its commands and its Python are run and compared, its links and names are looked up."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from program import ROOT, Run

from cnncli import loading
from cnncli.commands import SUMMARIES
from cnncli.homework.exact_ops.chain.chain_reading import read_chain
from cnncli.homework.exact_ops.chain.chain_text import chain_file
from cnncli.language import read_text
from cnncli.layers import KINDS
from cnncli.recipe import Recipe

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
}
README = PAGES["README.md"]
LANGUAGE = PAGES["docs/language.md"]


class Example(NamedTuple):
    """A ``$ cnn …`` of a console block with its output, in which a line ``…`` stands for lines that are left out."""

    page: str
    command: str
    output: str


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE)


def examples() -> list[Example]:
    return [
        Example(page, *example.split("\n", 1))
        for page in PAGES
        for block in blocks(page, "console")
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]


def written_file(page: str, name: str) -> str:
    """The text of a file that the page shows in a YAML block beginning with ``# NAME``."""
    return next(block for block in blocks(page, "yaml") if block.startswith(f"# {name}\n"))


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.page}: {example.command}"[:60])
def test_each_command_prints_what_the_page_shows(
    cnn: Run, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *arguments = shlex.split(example.command)
    assert program == "cnn"
    monkeypatch.chdir(tmp_path)
    for name in arguments:
        if name.endswith(".yaml"):
            (tmp_path / name).write_text(written_file(example.page, name), encoding="utf-8")
    ended = cnn(*arguments)
    pattern = ".*\n".join(re.escape(part) for part in example.output.split(" …\n"))
    assert re.fullmatch(pattern, ended.out + ended.err, re.DOTALL), ended.out + ended.err


@pytest.mark.parametrize(("page", "code"), [(page, code) for page in PAGES for code in blocks(page, "python")])
def test_the_python_of_each_page_prints_its_comments(page: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert printed, "a block without a line that prints something, with a comment of what it prints"
    exec(code, {})
    assert capsys.readouterr().out.splitlines() == printed


def test_the_readme_has_one_block_of_python() -> None:
    assert len(blocks("README.md", "python")) == 1


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CONTRIBUTING.md"])
def test_the_networks_of_each_page_are_valid_unless_an_error_is_shown(page: str, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(page, "yaml")):
        name = re.match(r"# (\S+)\n", block)
        if re.search(r"^input: ", block, re.MULTILINE) and not (name and shows_an_error(page, name[1])):
            path = tmp_path / f"{number}.yaml"
            path.write_text(block, encoding="utf-8")
            if re.search(r"^values: ", block, re.MULTILINE):  # a chain of layers with numbers
                chain = chain_file(str(path))
                assert chain is not None and read_chain(chain)
            else:
                loading.load_source(read_text(str(path)), "network")


def shows_an_error(page: str, file: str) -> bool:
    return any(re.match(rf"{re.escape(file)}:\d+:", line) for line in PAGES[page].splitlines())


def anchor(heading: str) -> str:
    """The name by which GitHub and PyPI link to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if link.startswith("https://"):
            continue
        path, _, heading = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in map(anchor, headings), link


def test_the_index_links_to_each_page() -> None:
    for page in PAGES:
        if page.startswith("docs/") and page != "docs/index.md":
            assert f"({Path(page).name})" in PAGES["docs/index.md"], page


def test_the_readme_is_at_most_250_lines() -> None:
    assert len(README.splitlines()) <= 250


@pytest.mark.parametrize("page", PAGES)
def test_each_command_that_a_page_names_exists(page: str) -> None:
    assert {*re.findall(r"`cnn ([a-z][a-z-]+)", PAGES[page])} <= {*SUMMARIES}


@pytest.mark.parametrize("page", PAGES)
def test_each_file_of_the_package_that_a_page_names_exists(page: str) -> None:
    for name in re.findall(r"`((?:cnncli|tests|benchmarks|architectures)/[\w/.]+)`", PAGES[page]):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES)
def test_each_module_and_each_test_that_a_page_names_exists(page: str) -> None:
    files = [path for folder in ("cnncli", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    tests = "".join(path.read_text(encoding="utf-8") for path in files if path.name.startswith("test_"))
    for name in re.findall(r"`([\w/]+\.py)`", PAGES[page]):
        assert any(f"/{path}".endswith(f"/{name}") for path in files), name
    for name in re.findall(r"`(test_\w+)(?:…)?`", PAGES[page]):
        assert f"def {name}" in tests, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_names_every_kind_with_all_its_fields(kind: str) -> None:
    rows = [line for line in LANGUAGE.splitlines() if line.startswith("|") and f"`{kind}`" in line.split("|")[1]]
    assert rows, f"docs/language.md has no row for {kind}"
    inherited = KINDS["conv"].schema if kind in ("depthwise_conv", "local") else {}
    for field in KINDS[kind].schema:
        assert f"`{field}`" in rows[0] or field in inherited, f"{kind}: {field}"


def test_the_reference_names_every_key_of_the_recipe() -> None:
    for key in Recipe.schema:
        assert f"`{key}`" in LANGUAGE


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_readme_tells_of_every_command(command: str) -> None:
    assert f"cnn {command}" in README
