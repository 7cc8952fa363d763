"""Right answers in the notations of students are right, and wrong ones are wrong, each in one of the tables here."""

from __future__ import annotations

from functools import cache

import pytest

from cnncli.homework.answer_key.questions import empty_cache, expected_answer
from cnncli.homework.answer_key.sheet import Question, Sheet
from cnncli.homework.checking.answer_comparison import compare
from cnncli.homework.checking.verdict import Verdict
from cnncli.loading import load

FIELDS = {
    "size": {"input": "52", "kernel": "9", "stride": "2", "padding": "3", "rounding": "floor"},
    "misfit": {"input": "7", "kernel": "3", "stride": "3"},
    "padding": {"input": "32", "output": "32", "kernel": "5", "find": "padding"},
}
CACHE = empty_cache()


@cache
def loaded() -> Sheet:
    return Sheet("", load("lenet5"), ())


def verdict(name: str, answer: str, locale: str = "") -> Verdict:
    question = Question(f"solve {name}" if name in FIELDS else name, answer, FIELDS.get(name, {}))
    return compare(question, expected_answer(loaded(), question, CACHE), locale)


RIGHT = {
    "c1.params": r"""
156 | 156.0 | 156. | +156 | 0156 | 1.56e2 | 1,56e2 | 1.56E+02 | 1.56 x 10^2 | 1.56×10² | 1.56*10**2 | 1,56 · 10^2
15.6·10 | 150+6 | 150 + 6 = 156 | 5*5*6+6 | 5x5x6+6 | 5×5×6 + 6 | 6(5*5+1) | 6*(25+1) | 6 · (5² · 1 + 1) | 6·26
(5*5*1 + 1) * 6 | (5^2·1+1)·6 | (5**2*1+1)*6 | ((5*5)*1+1)*6 | [5*5*1+1]*6 | {(5*5*1)+1}*6 | 26*6 | 312/2 | 1248:8
2*78 | 6*5*5 + 6 = 150 + 6 = 156 | $156$ | \(156\) | \[156\] | $$156$$ | $6 \cdot (5 \cdot 5 + 1)$
$5^2 \times 6 + 6 = 156$ | \(6\cdot\left(5^{2}+1\right)\) | $\boxed{156}$ | \frac{312}{2} | $156\text{ parameters}$
$\mathrm{params} = 156$ | 156 parameters | 156 params | 156 Parameters. | 156 trainable parameters
156 learnable params | 156 weights and biases | 156 weights & biases | 156 (weights and biases)
156 parameters in total | 156 in total | total: 156 | 156 weights | 150 weights + 6 biases
150 weights and 6 biases = 156 | = 156 | =156 | ~156 | ≈156 | about 156 | approx. 156 | ca. 156 | exactly 156
answer: 156 | Answer = 156 | the answer is 156 | It has 156 parameters. | There are 156 parameters | params = 156
parameters: 156 | N = 156 | n_params = 156 | c1: 156 | P=156 | "156" | '156' | “156” | „156“ | «156» | ‘156’ | `156`
**156** | (156) | [156] | 「156」 | ″156″ | *156* | ''156'' | 156 (5*5*6 + 6) | 156 (= 150 + 6)
156 [150 weights + 6 biases] | 156, because 6*(25+1) | 156 since each filter has 26 weights | ١٥٦ | १५६ | １５６ | ๑๕๖
𝟏𝟓𝟔 | 6·٢٦ | 156  | ​156 | 0.156k | 0.156 K | 156 Parameter | 156 parámetros | 156 parâmetros | 156개
156 파라미터 | 156 个参数 | 156 Gewichte | 156 paramètres | 6×(5×5×1+1) = 156 | 6*(5*5*1+1)=156 parameters | → 156
5*5*6+6 → 156 | 150+6=156 | #params = 156 | 156 params (with bias) | 6 filters * 26 = 156
C_out * (C_in * k * k + 1) = 6 * (1 * 25 + 1) = 156 | So there are 156 parameters in c1. | it's 156 | we get 156
156 values | 156 numbers | 156 coefficients | 156 learned parameters | 156! | twelve times thirteen
""",
    "total.params": r"""
61706 | 61,706 | 61.706 | 61'706 | 61’706 | 61 706 | 61 706 | 61 706 | 61_706 | 61.706k | 61,706K | 61.706 thousand
6.1706e4 | 6.1706×10⁴ | 6.1706 x 10^4 | 6,1706·10^4 | 61,706 parameters | 61.706 Parameter | 61{,}706 | 61\,706
0.061706M | 0.061706 million | 156 + 2416 + 48120 + 10164 + 850 | 156+2,416+48,120+10,164+850=61,706
156 + 2.416 + 48.120 + 10.164 + 850 | 61 706 params | ٦١٬٧٠٦ | ٦١٧٠٦ | 61,706 (61.7K) | 61.706 tausend
""",
    "total.parameter_bytes": r"""
246824 | 246,824 | 246,824 bytes | 246824 B | 246.824 KB | 246824 Byte | 4*61706 | 61706 * 4 bytes = 246824
241.0390625 KiB
""",
    "c1.macs": r"""
117600 | 117,600 | 117.6K | 117,600 MACs | 117.6 KMACs | 117600 multiply-adds | 117600 multiply-accumulates
117,600 mult-adds | 117600 multiplications | 117600 operations | 5*5*28*28*6 | 25·784·6 = 117600
117,600 MAC operations | 0.1176 MMACs | 1.176e5
""",
    "c1.shape": r"""
6x28x28 | 6×28×28 | 6 x 28 x 28 | 6X28X28 | 6@28x28 | 6 @ 28×28 | (6, 28, 28) | [6, 28, 28] | {6, 28, 28}
(6,28,28) | 6,28,28 | 6, 28, 28 | 6 28 28 | 6;28;28 | 6*28*28 | 6·28·28 | 6⋅28⋅28 | <6, 28, 28> | 28x28x6
(28, 28, 6) | (None, 28, 28, 6) | (None, 6, 28, 28) | (N, 6, 28, 28) | (1, 6, 28, 28) | 1x6x28x28 | Nx6x28x28
N × 6 × 28 × 28 | (B, 6, 28, 28) | (batch, 6, 28, 28) | (?, 28, 28, 6) | (-1, 6, 28, 28) | torch.Size([6, 28, 28])
torch.Size([1, 6, 28, 28]) | TensorShape([None, 28, 28, 6]) | shape: (6, 28, 28) | shape=(6,28,28)
Shape (6, 28, 28) | 6 by 28 by 28 | 6 maps of 28x28 | 6 feature maps of 28x28 | 6 feature maps of size 28 × 28
6 channels of 28x28 | 28x28 with 6 channels | 28x28, 6 channels | 28 by 28 by 6 | 6 (28x28) | 6 x (28 x 28)
C=6, H=28, W=28 | H=28, W=28, C=6 | C: 6, H: 28, W: 28 | C = 6 H = 28 W = 28 | height 28, width 28, channels 6
28 high, 28 wide, 6 channels | 6 channels, height 28, width 28 | 28x28x6 (HxWxC) | 6x28x28 (CxHxW)
(H, W, C) = (28, 28, 6) | (C, H, W) = (6, 28, 28) | CxHxW = 6x28x28 | HxWxC: 28x28x6 | 6x28x28 = 4704
6*28*28 = 4704 | 6 · 28 · 28 = 4,704 | $6 \times 28 \times 28$ | \(6\times 28\times 28\) | $(6, 28, 28)$ | "6x28x28"
“6×28×28” | 6x28x28 px | 6x28x28 pixels | 28x28x6 pixels | 6x28x28. | ٦×٢٨×٢٨ | ６×２８×２８ | 6✕28✕28 | 6⨯28⨯28
6 filters, 28x28 | output shape: 6x28x28 | the output is 6x28x28 | The shape is (6, 28, 28). | 6 Kanäle, 28x28
6 maps, each 28 by 28 | [6,28,28] | 6-channel 28x28 | (6,28,28) channels first | 28x28x6 channels last
(28-5+2*2)/1+1 = 28, so 6x28x28 | 6x28x28 (= 4704 values) | [28, 28, 6] | (6, (28-5+4)/1+1, 28) | 6 28x28 maps
""",
    "flatten1.shape": r"""
400 | (400,) | [400] | (None, 400) | (1, 400) | 1x400 | 400x1x1 | 400 units | 400 neurons | 400 features | 16*5*5
16·5·5 = 400 | 16x5x5 = 400 | torch.Size([400]) | torch.Size([1, 400]) | (N, 400) | 400-dimensional | vector of 400
""",
    "size": r"""
25 | 25x25 | 25 × 25 | (25, 25) | 25 px | 25 pixels | 25 per side | 25 px per side | (52+6-9)/2+1 = 25
(52 + 2*3 - 9)/2 + 1 = 25.5 → 25 | (52+6-9)/2+1 = 25.5, so 25 | floor((52+6-9)/2)+1 | ⌊(52+6-9)/2⌋+1 = 25
floor(49/2) + 1 = 25 | (52+6-9)//2+1 | ⌊49/2⌋+1 | 25.5 ≈ 25 | $\lfloor (52+6-9)/2 \rfloor + 1 = 25$
\left\lfloor\frac{52+2\cdot 3-9}{2}\right\rfloor+1=25 | output size: 25 | H_out = 25 | o = 25 | size = 25
n_out = (n + 2p - k)/s + 1 = (52 + 6 - 9)/2 + 1 = 25 | int(49/2)+1 | 24 + 1 | 25 by 25 | 25 on each side | 25 cells
""",
    "misfit": r"""
does not fit | Does not fit. | doesn't fit | doesn’t fit | it does not fit | no fit | doesnt fit | not possible
impossible | invalid | no | not an integer | isn't an integer | is not whole | error | none | undefined | cannot fit
can't work | does not divide evenly | the window does not fit | kernel doesn't fit | not divisible
2.33 (does not fit) | 7/3 (does not fit) | 2.33, does not fit | 2 1/3: does not fit | does not fit (2.33)
7/3, not an integer | 2.333... is not an integer | doesn't fit since 4 is not divisible by 3 | passt nicht
geht nicht auf | kein ganzzahliges Ergebnis | não cabe | não é inteiro | no cabe | no encaja | ne rentre pas | 맞지 않음
불가능 | 不能整除 | "does not fit" | (7-3)/3+1 = 2.33, does not fit | does not fit: (7-3)/3 = 4/3 is not whole
2 (does not fit) | does not fit, so 2 after rounding | no valid output | no integer solution | non-integer
does not fit exactly | DOES NOT FIT | does-not-fit | won't fit | not valid | no solution
the result is not an integer
""",
    "padding": r"""
2 | p = 2 | P=2 | padding = 2 | padding: 2 | pad 2 | 2 px | 2 pixels | 2 per side | 2 px per side | 2 on each side
2 zeros on each side | two | 2 pixels on every side | (5-1)/2 | (5-1)/2 = 2 | p = (k-1)/2 = (5-1)/2 = 2
padding of 2 | 2x2 | (2, 2) | 2,2 | "2" | p=2 px | 4/2 | $p=2$ | \(p = 2\)
""",
    "c1.receptive_field": r"""
5 | 5x5 | 5 × 5 | 5 px | 5x5 pixels | (5, 5) | 5 by 5 | 1 + 4 | 1 + (5 - 1)*1 = 5 | five
""",
    "maxpool1.params": r"""
0 | zero | none | no parameters | No parameters. | it has no parameters | 0 parameters | no trainable parameters
no weights
""",
}  # fmt: skip
WRONG = {
    "c1.params": r"""
150 | 26 | 157 | 1,56 | 1.56 | 15.6 | 1.56k | 156k | -156 | 6*25 | 6(25+2) | (5*5+1)*7 | 150 + 7 = 157 | 1560 | 1_56
1'56 | 0.156 | 5²·6 | 6·5²+1 | 156 bytes | 156 MACs | 156 FLOPs | 156 KB | 156 layers | 156 filters | 156 neurons
156 or 150 | 150 or 156 | not 156 | less than 156 | > 156 | ≥ 156 | 156 ± 1 | between 150 and 156 | 156 150
150, 156 | 150 156 | 12x13x2 | (156, 2) | 156 = 150 | 150 = 156 | 156 apples | abc | same | 5*5*1*6 = 150
6x5x5 = 156 bytes | 1/156 | 156/2 | 156^2 | 15²6 | 1.56e3 | 1,56e3 | ١٥٠ | 6*(5*5+1)+1 | does not fit | none | no
1 56 | 15 6 | 156 % | 156 - 6 | 156+ | (156 | 9^9^9 | 1e999 | 156/0 | 2^156 | one hundred | 6@26 | null hypothesis
156 or more | at least 156
""",
    "total.params": r"""
61.7K | 61.70 6 | 6.1706e5 | 61.706M | 61,707 | 61.707 | 60,856 | 61.706 million | 61,706 MB | 617.06 | 61706 MACs
6.1706e4 bytes
""",
    "total.parameter_bytes": r"""
246,824 parameters | 61706 | 246824 KB | 241 KiB | 246824 bits
""",
    "c1.macs": r"""
117600 FLOPs | 235200 | 117600 parameters | 117.6M | 117600 bytes | 5*5*24*24*6 | 117 600 weights
""",
    "c1.shape": r"""
6x24x24 | 6x28 | 28x28 | 28x6x28 | 6x28x28x2 | 2x6x28x28 | 4704 | 6x28x29 | 6@24x24 | (None, 24, 24, 6)
C=28, H=28, W=6 | C=28, H=6, W=28 | 6 maps of 24x24 | 28 maps of 6x28 | 6 | 628 28 | 62828 | 6x28x28 = 6x24x24
6+28+28 | does not fit | (28, 28, 6) (CxHxW) | 6x28x28 or 6x24x24 | 1x28x28 | 16 maps of 28x28
28x28 with 16 channels | 6.28.29 | same | 6x-28x28 | HxWxC: 6x28x28
""",
    "flatten1.shape": r"""
16x5x5 | 401 | 4x100 | 16*5*6 | (400, 2) | 40 | 4.00 | 400 bytes
""",
    "size": r"""
24 | 26 | 25.5 | 25x24 | 625 | (52+6-9)/2+1 | (52+6-9)/2 = 24 | ceil(49/2)+1 | 25 filters | does not fit | 25 or 26
25 = 26 | (52+6-9)/2+1 = 26 | 25 bytes | 24.5
""",
    "misfit": r"""
2 | 3 | 2.33 | 7/3 | 2.333 | fits | it fits | 5 (does not fit) | 0 | floor(7/3) | 2x2 | same | yes | 1 | abc
""",
    "padding": r"""
same | valid | 4 | 1 | 4 in total | 2 in total | 3 | 2x3 | no padding | 2 filters | does not fit | full | zero
2 or 3 | SAME padding
""",
    "c1.receptive_field": r"""
25 | 6 | 5x6 | 1 | 5 channels | 5 bytes | all
""",
    "maxpool1.params": r"""
1 | 4 | none or 4 | some | 0.5
""",
}  # fmt: skip


def pairs(table: dict[str, str]) -> list[tuple[str, str]]:
    """The answers of a table, each with its question."""
    lines = [(name, line) for name, texts in table.items() for line in texts.strip().splitlines()]
    return [(name, text.strip()) for name, line in lines for text in line.split(" | ")]


def test_the_tables_are_as_large_as_a_class_writes() -> None:
    assert len(pairs(RIGHT)) > 400 and len(pairs(WRONG)) > 180


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_are_right_in_every_notation(name: str) -> None:
    assert [text for asked, text in pairs({name: RIGHT[name]}) if not verdict(asked, text).correct] == []


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_wrong_in_every_notation(name: str) -> None:
    assert [text for asked, text in pairs({name: WRONG[name]}) if verdict(asked, text).correct] == []
