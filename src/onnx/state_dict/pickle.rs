//! PyTorch's pickles, read for tensors alone. A pickle is a program that builds objects; here its instructions only put together lists,
//! dictionaries and descriptions of tensors. Nothing that a pickle names is imported or called, and every name that a state_dict does not
//! need is an error.
//!
//! Instructions are those of Python's `pickletools`, protocols 2 to 5.

use std::collections::BTreeMap;

use crate::onnx::file::kind;
use crate::onnx::wire::Read;

/// Instructions in a pickle of the largest state_dict that is read.
const MOST_STEPS: usize = 1_000_000;

/// What the instructions put together. Lists and dictionaries name their parts by number, since parts may be shared.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    /// `None`, truth values, numbers with a point: nothing that is needed.
    Other,
    Whole(i64),
    Text(String),
    List(Vec<usize>),
    Dictionary(Vec<(usize, usize)>),
    /// A name that is known, as `module.name`.
    Name(&'static str),
    Storage(Storage),
    Tensor(PickledTensor),
}

/// The values that tensors lie in.
#[derive(Debug, Clone, PartialEq)]
struct Storage {
    kind: i64,
    key: String,
    count: i64,
}

/// A tensor as a pickle describes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PickledTensor {
    /// What its values are.
    pub kind: i64,
    /// Name of the storage.
    pub key: String,
    /// Values of the storage.
    pub stored: i64,
    /// The tensor's first value in it.
    pub offset: i64,
    pub shape: Vec<i64>,
    pub strides: Vec<i64>,
}

/// Tensors by their names, and the entry of a checkpoint that they were found under.
type Found = (Vec<(String, PickledTensor)>, Option<String>);

/// Names that a state_dict is built with; those of storages with the kind of their values.
const NAMES: &[&str] = &[
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.Size",
    "torch.device",
];

const STORAGES: &[(&str, i64)] = &[
    ("torch.FloatStorage", kind::FLOAT),
    ("torch.DoubleStorage", kind::DOUBLE),
    ("torch.HalfStorage", kind::FLOAT16),
    ("torch.BFloat16Storage", kind::BFLOAT16),
    ("torch.LongStorage", kind::INT64),
    ("torch.IntStorage", kind::INT32),
    ("torch.ShortStorage", kind::INT16),
    ("torch.CharStorage", kind::INT8),
    ("torch.ByteStorage", kind::UINT8),
    ("torch.BoolStorage", kind::BOOL),
];

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    items: Vec<Item>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, usize>,
}

/// The tensors of a state_dict, in its order, and the entry of a checkpoint that it was found under.
///
/// # Errors
/// Names what cannot be read without executing it, or what is in the place of a state_dict.
pub(super) fn tensors(bytes: &[u8]) -> Read<Found> {
    let mut machine = Machine {
        bytes,
        at: 0,
        items: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    let top = machine.run()?;
    machine.state_dict(top)
}

impl Machine<'_> {
    fn run(&mut self) -> Read<usize> {
        for _ in 0..MOST_STEPS {
            let instruction = self.byte()?;
            if instruction == b'.' {
                return self.pop();
            }
            self.step(instruction)?;
        }
        Err(format!("its pickle has more than {MOST_STEPS} instructions"))
    }

    fn take(&mut self, length: usize) -> Read<&[u8]> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| "its pickle ends in the middle of an instruction".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    /// A whole number of up to eight bytes, without a sign.
    fn number(&mut self, bytes: usize) -> Read<u64> {
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(self.take(bytes)?);
        Ok(u64::from_le_bytes(value))
    }

    fn text(&mut self, bytes_of_length: usize) -> Read<String> {
        let length = usize::try_from(self.number(bytes_of_length)?).unwrap_or(usize::MAX);
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn line(&mut self) -> Read<String> {
        let left = &self.bytes[self.at..];
        let length = left.iter().position(|byte| *byte == b'\n');
        let length = length.ok_or_else(|| "its pickle ends in the middle of a name".to_owned())?;
        let line = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.at += 1;
        Ok(line)
    }

    fn push(&mut self, item: Item) {
        self.stack.push(self.items.len());
        self.items.push(item);
    }

    fn pop(&mut self) -> Read<usize> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > bottom {
            true => self.stack.pop().ok_or_else(short),
            false => Err(short()),
        }
    }

    fn top(&self) -> Read<usize> {
        self.stack.last().copied().ok_or_else(short)
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Read<Vec<usize>> {
        let mark = self.marks.pop().ok_or_else(short)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn last(&mut self, count: usize) -> Read<Vec<usize>> {
        let mut taken = (0..count).map(|_| self.pop()).collect::<Read<Vec<_>>>()?;
        taken.reverse();
        Ok(taken)
    }

    fn step(&mut self, instruction: u8) -> Read<()> {
        match instruction {
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'N' | 0x88 | 0x89 => self.push(Item::Other),
            b'G' => {
                self.take(8)?;
                self.push(Item::Other);
            }
            b'K' => self.whole(1)?,
            b'M' => self.whole(2)?,
            b'J' => {
                let value = self.number(4)? as u32;
                self.push(Item::Whole(i64::from(value as i32)));
            }
            0x8a => {
                let length = usize::from(self.byte()?);
                let value = match length {
                    0..=8 => {
                        let shift = 64 - 8 * length as u32;
                        let value = self.number(length)?;
                        (value.checked_shl(shift).unwrap_or_default() as i64)
                            .checked_shr(shift)
                            .unwrap_or_default()
                    }
                    _ => return Err("its pickle has a whole number of more than eight bytes".to_owned()),
                };
                self.push(Item::Whole(value));
            }
            b'X' | b'T' | b'B' => self.word(4)?,
            0x8c | b'U' | b'C' => self.word(1)?,
            0x8d | 0x8e => self.word(8)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.name(&module, &name)?;
            }
            0x93 => {
                let parts = self.last(2)?;
                match (&self.items[parts[0]], &self.items[parts[1]]) {
                    (Item::Text(module), Item::Text(name)) => {
                        let (module, name) = (module.clone(), name.clone());
                        self.name(&module, &name)?;
                    }
                    _ => return Err("its pickle names something by what is no text".to_owned()),
                }
            }
            b'q' => self.keep(1)?,
            b'r' => self.keep(4)?,
            0x94 => {
                let (place, top) = (self.memo.len() as u64, self.top()?);
                self.memo.insert(place, top);
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            _ => return self.collect(instruction),
        }
        Ok(())
    }

    fn whole(&mut self, bytes: usize) -> Read<()> {
        let value = self.number(bytes)? as i64;
        self.push(Item::Whole(value));
        Ok(())
    }

    fn word(&mut self, bytes_of_length: usize) -> Read<()> {
        let text = self.text(bytes_of_length)?;
        self.push(Item::Text(text));
        Ok(())
    }

    fn keep(&mut self, bytes: usize) -> Read<()> {
        let (place, top) = (self.number(bytes)?, self.top()?);
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Read<()> {
        let place = self.number(bytes)?;
        let item = self.memo.get(&place).copied();
        self.stack
            .push(item.ok_or_else(|| "its pickle recalls what it did not keep".to_owned())?);
        Ok(())
    }

    /// Instructions that put parts together.
    fn collect(&mut self, instruction: u8) -> Read<()> {
        match instruction {
            b')' | b']' | 0x8f => self.push(Item::List(Vec::new())),
            0x85..=0x87 => {
                let parts = self.last(usize::from(instruction - 0x84))?;
                self.push(Item::List(parts));
            }
            b't' | b'l' | 0x91 => {
                let parts = self.marked()?;
                self.push(Item::List(parts));
            }
            b'a' => {
                let parts = self.last(1)?;
                self.extend(parts)?;
            }
            b'e' | 0x90 => {
                let parts = self.marked()?;
                self.extend(parts)?;
            }
            b'}' => self.push(Item::Dictionary(Vec::new())),
            b'd' => {
                let parts = self.marked()?;
                self.push(Item::Dictionary(Vec::new()));
                self.extend(parts)?;
            }
            b's' => {
                let parts = self.last(2)?;
                self.extend(parts)?;
            }
            b'u' => {
                let parts = self.marked()?;
                self.extend(parts)?;
            }
            b'R' => {
                let parts = self.last(2)?;
                self.call(parts[0], parts[1])?;
            }
            b'b' => {
                // What is said of a dictionary beside its entries: the versions of its modules.
                let parts = self.last(1)?;
                let on = self.top()?;
                if !matches!((&self.items[on], &self.items[parts[0]]), (Item::Dictionary(_), Item::Dictionary(_))) {
                    return Err("its pickle sets the attributes of an object".to_owned());
                }
            }
            b'Q' => {
                let parts = self.last(1)?;
                self.storage(parts[0])?;
            }
            other => return Err(format!("its pickle has the instruction 0x{other:02x}, which no state_dict needs")),
        }
        Ok(())
    }

    /// Adds parts to the list or, by twos, to the dictionary on top.
    fn extend(&mut self, parts: Vec<usize>) -> Read<()> {
        let top = self.top()?;
        match &mut self.items[top] {
            Item::List(own) => own.extend(parts),
            Item::Dictionary(own) if parts.len().is_multiple_of(2) => own.extend(parts.chunks(2).map(|pair| (pair[0], pair[1]))),
            _ => return Err("its pickle adds parts to what is no list or dictionary".to_owned()),
        }
        Ok(())
    }

    fn name(&mut self, module: &str, name: &str) -> Read<()> {
        let whole = format!("{module}.{name}");
        let mut known = NAMES.iter().chain(STORAGES.iter().map(|(name, _)| name));
        let known = known.find(|known| **known == whole);
        let known = known.ok_or_else(|| {
            format!("it holds an object `{whole}`, which can be loaded only by executing code; a state_dict holds tensors and nothing else")
        })?;
        self.push(Item::Name(known));
        Ok(())
    }

    /// What a known name makes of its arguments.
    fn call(&mut self, callee: usize, arguments: usize) -> Read<()> {
        let (Item::Name(name), Item::List(given)) = (&self.items[callee], &self.items[arguments]) else {
            return Err("its pickle calls what is no name".to_owned());
        };
        let (name, given) = (*name, given.clone());
        let made = match name {
            "collections.OrderedDict" => self.ordered(&given)?,
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => Item::Tensor(self.tensor(&given)?),
            "torch._utils._rebuild_parameter" | "torch.Size" => match given.first() {
                Some(first) => {
                    self.stack.push(*first);
                    return Ok(());
                }
                None => return Err(format!("its pickle calls `{name}` without arguments")),
            },
            "torch.device" => Item::Other,
            _ => return Err(format!("its pickle calls `{name}`")),
        };
        self.push(made);
        Ok(())
    }

    /// A dictionary, empty or of a list of pairs.
    fn ordered(&self, given: &[usize]) -> Read<Item> {
        let pairs = match given.first().map(|first| &self.items[*first]) {
            None => &Vec::new(),
            Some(Item::List(pairs)) => pairs,
            Some(_) => return Err("its pickle makes a dictionary of what is no list".to_owned()),
        };
        let pair = |place: &usize| match &self.items[*place] {
            Item::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            _ => Err("its pickle makes a dictionary of what are no pairs".to_owned()),
        };
        Ok(Item::Dictionary(pairs.iter().map(pair).collect::<Read<_>>()?))
    }

    /// `('storage', its type, its key, its device, number of values)`.
    fn storage(&mut self, description: usize) -> Read<()> {
        let wrong = || "its pickle describes a storage in a way that PyTorch does not".to_owned();
        let Item::List(parts) = &self.items[description] else {
            return Err(wrong());
        };
        let parts: Vec<&Item> = parts.iter().map(|part| &self.items[*part]).collect();
        let [Item::Text(what), Item::Name(name), Item::Text(key), _, Item::Whole(count)] = parts.as_slice() else {
            return Err(wrong());
        };
        let known = STORAGES.iter().find(|(known, _)| known == name);
        let kind = known.filter(|_| what == "storage" && *count >= 0).ok_or_else(wrong)?.1;
        let storage = Storage {
            kind,
            key: key.clone(),
            count: *count,
        };
        self.push(Item::Storage(storage));
        Ok(())
    }

    /// `(storage, offset, shape, strides, ...)`.
    fn tensor(&self, given: &[usize]) -> Read<PickledTensor> {
        let given: Vec<&Item> = given.iter().map(|part| &self.items[*part]).collect();
        let [
            Item::Storage(storage),
            Item::Whole(offset),
            Item::List(shape),
            Item::List(strides),
            ..,
        ] = given.as_slice()
        else {
            return Err("its pickle describes a tensor in a way that PyTorch does not".to_owned());
        };
        let whole = |places: &[usize]| -> Read<Vec<i64>> {
            let whole = |place: &usize| match &self.items[*place] {
                Item::Whole(value) if *value >= 0 => Ok(*value),
                _ => Err("its pickle describes a tensor with a size that is no whole number".to_owned()),
            };
            places.iter().map(whole).collect()
        };
        if shape.len() > 16 {
            return Err(format!("its pickle describes a tensor of {} dimensions", shape.len()));
        }
        Ok(PickledTensor {
            kind: storage.kind,
            key: storage.key.clone(),
            stored: storage.count,
            offset: *offset,
            shape: whole(shape)?,
            strides: whole(strides)?,
        })
    }

    /// The entries of a dictionary of tensors; `None` where it is something else.
    fn all_tensors(&self, place: usize) -> Option<Vec<(String, PickledTensor)>> {
        let Item::Dictionary(entries) = &self.items[place] else {
            return None;
        };
        let mut found: Vec<(String, PickledTensor)> = Vec::with_capacity(entries.len());
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, value) in entries {
            let (Item::Text(key), Item::Tensor(tensor)) = (&self.items[*key], &self.items[*value]) else {
                return None;
            };
            match places.get(key.as_str()) {
                Some(place) => found[*place].1 = tensor.clone(),
                None => {
                    places.insert(key, found.len());
                    found.push((key.clone(), tensor.clone()));
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }

    /// The state_dict itself, or the one that a checkpoint holds.
    fn state_dict(&self, top: usize) -> Read<Found> {
        if let Some(tensors) = self.all_tensors(top) {
            return Ok((tensors, None));
        }
        let Item::Dictionary(entries) = &self.items[top] else {
            return Err("it holds no dictionary of tensors by their names".to_owned());
        };
        let name = |key: usize| match &self.items[key] {
            Item::Text(name) => Some(name.clone()),
            _ => None,
        };
        let found: Vec<(String, Vec<(String, PickledTensor)>)> = entries
            .iter()
            .filter_map(|(key, value)| Some((name(*key)?, self.all_tensors(*value)?)))
            .collect();
        match found.as_slice() {
            [(name, tensors)] => Ok((tensors.clone(), Some(name.clone()))),
            [] => {
                let names: Vec<String> = entries.iter().take(8).filter_map(|(key, _)| name(*key)).collect();
                Err(format!(
                    "it holds no dictionary of tensors by their names, but {}",
                    names.join(", ")
                ))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                Err(format!(
                    "it holds several dictionaries of tensors ({}), and it is not clear which is the model",
                    names.join(", ")
                ))
            }
        }
    }
}

fn short() -> String {
    "its pickle takes more than it put down".to_owned()
}
