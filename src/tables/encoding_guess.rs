//! Which encoding a text without a mark has that is not UTF-8: told by how its bytes above 127 stand together.
//!
//! In Western European text they are single letters between ASCII ones; in Cyrillic, Greek and East Asian text whole words consist of them.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GBK, IBM866, ISO_8859_2, KOI8_R, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254,
};

/// So many bytes above 127 are looked at.
const LOOKED_AT: usize = 20_000;
/// Fewer say nothing of letters of scripts of their own.
const ENOUGH: usize = 10;
/// Fewer say nothing of letters among those of ASCII: often the names of columns alone have any.
const ENOUGH_SINGLE: usize = 3;

/// The likeliest encoding, and the script that its letters are of; Windows-1252 where nothing speaks against it.
pub(super) fn guess(bytes: &[u8]) -> (&'static Encoding, &'static str) {
    const WESTERN: (&Encoding, &str) = (WINDOWS_1252, "Western European, also called latin-1");
    let sample = sample(bytes);
    let high = |byte: Option<&u8>| byte.is_some_and(|byte| *byte >= 0x80);
    let places: Vec<usize> = (0..sample.len()).filter(|place| sample[*place] >= 0x80).collect();
    if places.len() < ENOUGH_SINGLE {
        return WESTERN;
    }
    let beside = places
        .iter()
        .filter(|place| high(sample.get(**place + 1)) || place.checked_sub(1).is_some_and(|before| high(sample.get(before))))
        .count();
    if beside * 2 < places.len() || places.len() < ENOUGH {
        return central(&sample).or_else(|| turkish(&sample)).unwrap_or(WESTERN);
    }
    east_asian(&sample)
        .or_else(|| turkish(&sample))
        .or_else(|| by_letters(&sample))
        .or_else(|| central(&sample))
        .unwrap_or(WESTERN)
}

/// The words with a byte above 127, a blank between them.
fn sample(bytes: &[u8]) -> Vec<u8> {
    let ends_word = |byte: &u8| matches!(byte, b' ' | b',' | b';' | b'\t' | b'\n' | b'\r' | b'"');
    let mut found = Vec::new();
    let (mut high, mut rest) = (0, bytes);
    while high <= LOOKED_AT {
        // Nearly all of a text is skipped here.
        let first = Encoding::ascii_valid_up_to(rest);
        if first == rest.len() {
            break;
        }
        let start = rest[..first].iter().rposition(ends_word).map_or(0, |before| before + 1);
        let end = rest[first..].iter().position(ends_word).map_or(rest.len(), |length| first + length);
        let word = &rest[start..end];
        found.extend_from_slice(word);
        found.push(b' ');
        high += word.iter().filter(|byte| **byte >= 0x80).count();
        rest = &rest[end..];
    }
    found
}

/// Polish and its neighbours: signs of Windows-1252 that stand within words are letters of theirs.
fn central(sample: &[u8]) -> Option<(&'static Encoding, &'static str)> {
    let letter = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0xc0);
    let within = |wanted: &[u8]| {
        (0..sample.len())
            .filter(|place| wanted.contains(&sample[*place]) && letter(sample.get(place + 1)))
            .filter(|place| place.checked_sub(1).is_some_and(|before| letter(sample.get(before))) || sample[*place] == 0xa3)
            .count()
    };
    let (windows, iso) = (within(&[0x9c, 0x9f, 0xb9]), within(&[0xb1, 0xb6, 0xbc, 0xbe]));
    let both = within(&[0xb3, 0xbf, 0xa3]);
    // `ść`, which ends many words of Polish; in Windows-1252 these are two ligatures that never meet.
    let polish_ending = sample.windows(2).filter(|pair| pair == b"\x9c\xe6").count();
    if iso > windows {
        Some((ISO_8859_2, "Central European"))
    } else if both + polish_ending + within(&[0x9f, 0xb9]) > 0 {
        Some((WINDOWS_1250, "Central European"))
    } else {
        None
    }
}

/// Turkish: its own letters stand where Windows-1252 has those of Icelandic, which also writes vowels with an acute. Text of whole
/// words above 127, such as Greek, has bytes that Turkish never has.
fn turkish(sample: &[u8]) -> Option<(&'static Encoding, &'static str)> {
    const NEVER: [u8; 12] = [0xc1, 0xc6, 0xc9, 0xcd, 0xd3, 0xda, 0xe1, 0xe6, 0xe9, 0xed, 0xf3, 0xfa];
    // The i without a dot, and the soft g or the s with a cedilla.
    let own = sample.contains(&0xfd) && (sample.contains(&0xf0) || sample.contains(&0xfe));
    (own && !sample.iter().any(|byte| NEVER.contains(byte))).then_some((WINDOWS_1254, "Turkish"))
}

/// Cyrillic and Greek: in the right encoding nearly all are letters, and most of them small.
fn by_letters(sample: &[u8]) -> Option<(&'static Encoding, &'static str)> {
    let candidates = [
        (WINDOWS_1251, "Cyrillic", '\u{400}'..='\u{45f}'),
        (KOI8_R, "Cyrillic", '\u{400}'..='\u{45f}'),
        (IBM866, "Cyrillic", '\u{400}'..='\u{45f}'),
        (WINDOWS_1253, "Greek", '\u{384}'..='\u{3ce}'),
    ];
    let scored = candidates.into_iter().filter_map(|(encoding, script, range)| {
        let text = encoding.decode_without_bom_handling(sample).0;
        let high: Vec<char> = text.chars().filter(|letter| !letter.is_ascii()).collect();
        let of_script = || high.iter().copied().filter(|letter| range.contains(letter));
        let letters = of_script().filter(|letter| letter.is_alphabetic()).count();
        let small = of_script().filter(|letter| letter.is_lowercase()).count();
        (letters * 20 >= high.len() * 19 && small * 2 > high.len()).then_some((small, encoding, script))
    });
    // The first of the best.
    scored
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, encoding, script)| (encoding, script))
}

/// The text without the characters that GB 18030 writes as four bytes, every second of them a digit, such as the sign of the yuan.
fn without_fours(sample: &[u8]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(sample.len());
    let mut place = 0;
    while place < sample.len() {
        match &sample[place..] {
            [0x81..=0xfe, 0x30..=0x39, 0x81..=0xfe, 0x30..=0x39, ..] => place += 4,
            [lead @ 0x81..=0xfe, trail @ 0x80..=0xff, ..] => {
                rest.extend([*lead, *trail]);
                place += 2;
            }
            [byte, ..] => {
                rest.push(*byte);
                place += 1;
            }
            [] => break,
        }
    }
    rest
}

/// Japanese, Korean and Chinese: pairs of bytes, told by the rows of the code table that they come from.
fn east_asian(sample: &[u8]) -> Option<(&'static Encoding, &'static str)> {
    let whole = |encoding: &'static Encoding| {
        let (text, damaged) = encoding.decode_without_bom_handling(sample);
        (!damaged).then(|| text.into_owned())
    };
    let share = |text: &str, test: &dyn Fn(char) -> bool| {
        let high: Vec<char> = text.chars().filter(|letter| !letter.is_ascii()).collect();
        high.iter().filter(|letter| test(**letter)).count() as f64 / high.len().max(1) as f64
    };
    let kana = |letter: char| ('\u{3041}'..='\u{30fe}').contains(&letter);
    let han = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    // Full-width signs, such as those of money and brackets, stand among the characters of words.
    let signs =
        |letter: char| ('\u{3000}'..='\u{303f}').contains(&letter) || ('\u{ff01}'..='\u{ffee}').contains(&letter) || letter == '\u{a5}';
    let chinese = |text: &str, least: f64| share(text, &|letter| han(letter) || signs(letter)) > least && share(text, &han) > 0.4;
    // Bytes from 80 to 9F begin most Japanese characters and are no letters of Windows' and KOI8's alphabets.
    if let Some(text) = whole(SHIFT_JIS)
        && sample.iter().any(|byte| (0x81..=0x9f).contains(byte))
        && share(&text, &|letter| kana(letter) || han(letter) || signs(letter)) > 0.9
        && share(&text, &|letter| kana(letter) || han(letter)) > 0.4
        && share(&text, &|letter| ('\u{ff61}'..='\u{ff9f}').contains(&letter)) < 0.05
    {
        return Some((SHIFT_JIS, "Japanese"));
    }
    // Words of an alphabet have odd numbers of letters as well: these are no pairs.
    let pairs = without_fours(sample);
    if pairs.split(|byte| *byte < 0x80).filter(|word| word.len() % 2 == 1).count() > 0 {
        let low_trails = whole(BIG5).filter(|text| chinese(text, 0.95));
        return low_trails.map(|_| (BIG5, "traditional Chinese"));
    }
    if let Some(text) = whole(EUC_JP)
        && share(&text, &kana) > 0.1
        && share(&text, &|letter| kana(letter) || han(letter)) > 0.9
    {
        return Some((EUC_JP, "Japanese"));
    }
    if whole(EUC_KR).is_some_and(|text| share(&text, &|letter| ('\u{ac00}'..='\u{d7a3}').contains(&letter)) > 0.95) {
        return Some((EUC_KR, "Korean"));
    }
    if by_letters(sample).is_some() {
        return None;
    }
    whole(GBK).filter(|text| chinese(text, 0.9)).map(|_| (GBK, "simplified Chinese"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_their_bytes() {
        for (encoding, words) in [
            (
                WINDOWS_1252,
                "K\u{f6}ln M\u{e1}laga Besan\u{e7}on \u{c5}rhus gr\u{f6}\u{df}er 5 m\u{b3} caf\u{e9}",
            ),
            (
                WINDOWS_1250,
                "\u{141}\u{f3}d\u{17a} Krak\u{f3}w \u{17b}ywiec Pozna\u{144} Gda\u{144}sk Wroc\u{142}aw Cz\u{119}stochowa K\u{119}pno \u{15a}l\u{105}sk",
            ),
            (
                ISO_8859_2,
                "\u{141}\u{f3}d\u{17a} Wroc\u{142}aw \u{15a}l\u{105}sk Wa\u{142}brzych G\u{105}bin Kra\u{15b}nik Ja\u{15b}liska",
            ),
            (WINDOWS_1251, "Москва Тверь Казань Омск Пермь"),
            (KOI8_R, "Москва Тверь Казань Омск Пермь"),
            (IBM866, "Москва Тверь Казань Омск Пермь"),
            (WINDOWS_1253, "Αθήνα Πάτρα Βόλος Χανιά Λάρισα"),
            (SHIFT_JIS, "東京 大阪 京都 名古屋 札幌 さくら"),
            (EUC_JP, "東京 大阪 京都 名古屋 さくら みなと"),
            (EUC_KR, "서울 부산 대구 인천 광주"),
            (GBK, "上海 北京 广州 深圳 成都"),
            (GBK, "￥12.50 4天 56.7千克 是 （延迟）"),
            (encoding_rs::GB18030, "\u{a5}74.72 订单号 实际送达日期 海运 公路 \u{a5}555.51"),
            (SHIFT_JIS, "￥248 ￥413 ￥1,200 注文番号 納品日 航空 ￥96 ￥5"),
            (
                WINDOWS_1254,
                "Sipari\u{15f} A\u{11f}\u{131}rl\u{131}k \u{130}zmir G\u{fc}n Ta\u{15f}\u{131}ma",
            ),
            (
                WINDOWS_1252,
                "\u{de}etta er \u{ed}slenska sem ma\u{f0}ur skrifar, \u{fd}mist n\u{fa} e\u{f0}a \u{fe}ar",
            ),
            (BIG5, "上海 北京 廣州 深圳 成都 台北 高雄"),
        ] {
            let bytes = encoding.encode(&words.repeat(4)).0.into_owned();
            assert_eq!(guess(&bytes).0.name(), encoding.name().replace("gb18030", "GBK"), "{words}");
        }
        assert_eq!(guess(b"caf\xe9").0, WINDOWS_1252);
        // The names of the columns alone have letters that are not ASCII.
        for (encoding, names) in [
            (
                WINDOWS_1254,
                "Sipari\u{15f} No;Ger\u{e7}ekle\u{15f}en Teslim;A\u{11f}\u{131}rl\u{131}k\n1;2;3\n",
            ),
            (WINDOWS_1250, "Data zam\u{f3}wienia;Warto\u{15b}\u{107};Wag\u{119}\n1;2;3\n"),
            (WINDOWS_1252, "Gr\u{f6}\u{df}e;M\u{fc}ller;f\u{fc}r 5 m\u{b3}\n1;2;3\n"),
        ] {
            assert_eq!(guess(&encoding.encode(names).0).0, encoding, "{names}");
        }
    }
}
