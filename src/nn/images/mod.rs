//! Networks for images.
//!
//! An image lies plane by plane: channel, then row, then column, as in PyTorch.

mod shape;

pub use shape::ImageShape;
