//! Reading a text from its beginning: digits, letters, marks, words that say nothing.

use super::words::{is_link, is_weekday};

/// What is left of a text.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn skip(&mut self, byte: u8) -> bool {
        if self.peek() == Some(byte) {
            self.rest = &self.rest[1..];
            true
        } else {
            false
        }
    }

    pub(super) fn skip_any(&mut self, bytes: &[u8]) -> bool {
        self.peek().is_some_and(|byte| bytes.contains(&byte)) && {
            self.rest = &self.rest[1..];
            true
        }
    }

    pub(super) fn skip_text(&mut self, texts: &[&str]) -> bool {
        let found = texts.iter().find_map(|text| self.rest.strip_prefix(text.as_bytes()));
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    pub(super) fn blanks(&mut self) -> bool {
        let mut any = false;
        while self.skip(b' ') || self.skip(b'\t') {
            any = true;
        }
        any
    }

    /// A run of digits: value and length, nine at most.
    pub(super) fn number(&mut self) -> Option<(u32, usize)> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 || length > 9 {
            return None;
        }
        let value = self.rest[..length]
            .iter()
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        self.rest = &self.rest[length..];
        Some((value, length))
    }

    /// One or two digits.
    pub(super) fn short_number(&mut self) -> Option<u32> {
        self.number().filter(|(_, length)| *length <= 2).map(|(number, _)| number)
    }

    /// One to three digits.
    pub(super) fn short_or_three(&mut self) -> Option<u32> {
        self.number().filter(|(_, length)| *length <= 3).map(|(number, _)| number)
    }

    /// A run of letters (all of UTF-8 beyond ASCII counts as letters).
    pub(super) fn word(&mut self) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
            .count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    /// Passes over words that say nothing (`de`, `um`), each with its point, and blanks.
    pub(super) fn links(&mut self) {
        loop {
            let before = self.rest;
            if !is_link(self.word()) {
                self.rest = before;
                return;
            }
            let _ = self.skip(b'.');
            self.blanks();
        }
    }

    /// Passes over a day of the week, bare or in brackets.
    pub(super) fn weekday(&mut self) {
        let before = self.rest;
        let bracket = self.skip(b'(');
        if is_weekday(self.word()) {
            let _ = self.skip(b'.');
            if !bracket || self.skip(b')') {
                let _ = self.skip(b',');
                self.blanks();
                return;
            }
        }
        self.rest = before;
    }
}
