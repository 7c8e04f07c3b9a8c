//! Walks over Thrift's compact protocol, in which Parquet writes its footer and page headers, and believes no length that the bytes cannot hold.
//! `None` everywhere means that the bytes are not what they claim.

/// How deep structures may lie in each other; Parquet's own lie six deep.
const MAX_DEPTH: usize = 32;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// What is left of the bytes.
pub(super) struct Thrift<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            length: bytes.len(),
        }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A whole number of any width.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// Passes over a text.
    pub(super) fn text(&mut self) -> Option<()> {
        let length = self.varint()?;
        self.skip_bytes(length)
    }

    /// The type of a list's elements and how many there are: each takes a byte at least.
    pub(super) fn list(&mut self) -> Option<(u8, usize)> {
        let head = self.byte()?;
        let size = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            short => usize::from(short),
        };
        (size <= self.rest.len()).then_some((head & 0x0f, size))
    }

    /// Goes over the fields of a structure; `read` gets each field's number and type, and says whether it has read the field.
    pub(super) fn structure(&mut self, read: impl FnMut(&mut Self, i16, u8) -> Option<bool>) -> Option<()> {
        self.structure_at(0, read)
    }

    fn structure_at(&mut self, depth: usize, mut read: impl FnMut(&mut Self, i16, u8) -> Option<bool>) -> Option<()> {
        let mut number = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Some(());
            }
            number = match head >> 4 {
                0 => i16::try_from(self.integer()?).ok()?,
                step => number.checked_add(i16::from(step))?,
            };
            if !read(self, number, kind)? {
                self.skip(kind, depth + 1)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            TRUE | FALSE => Some(()),
            3 => self.skip_bytes(1),
            4..=6 => self.varint().map(|_| ()),
            DOUBLE => self.skip_bytes(8),
            BINARY => self.text(),
            LIST | SET => {
                let (kind, size) = self.list()?;
                (0..size).try_for_each(|_| self.skip_element(kind, depth))
            }
            MAP => {
                let size = usize::try_from(self.varint()?).ok()?;
                if size == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                if size > self.rest.len() {
                    return None;
                }
                (0..size).try_for_each(|_| {
                    self.skip_element(kinds >> 4, depth)?;
                    self.skip_element(kinds & 0x0f, depth)
                })
            }
            STRUCT => self.structure_at(depth, |_, _, _| Some(false)),
            UUID => self.skip_bytes(16),
            _ => None,
        }
    }

    /// Truth values take a byte in lists and none in structures.
    fn skip_element(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            TRUE | FALSE => self.skip_bytes(1),
            kind => self.skip(kind, depth + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields_are_read_and_the_rest_is_skipped() {
        // Field 1: i32 -3; field 2: "ab"; field 20: list of two i32; stop.
        let bytes = [0x15, 0x05, 0x18, 2, b'a', b'b', 0x09, 40, 0x25, 2, 4, 0];
        let mut thrift = Thrift::new(&bytes);
        let mut seen = Vec::new();
        thrift
            .structure(|thrift, number, kind| {
                seen.push((number, kind));
                Some(number == 1 && thrift.integer()? == -3)
            })
            .unwrap();
        assert_eq!(seen, [(1, 5), (2, 8), (20, 9)]);
        assert_eq!(thrift.position(), bytes.len());
    }

    #[test]
    fn lengths_that_the_bytes_cannot_hold_are_refused() {
        let skip = |bytes: &[u8]| Thrift::new(bytes).structure(|_, _, _| Some(false));
        assert_eq!(skip(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]), None);
        assert_eq!(skip(&[0x18, 0x7f, 0]), None);
        assert_eq!(skip(&[0x15]), None);
        assert_eq!(skip(&[]), None);
        // Structures in structures, without end.
        assert_eq!(skip(&[0x1c; 100_000]), None);
        assert_eq!(skip(&[0]), Some(()));
    }
}
