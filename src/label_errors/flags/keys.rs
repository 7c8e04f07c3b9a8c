//! Keys of rows: hashing them (each folder with a key of its own), and recognising one that was spoilt on its way through a spreadsheet.

use rand::Rng;
use sha2::{Digest, Sha256};

use crate::seed::Seed;

/// Bytes of a folder's own hash key.
pub const SALT_BYTES: usize = 32;

/// How the keys of a sheet's rows are hashed: with a hash key of the folder's own, so that no table made beforehand opens them and the rows of
/// two folders cannot be matched; or without one, as older folders do.
///
/// Whoever has the folder can still try keys one after the other: short numbers are found so. A folder without keys is the remedy
/// (`recant train --private`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyHash(Option<[u8; SALT_BYTES]>);

impl KeyHash {
    /// With a hash key.
    pub fn salted(salt: [u8; SALT_BYTES]) -> Self {
        Self(Some(salt))
    }

    /// With a hash key drawn from the run seed for this sheet: the same seed and sheet give the same folder, another sheet another key.
    pub fn drawn(seed: Seed, sheet_sha256: &str) -> Self {
        let drawn: [u8; SALT_BYTES] = seed.stream("row-key-hashes", 0).random();
        let salt = Sha256::new().chain_update(drawn).chain_update(sheet_sha256.as_bytes()).finalize();
        Self(Some(salt.into()))
    }

    /// The hash key, where there is one.
    pub fn salt(&self) -> Option<&[u8; SALT_BYTES]> {
        self.0.as_ref()
    }

    /// 64 bits of the SHA-256 of a key's trimmed text behind the hash key, so that a model folder can recognise its rows without holding
    /// their keys. Among a million keys two collide with a probability of 3 in 10^8.
    ///
    /// A constant formula such as `="0077"`, which exports write to keep leading zeros, is the key in its quotes.
    pub fn of(&self, key: &str) -> u64 {
        let key = key.trim();
        let constant = key.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
        let text = constant.unwrap_or(key).trim().as_bytes();
        let digest = match &self.0 {
            Some(salt) => Sha256::new().chain_update(salt).chain_update(text).finalize(),
            None => Sha256::digest(text),
        };
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(first)
    }

    /// The hash of a row without a key: of a name that no sheet has, so that it is no other row's.
    pub fn of_nameless(&self, sheet_row: usize) -> u64 {
        self.of(&format!("\0row {sheet_row}"))
    }
}

/// As [`KeyHash::of`] without a hash key.
pub fn hash_key(key: &str) -> u64 {
    KeyHash::default().of(key)
}

/// Longest key that leading zeros are tried for.
const LONGEST_PADDED: usize = 18;

/// Other ways to write a key, each with what was done to it, likeliest first: what spreadsheets and their export do to identifiers.
pub(super) fn variants(key: &str) -> Vec<(&'static str, String)> {
    let key = key.trim();
    let mut found: Vec<(&'static str, String)> = Vec::new();
    let mut add = |what: &'static str, text: String| {
        if text != key && !text.is_empty() && !found.iter().any(|(_, known)| *known == text) {
            found.push((what, text));
        }
    };
    let digits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((whole, decimals)) = key.split_once(['.', ','])
        && !decimals.is_empty()
        && decimals.bytes().all(|byte| byte == b'0')
    {
        add("without the decimals", whole.to_owned());
    }
    if digits {
        let stripped = key.trim_start_matches('0');
        add("without leading zeros", if stripped.is_empty() { "0" } else { stripped }.to_owned());
        for length in key.len() + 1..=LONGEST_PADDED {
            add("with leading zeros", format!("{key:0>length$}"));
        }
        add("with `.0` at the end", format!("{key}.0"));
    }
    add("without spaces", key.chars().filter(|letter| !letter.is_whitespace()).collect());
    add("with single spaces", key.split_whitespace().collect::<Vec<_>>().join(" "));
    let bare = key.trim_matches([
        '"', '\'', '`', '[', ']', '(', ')', ',', ';', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}',
    ]);
    add("without the signs around it", bare.trim().to_owned());
    add(
        "without the bullet",
        key.trim_start_matches(['-', '*', '\u{2022}', '\u{2013}']).trim().to_owned(),
    );
    add("without `#`", key.trim_start_matches('#').trim().to_owned());
    add("with plain digits and dashes", crate::tables::plain_signs(key).into_owned());
    add(
        "without thousands separators",
        key.replace([',', '.', '\u{a0}', '\u{202f}', ' '], ""),
    );
    add("in upper case", key.to_uppercase());
    add("in lower case", key.to_lowercase());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_ignore_surrounding_spaces_and_nothing_else() {
        assert_eq!(hash_key(" 77 "), hash_key("77"));
        assert_ne!(hash_key("077"), hash_key("77"));
        // First 8 bytes of sha256("77"), little-endian.
        assert_eq!(hash_key("77"), u64::from_le_bytes(*b"\xa8\x8ay\x02\xcbN\xf6\x97"));
    }

    #[test]
    fn each_sheet_and_seed_has_a_hash_key_of_its_own() {
        let one = KeyHash::drawn(Seed(1), "aa");
        assert_eq!(one, KeyHash::drawn(Seed(1), "aa"));
        assert_eq!(one.of(" 77 "), one.of("=\"77\""));
        for other in [KeyHash::drawn(Seed(2), "aa"), KeyHash::drawn(Seed(1), "ab"), KeyHash::default()] {
            assert_ne!(one.of("77"), other.of("77"));
        }
        // First 8 bytes of sha256(32 bytes of 7, then "77"), little-endian.
        let salted = Sha256::digest([&[7; SALT_BYTES][..], b"77"].concat());
        assert_eq!(KeyHash::salted([7; SALT_BYTES]).of("77").to_le_bytes(), salted[..8]);
    }

    #[test]
    fn what_spreadsheets_do_to_keys_is_undone() {
        let has = |key: &str, wanted: &str| {
            let found = variants(key);
            assert!(found.iter().any(|(_, text)| text == wanted), "{key} -> {wanted}: {found:?}");
        };
        has("77.0", "77");
        has("77,00", "77");
        has("00077", "77");
        has("77", "00077");
        has("77", "77.0");
        has("1,234,567", "1234567");
        has("ab 12", "ab12");
        has("ab12", "AB12");
        has("'77'", "77");
        has("'77',", "77");
        has("#77", "77");
        has("- 77", "77");
        has("SO\u{2011}77", "SO-77");
        assert!(variants("").is_empty());
        assert!(variants("A").iter().all(|(_, text)| text != "A"));
    }
}
