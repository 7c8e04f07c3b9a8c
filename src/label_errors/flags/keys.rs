//! Keys of rows: hashing them, and recognising one that was spoilt on its way through a spreadsheet.

use sha2::{Digest, Sha256};

/// 64 bits of the SHA-256 of a key's trimmed text, so that a model folder can recognise its rows without holding their keys.
/// Among a million keys two collide with a probability of 3 in 10^8.
///
/// A constant formula such as `="0077"`, which exports write to keep leading zeros, is the key in its quotes.
pub fn hash_key(key: &str) -> u64 {
    let key = key.trim();
    let constant = key.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let digest = Sha256::digest(constant.unwrap_or(key).trim().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
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
    add("without quotes", key.trim_matches(['"', '\'', '`']).trim().to_owned());
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
        assert!(variants("").is_empty());
        assert!(variants("A").iter().all(|(_, text)| text != "A"));
    }
}
