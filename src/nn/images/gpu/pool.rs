//! Blocks of a device's memory that are used again.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::nn::cuda::{Accelerator, Memory};

/// A block in use, perhaps by several.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub memory: Memory,
    whole: Rc<Memory>,
}

impl Block {
    /// Whether nobody else uses it; the pool itself keeps a count.
    pub fn alone(&self) -> bool {
        Rc::strong_count(&self.whole) == 2
    }
}

/// Blocks at hand.
#[derive(Debug, Default)]
pub(super) struct Pool {
    spare: Vec<Memory>,
    used: Vec<Rc<Memory>>,
}

impl Pool {
    /// A block of this many bytes, of no meaning.
    ///
    /// # Errors
    /// Where the device has no room.
    pub fn take<D: Accelerator>(&mut self, device: &mut D, bytes: usize) -> Result<Block> {
        // Blocks that nobody uses any longer come back.
        let (back, used): (Vec<_>, Vec<_>) = self.used.drain(..).partition(|block| Rc::strong_count(block) == 1);
        self.used = used;
        self.spare.extend(back.iter().map(|block| **block));
        // Never one of more than twice the size, so that small things do not sit in large blocks.
        let fits = |block: &Memory| block.bytes >= bytes && block.bytes <= 2 * bytes.max(512);
        let fitting = self.spare.iter().enumerate().filter(|(_, block)| fits(block));
        let best = fitting.min_by_key(|(_, block)| block.bytes).map(|(index, _)| index);
        let memory = match best {
            Some(index) => self.spare.swap_remove(index),
            None => self.reserve(device, bytes.next_multiple_of(512))?,
        };
        let whole = Rc::new(memory);
        self.used.push(Rc::clone(&whole));
        Ok(Block {
            memory: memory.part(0, bytes),
            whole,
        })
    }

    fn reserve<D: Accelerator>(&mut self, device: &mut D, bytes: usize) -> Result<Memory> {
        device.reserve(bytes).or_else(|_| {
            self.spare.drain(..).for_each(|block| device.release(block));
            device.reserve(bytes)
        })
    }

    /// A block of numbers counted in bytes that must fit a kernel's `int`.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn count(values: usize) -> Result<usize> {
        match i32::try_from(values) {
            Ok(_) => Ok(values),
            Err(_) => Err(Error::input(format!("{values} values at once are more than the GPU kernels count"))
                .hint("take fewer images at once with `--batch`")),
        }
    }
}
