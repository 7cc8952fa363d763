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
    "exact": {"input": "7", "kernel": "3", "stride": "3", "rounding": "exact"},
    "same": {"input": "32", "kernel": "5", "padding": "2"},
    "kern": {"input": "32", "output": "28", "find": "kernel"},
    "str": {"input": "224", "output": "112", "kernel": "7", "padding": "3", "rounding": "floor", "find": "stride"},
    "big": {"input": "3", "kernel": "5"},
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
156 [150 weights + 6 biases] | 156, because 6*(25+1) | 156 since each filter has 26 weights | ١٥٦ | १५६ | １５６
๑๕๖ | 𝟏𝟓𝟔 | 6·٢٦ | ​156 | 0.156k | 0.156 K | 156 Parameter | 156 parámetros | 156 parâmetros | 156개 | 156 파라미터
156 个参数 | 156 Gewichte | 156 paramètres | 6×(5×5×1+1) = 156 | 6*(5*5*1+1)=156 parameters | → 156 | 5*5*6+6 → 156
150+6=156 | #params = 156 | 156 params (with bias) | 6 filters * 26 = 156
C_out * (C_in * k * k + 1) = 6 * (1 * 25 + 1) = 156 | So there are 156 parameters in c1. | it's 156 | we get 156
156 values | 156 numbers | 156 coefficients | 156 learned parameters | 156! | twelve times thirteen | 156 (=6·26)
(25+1)·6=156 | 26 per filter, so 156 | 6 x 26 = 156 | 6x26 | 5 x 5 x 1 x 6 + 6 = 156 | #156 | No. of params: 156
Total parameters = 156 | Total number of parameters: 156 | number of parameters = 156 | Params=156
parameter count: 156 | 156 params. | 156 trainable weights | 156 in all
156 learnable parameters (150 weights and 6 biases) | 150 (weights) + 6 (biases) = 156
weights: 150, biases: 6, total: 156 | 5*5*1*6=150, 150+6=156 | 5*5*1*6 = 150; 150 + 6 = 156
5*5*1*6 + 6 (bias) = 156 | (5 * 5 * 1) * 6 + 6 = 156 parameters | ((5×5×1)+1)×6 = 156
$(5 \times 5 \times 1 + 1) \times 6 = 156$ | 156 $ | 156​ | １５６個 | Antwort: 156 | Lösung: 156 | R: 156
Resp.: 156 | 정답: 156 | 답: 156 | 156입니다 | 파라미터 수: 156 | 156개의 파라미터 | Anzahl Parameter: 156
es sind 156 Parameter | 156 Parameter (mit Bias) | são 156 parâmetros | 156 parâmetros treináveis
156 parámetros entrenables | il y a 156 paramètres | 6*(5^2+1) | 6*(5^2 + 1) = 6*26 = 156 | 156 ✓ | ✓ 156 | 156;
156, | 156 . | c1.params: 156 | c1.params = 156 | p_total = 156 | θ = 156 | #θ = 156 | |θ| = 156 | n=156
k²·C_in·C_out + C_out = 25·1·6 + 6 = 156 | (k*k*c_in+1)*c_out = (5*5*1+1)*6 = 156
(F*F*D1)*K + K = (5*5*1)*6+6 = 156 | 5⋅5⋅6+6 | 5∙5∙6+6 | 5 • 5 • 6 + 6 | 156 = 150 + 6 | 156=6*26 | 156 = (5*5+1)*6
approx 156 | 156 (exact) | 156 (incl. bias) | 156 with bias | 156 including biases | 156 incl. biases
156 weights incl. bias | 156 total | total 156 | 156 trainable | 156 learnable | 156 free parameters
The layer has 156 parameters. | c1 has 156 parameters | Conv1 has 156 trainable parameters in total
There are 6 filters with 26 parameters each, so 156 | 6 filters with 25 weights and 1 bias each = 156
25 weights + 1 bias = 26 per filter, times 6 = 156 | 26 * 6 filters = 156 | (25 + 1) x 6 = 156 params
5*5 = 25, +1 bias = 26, x6 = 156 | =6*(5*5+1) | Parameters: 6*(5*5*1+1)=156.
156 (6 filters, 25 weights + 1 bias each) | 156 = 6 x (25 + 1) | in total 156 | a total of 156
156 parameters overall | 25*6+6=156 | 150+6 (bias) = 156 | 156 (150 w + 6 b)
5·5·1·6 = 150 weights + 6 biases = 156 | total = 150 + 6 = 156 | #weights = 150, #biases = 6, total = 156
weights 150 + biases 6 = 156 | 150 weights plus 6 biases makes 156 | weights = 150, biases = 6, params = 156
""",
    "total.params": r"""
61706 | 61,706 | 61.706 | 61'706 | 61’706 | 61 706 | 61_706 | 61.706k | 61,706K | 61.706 thousand | 6.1706e4
6.1706×10⁴ | 6.1706 x 10^4 | 6,1706·10^4 | 61,706 parameters | 61.706 Parameter | 61{,}706 | 61\,706 | 0.061706M
0.061706 million | 156 + 2416 + 48120 + 10164 + 850 | 156+2,416+48,120+10,164+850=61,706
156 + 2.416 + 48.120 + 10.164 + 850 | 61 706 params | ٦١٬٧٠٦ | ٦١٧٠٦ | 61,706 (61.7K) | 61.706 tausend
61706 params | 61,706 trainable params | 61.706 k | 61.706k params | 0.061706 M | 61,706.00 | 61706.0
61 706 Parameter | 156+2416+48120+10164+850 = 61706 | 61,706 ≈ 61.7k | 61706 ≈ 61.7K | 61706 (≈ 61.7K)
61706 (about 62k) | ~61,706 | ６１，７０６ | ६१,७०६ | 61٬706
""",
    "total.parameter_bytes": r"""
246824 | 246,824 | 246,824 bytes | 246824 B | 246.824 KB | 246824 Byte | 4*61706 | 61706 * 4 bytes = 246824
241.0390625 KiB | 246824 bytes | 246,824 B | 246824 Bytes | 61706*4 | 4 bytes * 61706 = 246824 | 246.824 kB
""",
    "c1.macs": r"""
117600 | 117,600 | 117.6K | 117,600 MACs | 117.6 KMACs | 117600 multiply-adds | 117600 multiply-accumulates
117,600 mult-adds | 117600 multiplications | 117600 operations | 5*5*28*28*6 | 25·784·6 = 117600
117,600 MAC operations | 0.1176 MMACs | 1.176e5 | 117600 MAC | 117,600 multiply-accumulate operations
117600 mult-add operations | 117.600 MACs | 28*28*6*25 | 28·28·6·5·5 = 117600 | 28x28x6x5x5x1 | 4704*25 | 117.6 k
117.6k MACs | 117,6k | 117600 multiplications and additions | 117600 MACs per image | 784*150
6*1*5*5*28*28 = 117,600 MACs | 117600 macs | 117600 madds | 117600 MACs in total | 28*28*6*5*5*1 = 117600 MACs
117,600 (= 28·28·6·25) | 6*28*28 outputs * 25 MACs = 117600 | 4704 outputs x 25 = 117600
4704 * 25 multiply-adds = 117600
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
6 x 28 x 28 (C x H x W) | 28 x 28 x 6 (H x W x C) | 6, 28, 28 (C, H, W) | [N, 6, 28, 28] | [batch_size, 6, 28, 28]
(batch_size, 28, 28, 6) | (None,28,28,6) | N,6,28,28 | (6 x 28 x 28) | [6 x 28 x 28] | 6X28x28 | 6×(28×28) | 6 × 28²
6 x 28^2 | 6 channels, 28x28 each | 6 channels x 28 x 28 | six 28x28 maps | six maps of 28x28 | 6 feature maps 28x28
6 feature maps (28x28) | 6 feature maps, each 28x28 | 6 feature maps with 28x28 pixels
6 feature maps of 28x28 pixels each | 28x28x6 = 4704 | shape = 6x28x28 | Output: 6x28x28 | output = (6, 28, 28)
out: 6x28x28 | out.shape = torch.Size([1, 6, 28, 28]) | torch.Size([1,6,28,28]) | x.shape == (6, 28, 28)
np.shape = (6,28,28) | 6|28|28 | 6,28x28 | 6@28*28 | 6 @ 28 x 28 | C×H×W = 6×28×28 | (C,H,W)=(6,28,28)
channels=6, height=28, width=28 | channels: 6; height: 28; width: 28 | depth 6, height 28, width 28
width=28, height=28, depth=6 | W=28 H=28 C=6 | W=28, H=28, D=6 | h=28,w=28,c=6
28 (height) x 28 (width) x 6 (channels) | 6 (channels) x 28 (height) x 28 (width) | 28 x 28 x 6 channels
28x28 and 6 channels | 28x28, 6 filters | 28x28, depth 6 | 28x28 (6 channels) | 28×28×6 (channels last)
NHWC: (1, 28, 28, 6) | NCHW: 1x6x28x28 | 6,28,28. | volume 28x28x6 | 28x28x6 volume | tensor of shape 6x28x28
a 6x28x28 tensor | 6x28x28 tensor | the output shape is 6x28x28 | output size 6x28x28 | Größe: 6x28x28
6 Merkmalskarten 28x28 | 6 canais de 28x28 | 6 canales de 28x28 | 6채널 28x28 | 6개 28x28 | (6,28,28) = 4704 values
H = W = 28, C = 6 | H=W=28, 6 channels | 6x28x28 (same padding) | $6\times28\times28$ | $(6,28,28)$
\(28 \times 28 \times 6\) | 6 × 28 × 28 neurons | 6x28x28 values | (6; 28; 28) | 6  x  28  x  28 | ６＠２８×２８
(6，28，28) | 6、28、28 | The output has 6 channels and is 28 pixels high and 28 pixels wide.
The output is 28 by 28 with 6 channels. | 6 channels, each 28x28 pixels | 28x28 pixels with 6 channels
The layer outputs 6 feature maps of size 28x28 | 6 maps (28x28) | Output shape is 6x28x28.
height=28 width=28 channels=6 | 28 rows, 28 columns, 6 channels | 6 kernels -> 6x28x28
28x28x6 (height, width, channels) | 6x28x28 (channels, height, width) | (28,28) x 6 | 6 x (28,28) | [6, [28, 28]]
6,(28,28) | (6,(28,28)) | N=1, C=6, H=28, W=28 | 6 * 28 * 28 = 4704 neurons | 6 planes of 28x28 | depth = 6, 28x28
28*28*6 | 6 × 28 × 28 (same padding keeps 28) | Out: 6 @ 28x28 | 6ch 28x28 | 28x28x6ch | 28x28@6
""",
    "flatten1.shape": r"""
400 | (400,) | [400] | (None, 400) | (1, 400) | 1x400 | 400x1x1 | 400 units | 400 neurons | 400 features | 16*5*5
16·5·5 = 400 | 16x5x5 = 400 | torch.Size([400]) | torch.Size([1, 400]) | (N, 400) | 400-dimensional | vector of 400
16*5*5 = 400 | 400 values | 400 inputs | 400 x 1 | 400x1 | (400) | vector of length 400 | 400-d vector | 1x1x400
1 x 400 | 16·5·5 | 5*5*16 = 400 | [1, 400] | (None,400) | 400D | (batch, 400) | flat 400
""",
    "size": r"""
25 | 25x25 | 25 × 25 | (25, 25) | 25 px | 25 pixels | 25 per side | 25 px per side | (52+6-9)/2+1 = 25
(52 + 2*3 - 9)/2 + 1 = 25.5 → 25 | (52+6-9)/2+1 = 25.5, so 25 | floor((52+6-9)/2)+1 | ⌊(52+6-9)/2⌋+1 = 25
floor(49/2) + 1 = 25 | (52+6-9)//2+1 | ⌊49/2⌋+1 | 25.5 ≈ 25 | $\lfloor (52+6-9)/2 \rfloor + 1 = 25$
\left\lfloor\frac{52+2\cdot 3-9}{2}\right\rfloor+1=25 | output size: 25 | H_out = 25 | o = 25 | size = 25
n_out = (n + 2p - k)/s + 1 = (52 + 6 - 9)/2 + 1 = 25 | int(49/2)+1 | 24 + 1 | 25 by 25 | 25 on each side | 25 cells
25x25 pixels | 25 x 25 px | (52 - 9 + 2*3)/2 + 1 = 25 | (52 - 9 + 6)/2 + 1 = 25.5 = 25 | (52-9+2·3)/2+1=25,5 → 25
25.5, rounded down to 25 | 25.5 rounded down = 25 | floor(25.5) = 25 | ⌊25.5⌋ = 25 | ⌊25,5⌋ = 25 | floor(25.5)=25
25 (rounded down) | 25 (floor of 25.5) | 25 (25.5 rounded down) | n = 25 | N=25 | H=W=25 | H = W = 25 | width = 25
25 wide | o = floor((52+6-9)/2) + 1 = floor(24.5) + 1 = 24 + 1 = 25 | (52+6-9)/2 = 24.5 -> 24, 24 + 1 = 25 | 24+1=25
$25$ | 25×25 | 25 * 25 | floor(24.5)+1 | ⌊24.5⌋+1=25 | \lfloor 24.5 \rfloor + 1 | int(24.5)+1=25
(52+2*3-9)//2+1=25 | size 25 | side 25 | 25 per axis | 25 in each direction | 25 along each axis
The output is 25x25. | 25 pixels per side | the output size is 25 | Output size per side: 25
(52+2*3-9)/2+1=25.5, rounded down: 25 | 25.5 => 25 | 25.5 (rounded down: 25) | floor((52+2*3-9)/2+1) = 25
⌊(52 + 6 − 9)/2⌋ + 1 = 24 + 1 = 25 | 25 since we round down | 25, rounding down | 25 after rounding down | It is 25.
25x25 output | 25 (floor)
""",
    "misfit": r"""
does not fit | Does not fit. | doesn't fit | doesn’t fit | it does not fit | no fit | doesnt fit | not possible
impossible | invalid | no | not an integer | isn't an integer | is not whole | error | none | undefined | cannot fit
can't work | does not divide evenly | the window does not fit | kernel doesn't fit | not divisible
2.33 (does not fit) | 7/3 (does not fit) | 2.33, does not fit | 2 1/3: does not fit | does not fit (2.33)
7/3, not an integer | 2.333... is not an integer | doesn't fit since 4 is not divisible by 3 | passt nicht
geht nicht auf | kein ganzzahliges Ergebnis | não cabe | não é inteiro | no cabe | no encaja | ne rentre pas
맞지 않음 | 불가능 | 不能整除 | "does not fit" | (7-3)/3+1 = 2.33, does not fit
does not fit: (7-3)/3 = 4/3 is not whole | 2 (does not fit) | does not fit, so 2 after rounding | no valid output
no integer solution | non-integer | does not fit exactly | DOES NOT FIT | does-not-fit | won't fit | not valid
no solution | the result is not an integer | doesn't fit! | Does not fit | does not fit (7-3=4 not divisible by 3)
It doesn't fit: (7 - 3)/3 + 1 = 2.33 | (7-3)/3+1 = 2.33 not an integer | 2.33 -> does not fit
2.3333 (not an integer) | 2⅓ does not fit | not an integer: 7/3 | 7/3 is not an integer | it won't work | won't work
can not fit | cannot be done | not defined | no integer | no whole number | no valid size | not exact
stride does not fit | stride 3 does not fit | kernel does not tile the input | doesn't tile | doesn't work out
does not work out evenly | does not come out even | remainder 1, does not fit | N/A (does not fit) | passt nicht!
geht nicht | nicht möglich | nicht ganzzahlig | keine ganze Zahl | kein Integer | não encaixa | não é possível
não dá | no es posible | no es entero | ne convient pas | 맞지 않는다 | 나누어떨어지지 않음 | 정수가 아님 | 无法整除
不是整数 | does not fit ❌ | it does NOT fit | doesn´t fit | doesn`t fit | dosen't fit | does not  fit | not fit
unfit | does not fit evenly, 2.33 | 2.33 so it does not fit | ≈2.33, doesn't fit | non integer | fractional (2.33)
2.33 is not whole | not whole | not a whole number | isn't whole | 2 remainder 1, does not fit
It doesn't fit because 7-3 = 4 is not a multiple of 3 | 4/3 isn't an integer so it doesn't fit
doesn't fit, output would be 2.33 | The output would be 2.33, which is not an integer | not an integer (2.33...)
Does not fit - (7-3)/3 is not an integer | The kernel does not fit evenly into the input | 7 does not fit
3 does not divide 4 | 4 is not divisible by 3 | (7-3)/3 not integer | the stride doesn't divide evenly
it doesn't fit, 1 pixel is left over | does not fit, one column is lost
no, it does not fit | no, impossible | not possible, no integer | does not fit and is not an integer
does not fit, so 2 after rounding down | impossible or undefined
""",
    "padding": r"""
2 | p = 2 | P=2 | padding = 2 | padding: 2 | pad 2 | 2 px | 2 pixels | 2 per side | 2 px per side | 2 on each side
2 zeros on each side | two | 2 pixels on every side | (5-1)/2 | (5-1)/2 = 2 | p = (k-1)/2 = (5-1)/2 = 2
padding of 2 | 2x2 | (2, 2) | 2,2 | "2" | p=2 px | 4/2 | $p=2$ | \(p = 2\) | P = 2 | p=2 | padding=2 | 2 (same)
2 pixels per side | 2 px on each side | 2 on every side | 2 on all sides | two pixels | Two | 2 zeros per side
pad=2 | p = (5 - 1) / 2 = 2 | (k-1)/2 = 2 | 2 pixels of padding | 2 zero-padding | zero padding of 2 | padding 2
2 left and 2 right | 2 on the left and 2 on the right | (2,2,2,2) | 2 padding | same padding, p = 2 | 2 (i.e. same)
2px | 2 pro Seite | 2 por lado | 2픽셀 | P=2 (4 in total) | 2 (4 in total) | Padding of 2 on each side
2 pixels on each side | p=2 on each side | a padding of 2 | We need 2 pixels of zero padding on each side.
2 on each side (4 in total) | 4 in total, 2 per side | 2 per side, 4 in total | pad by 2 | k=5, p=(k-1)/2=2
""",
    "c1.receptive_field": r"""
5 | 5x5 | 5 × 5 | 5 px | 5x5 pixels | (5, 5) | 5 by 5 | 1 + 4 | 1 + (5 - 1)*1 = 5 | five | 5 x 5 pixels | RF = 5
rf=5 | r = 5 | 1 + (5-1) = 5 | 5×5 px | 5 pixels per side | 5 by 5 pixels | 5x5 = 25 pixels
""",
    "maxpool1.params": r"""
0 | zero | none | no parameters | No parameters. | it has no parameters | 0 parameters | no trainable parameters
no weights | No params | no learnable parameters | zero parameters | 0 (pooling has no parameters) | it has none
there are none | none, pooling has no weights | 0, no weights | nothing to learn | no parameters to learn
keine Parameter | 없음 | 0개
""",
    "kern": r"""
5 | 5x5 | k=5 | 5 x 5 | 5×5 kernel | kernel 5 | 5x5 kernel | k = 32 - 28 + 1 = 5 | five | F=5
""",
    "str": r"""
2 | s=2 | stride 2 | S = 2 | 2x2 | 2 px | stride of 2 | two
""",
    "exact": r"""
does not fit | does not fit, so 2 after rounding down | 2.33 (does not fit) | 7 does not fit | stride 3 does not fit
""",
    "big": r"""
does not fit | -1 (does not fit) | does not fit: kernel larger than input | impossible
the kernel is larger than the input, so it does not fit | 3-5 = -2, does not fit | kernel too large
not possible, the kernel is too big
""",
    "c1.rf_offset": r"""
-2 | −2 | - 2 | (-2, -2) | -2, -2 | -2 px | –2 | minus 2 | -2 per side | [-2,-2]
""",
    "c1.kernel": r"""
5x5 filter | 5x5 kernel | 5 | 5x5 filters | a 5x5 filter | k = 5 | 5 pixels
""",
    "c1.activations": r"""
4704 | 4,704 values | 4704 neurons | 6x28x28 | 6*28*28 = 4704 | 4704 activations | 4704 outputs
""",
    "c1.weights": r"""
150 weights | 150 | 5*5*6
""",
    "c1.biases": r"""
6 biases | 6 | six biases | one per filter: 6
""",
    "c1.stride": r"""
1 | 1 px | 1x1 | stride 1 | 1 step
""",
    "c1.padding": r"""
2 | 2 per side | 2 zeros | 2 rows and columns | 2 rows
""",
    "c1.flops": r"""
235200 FLOPs | 235.2 kFLOPs | 0.2352 MFLOPs | 2*117600 | 235,200 operations | 2 x 117,600 = 235,200 FLOPs
""",
    "maxpool1.dropped": r"""
0 | none | nothing | no pixels | 0 rows
""",
    "maxpool2.jump": r"""
4 | 4x4 | 2*2 = 4 | 2·2 | 4 px
""",
    "maxpool2.receptive_field": r"""
16 | 16x16 | 16 pixels | 5+1+2*4+2 = 16 | 16 x 16 px
""",
    "linear1.shape": r"""
120 | 120 units | 120 neurons | (120,) | (N, 120) | 1x120
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
156 or more | at least 156 | 150 (not 156) | 156 wrong | isn't 156 | maybe 150 or 156 | 156, no 150 | 156 -> 150
156 so 150 | 156 = 6*25 | 150 ≈ 156 | 156.5 | 156.4 | 155.9 | 156.1 rounded | 15.6k | 0.156M | 1.56k params
156 thousand | 156e1 | 156e-1 | 156 + 1 | 156 * 1.01 | 156 hundred | 156 dozen | 1560 / 11 | 5*5*6 | 5*5*6 = 150
(5*5+1) | 5*5*1+6 | 6*5*5+1 | 5*5*1*6 + 1 | 6 filters * 25 = 150 | 150 weights | 6 biases | 150 weights, 6 biases
weights: 150, biases: 6 | 150 and 6 | 150; 6 | 150, 6 | 26 per filter | 26 per filter, 6 filters
150 without biases | 156 channels | 156 pixels | 156 px | 156 per side | 156 KiB | 0.61 KB | 624 | 624 bytes
156 connections | 156 bits | 156x156 | 156 x 0 | 0 x 156 | --156 + 1 | 156^0 | 156^1^2*2 | 2*156 | 156/1/2
1/0 + 156 | 156 mod 10 | 156 % 100 | [156, 150] | (150, 156) | {150, 156} | 150|156 | 150/156 | 156 to 160 | 150-156
150–156 | 150...156 | 150 ~ 156 | <156 | >156 | ≤ 156 | max 156 | up to 157 | under 156 | over 150 | nearly 157
1 5 6 | 1,5,6 | 1.5.6 | 156,0,0 | 156.000.0 | 1,56,0 | 1'5'6 | 156_ | 15_6 | 0x9c | 10011100 | CLVI | one five six
ninety | a | ?! | x=y | = | n/a n/a | TBD | see above | see c1 | same as before | lots | ∞ | NaN | inf | None | null
true | 6@5x5 | 6 filters of 5x5 | 5x5x6 | 6x5x5x1 | 28x28x6 | c1 | 156c | 156k8 | 156 157
does not fit or 156 | 156 (does not fit) | 312 c1.shape: 2 | 150 c1.shape: 6x28x28 | 312 params: 2 | 156 c2.params: 156
156 biases | 15600%
""",
    "total.params": r"""
61.7K | 61.70 6 | 6.1706e5 | 61.706M | 61,707 | 61.707 | 60,856 | 61.706 million | 61,706 MB | 617.06 | 61706 MACs
6.1706e4 bytes | 61,7060 | 6,1706 | 61,70 | 61.7 | 61.7k | 62k | 617,06 | 61.706.000 | 61,706,000 | 61,706.5
61 70 6 | 61.706e6 | 0,061706 | 61706 bytes | 61,705 | 61.705 | 61.607 | 60,706
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
28x28 with 16 channels | 6.28.29 | same | 6x-28x28 | HxWxC: 6x28x28 | 6x28x28x1x1 | 28x28x28 | 6x6x28 | 28x28x1
6x28x27 | 6 maps of 28x24 | 24x24x6 | C=6, H=28, W=24 | H=6, W=28, C=28 | 28 channels of 28x6 | 6x784 | 6x28²x2
4704 values | 6 maps | 6 channels | 28 per side | 28x28 px | six | (None, 28, 28) | (6, 28) | (2, 6, 28, 28)
torch.Size([16, 6, 28, 28]) | 6x32x32 | 6x28x28 or 6x32x32 | not 6x28x28 | 6x28x28 = 6x28x27 | 1x6x24x24
NHWC 1x6x28x28 | 6x28x28 channels last | 28x28x6 channels first | HWC 6x28x28 | 6.28.28.1 | 628x28 | 6,2828
6x28x28 or does not fit | does not fit or 6x28x28 | 6x28x28 does not fit | does not fit, 6x28x28 after rounding
6-28-29 | 6 + 28 + 28 | 6x(28x28x2) | ? | 6x?x? | 6xHxW | CxHxW | N x 6
""",
    "flatten1.shape": r"""
16x5x5 | 401 | 4x100 | 16*5*6 | (400, 2) | 40 | 4.00 | 400 bytes | 5x5x16 | 400x2 | (2, 400) | 2x400 | 400x16
16 x 25 | 4e1 | 40.0 | 1x1x40 | (16, 5, 5)
""",
    "size": r"""
24 | 26 | 25.5 | 25x24 | 625 | (52+6-9)/2+1 | (52+6-9)/2 = 24 | ceil(49/2)+1 | 25 filters | does not fit | 25 or 26
25 = 26 | (52+6-9)/2+1 = 26 | 25 bytes | 24.5 | 25.49 | 50 | 12.5 | 2 5 | 25 maps | 24..25 | 24 to 26 | 25x26
26x25 | 25x25x2 | 25² | 625 px | (52+6-9)/2+1 = 25.5 | 25.5 rounded up | 26 rounded | ceil(25.5) | round(25.6)
25 → 26 | 25 so 26 | 25.5 does not fit | -25 | 52 | 0.25 | 250
""",
    "misfit": r"""
2 | 3 | 2.33 | 7/3 | 2.333 | fits | it fits | 5 (does not fit) | 0 | floor(7/3) | 2x2 | same | yes | 1 | abc | 2.3
2 remainder 1 | 2 1/3 | floor 2 | does fit | fits: 2 | yes, 2 | 4 (does not fit) | 5, does not fit | - | 2.0 | 3x3
no remainder | divisible | exact | valid | whole | integer
2 or does not fit | 2 if it fits, otherwise does not fit | does not fit, else 2 | does not fit, 2, 3, 4
it is not true that it does not fit | not does not fit | does not fit is wrong | never does not fit | no it fits
it fits, not "does not fit" | not impossible | nicht unmöglich | not undefined | not invalid | 불가능하지 않다
5 does not fit | it fits, it does not fit | does not fit or 2 | does not fit or same
""",
    "exact": r"""
2 (does not fit) | does not fit, 2 | 2 does not fit | the answer is 2 but it does not fit
""",
    "same": r"""
does not fit or 32 | 32 (does not fit) | impossible, 32 | not an integer: 32 | 32 does not fit | does not fit
3200% | does not fit, so 32 after rounding down | a=28, b=32 | p=28 q=32 | out=28 out=32 | out=28; out=32 | 28, b = 32
""",
    "padding": r"""
same | valid | 4 | 1 | 4 in total | 2 in total | 3 | 2x3 | no padding | 2 filters | does not fit | full | zero
2 or 3 | SAME padding | 0 | 5 | 2.5 | -2 | SAME | 'same' | same padding | zero padding | 4 total | 2 total padding
1 left and 3 right | (2, 3) | (2,2,2,3) | 2 or 4 | k//2 | (k-1)/2 | half
""",
    "c1.receptive_field": r"""
25 | 6 | 5x6 | 1 | 5 channels | 5 bytes | all | 5x4 | 4 | 28 | 1x5x5x2 | 5² | 25 pixels | 5x5x2
""",
    "maxpool1.params": r"""
1 | 4 | none or 4 | some | 0.5 | not none | no idea | none of your business 4 | not zero | two | nothing but 4
null or 4 | 0 or 4 | no, 4 | isn't 0
""",
}  # fmt: skip


def pairs(table: dict[str, str]) -> list[tuple[str, str]]:
    """The answers of a table, each with its question."""
    lines = [(name, line) for name, texts in table.items() for line in texts.strip().splitlines()]
    return [(name, text.strip()) for name, line in lines for text in line.split(" | ")]


def test_the_tables_are_as_large_as_a_class_writes() -> None:
    assert len(pairs(RIGHT)) > 900 and len(pairs(WRONG)) > 400


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_are_right_in_every_notation(name: str) -> None:
    assert [text for asked, text in pairs({name: RIGHT[name]}) if not verdict(asked, text).correct] == []


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_wrong_in_every_notation(name: str) -> None:
    assert [text for asked, text in pairs({name: WRONG[name]}) if verdict(asked, text).correct] == []
