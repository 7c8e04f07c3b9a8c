//! Signs and abbreviations of money before and after amounts.

/// How many decimals amounts of a currency are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decimals {
    /// None in practice (dong, yen, won, rupiah, Chilean peso, forint, CFA franc, ...).
    None,
    /// Two.
    Two,
    /// Three (dinars of Kuwait, Bahrain, Tunisia, Jordan; rial of Oman).
    Three,
    /// The sign stands for currencies of both kinds.
    Either,
}

/// A sign of money as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Currency {
    pub(crate) sign: &'static str,
    pub(crate) decimals: Decimals,
    /// The sign is a single capital letter, which also begins codes such as `R5`.
    pub(crate) letter: bool,
}

/// Without decimals in practice.
const WHOLE: &str = "VND VN\u{110} \u{20ab} \u{111} JPY JP\u{a5} \u{5186} KRW \u{20a9} \u{c6d0} CLP CLP$ IDR Rp COP COP$ COL$ PYG Gs \u{20b2} ISK \
    HUF Ft XOF XAF XPF CFA FCFA CFAF UGX USh TZS TSh RWF BIF KMF GNF DJF MGA VUV LAK \u{20ad} KHR \u{17db} MMK IRR UZS LBP CRC \u{20a1} MNT \u{20ae}";

/// With three decimals.
const THOUSANDTHS: &str = "KWD KD BHD BD OMR TND JOD LYD IQD \u{62f}.\u{643} \u{62f}.\u{628} \u{631}.\u{639} \u{62f}.\u{62a} \u{62f}.\u{639} \u{62f}\u{64a}\u{646}\u{627}\u{631}";

/// Signs that several currencies share, some of them without decimals.
const SHARED: &str = "\u{a5} \u{ffe5} $";

/// With two decimals.
const CENTS: &str = "kr \u{20ac} \u{a3} \u{20b9} \u{20bd} \u{20ba} \u{20b4} \u{20aa} \u{20b1} \u{e3f} \u{20a6} \u{20b5} \u{20b8} \u{20bc} \u{20be} \u{a2} \u{9f3} \u{20bf} \
    US$ USD$ U$S U$D R$ A$ AU$ C$ CA$ CAD$ HK$ NT$ NZ$ S$ SG$ MX$ MXN$ Mex$ RD$ AR$ ARS$ TT$ J$ BZ$ B$ F$ MOP$ $U $b \
    z\u{142} zl PLN K\u{10d} K\u{10d}s Kc CZK Sk SKK lei leu RON LEI din RSD kn HRK KM BAM SIT Lt Ls \
    \u{43b}\u{432} BGN \u{440}\u{443}\u{431} \u{440} RUB RUR \u{433}\u{440}\u{43d} UAH \u{442}\u{433} KZT \u{434}\u{438}\u{43d} \u{434}\u{435}\u{43d} MKD \
    Euro Euros EUR EURO USD GBP CHF Fr SFr Fs Frs CNY RMB CN\u{a5} \u{5143} \u{5706} INR AUD CAD NZD SEK NOK DKK TRY TL BRL MXN ARS PEN S/ ZAR NGN GHS GH\u{20b5} \
    KES Ksh KSh EGP LE L.E MAD Dh Dhs AED SAR SR QAR QR ILS NIS SGD HKD TWD NTD THB MYR RM PHP Php PKR Rs Re BDT Tk LKR NPR Nu \
    \u{62f}.\u{625} \u{62f}.\u{645} \u{631}.\u{633} \u{631}.\u{642} \u{62c}.\u{645} \u{631}\u{64a}\u{627}\u{644} \u{62f}\u{631}\u{647}\u{645} \u{62c}\u{646}\u{64a}\u{647} \
    E\u{a3} EGP\u{a3} ALL \u{20a3} AFN \u{60b} \
    DOP GTQ HNL UYU UYI PAB B/ BOB Bs Bs.F Bs.S BsF BsS VES VEF NIO TTD JMD BWP ZMW MUR MZN MT AOA Kz ETB GEL AMD AZN BYN MDL DM";

/// Signs of one currency each, for amounts of two sheets that must not be compared.
const KNOWN: [&[&str]; 14] = [
    &["\u{20ac}", "EUR", "EURO", "Euro", "Euros"],
    &["$", "US$", "USD", "USD$", "U$S", "U$"],
    &["\u{a3}", "GBP"],
    &["JPY", "JP\u{a5}", "\u{5186}"],
    &["CNY", "RMB", "CN\u{a5}", "\u{5143}", "\u{5706}"],
    &["\u{20b9}", "INR", "Rs", "Re"],
    &["CHF", "Fr", "SFr", "Fs", "Frs"],
    &["z\u{142}", "zl", "PLN"],
    &["K\u{10d}", "K\u{10d}s", "Kc", "CZK"],
    &["R$", "BRL"],
    &["R", "ZAR"],
    &["\u{20bd}", "RUB", "RUR", "\u{440}\u{443}\u{431}", "\u{440}"],
    &["\u{20ba}", "TRY", "TL"],
    &["kr", "SEK", "NOK", "DKK"],
];

/// Whether two texts are signs of money that may stand for one currency.
pub(crate) fn may_be_one(one: &str, other: &str) -> bool {
    let is_sign = |sign: &str| all().iter().any(|known| known.sign == sign);
    let of = |sign: &str| KNOWN.iter().position(|signs| signs.contains(&sign));
    let differ = matches!((of(one), of(other)), (Some(one), Some(other)) if one != other);
    is_sign(one) && is_sign(other) && !differ
}

/// Single letters: rand, pula or Philippine peso, lempira, quetzal, kwacha, baht, naira.
const LETTERS: &str = "R P L Q K B N";

/// Signs that mean something else in small letters or in capitals (`ft` is a foot, `km` a kilometre).
const CASE_COUNTS: &str = "Ft KM Sk MT Nu Re LE Ls Lt BD SR QR RM Fs BsS B$ \u{440} din kn";

fn all() -> &'static [Currency] {
    static ALL: std::sync::LazyLock<Vec<Currency>> = std::sync::LazyLock::new(|| {
        let lists = [
            (SHARED, Decimals::Either, false),
            (WHOLE, Decimals::None, false),
            (THOUSANDTHS, Decimals::Three, false),
            (CENTS, Decimals::Two, false),
            (LETTERS, Decimals::Two, true),
        ];
        let mut all: Vec<Currency> = lists
            .into_iter()
            .flat_map(|(signs, decimals, letter)| signs.split_whitespace().map(move |sign| Currency { sign, decimals, letter }))
            .collect();
        // The longest first: `US$` before `$`.
        all.sort_by_key(|currency| std::cmp::Reverse(currency.sign.len()));
        all
    });
    &ALL
}

/// Whether `text` begins with the sign, in any case unless the case counts; the length of what matched.
fn begins(text: &str, currency: &Currency) -> Option<usize> {
    let sign = currency.sign;
    if text.starts_with(sign) {
        return Some(sign.len());
    }
    if currency.letter {
        return None;
    }
    let head = text.get(..sign.len())?;
    let same = if sign.is_ascii() {
        head.eq_ignore_ascii_case(sign)
    } else {
        head.chars()
            .flat_map(char::to_lowercase)
            .eq(sign.chars().flat_map(char::to_lowercase))
    };
    let exact = same && CASE_COUNTS.split_whitespace().any(|listed| listed == sign);
    (same && !exact).then_some(sign.len())
}

fn ends(text: &str, currency: &Currency) -> Option<usize> {
    let start = text.len().checked_sub(currency.sign.len())?;
    begins(text.get(start..)?, currency).filter(|length| *length == currency.sign.len())
}

/// Whether a point or comma behind the sign belongs to it: behind letters, as in `Rs.`, and behind `S/`.
fn is_abbreviation(sign: &str) -> bool {
    sign.chars().next_back().is_some_and(|last| last.is_alphabetic() || last == '/')
}

/// A sign of money at the beginning of a text, and what follows. The point (or comma) of an abbreviation belongs to the sign.
pub(crate) fn strip_front(text: &str) -> Option<(Currency, &str)> {
    for currency in all() {
        let Some(length) = begins(text, currency) else { continue };
        let mut rest = &text[length..];
        if is_abbreviation(currency.sign) {
            rest = rest.strip_prefix(['.', ',']).unwrap_or(rest);
            // `Frachten 5` does not begin with francs.
            if rest.chars().next().is_some_and(char::is_alphabetic) {
                continue;
            }
        }
        if currency.letter && !letter_fits(rest) {
            continue;
        }
        return Some((*currency, rest));
    }
    None
}

/// A single letter is a sign of money only before an amount that looks like one: `R 150`, `R1 500,00`, not `R5`.
fn letter_fits(rest: &str) -> bool {
    let digits = rest.trim_start();
    let long = digits.len() < rest.len() && digits.len() >= 3;
    digits.starts_with(|c: char| c.is_ascii_digit()) && (long || digits.contains([',', '.', '\''])) && !digits.contains(char::is_alphabetic)
}

/// A sign of money at the end of a text, and what stands before it.
pub(crate) fn strip_back(text: &str) -> Option<(Currency, &str)> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    for currency in all().iter().filter(|currency| !currency.letter) {
        let ended = if is_abbreviation(currency.sign) { bare } else { text };
        let Some(length) = ends(ended, currency) else { continue };
        let rest = &ended[..ended.len() - length];
        if is_abbreviation(currency.sign) && rest.chars().next_back().is_some_and(char::is_alphabetic) {
            continue;
        }
        return Some((*currency, rest));
    }
    None
}
