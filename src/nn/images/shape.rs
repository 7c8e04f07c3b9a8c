//! The size of an image or of what a layer makes of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Channels x height x width; the values lie in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageShape {
    /// Colours, or features.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// A colour image of 32 x 32 pixels, as in CIFAR.
    pub const CIFAR: ImageShape = ImageShape::new(3, 32, 32);

    /// A shape.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Values of one channel.
    pub const fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Values in all.
    pub const fn len(&self) -> usize {
        self.channels * self.plane()
    }

    /// Whether there is no value.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {}", self.channels, self.height, self.width)
    }
}

/// How the values of an image lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Plane by plane: channel, row, column.
    Planes,
    /// Pixel by pixel: row, column, channel.
    Pixels,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cifar_image_has_3072_values() {
        assert_eq!((ImageShape::CIFAR.len(), ImageShape::CIFAR.plane()), (3_072, 1_024));
        assert_eq!(ImageShape::CIFAR.to_string(), "3 x 32 x 32");
        assert!(ImageShape::new(3, 0, 4).is_empty() && !ImageShape::CIFAR.is_empty());
    }
}
