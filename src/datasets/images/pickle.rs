//! A reader of Python pickles that knows just what the CIFAR files are made of: numbers, texts, lists, tuples, one dictionary, and arrays
//! of bytes.
//!
//! A pickle is a program for a small stack machine, and Python's own reader lets it call any function. This one calls none: it knows the
//! two names by which NumPy makes an array, and refuses any other. What is read lies flat in one list in which values name each other by
//! their place, so a file that nests without end costs neither stack nor more memory than a few times its size.

use crate::error::{Error, Result};

/// One value; others are named by their place in [`Pickle::values`].
#[derive(Debug, Clone)]
enum Value<'a> {
    None,
    Int(i64),
    /// A text or bytes; Python 2 does not tell them apart.
    Bytes(&'a [u8]),
    /// A list or a tuple.
    Sequence(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    /// A name to call, module and name.
    Global(&'a [u8], &'a [u8]),
    /// A type of numbers, by its NumPy name.
    Type(usize),
    /// An array, and what it is made of once that has come.
    Array(Option<usize>),
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    top: usize,
}

/// An array of bytes with two axes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ByteArray<'a> {
    pub rows: usize,
    pub columns: usize,
    pub bytes: &'a [u8],
}

fn damaged(why: impl std::fmt::Display) -> Error {
    Error::input(format!("the file is no pickle of a CIFAR set: {why}")).hint(format!("get it again from {}", super::OFFICIAL_ADDRESS))
}

/// The machine that a pickle is a program for.
struct Machine<'a> {
    rest: &'a [u8],
    values: Vec<Value<'a>>,
    stack: Vec<usize>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: Vec<Option<usize>>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| damaged("it ends in the middle, so it is cut short"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A whole number of `bytes` bytes, lowest first.
    fn number(&mut self, bytes: usize) -> Result<usize> {
        let taken = self.take(bytes)?;
        let value = taken.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).map_err(|_| damaged("a length is impossible"))
    }

    fn line(&mut self) -> Result<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or_else(|| damaged("it ends in the middle, so it is cut short"))?)?;
        self.take(1)?;
        Ok(line)
    }

    fn push(&mut self, value: Value<'a>) {
        self.values.push(value);
        self.stack.push(self.values.len() - 1);
    }

    fn pop(&mut self) -> Result<usize> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(value) if self.stack.len() >= floor => Ok(value),
            _ => Err(damaged("it takes a value that is not there")),
        }
    }

    fn top(&self) -> Result<usize> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| damaged("it uses a value that is not there"))
    }

    /// What was put on the stack since the last mark.
    fn since_mark(&mut self) -> Result<Vec<usize>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or_else(|| damaged("a mark is missing"))?))
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Sequence(items));
        Ok(())
    }

    fn append(&mut self, items: Vec<usize>) -> Result<()> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::Sequence(list) => list.extend(items),
            _ => return Err(damaged("it appends to what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[usize]) -> Result<()> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::Dict(pairs) if items.len().is_multiple_of(2) => {
                pairs.extend(items.as_chunks().0.iter().map(|[key, value]| (*key, *value)))
            }
            _ => return Err(damaged("it sets entries of what is no dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<()> {
        // Python counts its memo up, so a place far beyond is none of its making, and would cost memory.
        if place > self.memo.len() + (1 << 16) {
            return Err(damaged("it remembers values at impossible places"));
        }
        if place >= self.memo.len() {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = Some(self.top()?);
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<()> {
        let value = self.memo.get(place).copied().flatten();
        self.stack
            .push(value.ok_or_else(|| damaged("it recalls a value that it never made"))?);
        Ok(())
    }

    /// Calls a function: one of the two that make an array, and no other.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Global(module, name) = &self.values[function] else {
            return Err(damaged("it calls what is no function"));
        };
        let made = match (*module, *name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Value::Array(None),
            (b"numpy", b"dtype") => match &self.values[arguments] {
                Value::Sequence(items) if !items.is_empty() => Value::Type(items[0]),
                _ => return Err(damaged("a number type has no name")),
            },
            _ => {
                let called = format!("{}.{}", String::from_utf8_lossy(module), String::from_utf8_lossy(name));
                return Err(
                    Error::input(format!("the file asks to call `{called}`, which no file of a CIFAR set does"))
                        .hint(format!("nothing was called; get the file again from {}", super::OFFICIAL_ADDRESS)),
                );
            }
        };
        self.push(made);
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        let (state, top) = (self.pop()?, self.top()?);
        match &mut self.values[top] {
            Value::Array(place) => *place = Some(state),
            Value::Type(_) => {}
            _ => return Err(damaged("it fills what is no array")),
        }
        Ok(())
    }

    fn global(&mut self) -> Result<()> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (&self.values[module], &self.values[name]) {
            (Value::Bytes(module), Value::Bytes(name)) => self.push(Value::Global(module, name)),
            _ => return Err(damaged("a function has no name")),
        }
        Ok(())
    }

    /// One instruction; false at the end. Names are those of Python's `pickletools`.
    fn step(&mut self) -> Result<bool> {
        match self.number(1)? as u8 {
            b'.' => return Ok(false),
            // PROTO, FRAME
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Int(1)),
            0x89 => self.push(Value::Int(0)),
            // BININT1, BININT2, BININT, LONG1
            b'K' => self.int(1)?,
            b'M' => self.int(2)?,
            b'J' => {
                let value = self.number(4)? as u32 as i32;
                self.push(Value::Int(i64::from(value)));
            }
            0x8a => {
                let length = self.number(1)?;
                if length > 7 {
                    return Err(damaged("a number is too large"));
                }
                let value = self.number(length)? as i64;
                let sign = 1_i64 << (8 * length) >> 1;
                self.push(Value::Int(if value & sign != 0 { value - 2 * sign } else { value }));
            }
            // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE; BINSTRING, BINBYTES, BINUNICODE; BINUNICODE8, BINBYTES8
            b'U' | b'C' | 0x8c => self.bytes(1)?,
            b'T' | b'B' | b'X' => self.bytes(4)?,
            0x8d | 0x8e => self.bytes(8)?,
            b']' | b')' => self.push(Value::Sequence(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let items = self.since_mark()?;
                self.push(Value::Sequence(items));
            }
            // APPEND, APPENDS, SETITEM, SETITEMS
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.append(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(&items)?;
            }
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => {
                let place = self.number(1)?;
                self.remember(place)?;
            }
            b'r' => {
                let place = self.number(4)?;
                self.remember(place)?;
            }
            0x94 => self.remember(self.memo.len())?,
            b'h' => {
                let place = self.number(1)?;
                self.recall(place)?;
            }
            b'j' => {
                let place = self.number(4)?;
                self.recall(place)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(module, name));
            }
            0x93 => self.global()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => return Err(damaged(format!("it has the instruction {other:#04x}, which none of them uses"))),
        }
        Ok(true)
    }

    fn int(&mut self, bytes: usize) -> Result<()> {
        let value = self.number(bytes)?;
        self.push(Value::Int(value as i64));
        Ok(())
    }

    fn bytes(&mut self, length_bytes: usize) -> Result<()> {
        let length = self.number(length_bytes)?;
        let taken = self.take(length)?;
        self.push(Value::Bytes(taken));
        Ok(())
    }
}

impl<'a> Pickle<'a> {
    /// Reads a file, protocol 2 to 4.
    ///
    /// # Errors
    /// Where it is cut short, asks for a function, or is not made of what CIFAR files are made of.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        if !matches!(bytes, [0x80, 2..=4, ..]) {
            return Err(damaged("it does not begin as one (protocol 2 to 4)"));
        }
        let mut machine = Machine {
            rest: bytes,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
        };
        while machine.step()? {}
        let top = machine.top()?;
        Ok(Self {
            values: machine.values,
            top,
        })
    }

    /// The value of a dictionary's entry.
    fn entry(&self, key: &str) -> Result<&Value<'a>> {
        let Value::Dict(pairs) = &self.values[self.top] else {
            return Err(damaged("it holds no dictionary"));
        };
        let found = pairs
            .iter()
            .rev()
            .find(|(name, _)| matches!(&self.values[*name], Value::Bytes(name) if *name == key.as_bytes()));
        found
            .map(|(_, value)| &self.values[*value])
            .ok_or_else(|| damaged(format!("it has no `{key}`, so it may be of another set")))
    }

    fn items(&self, key: &str) -> Result<impl Iterator<Item = &Value<'a>>> {
        match self.entry(key)? {
            Value::Sequence(items) => Ok(items.iter().map(|item| &self.values[*item])),
            _ => Err(damaged(format!("`{key}` is no list"))),
        }
    }

    /// The whole numbers of a list.
    ///
    /// # Errors
    /// Where there is no such list.
    pub fn numbers(&self, key: &str) -> Result<Vec<i64>> {
        let number = |value: &Value| match value {
            Value::Int(number) => Ok(*number),
            _ => Err(damaged(format!("`{key}` holds what is no number"))),
        };
        self.items(key)?.map(number).collect()
    }

    /// The texts of a list.
    ///
    /// # Errors
    /// Where there is no such list.
    pub fn texts(&self, key: &str) -> Result<Vec<String>> {
        let text = |value: &Value| match value {
            Value::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            _ => Err(damaged(format!("`{key}` holds what is no text"))),
        };
        self.items(key)?.map(text).collect()
    }

    /// An array of bytes, row after row.
    ///
    /// # Errors
    /// Where there is none, or it is of other numbers, or its size is not what it says.
    pub fn array(&self, key: &str) -> Result<ByteArray<'a>> {
        let Value::Array(Some(state)) = self.entry(key)? else {
            return Err(damaged(format!("`{key}` is no array")));
        };
        let items: Vec<&Value> = match &self.values[*state] {
            Value::Sequence(items) => items.iter().map(|item| &self.values[*item]).collect(),
            _ => Vec::new(),
        };
        // Version, shape, type, whether columns come first, values.
        let [
            Value::Int(_),
            Value::Sequence(shape),
            Value::Type(kind),
            Value::Int(0),
            Value::Bytes(bytes),
        ] = items.as_slice()
        else {
            return Err(damaged(format!("`{key}` is no array that lies row after row")));
        };
        if !matches!(&self.values[*kind], Value::Bytes(b"u1" | b"|u1" | b"uint8")) {
            return Err(damaged(format!("`{key}` is an array of other numbers than bytes")));
        }
        let size = |place: usize| match shape.get(place).map(|size| &self.values[*size]) {
            Some(Value::Int(size)) if shape.len() == 2 => usize::try_from(*size).ok(),
            _ => None,
        };
        match (size(0), size(1)) {
            (Some(rows), Some(columns)) if rows.checked_mul(columns) == Some(bytes.len()) => Ok(ByteArray { rows, columns, bytes }),
            _ => Err(damaged(format!(
                "`{key}` holds {} bytes, which is not the size it states",
                bytes.len()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3.11: `pickle.dumps({'labels': [3, 300, -1, True], 'names': ['a', 'b', 'a'], 'data': numpy.arange(6, dtype='u1').reshape(2, 3)}, protocol=N)`.
    const GOLDEN: [(u8, &[u8]); 2] = [
        (3, include_bytes!("../../../tests/fixtures/pickle3.pkl")),
        (4, include_bytes!("../../../tests/fixtures/pickle4.pkl")),
    ];

    #[test]
    fn what_python_writes_is_read_back() {
        for (protocol, bytes) in GOLDEN {
            assert_eq!(bytes[1], protocol);
            let pickle = Pickle::read(bytes).unwrap();
            assert_eq!(pickle.numbers("labels").unwrap(), [3, 300, -1, 1]);
            assert_eq!(pickle.texts("names").unwrap(), ["a", "b", "a"]);
            let array = pickle.array("data").unwrap();
            assert_eq!((array.rows, array.columns, array.bytes), (2, 3, &[0, 1, 2, 3, 4, 5][..]));
            assert!(pickle.array("labels").is_err() && pickle.numbers("data").is_err() && pickle.texts("labels").is_err());
            assert!(pickle.numbers("other").unwrap_err().to_string().contains("no `other`"));
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_and_none_with_a_changed_byte_ends_the_program() {
        for (_, bytes) in GOLDEN {
            for end in 0..bytes.len() {
                assert!(Pickle::read(&bytes[..end]).is_err(), "{end}");
            }
            for place in 0..bytes.len() {
                for change in [1, 0x20, 0x80, 0xff] {
                    let mut changed = bytes.to_vec();
                    changed[place] ^= change;
                    if let Ok(pickle) = Pickle::read(&changed) {
                        let _ = (pickle.array("data"), pickle.numbers("labels"), pickle.texts("names"));
                    }
                }
            }
        }
    }

    #[test]
    fn no_function_is_called_and_no_depth_is_too_deep() {
        let error = Pickle::read(b"\x80\x02cos\nsystem\nU\x04true\x85R.").unwrap_err();
        assert!(error.to_string().contains("asks to call `os.system`"), "{error}");
        let mut deep = b"\x80\x02N".to_vec();
        deep.extend(std::iter::repeat_n(0x85, 1_000_000));
        deep.push(b'.');
        assert!(Pickle::read(&deep).unwrap().array("data").is_err());
        for broken in [
            &b"\x80\x02T\xff\xff\xff\xff."[..],
            b"\x80\x02r\xff\xff\xff\xff.",
            b"\x80\x02Nr\xff\xff\xff\xff.",
            b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
            b"\x80\x02e.",
            b"\x80\x02(N).t.",
            b"\x80\x02.",
            b"\x80\x02h\x00.",
            b"(dp0\n.",
        ] {
            assert!(
                Pickle::read(broken).and_then(|pickle| pickle.array("data").map(|_| ())).is_err(),
                "{broken:?}"
            );
        }
    }
}
