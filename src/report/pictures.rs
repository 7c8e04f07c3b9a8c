//! Pictures that stand in a page: small PNG files as text in the address of the picture.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use maud::{Markup, html};

use crate::datasets::images::Images;
use crate::error::{Error, Result};
use crate::nn::images::ImageShape;

/// Longest side of a picture (pixels); larger images are averaged down by whole factors, so that a page of hundreds stays small.
const MOST_SIDE: usize = 96;

/// One image as a picture that says `words` where it cannot be seen.
///
/// # Errors
/// Only by a fault of ours.
pub fn picture(images: &Images, index: usize, words: &str) -> Result<Markup> {
    let (height, width, pixels) = reduced(images.image(index), images.shape);
    let file = png((height, width), &pixels).map_err(|error| Error::internal(format!("a picture: {error}")))?;
    let address = format!("data:image/png;base64,{}", STANDARD.encode(&file));
    Ok(html! { img src=(address) width=(width) height=(height) loading="lazy" alt=(words); })
}

/// Red, green and blue, pixel by pixel, each the mean of a square of the image's.
fn reduced(image: &[u8], shape: ImageShape) -> (usize, usize, Vec<u8>) {
    let factor = shape.height.max(shape.width).div_ceil(MOST_SIDE).max(1);
    let (height, width) = ((shape.height / factor).max(1), (shape.width / factor).max(1));
    let mut pixels = Vec::with_capacity(height * width * 3);
    for row in 0..height {
        for column in 0..width {
            for channel in 0..3 {
                let plane = channel.min(shape.channels - 1) * shape.plane();
                let rows = row * factor..((row + 1) * factor).min(shape.height);
                let square = rows.flat_map(|row| {
                    let start = plane + row * shape.width;
                    &image[start + column * factor..start + ((column + 1) * factor).min(shape.width)]
                });
                let (sum, count) = square.fold((0_usize, 0_usize), |(sum, count), value| (sum + usize::from(*value), count + 1));
                pixels.push(((sum + count / 2) / count.max(1)) as u8);
            }
        }
    }
    (height, width, pixels)
}

/// A PNG file of red, green and blue in 8 bits each (ISO/IEC 15948).
fn png((height, width): (usize, usize), pixels: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8], content: &[u8]| {
        let body = [name, content].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&body);
        file.extend((content.len() as u32).to_be_bytes());
        file.extend(&body);
        file.extend(sum.sum().to_be_bytes());
    };
    let (down, across) = ((height as u32).to_be_bytes(), (width as u32).to_be_bytes());
    // 8 bits, red green blue, no options.
    chunk(b"IHDR", &[&across[..], &down, &[8, 2, 0, 0, 0]].concat());
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in pixels.chunks(width * 3) {
        // Each row is less the pixel to its left, which packs photographs better than plain values.
        packed.write_all(&[1])?;
        let before = [0; 3].iter().chain(row);
        let left: Vec<u8> = row.iter().zip(before).map(|(value, before)| value.wrapping_sub(*before)).collect();
        packed.write_all(&left)?;
    }
    chunk(b"IDAT", &packed.finish()?);
    chunk(b"IEND", &[]);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_gives_the_pixels_back() {
        let (height, width) = (3, 5);
        let pixels: Vec<u8> = (0..height * width * 3).map(|at| (at * 37 % 251) as u8).collect();
        let file = png((height, width), &pixels).unwrap();
        let mut decoder = zune_png::PngDecoder::new(zune_png::zune_core::bytestream::ZCursor::new(&file[..]));
        assert_eq!(decoder.decode_raw().unwrap(), pixels);
        assert_eq!(decoder.dimensions(), Some((width, height)));
    }

    #[test]
    fn large_images_are_averaged_down_and_small_ones_stay() {
        let shape = ImageShape::new(3, 2, 2);
        let image: Vec<u8> = (0..12).collect();
        assert_eq!(reduced(&image, shape), (2, 2, vec![0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]));
        let shape = ImageShape::new(3, 192, 97);
        let image: Vec<u8> = (0..shape.len()).map(|at| if at % 97 % 2 == 0 { 10 } else { 20 }).collect();
        let (height, width, pixels) = reduced(&image, shape);
        assert_eq!((height, width), (96, 48));
        assert!(pixels.iter().all(|value| *value == 15));
    }
}
