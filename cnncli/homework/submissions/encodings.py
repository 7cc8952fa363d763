"""The encoding of a text that does not declare it: by its byte order mark, as UTF-8, and by what is most likely.

Names and answers of a sheet are mostly ASCII, which all of these encodings share but UTF-16 and UTF-32. What is decided
here is how the other characters read: a name, a multiplication sign, a remark.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncli.homework.answer_key.sheet import ReadingNote
from cnncli.homework.languages.messages import text as message

MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
NAMES = {
    "cp949": "Korean (CP949)",
    "gb18030": "Chinese (GBK)",
    "cp932": "Japanese (Shift JIS)",
    "cp1252": "Western European (Windows-1252)",
    "latin-1": "Western European (Latin-1)",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
}
SAMPLE = 4000  # characters other than ASCII that decide
LIKELY, PLAUSIBLE, UNLIKELY = 1.0, 0.5, 0.1

# The characters that are frequent in names and homework; each other one of the script is less likely.
_WESTERN = "äöüßéèêëàâáãçñíîïìóôõòúûùøåæœÄÖÜÉÈÀÁÇÑØÅÆÓÍÚ×·°²³½÷–—‘’“”„…€•"
_KOREAN = (
    "가각간감갑강개거건것게결경계고공과관구국권그근금기김깁나남내너네년노는니다단답당대더데도동되된드든들등디때라람랑래량러런레려력로록료를름리린림"
    "마만많매맵명모목무문물미민바박반받방배백번범법변별병보본부분북분비빈사산상생서석선설성세소속송수숫숙순스시식신실심아안않야양어없었에여연열영예오"
    "온올와완요용우운원위유윤은을음의이인일임있입자작장재저적전점정제조종주준중지진질차창채책처천청초최추출충층치칠커코크키태터특트파판패편평포표풀"
    "필픽하학한함합해행향허현형호홍화환활황황회효후훈희히호칸컨볼루션딩링셀랜덤값답문숙제출력력"
)
_CHINESE = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动"
    "面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战"
    "向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气"
    "题尔活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界"
    "达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔案输卷积核层参步填充偏置池化"
    "网络答姓班级号李刘陈杨赵黄周吴徐孙胡朱高林何郭罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石伟芳娜敏静丽"
    "秀英强磊洋艳勇军杰娟涛超霞辉鹏宇浩轩子涵梓欣怡佳俊晨雨婷雪志作业"
)


class DecodedText(NamedTuple):
    """A text, and the name of its encoding where that is not declared and not UTF-8: a guess that may be wrong."""

    text: str
    guessed: str = ""

    @property
    def notes(self) -> tuple[ReadingNote, ...]:
        """A note on a guessed encoding."""
        if not self.guessed:
            return ()
        return (ReadingNote(message("the file is not UTF-8; it was read as {encoding} text", encoding=self.guessed)),)


def decoded(data: bytes) -> DecodedText:
    """The text of a file in the encoding that it declares or that is most likely. Never fails."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return DecodedText(data.decode(encoding, "replace"))
    wide = _wide(data)
    if wide:
        return DecodedText(data.decode(wide, "replace"), NAMES[wide])
    try:
        return DecodedText(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    text, encoding = max(_candidates(data), key=lambda found: _likelihood(*found))
    return DecodedText(text, NAMES[encoding])


def _wide(data: bytes) -> str:
    """UTF-16 or UTF-32 without a mark: in ASCII text all but one of the bytes of a character are zero."""
    zeros = [data[at::4].count(0) for at in range(4)]
    length = len(data) // 4
    if not any(zeros) or length == 0:
        return "utf-16-le" if len(data) == 2 and data[1] == 0 else ""
    dense = [count * 3 > length for count in zeros]
    if dense == [True, True, True, False]:
        return "utf-32-be"
    if dense == [False, True, True, True]:
        return "utf-32-le"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if odd > 8 * even and odd * 10 > length:
        return "utf-16-le"
    return "utf-16-be" if even > 8 * odd and even * 10 > length else ""


def _candidates(data: bytes) -> list[tuple[str, str]]:
    """The texts of the encodings in which all bytes are valid, the narrow ones first: they win a tie."""
    found = []
    for encoding in ("cp1252", "cp949", "gb18030", "cp932"):
        try:
            found.append((data.decode(encoding), encoding))
        except UnicodeDecodeError:
            continue
    return found if found and found[0][1] == "cp1252" else [(data.decode("latin-1"), "latin-1"), *found]


def _likelihood(text: str, encoding: str) -> float:
    """How likely the characters of a text are where it is in this encoding, from 0 to 1."""
    others = [char for char in text if char > "\x7f"][:SAMPLE]
    rate = {"cp949": _korean, "gb18030": _chinese, "cp932": _japanese}.get(encoding, _western)
    return sum(map(rate, others)) / max(1, len(others))


def _western(char: str) -> float:
    return 0.8 if char in _WESTERN else 0.3 if char.isalpha() and char < "\u0180" else UNLIKELY


def _korean(char: str) -> float:
    if char in _KOREAN:
        return LIKELY
    standard = "가" <= char <= "힣" and len(char.encode("euc-kr", "ignore")) == 2
    return PLAUSIBLE if standard else _sign(char)


def _chinese(char: str) -> float:
    if char in _CHINESE:
        return LIKELY
    code = char.encode("gb2312", "ignore")
    is_frequent = len(code) == 2 and 0xB0 <= code[0] <= 0xD7  # the first of the two levels of the standard
    return PLAUSIBLE if is_frequent else _sign(char)


def _japanese(char: str) -> float:
    return 0.9 if "ぁ" <= char <= "ヺ" or char == "ー" else 0.3 if "一" <= char <= "龥" else _sign(char)


def _sign(char: str) -> float:
    """Signs that all of the wide encodings have: those of products, and full-width punctuation."""
    if char in "×÷·":
        return 0.7
    return PLAUSIBLE if char in "：；，。、（）“”‘’—…～＝　" else UNLIKELY
