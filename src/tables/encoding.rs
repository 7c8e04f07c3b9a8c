//! From bytes to UTF-8 text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use rayon::prelude::*;

use super::encoding_guess;
use super::limits::MAX_TEXT_BYTES;
use crate::error::{Error, Result};
use crate::notes::Notes;

/// Bytes that one thread decodes at a time.
const PIECE: usize = 1 << 20;

/// Decoded text and how it was decoded.
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// Where the text begins: past a byte order mark.
    pub(crate) start: usize,
    pub(crate) encoding: &'static Encoding,
    pub(crate) byte_order_mark: bool,
}

/// Decodes a delimited file: by the encoding asked for, else by its byte order mark, else UTF-16 by its zero bytes, else UTF-8, else
/// by its letters, Windows-1252 where they show nothing.
///
/// # Errors
/// For an unknown encoding name, text that does not fit the encoding asked for, UTF-32, zero bytes, and what is no text at all.
pub(crate) fn decode(bytes: Vec<u8>, asked: Option<&str>, file_name: &str, notes: &mut Notes) -> Result<Decoded> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(Error::input("the text is UTF-32, which hardly any program writes").hint("save it as \"CSV UTF-8\""));
    }
    let marked = Encoding::for_bom(&bytes).map(|(encoding, _)| encoding);
    let encoding = match asked {
        Some(label) => Some(Encoding::for_label(label.trim().as_bytes()).ok_or_else(|| unknown_label(label))?),
        None => marked.or_else(|| utf16_without_mark(&bytes)),
    };
    let forced = asked.is_some();
    let encoding = match encoding {
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => return decode_utf16(&bytes, encoding, marked.is_some(), notes),
        other => other,
    };
    refuse_binary(&bytes)?;
    let utf8 = encoding.is_none_or(|encoding| encoding == UTF_8);
    if !utf8 {
        return decode_single(&bytes, encoding.unwrap_or(WINDOWS_1252), notes);
    }
    let byte_order_mark = marked.is_some();
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Decoded {
            text,
            start: if byte_order_mark { 3 } else { 0 },
            encoding: UTF_8,
            byte_order_mark,
        }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let line = 1 + memchr::memchr_iter(b'\n', &bytes[..at]).count();
            if forced {
                return Err(Error::input(format!("line {line} holds bytes that are not UTF-8"))
                    .hint("leave the encoding out and it is detected, or name another, such as `windows-1252`"));
            }
            let (broken, whole) = utf8_evidence(&bytes);
            if byte_order_mark || whole > 10 * broken {
                notes.add(
                    "damaged-text",
                    format!("`{file_name}` is UTF-8 with {broken} damaged characters, the first in line {line}"),
                    "each was replaced by \u{fffd}",
                );
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Ok(Decoded {
                    text,
                    start: if byte_order_mark { 3 } else { 0 },
                    encoding: UTF_8,
                    byte_order_mark,
                });
            }
            let (encoding, script) = encoding_guess::guess(&bytes);
            notes.add(
                "encoding",
                format!("`{file_name}` is not UTF-8 (first in line {line})"),
                format!(
                    "it was read as {} ({script}); `--encoding NAME` names another if letters look wrong",
                    spelled(encoding)
                ),
            );
            decode_single(&bytes, encoding, notes)
        }
    }
}

/// An encoding's name as people know it.
fn spelled(encoding: &'static Encoding) -> String {
    encoding.name().replace("windows", "Windows")
}

fn unknown_label(label: &str) -> Error {
    let common = [
        "utf-8",
        "windows-1252",
        "latin1",
        "utf-16le",
        "utf-16be",
        "windows-1250",
        "windows-1251",
        "shift_jis",
        "gbk",
    ];
    let hint = match crate::error::closest(label, common) {
        Some(near) => format!("closest match is `{near}`"),
        None => "common ones are `utf-8`, `windows-1252`, `utf-16le`, `windows-1250`, `windows-1251`, `shift_jis`, `gbk`".to_owned(),
    };
    Error::input(format!("`{label}` is not a text encoding known here")).hint(hint)
}

fn decode_single(bytes: &[u8], encoding: &'static Encoding, notes: &mut Notes) -> Result<Decoded> {
    let (text, damaged) = if encoding.is_single_byte() {
        decode_bytes(bytes, encoding)?
    } else {
        let (text, damaged) = encoding.decode_without_bom_handling(bytes);
        (text.into_owned(), damaged)
    };
    if damaged {
        notes.add(
            "damaged-text",
            format!("some bytes do not fit the encoding {}", encoding.name()),
            "each was replaced by \u{fffd}",
        );
    }
    finish(text, encoding, false)
}

fn decode_utf16(bytes: &[u8], encoding: &'static Encoding, marked: bool, notes: &mut Notes) -> Result<Decoded> {
    let body = if marked { &bytes[2.min(bytes.len())..] } else { bytes };
    let (text, damaged) = encoding.decode_without_bom_handling(body);
    if damaged {
        notes.add(
            "damaged-text",
            "some characters of this UTF-16 text are damaged; it may be cut off",
            "each was replaced by \u{fffd}",
        );
    }
    refuse_binary(text.as_bytes())?;
    finish(text.into_owned(), encoding, marked)
}

fn finish(text: String, encoding: &'static Encoding, byte_order_mark: bool) -> Result<Decoded> {
    if text.len() as u64 > MAX_TEXT_BYTES {
        return Err(too_long());
    }
    Ok(Decoded {
        text,
        start: 0,
        encoding,
        byte_order_mark,
    })
}

/// The error for a text beyond [`MAX_TEXT_BYTES`].
pub(crate) fn too_long() -> Error {
    Error::input("the sheet is larger than 4 GiB, more than Recant reads at once")
        .hint("split it by month or region, or convert it to Parquet")
}

/// UTF-16 without a mark shows in zero bytes at every second place.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    if sample.len() < 4 {
        return None;
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), sample.len() / 2);
    if odd * 10 >= pairs * 4 && even * 20 <= pairs {
        Some(UTF_16LE)
    } else if even * 10 >= pairs * 4 && odd * 20 <= pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// How many byte runs break UTF-8 and how many characters beyond ASCII keep it.
fn utf8_evidence(bytes: &[u8]) -> (usize, usize) {
    let (mut broken, mut whole) = (0, 0);
    // An ASCII byte ends whatever came before it, so each run beyond ASCII is looked at alone and the rest, nearly all of it, skipped.
    for_each_run(bytes, |run| {
        for chunk in run.utf8_chunks() {
            whole += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
            broken += usize::from(!chunk.invalid().is_empty());
        }
    });
    (broken, whole)
}

/// Calls `found` with every run of bytes beyond ASCII, in order.
fn for_each_run(bytes: &[u8], mut found: impl FnMut(&[u8])) {
    let mut rest = bytes;
    loop {
        rest = &rest[Encoding::ascii_valid_up_to(rest)..];
        let length = rest.iter().position(u8::is_ascii).unwrap_or(rest.len());
        if length == 0 {
            return;
        }
        found(&rest[..length]);
        rest = &rest[length..];
    }
}

/// Decodes an encoding in which every byte is a character and ASCII is ASCII, in pieces side by side; says whether a byte stands for nothing.
fn decode_bytes(bytes: &[u8], encoding: &'static Encoding) -> Result<(String, bool)> {
    let letters: Vec<(String, bool)> = (0x80..=0xff_u8)
        .map(|byte| {
            let (letter, damaged) = encoding.decode_without_bom_handling(std::slice::from_ref(&byte));
            (letter.into_owned(), damaged)
        })
        .collect();
    let letter = |byte: u8| &letters[usize::from(byte & 0x7f)];
    let measured: Vec<(usize, bool)> = bytes
        .par_chunks(PIECE)
        .map(|piece| {
            let (mut length, mut damaged) = (piece.len(), false);
            for_each_run(piece, |run| {
                for byte in run {
                    length += letter(*byte).0.len() - 1;
                    damaged |= letter(*byte).1;
                }
            });
            (length, damaged)
        })
        .collect();
    let mut text = vec![0_u8; measured.iter().map(|(length, _)| length).sum()];
    let mut rest = text.as_mut_slice();
    let mut pieces = Vec::with_capacity(measured.len());
    for ((length, _), piece) in measured.iter().zip(bytes.chunks(PIECE)) {
        let (room, after) = rest.split_at_mut(*length);
        pieces.push((piece, room));
        rest = after;
    }
    pieces.into_par_iter().for_each(|(mut piece, mut room)| {
        while !piece.is_empty() {
            let ascii = Encoding::ascii_valid_up_to(piece);
            room[..ascii].copy_from_slice(&piece[..ascii]);
            (piece, room) = (&piece[ascii..], &mut room[ascii..]);
            while let Some(byte) = piece.first().filter(|byte| !byte.is_ascii()) {
                let letter = letter(*byte).0.as_bytes();
                room[..letter.len()].copy_from_slice(letter);
                (piece, room) = (&piece[1..], &mut room[letter.len()..]);
            }
        }
    });
    let text = String::from_utf8(text).map_err(|_| Error::internal("decoded text is not UTF-8"))?;
    Ok((text, measured.iter().any(|(_, damaged)| *damaged)))
}

/// Refuses zero bytes, and files whose beginning is full of control characters.
fn refuse_binary(bytes: &[u8]) -> Result<()> {
    let sample = &bytes[..bytes.len().min(1 << 16)];
    let control = sample
        .iter()
        .filter(|byte| matches!(**byte, 0..=8 | 11 | 14..=25 | 27..=31 | 127))
        .count();
    if control > 4 && control * 50 > sample.len() {
        return Err(Error::input("this is not text: it looks like a program's own file format")
            .hint("open it in the program it comes from and export it as CSV or Excel"));
    }
    if let Some(at) = memchr::memchr(0, bytes) {
        let line = 1 + memchr::memchr_iter(b'\n', &bytes[..at]).count();
        return Err(Error::input(format!("line {line} holds a NUL byte, which text never does"))
            .hint("the file is damaged or its encoding is unusual; open it in Excel or an editor and save it as \"CSV UTF-8\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], asked: Option<&str>) -> Result<(String, &'static str)> {
        decode(bytes.to_vec(), asked, "a.csv", &mut Notes::new())
            .map(|decoded| (decoded.text[decoded.start..].to_owned(), decoded.encoding.name()))
    }

    fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "Stra\u{df}e,Preis\nM\u{fc}nchen,5 \u{20ac}\n";
        let same = |bytes: &[u8], name: &str| assert_eq!(decoded(bytes, None).unwrap(), (text.to_owned(), name_of(name)));
        fn name_of(name: &str) -> &'static str {
            Encoding::for_label(name.as_bytes()).unwrap().name()
        }
        same(text.as_bytes(), "utf-8");
        same(format!("\u{feff}{text}").as_bytes(), "utf-8");
        same(&WINDOWS_1252.encode(text).0, "windows-1252");
        for (mark, big) in [(true, true), (true, false), (false, true), (false, false)] {
            same(&utf16(text, mark, big), if big { "utf-16be" } else { "utf-16le" });
        }
        assert_eq!(
            decoded(&encoding_rs::WINDOWS_1251.encode("\u{416},1\n").0, Some("windows-1251"))
                .unwrap()
                .0,
            "\u{416},1\n"
        );
    }

    #[test]
    fn what_cannot_be_text_is_refused() {
        for bytes in [
            b"a,b\n1,\x002\n".to_vec(),
            vec![0xff, 0xfe, 0, 0, b'a', 0, 0, 0],
            (0..=255u8).cycle().take(4000).collect(),
        ] {
            assert!(decoded(&bytes, None).is_err());
        }
        assert!(decoded(b"a\n\xff\n", Some("utf-8")).unwrap_err().to_string().contains("line 2"));
        assert_eq!(
            decoded(b"a", Some("uft-8")).unwrap_err().hint_text(),
            Some("closest match is `utf-8`")
        );
    }

    #[test]
    fn a_few_broken_bytes_do_not_garble_a_utf8_file() {
        let mut bytes = "M\u{fc}nchen\n".repeat(30).into_bytes();
        bytes[2] = b'x';
        let mut notes = Notes::new();
        let decoded = decode(bytes, None, "a.csv", &mut notes).unwrap();
        assert!(decoded.text.contains("M\u{fc}nchen"));
        assert!(notes.has("damaged-text"));
    }

    #[test]
    fn pieces_side_by_side_decode_as_the_whole() {
        for label in [
            "windows-1252",
            "windows-1251",
            "windows-1253",
            "macintosh",
            "koi8-r",
            "iso-8859-8",
            "x-user-defined",
        ] {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            // Every byte, in runs of all lengths, across the borders of pieces.
            let every: Vec<u8> = (0..=255_u8).flat_map(|byte| vec![byte; 1 + usize::from(byte % 5)]).collect();
            for length in [0, 1, 1000, PIECE, 2 * PIECE + 77] {
                let bytes: Vec<u8> = every.iter().copied().cycle().take(length).collect();
                let (text, damaged) = encoding.decode_without_bom_handling(&bytes);
                assert!(
                    decode_bytes(&bytes, encoding).unwrap() == (text.into_owned(), damaged),
                    "{label}, {length} bytes"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn evidence_for_utf8_is_what_a_look_at_the_whole_gives(
            pieces in proptest::collection::vec(proptest::sample::select(vec![&b"a"[..], b"abcdefghijklmnopqrstuvwxyz", b"\xc3", b"\xbc", b"\xff", b"\xe2\x82", b"\xac", b"\xf0\x9f\x98\x80"]), 0..40),
        ) {
            let bytes = pieces.concat();
            let (mut broken, mut whole) = (0, 0);
            for chunk in bytes.utf8_chunks() {
                whole += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
                broken += usize::from(!chunk.invalid().is_empty());
            }
            proptest::prop_assert_eq!(utf8_evidence(&bytes), (broken, whole));
        }
    }
}
