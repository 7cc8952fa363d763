"""Questions with options to choose from."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from cnncli.homework.answer_key.sheet import one_line
from cnncli.homework.checking.parsing import is_blank
from cnncli.homework.checking.verdict import Verdict
from cnncli.homework.languages.messages import text as message
from cnncli.homework.question_types.text import normal_text

# Rules of partial credit where several options are right, under the names of PrairieLearn's element pl-checkbox.
NET_CORRECT = "net-correct"  # right options chosen minus wrong ones, of the right ones, at least 0
EACH_ANSWER = "each-answer"  # options that are rightly chosen or rightly left out, of all
RULES = (NET_CORRECT, EACH_ANSWER)
LONGEST_ANSWER = 1000  # characters
_LEADS = re.compile(r"(?:options?|answers?|choices?)\b *[:=]? *", re.IGNORECASE)  # option b
_SHORT = {"t": "true", "f": "false", "y": "yes", "n": "no"}
# From the most to the least certain way to write several options.
_SPACES = r"[\s,;|&/+]+"
_SEPARATORS = (
    r"[,;\n|]+",
    r"[,;\n|&/+]+|\b(?:and|und)\b",
    _SPACES,
    r"[,;\n|&/+]+|\s(?:et|e|y|i)\s",  # after spaces: in "a e c" e may be an option
)
_BULLET = re.compile(r"^\s*[-*•‣–]\s+(?=\S)")
_BOTH = re.compile(r"(?:both|beide|les deux|ambos|ambas)\b *[:=]? *", re.IGNORECASE)


class _Labels(NamedTuple):
    """The labels of options by what names them, as :func:`normal_text`: their texts, and the labels themselves."""

    by_text: dict[str, str]
    by_label: dict[str, str]

    def of(self, text: str) -> str:
        """The label of the option that a text names: ``b``, ``(b)``, ``stride``, ``b) stride``; empty for none."""
        wanted = normal_text(text)
        found = self.by_text.get(wanted) or self.by_label.get(normal_text(wanted.strip("()[].:")))
        found = found or self.by_text.get(_SHORT.get(wanted, ""))
        if found:
            return found
        labeled = re.fullmatch(r"\s*\(?\s*(\w+)(?:\s*[).:]|\s+[-–—=])\s*(.+)", text, re.DOTALL)
        label = self.by_label.get(normal_text(labeled[1])) if labeled else None
        return label if label and labeled and self.by_text.get(normal_text(labeled[2])) == label else ""

    def is_mixed(self, text: str) -> bool:
        """Whether a text has both labels and texts of options: ``b) stride`` may contradict itself."""
        return len({normal_text(word) in self.by_text for word in re.split(_SPACES, text) if word}) > 1


class ChoiceQuestion(NamedTuple):
    """A question with ``options``, each under its label, of which those with the labels ``right`` are right.

    With ``several`` any number may be chosen; ``rule`` says which part of the points some of them earn, if any.
    """

    options: dict[str, str]
    right: frozenset[str]
    several: bool = False
    rule: str = ""

    @property
    def kind(self) -> str:
        return "choice"

    def described(self, labels: frozenset[str]) -> str:
        """``b) stride, c) padding``."""
        return ", ".join(f"{label}) {text}" for label, text in self.options.items() if label in labels)

    def judge(self, name: str, given: str, locale: str = "") -> Verdict:
        """The verdict on an answer: labels, or texts of options."""
        verdict = Verdict(name, one_line(given), False, self.described(self.right), kind=self.kind)
        chosen = self.chosen(given)
        if not chosen and is_blank(given):
            return verdict._replace(blank=True)
        if not chosen:
            labels = [*self.options]
            remark = message("could not be read as one of {first} to {last}", first=labels[0], last=labels[-1])
            return verdict._replace(remarks=(remark,))
        if chosen == self.right:
            return verdict._replace(correct=True, credit=Fraction(1))
        if not self.several:
            return verdict._replace(remarks=(message("one option is asked"),) if len(chosen) > 1 else ())
        right, wrong = len(chosen & self.right), len(chosen - self.right)
        remark = message("{right} of {all} right options", right=right, all=len(self.right))
        if wrong:
            remark = message(
                "{right} of {all} right options, {wrong} wrong", right=right, all=len(self.right), wrong=wrong
            )
        return verdict._replace(remarks=(remark,), credit=self._credit(chosen))

    def is_same(self, given: str, accepted: str, locale: str = "") -> bool:
        """Whether an answer names the same options as another one."""
        return bool(self.chosen(given)) and self.chosen(given) == self.chosen(accepted)

    def _credit(self, chosen: frozenset[str]) -> Fraction:
        """The fraction of the points for some of the right options."""
        if self.rule == NET_CORRECT:
            net = len(chosen & self.right) - len(chosen - self.right)
            return max(Fraction(0), Fraction(net, len(self.right)))
        if self.rule == EACH_ANSWER:
            return 1 - Fraction(len(chosen ^ self.right), len(self.options))
        return Fraction(0)

    def chosen(self, given: str) -> frozenset[str]:
        """The labels of the options that an answer names; empty where it names any other."""
        if len(given) > LONGEST_ANSWER:
            return frozenset()
        lines = (" ".join(_BULLET.sub("", line).split()) for line in given.strip().splitlines())
        text = re.sub(r"^\[(.*)\]$", r"\1", "\n".join(lines), flags=re.DOTALL)
        known = self._labels
        whole = known.of(text)
        if whole:
            return frozenset([whole])
        for lead in (_BOTH, _LEADS) if self.several else (_LEADS,):
            text = lead.sub("", text, count=1) if lead.match(text) else text
        for separator in _SEPARATORS:
            labels = [known.of(part) for part in re.split(separator, text, flags=re.IGNORECASE) if part.strip()]
            if labels and all(labels) and not (separator == _SPACES and known.is_mixed(text)):
                return frozenset(labels)
        letters = [known.of(char) for char in text.strip()]  # bd
        is_joined = self.several and all(len(label) == 1 for label in self.options)
        return frozenset(letters) if is_joined and letters and all(letters) else frozenset()

    @property
    def _labels(self) -> _Labels:
        by_text = {normal_text(option): label for label, option in self.options.items()}
        return _Labels(by_text, {normal_text(label): label for label in self.options})
