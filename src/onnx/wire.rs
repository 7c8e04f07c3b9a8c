//! The protobuf wire format, read in place: every field is a number and a place in the file's bytes, so that what is not understood
//! stays as it is, and nothing is ever larger than the file.

use std::ops::Range;

/// Reads the fields of one message, which lies in `bytes[at..end]`.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

/// A field's value; ranges are places in the whole file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Varint(u64),
    Fixed64(Range<usize>),
    Bytes(Range<usize>),
    Fixed32(Range<usize>),
}

/// What is wrong, in words.
pub(super) type Read<T> = Result<T, String>;

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        Self {
            bytes,
            at: range.start,
            end: range.end.min(bytes.len()),
        }
    }

    fn varint(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for shift in 0..10 {
            let byte = match self.bytes.get(self.at) {
                Some(byte) if self.at < self.end => *byte,
                _ => return Err("it ends in the middle of a number".to_owned()),
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(7 * shift).unwrap_or_default();
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number has more than ten bytes".to_owned())
    }

    fn take(&mut self, length: u64) -> Read<Range<usize>> {
        let left = (self.end - self.at) as u64;
        if length > left {
            return Err(format!("a part says that it has {length} bytes, and {left} are left"));
        }
        let start = self.at;
        self.at += length as usize;
        Ok(start..self.at)
    }

    /// The next field with its number; `None` at the end.
    pub fn next(&mut self) -> Read<Option<(u32, Field)>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| "a field has too large a number".to_owned())?;
        if number == 0 {
            return Err("a field has the number 0".to_owned());
        }
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(self.take(8)?),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(self.take(4)?),
            kind => return Err(format!("a field is of kind {kind}, which the format does not have")),
        };
        Ok(Some((number, field)))
    }
}

impl Field {
    pub fn bytes(&self) -> Read<Range<usize>> {
        match self {
            Self::Bytes(range) => Ok(range.clone()),
            _ => Err("a field of text or parts holds a number".to_owned()),
        }
    }

    pub fn integer(&self) -> Read<i64> {
        match self {
            Self::Varint(value) => Ok(*value as i64),
            _ => Err("a field of a whole number holds something else".to_owned()),
        }
    }

    pub fn text(&self, bytes: &[u8]) -> Read<String> {
        Ok(String::from_utf8_lossy(&bytes[self.bytes()?]).into_owned())
    }

    pub fn float(&self, bytes: &[u8]) -> Read<f32> {
        match self {
            Self::Fixed32(range) => Ok(four(bytes, range.start)),
            _ => Err("a field of a number with a point holds something else".to_owned()),
        }
    }

    /// Adds one whole number, or the packed ones, to a list.
    pub fn integers(&self, bytes: &[u8], into: &mut Vec<i64>) -> Read<()> {
        match self {
            Self::Bytes(range) => {
                let mut packed = Fields::new(bytes, range.clone());
                while packed.at < packed.end {
                    into.push(packed.varint()? as i64);
                }
                Ok(())
            }
            other => {
                into.push(other.integer()?);
                Ok(())
            }
        }
    }

    /// Adds the places of one number of `size` bytes, or of the packed ones, to a list.
    pub fn places(&self, size: usize, into: &mut Vec<usize>) -> Read<()> {
        match self {
            Self::Bytes(range) if range.len() % size == 0 => into.extend(range.clone().step_by(size)),
            Self::Fixed32(range) if size == 4 => into.push(range.start),
            Self::Fixed64(range) if size == 8 => into.push(range.start),
            _ => return Err(format!("a list of numbers of {size} bytes has another size")),
        }
        Ok(())
    }
}

/// The f32 at a place that was checked.
pub(super) fn four(bytes: &[u8], at: usize) -> f32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    f32::from_le_bytes(value)
}

/// The f64 at a place that was checked.
pub(super) fn eight(bytes: &[u8], at: usize) -> f64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    f64::from_le_bytes(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Read<Vec<(u32, Field)>> {
        let mut reader = Fields::new(bytes, 0..bytes.len());
        let mut found = Vec::new();
        while let Some(field) = reader.next()? {
            found.push(field);
        }
        Ok(found)
    }

    #[test]
    fn fields_of_every_kind_are_read_in_place() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f];
        let found = fields(&bytes).unwrap();
        assert_eq!(found[0], (1, Field::Varint(150)));
        assert_eq!(found[1], (2, Field::Bytes(5..7)));
        assert_eq!(found[2].1.float(&bytes).unwrap(), 1.0);
        let mut integers = Vec::new();
        Field::Bytes(1..3).integers(&bytes, &mut integers).unwrap();
        assert_eq!(integers, [150]);
    }

    #[test]
    fn lying_sizes_are_refused() {
        for bytes in [
            &[0x12_u8, 0x05, 1][..],
            &[0x08, 0xff],
            &[0x0b],
            &[0x1d, 0, 0],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0xff; 11],
            &[0x00, 0x01],
        ] {
            assert!(fields(bytes).is_err(), "{bytes:?}");
        }
    }
}
