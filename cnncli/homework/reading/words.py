"""The words of answers: numbers, multiples, units and what they count, axes, and words without a meaning of their own.

All are in the uniform spelling of :mod:`.spelling`: lower case, hyphens as spaces. English is complete; of other
languages there are the words that students write beside a number.
"""

from __future__ import annotations

from typing import NamedTuple

Phrase = tuple[str, ...]


def phrases(text: str) -> tuple[Phrase, ...]:
    """The phrases of a text that commas separate, the longest first."""
    return tuple(sorted((tuple(part.split()) for part in text.split(",")), key=len, reverse=True))


def words(text: str) -> frozenset[str]:
    """The words of a text that white space separates."""
    return frozenset(text.split())


# Numbers ----------------------------------------------------------------------------------------------------------

MULTIPLES = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
WORDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
MULTIPLE_WORDS = {
    **MULTIPLES,
    **WORDS,
    **dict.fromkeys(("thousands", "tausend", "mil", "mille", "tsd"), 10**3),
    **dict.fromkeys(("millions", "millionen", "mio", "milhões", "milhão", "millones", "millón", "mln", "mn"), 10**6),
    **dict.fromkeys(("billions", "milliarden", "mrd", "bn", "bln"), 10**9),
    "천": 10**3,
    "만": 10**4,
    "억": 10**8,
    "千": 10**3,
    "万": 10**4,
    "萬": 10**4,
    "億": 10**8,
    "亿": 10**8,
}
_COUNTED = (
    "zero cero 영 nil|one eins um|two zwei dos dois|three drei tres três|four vier cuatro quatro|five fünf cinco"
    "|six sechs seis|seven sieben siete sete|eight acht ocho oito|nine neun nueve nove|ten zehn diez dez"
    "|eleven elf once onze|twelve zwölf doce doze|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"
)
NUMBER_WORDS = {word: value for value, same in enumerate(_COUNTED.split("|")) for word in same.split()}

FRACTION_WORDS = {
    **dict.fromkeys(("half", "halves"), 2),
    **dict.fromkeys(("third", "thirds", "drittel", "terços", "tercios"), 3),
    **dict.fromkeys(("quarter", "quarters", "fourth", "fourths", "viertel"), 4),
    **dict.fromkeys(("fifth", "fifths", "fünftel"), 5),
    **dict.fromkeys(("percent", "pct", "prozent"), 100),
}

# Units ------------------------------------------------------------------------------------------------------------

PARAMETERS, MACS, FLOPS, OPERATIONS, BYTES = "parameters", "MACs", "FLOPs", "operations", "bytes"
BIASES, PERCENT = "biases", "%"
PIXELS, NEURONS, CHANNELS, CONNECTIONS, LAYERS = "pixels", "neurons", "channels", "connections", "layers"
IN_TOTAL = "in total"
ANYTHING = ""  # what such a unit counts follows from the question


class Unit(NamedTuple):
    """What a unit counts, and how many of it one is: a KiB is 1024 bytes."""

    counts: str
    amount: int = 1


_UNITS = {
    PARAMETERS: """
        parameter, parameters, param, params, trainable parameters, trainable params,
        learnable parameters, learnable params, learned parameters, model parameters, free parameters,
        tunable parameters, total parameters, weights and biases, weights and bias, weights & biases,
        weights + biases, weights plus biases, weight, weights, biases and weights, bias, biases,
        bias terms, trainable weights, learnable weights, shared weights, coefficients, kernel weights,
        filter weights, parametern, trainierbare parameter, gewichte, gewichten, gewichte und biases,
        parametro, parametros, parámetro, parámetros, parâmetro, parâmetros, pesos, pesos e vieses,
        pesos y sesgos, paramètre, paramètres, poids, parametri, parametrów, параметр, параметра,
        параметров, 파라미터, 매개변수, 가중치, 학습 파라미터, 参数, 个参数, 參數, パラメータ""",
    BIASES: "bias, biases, bias terms",
    MACS: """
        mac, macs, macc, maccs, madd, madds, multiplication, multiplications, mults, multiplies,
        multiply adds, multiply add, mult adds, mult add, multiply accumulates, multiply accumulate,
        multiply additions, multiply accumulate operations, multiply add operations, mac operations,
        mac ops, fused multiply adds, multiplications and additions, multiply accumulations, fma, fmas,
        multiplikationen, 곱셈""",
    FLOPS: "flop, flops, floating point operations, floating point ops, floating operations",
    OPERATIONS: "operation, operations, op, ops, computations, operationen, operações, operaciones, opérations, 연산",
    BYTES: "byte, bytes, octet, octets, 바이트",
    PIXELS: """
        px, pxs, pixel, pixels, pix, px per side, pixels per side, per side, each side, a side,
        both sides, all sides, per axis, zero padding, zero pad, zeros, zeroes, rows and columns, row,
        rows, column, columns, cells, pro seite, je seite, auf jeder seite, por lado, de cada lado,
        en cada lado, píxeles, 픽셀""",
    NEURONS: "neuron, neurons, activation, activations, hidden units, neuronen, neurônios, neuronas, 뉴런",
    CHANNELS: """
        channel, channels, filter, filters, map, maps, feature map, feature maps, featuremaps, kernels,
        output channels, input channels, kanäle, kanal, canais, canal, canales, 채널, merkmalskarten""",
    CONNECTIONS: "connection, connections, synapses",
    LAYERS: "layers, schichten, camadas, capas",
    IN_TOTAL: """
        in total, total padding, both sides together, left and right together, altogether, insgesamt,
        no total, en total, combined, in all, in sum""",
    ANYTHING: """
        unit, units, value, values, element, elements, numbers, entries, floats, feature, features,
        inputs, outputs, scalars, items, step, steps, 개, 개의, 個, 个, input features, output features,
        output values, output units, input units""",
}  # fmt: skip
_BYTES = {
    **{f"{name}b": 1000**power for power, name in enumerate("kmgt", 1)},
    **{f"{name}ib": 1024**power for power, name in enumerate("kmgt", 1)},
    **{f"{name}byte{s}": 1000**power for power, name in enumerate(("kilo", "mega", "giga"), 1) for s in ("", "s")},
    **{f"{name}byte{s}": 1024**power for power, name in enumerate(("kibi", "mebi", "gibi"), 1) for s in ("", "s")},
}
# GFLOPs, MMACs and kparams are a multiple and a unit in one word.
_PREFIXED = [*phrases("flop, flops, mac, macs, macc, maccs, op, ops, madd, madds, param, params, flo")]
UNITS: dict[Phrase, Unit] = {
    **{phrase: Unit(counts) for counts, text in _UNITS.items() for phrase in phrases(text)},
    **{(name,): Unit(BYTES, amount) for name, amount in _BYTES.items()},
}
PREFIXED = {f"{name}{unit}": (name, unit) for name in MULTIPLES for (unit,) in _PREFIXED}
# The quantities of questions, by what a unit counts. A unit that counts something else contradicts the question.
_COUNTS = ("params", "trainable", "weights", "biases", "buffers")
_SIZES = ("shape", "input_shape", "size", "kernel", "stride", "padding", "dilation", "effective_kernel", "dropped")
_FIELDS = ("receptive field size", "receptive field stride", "receptive field offset")
FITTING: dict[str, frozenset[str]] = {
    PARAMETERS: frozenset(_COUNTS),
    BIASES: frozenset(("biases",)),
    PERCENT: frozenset(),
    MACS: frozenset(("macs",)),
    FLOPS: frozenset(("flops",)),
    OPERATIONS: frozenset(("macs", "flops", "connections")),
    BYTES: frozenset(("parameter_bytes",)),
    PIXELS: frozenset((*_SIZES, *_FIELDS, "activations")),
    NEURONS: frozenset(("activations", "shape", "input_shape", "connections", "size")),
    CHANNELS: frozenset(("shape", "input_shape", "kernel", "effective_kernel")),
    CONNECTIONS: frozenset(("connections",)),
    LAYERS: frozenset(),
    IN_TOTAL: frozenset((*_COUNTS, "macs", "flops", "connections", "activations", "parameter_bytes", *_FIELDS,
                         *(size for size in _SIZES if size != "padding"))),
}  # fmt: skip

# Shapes -----------------------------------------------------------------------------------------------------------

_AXES = {
    "C": """
        c ch chan channel channels filter filters map maps plane planes depth deep kernels featuremaps
        c_out cout dim_c out_channels d kanäle kanälen kanal canais canales 채널""",
    "H": "h height high tall rows row h_out hout n_h höhe hoch altura alto hauteur 높이",
    "W": "w width wide columns cols column w_out wout n_w breite breit largura ancho largeur 너비",
    "N": "n b batch bs batch_size batchsize",
}
AXES = {word: axis for axis, text in _AXES.items() for word in words(text)}
BATCH = words("none n b bs batch batch_size batchsize null m ? any")
LAYOUTS = {
    **dict.fromkeys(("chw", "cxhxw", "nchw", "nxcxhxw", "bchw"), "CHW"),
    **dict.fromkeys(("hwc", "hxwxc", "nhwc", "nxhxwxc", "bhwc"), "HWC"),
}
WRAPPERS = words("torch size shape tensorshape tensor tuple list tf np numpy array")

# Words without a meaning of their own -----------------------------------------------------------------------------

# Words that name what follows them, before = or a colon: p = 4, output size: 25.
LABELS = words(
    """
    answer answers ans result results solution output outputs out input size sizes shape shapes total sum
    number count padding pad p stride s kernel k filter f dilation d receptive field rf jump offset n m i o
    c h w x y j r l t q a params macs flops rounding antwort ergebnis lösung resposta resultado saída
    solución respuesta 답 정답 결과 réponse résultat height width channels depth area per side l_out side final
    value amount length dropped activations größe form forma tamanho tamaño resp anzahl 수 same valid full
    memory cost required needed effective conv layer network model floor ceil tot feature map maps
    """
)
FILLERS = words(
    """
    a an the is are be it its it's there has have had gets get takes take needs need of for in on to at
    this that which so then hence thus therefore i we you think get got about approx approximately ca circa
    roughly around nearly almost exactly just only precisely overall total altogether i.e ie namely equals
    equal gives gave giving results result resulting output outputs answer size sizes dimension dimensions
    dim dims padding pad stride kernel per each every side sides axis direction dimensionality spatial with
    input layer conv as computed und von der die das ist sind es hat insgesamt genau etwa ungefähr ungef o
    os de da do são é tem el la los las son es tiene total le les est un une receptive field wide large
    volume stack tensor dimensional vector flat flattened long length 1d needed required used learned
    trainable learnable image images maybe probably sure yes ok okay well my our would should will must can
    does do 입니다 이다 총 약 수 개수 shape shapes tensors größe form forma tamanho tamaño taille 크기 형태 출력 anzahl
    treináveis treinaveis entrenables entraînables apprenables il y incl including inclusive inkl com con
    avec sans without excluding excl left right top bottom after along all both down up rounded rounding
    off d
    """
)
SIGN_WORDS = {
    **dict.fromkeys(("plus", "mais", "más"), "+"),
    **dict.fromkeys(("minus", "menos"), "-"),
    **dict.fromkeys(("times", "mal", "multiplied", "vezes"), "*"),
}
# Words for zero of something.
NONE = words(
    "none no zero nothing without kein keine keinen nenhum nenhuma ninguno ninguna ningún aucun aucune 없음 없다 0"
)
NEEDS_NOUN = words("no without kein keine keinen nenhum nenhuma ninguno ninguna ningún aucun aucune")
ROUNDED = words("rounded floor floored rounding abgerundet gerundet arredondado")
# What precedes the last of these is a derivation.
RESULTS = words("so thus hence therefore also então luego donc 따라서")
# A name of what is asked: where it names the last value, those named before are given.
RESULT_NAMES = words(
    """
    answer ans result results solution output out total sum params parameters macs flops padding size shape
    antwort ergebnis lösung resposta resultado saída respuesta solución 답 정답 결과 réponse résultat
    """
)
# What follows one of these is an explanation, not the answer.
EXPLAINS = words("because since as due where assuming weil denn da porque pois car")
# Words and signs that make an answer several, or none.
HEDGES = words("or oder ou either vs versus between zwischen entre bis")
DENIALS = words("not nicht isn't wasn't less more fewer least most than under over below above")
BOUNDS = words("< > ≤ ≥ <= >= ± ≠")
