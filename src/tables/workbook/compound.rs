//! The container of old workbooks: a compound file ([MS-CFB]). Nothing is allocated because the file says so: every chain of sectors is followed
//! inside the bytes at hand and ends at the latest when each sector was seen once.

use std::collections::BTreeSet;

/// Past these numbers a sector number is a mark: no sector, end of a chain.
const MARKS: u32 = 0xffff_fffa;
const END: u32 = 0xffff_fffe;
const ENTRY: usize = 128;
const SMALL_SECTOR: usize = 64;
/// Streams shorter than this lie in small sectors.
const SMALL_STREAM: usize = 4096;

/// What is wrong with a file, in words for the person.
pub(super) type Broken = &'static str;

/// An opened compound file.
pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    table: Vec<u32>,
    entries: Vec<Entry>,
    small_table: Vec<u32>,
    small: Vec<u8>,
}

struct Entry {
    name: String,
    is_stream: bool,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    length: usize,
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four))
}

impl<'a> Compound<'a> {
    /// Reads header, sector table and directory.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Broken> {
        const SHORT: Broken = "it is cut off within its first bytes";
        let header = bytes.get(..512).ok_or(SHORT)?;
        let sector = match number16(header, 30).ok_or(SHORT)? {
            9 => 512,
            12 => 4096,
            _ => return Err("its sectors have a size that none has"),
        };
        let mut file = Self {
            bytes,
            sector,
            table: Vec::new(),
            entries: Vec::new(),
            small_table: Vec::new(),
            small: Vec::new(),
        };
        let most = bytes.len() / sector + 1;
        let at = |place: usize| number32(header, place).ok_or(SHORT);
        // Where the table of sectors lies: 109 places in the header, more in a chain of their own.
        let mut places: Vec<u32> = numbers(&header[76..]).filter(|place| *place < MARKS).collect();
        let mut next = at(68)?;
        let mut seen = 0;
        while next < MARKS {
            seen += 1;
            if seen > most {
                return Err("its list of sectors runs in a circle");
            }
            let more: Vec<u32> = numbers(file.sector_at(next).ok_or(BEYOND)?).collect();
            let (last, listed) = more.split_last().ok_or(BEYOND)?;
            places.extend(listed.iter().filter(|place| **place < MARKS));
            next = *last;
        }
        if places.len() > most {
            return Err("its list of sectors is longer than the file");
        }
        for place in places {
            let part = file.sector_at(place).ok_or(BEYOND)?;
            let known: Vec<u32> = numbers(part).collect();
            file.table.extend(known);
        }
        let directory = file.chain(at(48)?, usize::MAX)?;
        file.entries = directory.chunks_exact(ENTRY).map(|entry| entry_of(entry, sector)).collect();
        let (root_start, root_length) = file
            .entries
            .first()
            .map(|root| (root.start, root.length))
            .ok_or("its directory is empty")?;
        if at(64)? > 0 && at(60)? < MARKS {
            file.small_table = numbers(&file.chain(at(60)?, usize::MAX)?).collect();
            if root_start < MARKS {
                file.small = file.chain(root_start, root_length)?;
            }
        }
        Ok(file)
    }

    /// The bytes of a sector; the last one may be short.
    fn sector_at(&self, place: u32) -> Option<&'a [u8]> {
        let start = (place as usize).checked_add(1)?.checked_mul(self.sector)?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        rest.get(..self.sector.min(rest.len()))
    }

    fn chain(&self, start: u32, length: usize) -> Result<Vec<u8>, Broken> {
        let mut content = Vec::new();
        let mut next = start;
        while next != END && content.len() < length {
            let part = self.sector_at(next).ok_or(BEYOND)?;
            content.extend_from_slice(part);
            if content.len() > self.bytes.len() {
                return Err("a chain of its sectors runs in a circle");
            }
            next = self.table.get(next as usize).copied().ok_or(BEYOND)?;
        }
        content.truncate(length);
        Ok(content)
    }

    fn small_chain(&self, start: u32, length: usize) -> Result<Vec<u8>, Broken> {
        let mut content = Vec::new();
        let mut next = start;
        while next != END && content.len() < length {
            let from = (next as usize).checked_mul(SMALL_SECTOR).ok_or(BEYOND)?;
            let rest = self.small.get(from..).ok_or(BEYOND)?;
            content.extend_from_slice(&rest[..SMALL_SECTOR.min(rest.len())]);
            if content.len() > self.small.len() {
                return Err("a chain of its sectors runs in a circle");
            }
            next = self.small_table.get(next as usize).copied().ok_or(BEYOND)?;
        }
        content.truncate(length);
        Ok(content)
    }

    /// A stream of the outermost folder by name; one of an embedded document only where the outermost has none.
    pub(super) fn stream(&self, name: &str) -> Option<Result<Vec<u8>, Broken>> {
        let named = |entry: &&Entry| entry.is_stream && entry.name.eq_ignore_ascii_case(name);
        let outermost = self.outermost();
        let found = outermost
            .iter()
            .filter_map(|place| self.entries.get(*place as usize))
            .find(named)
            .or_else(|| self.entries.iter().find(named))?;
        Some(if found.length < SMALL_STREAM && !self.small_table.is_empty() {
            self.small_chain(found.start, found.length)
        } else {
            self.chain(found.start, found.length)
        })
    }

    /// Places of the entries right below the root.
    fn outermost(&self) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<u32> = self.entries.first().map(|root| root.child).into_iter().collect();
        while let Some(place) = waiting.pop() {
            if let Some(entry) = self.entries.get(place as usize)
                && found.insert(place)
            {
                waiting.extend([entry.left, entry.right]);
            }
        }
        found
    }
}

const BEYOND: Broken = "it points past its own end; it may be cut off";

fn entry_of(entry: &[u8], sector: usize) -> Entry {
    let units: Vec<u16> = entry[..64]
        .as_chunks::<2>()
        .0
        .iter()
        .map(|two| u16::from_le_bytes(*two))
        .take_while(|unit| *unit != 0)
        .collect();
    let at = |place: usize| number32(entry, place).unwrap_or(END);
    let high = if sector == 512 { 0 } else { u64::from(at(124)) };
    Entry {
        name: String::from_utf16_lossy(&units),
        is_stream: entry[66] == 2,
        left: at(68),
        right: at(72),
        child: at(76),
        start: at(116),
        length: usize::try_from(high << 32 | u64::from(at(120))).unwrap_or(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one stream `Workbook` of 5,000 bytes in sectors 2 to 11; sector 0 is the table, 1 the directory.
    fn sample() -> Vec<u8> {
        let mut bytes = vec![0_u8; 512 * 13];
        bytes[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
        bytes[30] = 9;
        let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(48, 1);
        put(60, END);
        put(68, END);
        put(76, 0);
        (1..109).for_each(|place| put(76 + 4 * place, u32::MAX));
        put(512, 0xffff_fffd);
        put(516, END);
        (2..12).for_each(|place| put(512 + 4 * place, if place == 11 { END } else { place as u32 + 1 }));
        put(1024 + 76, 1);
        put(1024 + 116, END);
        put(1024 + 128 + 116, 2);
        put(1024 + 128 + 120, 5000);
        put(1024 + 128 + 68, u32::MAX);
        put(1024 + 128 + 72, u32::MAX);
        for (place, letter) in "Workbook".bytes().enumerate() {
            bytes[1024 + 128 + 2 * place] = letter;
        }
        bytes[1024 + 128 + 66] = 2;
        bytes[512 * 3..].fill(7);
        bytes
    }

    #[test]
    fn a_stream_is_found_and_read_to_its_length() {
        let bytes = sample();
        let file = Compound::open(&bytes).unwrap();
        assert_eq!(file.stream("workbook").unwrap().unwrap(), vec![7; 5000]);
        assert!(file.stream("Book").is_none());
    }

    #[test]
    fn circles_and_places_beyond_the_end_are_errors() {
        let mut circle = sample();
        circle[512 + 4 * 5..512 + 4 * 5 + 4].copy_from_slice(&2_u32.to_le_bytes());
        // The claimed length would take the circle round many times.
        circle[1024 + 128 + 120..1024 + 128 + 124].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
        assert!(Compound::open(&circle).unwrap().stream("Workbook").unwrap().is_err());
        let whole = sample();
        for length in [0, 100, 512, 700, 1100, 2000] {
            let cut = &whole[..length];
            assert!(Compound::open(cut).map_or(true, |file| file.stream("Workbook").is_none_or(|stream| stream.is_err())));
        }
        let mut lists = sample();
        lists[68..72].copy_from_slice(&3_u32.to_le_bytes());
        lists[512 * 4..512 * 5].copy_from_slice(&[3, 0, 0, 0].repeat(128));
        assert!(Compound::open(&lists).is_err());
    }
}
