//! Damage that knows what it damages: bytes, numbers in binary fields, words and numbers of texts, parts of zip archives.

use std::io::{Cursor, Read, Write};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// Numbers at which fields overflow, wrap or ask for too much.
const WHOLE: [u64; 16] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x1_0000,
    0x10_0000,
    0x00ff_ffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// The same for numbers that are written out, and words that are no number.
const WRITTEN: [&str; 22] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "16385",
    "1048577",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "18446744073709551616",
    "1e308",
    "1e999",
    "-1e-999",
    "NaN",
    "0.1",
    "1,5",
    "1.234.567",
    "99999999999999999999999999",
    "",
    "x",
];

/// What sheets are cut at, quoted with and confused by.
const SIGNS: [&str; 18] = [
    ",", ";", "\t", "|", "\"", "'", "\n", "\r\n", "\r", "\0", "\u{feff}", "\u{a0}", "\u{202e}", "=", "<", ">", "é", "\u{1f}",
];

fn index(random: &mut ChaCha8Rng, length: usize) -> usize {
    random.random_range(0..length.max(1))
}

fn pick<'a, T: ?Sized>(random: &mut ChaCha8Rng, list: &[&'a T]) -> &'a T {
    list[index(random, list.len())]
}

/// A few cuts, flips, repeats and numbers at random places.
pub fn bytes(random: &mut ChaCha8Rng, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..5) {
        one_of_bytes(random, &mut bytes);
    }
    bytes
}

/// As [`bytes`], mostly near the end, where Parquet and zip archives say what they hold.
pub fn tail(random: &mut ChaCha8Rng, seed: &[u8]) -> Vec<u8> {
    let cut = seed.len() - (seed.len() / 3).min(seed.len());
    if random.random_bool(0.25) {
        return bytes(random, seed);
    }
    let end = bytes(random, &seed[cut..]);
    [&seed[..cut], &end].concat()
}

fn one_of_bytes(random: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    let at = index(random, length);
    match random.random_range(0..8) {
        0 => bytes.truncate(at),
        1 if length > 0 => bytes[at] ^= 1 << random.random_range(0..8),
        2 if length > 0 => bytes[at] = random.random(),
        3 => bytes.insert(at.min(length), random.random()),
        4 => {
            let end = (at + random.random_range(1..17)).min(length);
            bytes.drain(at.min(length)..end);
        }
        5 => {
            let end = (at + random.random_range(1..65)).min(length);
            let repeated = bytes[at.min(length)..end].repeat(random.random_range(1..4));
            bytes.splice(at.min(length)..at.min(length), repeated);
        }
        _ => {
            let width = [2, 4, 8][index(random, 3)];
            // Fields lie at even places in most formats.
            let at = at & !1;
            let number = WHOLE[index(random, WHOLE.len())].to_le_bytes();
            if at + width <= length {
                bytes[at..at + width].copy_from_slice(&number[..width]);
            }
        }
    }
}

/// A few words, numbers and signs of a text changed; bytes now and then.
pub fn text(random: &mut ChaCha8Rng, seed: &[u8]) -> Vec<u8> {
    if random.random_bool(0.15) {
        return bytes(random, seed);
    }
    let mut text = String::from_utf8_lossy(seed).into_owned();
    for _ in 0..random.random_range(1..5) {
        text = one_of_text(random, &text);
    }
    text.into_bytes()
}

/// A place between two letters.
fn place(random: &mut ChaCha8Rng, text: &str) -> usize {
    let mut at = index(random, text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn one_of_text(random: &mut ChaCha8Rng, text: &str) -> String {
    let at = place(random, text);
    let (before, after) = text.split_at(at);
    match random.random_range(0..8) {
        0 => before.to_owned(),
        1 | 2 => {
            // The next number.
            let start = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
            let rest = &after[start..];
            let end = rest
                .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
                .unwrap_or(rest.len());
            [before, &after[..start], pick(random, &WRITTEN), &rest[end..]].concat()
        }
        3 => [before, pick(random, &SIGNS), after].concat(),
        4 => {
            let mut end = index(random, 60).min(after.len());
            while !after.is_char_boundary(end) {
                end -= 1;
            }
            [before, &after[end..]].concat()
        }
        5 => {
            // A line again, or many times.
            let line = after.lines().next().unwrap_or_default();
            let many = [1, 2, 300][index(random, 3)];
            [before, &format!("{line}\n").repeat(many), after].concat()
        }
        6 => {
            // Two lines exchanged.
            let mut lines: Vec<&str> = text.split('\n').collect();
            let (one, other) = (index(random, lines.len()), index(random, lines.len()));
            lines.swap(one, other);
            lines.join("\n")
        }
        _ => {
            let word: String = pick(random, &SIGNS).repeat([1, 3, 2_000][index(random, 3)]);
            [before, &word, after].concat()
        }
    }
}

/// A part of a zip archive damaged inside and packed again; or taken away, or given twice; or the archive itself damaged.
pub fn zipped(random: &mut ChaCha8Rng, seed: &[u8]) -> Vec<u8> {
    let Some(mut parts) = unzipped(seed).filter(|parts| !parts.is_empty() && random.random_bool(0.85)) else {
        return tail(random, seed);
    };
    for _ in 0..random.random_range(1..3) {
        let chosen = index(random, parts.len());
        let several = parts.len() > 1;
        let (name, content) = &mut parts[chosen];
        let binary = name.ends_with(".bin");
        match random.random_range(0..12) {
            0 if several => {
                parts.remove(chosen);
            }
            1 => {
                let copy = (format!("{name}2"), content.clone());
                parts.push(copy);
            }
            2 => {
                let cut = index(random, name.len());
                *name = name.chars().take(cut).collect::<String>() + "x";
            }
            _ if binary => *content = bytes(random, content),
            _ => *content = text(random, content),
        }
    }
    packed(&parts).unwrap_or_else(|| seed.to_vec())
}

fn unzipped(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    (0..archive.len())
        .map(|number| {
            let mut part = archive.by_index(number).ok()?;
            let mut content = Vec::new();
            part.read_to_end(&mut content).ok()?;
            Some((part.name().ok()?.into_owned(), content))
        })
        .collect()
}

fn packed(parts: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file(name.as_str(), options).ok()?;
        archive.write_all(content).ok()?;
    }
    Some(archive.finish().ok()?.into_inner())
}
