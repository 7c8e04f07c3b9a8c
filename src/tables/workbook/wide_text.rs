//! Texts in the records of old workbooks: in letters of one byte or two, and cut into pieces where a record is continued.

/// The bytes of a record and of those that continue it.
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
    waiting: std::vec::IntoIter<&'a [u8]>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(data: &'a [u8], continued: &[&'a [u8]]) -> Self {
        Self {
            rest: data,
            waiting: Vec::from(continued).into_iter(),
        }
    }

    /// Moves to the next piece where this one is used up; `None` at the end of all.
    fn turn(&mut self) -> Option<bool> {
        let mut turned = false;
        while self.rest.is_empty() {
            self.rest = self.waiting.next()?;
            turned = true;
        }
        Some(turned)
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.turn().is_none()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.turn()?;
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn number16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn number32(&mut self) -> Option<u32> {
        Some(u32::from(self.number16()?) | u32::from(self.number16()?) << 16)
    }

    fn skip(&mut self, mut count: usize) -> Option<()> {
        while count > 0 {
            self.turn()?;
            let here = count.min(self.rest.len());
            self.rest = &self.rest[here..];
            count -= here;
        }
        Some(())
    }

    pub(super) fn bytes(&mut self, mut count: usize) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        while count > 0 {
            self.turn()?;
            let here = count.min(self.rest.len());
            content.extend_from_slice(&self.rest[..here]);
            self.rest = &self.rest[here..];
            count -= here;
        }
        Some(content)
    }

    /// Letters whose width the flags tell; where the text goes on in another record, that one tells the width again.
    pub(super) fn unicode(&mut self, length: usize, flags: u8) -> Option<String> {
        let mut wide = flags & 1 != 0;
        let mut units: Vec<u16> = Vec::new();
        while units.len() < length {
            if self.turn()? {
                wide = self.byte()? & 1 != 0;
                continue;
            }
            let most = length - units.len();
            if wide {
                let (pairs, odd) = self.rest.as_chunks::<2>();
                let taken = pairs.len().min(most);
                units.extend(pairs[..taken].iter().map(|pair| u16::from_le_bytes(*pair)));
                self.rest = &self.rest[2 * taken..];
                if taken < most && !odd.is_empty() {
                    // Half a letter at the end of a record belongs to nothing.
                    self.rest = &[];
                }
            } else {
                let taken = self.rest.len().min(most);
                units.extend(self.rest[..taken].iter().map(|byte| narrow(*byte)));
                self.rest = &self.rest[taken..];
            }
        }
        Some(String::from_utf16_lossy(&units))
    }

    /// A text of the shared list: length, flags, then perhaps runs of formatting and a guide to its pronunciation, which are passed over.
    pub(super) fn counted_unicode(&mut self) -> Option<String> {
        let length = usize::from(self.number16()?);
        let flags = self.byte()?;
        let runs = if flags & 8 != 0 { usize::from(self.number16()?) } else { 0 };
        let guide = if flags & 4 != 0 { self.number32()? as usize } else { 0 };
        let text = self.unicode(length, flags)?;
        self.skip(4 * runs + guide)?;
        Some(text)
    }
}

/// A letter of one byte is the Unicode letter of that number; some programs write Windows-1252 instead, and the control characters in its place are
/// never meant.
fn narrow(byte: u8) -> u16 {
    const WINDOWS: [u16; 32] = [
        0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f, 0x90,
        0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
    ];
    match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => u16::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_change_its_width_where_a_record_is_continued() {
        let first = [6, 0, 0, b'a', b'b', b'c'];
        let second = [1, 0xe4, 0, 0x16, 0x04, 0xac, 0x20, 1, 0, 0, b'z'];
        let mut pieces = Pieces::new(&first, &[&second]);
        assert_eq!(pieces.counted_unicode().as_deref(), Some("abc\u{e4}\u{416}\u{20ac}"));
        assert_eq!(pieces.counted_unicode().as_deref(), Some("z"));
        assert!(pieces.at_end());
    }

    #[test]
    fn formatting_is_passed_over_and_a_cut_text_is_none() {
        let rich = [1, 0, 8 | 4, 1, 0, 2, 0, 0, 0, b'x', 9, 9, 9, 9, 8, 8, 1, 0, 0, 0x80];
        let mut pieces = Pieces::new(&rich, &[]);
        assert_eq!(pieces.counted_unicode().as_deref(), Some("x"));
        assert_eq!(pieces.counted_unicode().as_deref(), Some("\u{20ac}"));
        assert_eq!(Pieces::new(&[255, 255, 1, 65, 0], &[]).counted_unicode(), None);
    }
}
