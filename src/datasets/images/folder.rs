//! Image sets from folders, laid out as torchvision's `ImageFolder` expects: a folder for each class, with PNG, JPEG or WebP files in it.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{ImageReader, RgbImage};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use zune_png::PngDecoder;
use zune_png::zune_core::bytestream::ZCursor;
use zune_png::zune_core::options::DecoderOptions;

use super::{ImageSet, Images, NamedImages};
use crate::error::{Error, Result};
use crate::files;
use crate::nn::MOST_CLASSES;
use crate::nn::images::ImageShape;
use crate::notes::Notes;
use crate::seed::Seed;

/// Endings of the files that are read, in small letters.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];
/// Folders within folders of a class; more are taken for a link that leads back.
const MOST_DEPTH: usize = 8;
/// What every PNG file begins with.
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Longest side of an image that is read.
const MOST_PIXELS: u32 = 20_000;
/// No image has more pixels in all: what a file of a few bytes claims is not believed with gigabytes.
const MOST_AREA: u64 = 100_000_000;
/// No image file is longer (bytes).
const MOST_BYTES: u64 = 512 << 20;

/// Longest side that images are resized to: a network for more would not fit into memory, nor would the images.
const MOST_SIZE: usize = 1_024;

/// How a folder of images is read.
///
/// The classes are the folders in the order of their names. Where the folder holds `train` and `test` (or `val`) instead, each with a
/// folder for each class, these are the split; else a share of every class is drawn for testing. Colours are read as red, green and
/// blue, transparency is dropped, and a note on how a picture was held is not heeded: all as torchvision does by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageFolder {
    /// Height and width that every image is resized to (stretched, with a triangle filter over all pixels that fall together, which is
    /// Pillow's bilinear); without it, all must have one size.
    pub size: Option<usize>,
    /// Share of every class that becomes test images where there are no folders `train` and `test`: above 0, below 1.
    pub test_share: f64,
    /// Seed of that draw.
    pub seed: Seed,
}

impl Default for ImageFolder {
    fn default() -> Self {
        Self {
            size: None,
            test_share: 0.2,
            seed: Seed(0),
        }
    }
}

/// The files of each class, in the order of the classes.
struct Listing {
    classes: Vec<String>,
    files: Vec<Vec<PathBuf>>,
}

/// Files with their classes.
type Labelled = Vec<(PathBuf, u8)>;

impl ImageFolder {
    /// Reads the set below `path`.
    ///
    /// # Errors
    /// Where folders do not lie as described, a class has no image, a file cannot be read, or sizes are mixed and none was asked for.
    pub fn read(&self, path: &Path, notes: &mut Notes) -> Result<ImageSet> {
        self.check()?;
        let mut others = 0;
        let (classes, train, test) = match split_folders(path)? {
            Some((train_folder, test_folder)) => {
                let (train, test) = (list(&train_folder, &mut others)?, list(&test_folder, &mut others)?);
                by_folders(train, test, (&train_folder, &test_folder), notes)?
            }
            None => self.by_share(list(path, &mut others)?, path)?,
        };
        note_others(others, path, notes);
        let size = self.size_of(&train)?;
        let first = train[0].0.clone();
        Ok(ImageSet {
            name: short_name(path),
            classes,
            sub_classes: Vec::new(),
            train: self.load(train, size, &first)?,
            test: self.load(test, size, &first)?,
        })
    }

    /// Reads every image below `path`, none set apart for testing; of folders `train` and `test` those in `train`, with a note.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_all(&self, path: &Path, notes: &mut Notes) -> Result<NamedImages> {
        self.check()?;
        let mut others = 0;
        let folder = split_folders(path)?.map(|(train, test)| {
            notes.add(
                "training-images-only",
                format!("the images of {} are for testing", test.display()),
                format!("only those of {} were read", train.display()),
            );
            train
        });
        let folder = folder.as_deref().unwrap_or(path);
        let listing = list(folder, &mut others)?;
        note_others(others, path, notes);
        let each = listing.files.into_iter().enumerate();
        let files: Labelled = each
            .flat_map(|(class, files)| files.into_iter().map(move |file| (file, class as u8)))
            .collect();
        let size = self.size_of(&files)?;
        let name_of = |(file, _): &(PathBuf, u8)| {
            let below = file.strip_prefix(folder).unwrap_or(file).components();
            let parts: Vec<_> = below.map(|part| part.as_os_str().to_string_lossy()).collect();
            parts.join("/")
        };
        let (names, first) = (files.iter().map(name_of).collect(), files[0].0.clone());
        Ok(NamedImages {
            name: short_name(path),
            classes: listing.classes,
            images: self.load(files, size, &first)?,
            names,
        })
    }

    fn check(&self) -> Result<()> {
        if let Some(size) = self.size.filter(|size| *size == 0 || *size > MOST_SIZE) {
            return Err(Error::input(format!("images cannot be resized to {size} x {size} pixels"))
                .hint(format!("use a size such as 32 or 224, and at most {MOST_SIZE}")));
        }
        if !(self.test_share > 0.0 && self.test_share < 1.0) {
            return Err(
                Error::input(format!("a share of {} of the images cannot be for testing", self.test_share))
                    .hint("use a share above 0 and below 1"),
            );
        }
        Ok(())
    }

    /// Height and width that all images have once they are read: as asked for, or those of the first.
    fn size_of(&self, files: &Labelled) -> Result<(usize, usize)> {
        if let Some(size) = self.size {
            return Ok((size, size));
        }
        let first = files.first().ok_or_else(|| Error::internal("no training image"))?;
        let image = decode(&first.0)?;
        Ok((image.height() as usize, image.width() as usize))
    }

    /// A share of every class for testing, at least one image, and at least one to train on.
    fn by_share(&self, listing: Listing, path: &Path) -> Result<(Vec<String>, Labelled, Labelled)> {
        let (mut train, mut test) = (Labelled::new(), Labelled::new());
        for (class, files) in listing.files.into_iter().enumerate() {
            if files.len() < 2 {
                return Err(Error::input(format!(
                    "class `{}` has a single image, and one is needed to train on and one to test on",
                    listing.classes[class]
                ))
                .in_file(path)
                .hint("add an image, or take the folder of the class away"));
            }
            let mut order: Vec<usize> = (0..files.len()).collect();
            order.shuffle(&mut self.seed.stream("image-folder-split", class as u64));
            let count = (files.len() as f64 * self.test_share).round() as usize;
            let tested: BTreeSet<usize> = order.into_iter().take(count.clamp(1, files.len() - 1)).collect();
            for (index, file) in files.into_iter().enumerate() {
                let part = if tested.contains(&index) { &mut test } else { &mut train };
                part.push((file, class as u8));
            }
        }
        Ok((listing.classes, train, test))
    }

    /// Reads the files, on all cores. Of several that are at fault, the first is named.
    fn load(&self, files: Labelled, (height, width): (usize, usize), first: &Path) -> Result<Images> {
        let mut images = Images::empty(ImageShape::new(3, height, width));
        let len = images.shape.len();
        let bytes = files.len().checked_mul(len);
        if bytes.is_none_or(|bytes| images.pixels.try_reserve_exact(bytes).is_err()) {
            return Err(Error::input(format!(
                "{} images of {height} x {width} pixels do not fit into memory",
                files.len()
            ))
            .hint("read them at a smaller size"));
        }
        images.pixels.resize(files.len() * len, 0);
        let results: Vec<Result<()>> = images
            .pixels
            .par_chunks_mut(len)
            .zip(files.par_iter())
            .map(|(pixels, (file, _))| {
                let image = decode(file)?;
                let found = (image.height() as usize, image.width() as usize);
                let image = if found == (height, width) {
                    image
                } else if self.size.is_some() {
                    imageops::resize(&image, width as u32, height as u32, FilterType::Triangle)
                } else {
                    return Err(Error::input(format!(
                        "this image has {} x {} pixels, and `{}` has {height} x {width}",
                        found.0,
                        found.1,
                        first.display()
                    ))
                    .in_file(file)
                    .hint("state the size to which all images are resized, such as `--image-size 32`"));
                };
                for (index, pixel) in image.pixels().enumerate() {
                    for (channel, value) in pixel.0.iter().enumerate() {
                        pixels[channel * height * width + index] = *value;
                    }
                }
                Ok(())
            })
            .collect();
        results.into_iter().collect::<Result<()>>()?;
        images.labels = files.into_iter().map(|(_, class)| class).collect();
        Ok(images)
    }
}

fn short_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| "images".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn note_others(others: usize, path: &Path, notes: &mut Notes) {
    if others > 0 {
        notes.add(
            "other-files",
            format!("{others} files below {} end neither in .png, .jpg, .jpeg nor .webp", path.display()),
            "they were left out",
        );
    }
}

/// The folders of training and test images, where there are such.
fn split_folders(path: &Path) -> Result<Option<(PathBuf, PathBuf)>> {
    let train = path.join("train");
    if !train.is_dir() {
        return Ok(None);
    }
    let test = ["test", "val"].map(|name| path.join(name)).into_iter().find(|test| test.is_dir());
    match test {
        Some(test) => Ok(Some((train, test))),
        None => Err(Error::input("there is a folder `train` and no folder `test` or `val` beside it")
            .in_file(path)
            .hint(format!("give `{}` to draw test images from it", train.display()))),
    }
}

/// Both parts with the classes of the training folder.
fn by_folders(
    train: Listing,
    test: Listing,
    (train_folder, test_folder): (&Path, &Path),
    notes: &mut Notes,
) -> Result<(Vec<String>, Labelled, Labelled)> {
    let labelled = |listing: Listing, classes: &[String]| {
        let own = listing.classes.into_iter().zip(listing.files);
        let place = |name: &str| classes.iter().position(|class| class == name);
        let all = own.flat_map(|(name, files)| {
            let class = place(&name).unwrap_or_default() as u8;
            files.into_iter().map(move |file| (file, class))
        });
        all.collect::<Labelled>()
    };
    if let Some(name) = test.classes.iter().find(|name| !train.classes.contains(name)) {
        return Err(Error::input(format!("class `{name}` has test images and no training images"))
            .in_file(test_folder)
            .hint(format!("every class needs a folder in `{}`", train_folder.display())));
    }
    let untested: Vec<&str> = train
        .classes
        .iter()
        .filter(|name| !test.classes.contains(name))
        .map(String::as_str)
        .collect();
    if !untested.is_empty() {
        notes.add(
            "untested-class",
            format!("no test image is of {}", untested.join(", ")),
            "test figures say nothing about it",
        );
    }
    let classes = train.classes.clone();
    Ok((classes.clone(), labelled(train, &classes), labelled(test, &classes)))
}

/// The classes below a folder and their files, both by name.
fn list(path: &Path, others: &mut usize) -> Result<Listing> {
    let hint = "make a folder for each class and put its images there: FOLDER/CLASS/IMAGE.png";
    let mut listing = Listing {
        classes: Vec::new(),
        files: Vec::new(),
    };
    for entry in entries(path)? {
        if !entry.is_dir() {
            continue;
        }
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = Vec::new();
        gather(&entry, 0, &mut files, others)?;
        if files.is_empty() {
            return Err(Error::input(format!("class `{name}` has no image (PNG, JPEG or WebP)"))
                .in_file(&entry)
                .hint("put its images there, or take the folder away"));
        }
        listing.classes.push(name);
        listing.files.push(files);
    }
    match listing.classes.len() {
        2..=MOST_CLASSES => Ok(listing),
        count => Err(Error::input(format!(
            "{count} {} of classes here, and 2 to {MOST_CLASSES} are needed",
            if count == 1 { "folder" } else { "folders" }
        ))
        .in_file(path)
        .hint(hint)),
    }
}

/// What lies in a folder, by name; hidden files are none of the person's.
fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let read = |error: std::io::Error| Error::io("read", path, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(read)? {
        let entry = entry.map_err(read)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// All images below a folder.
fn gather(path: &Path, depth: usize, files: &mut Vec<PathBuf>, others: &mut usize) -> Result<()> {
    if depth > MOST_DEPTH {
        return Err(Error::input(format!("folders lie more than {MOST_DEPTH} deep here"))
            .in_file(path)
            .hint("a link may lead back to a folder above: take it away"));
    }
    for entry in entries(path)? {
        if entry.is_dir() {
            gather(&entry, depth + 1, files, others)?;
            continue;
        }
        let ending = entry.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
            true => files.push(entry),
            false => *others += 1,
        }
    }
    Ok(())
}

/// One image, whatever its file's name says about the format.
fn decode(file: &Path) -> Result<RgbImage> {
    let bytes = files::read("read", file, MOST_BYTES)?;
    let hint = "open it in an image viewer; save it again as PNG or JPEG, or take it away";
    if bytes.is_empty() {
        return Err(Error::input("the image is empty (0 bytes)").in_file(file).hint(hint));
    }
    let decoded = match bytes.starts_with(PNG_SIGNATURE) {
        true => decode_png(&bytes),
        false => decode_other(bytes).map_err(|error| error.to_string()),
    };
    decoded.map_err(|why| {
        // Some of the decoder's reasons end in empty lines.
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        Error::input(format!("the file cannot be read as a PNG, JPEG or WebP image: {why}"))
            .in_file(file)
            .hint(hint)
    })
}

/// JPEG and WebP.
fn decode_other(bytes: Vec<u8>) -> image::ImageResult<RgbImage> {
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MOST_PIXELS), Some(MOST_PIXELS));
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    reader.limits(limits);
    Ok(reader.decode()?.to_rgb8())
}

fn decode_png(bytes: &[u8]) -> Result<RgbImage, String> {
    let options = DecoderOptions::default()
        .set_max_width(MOST_PIXELS as usize)
        .set_max_height(MOST_PIXELS as usize)
        .png_set_strip_to_8bit(true)
        .png_set_confirm_crc(true);
    let mut decoder = PngDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| format!("{error:?}"))?;
    if let Some((width, height)) = decoder.dimensions()
        && width as u64 * height as u64 > MOST_AREA
    {
        return Err(format!("it claims {width} x {height} pixels, more than {MOST_AREA} in all"));
    }
    let values = decoder.decode_raw().map_err(|error| format!("{error:?}"))?;
    let (width, height) = decoder.dimensions().ok_or("it states no size")?;
    let channels = values.len() / (width * height).max(1);
    let rgb: Vec<u8> = match channels {
        3 => values,
        4 => values
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
            .collect(),
        // Grey, perhaps with transparency.
        1 | 2 => values.chunks_exact(channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
        _ => return Err(format!("it has {channels} values for every pixel")),
    };
    RgbImage::from_raw(width as u32, height as u32, rgb).ok_or_else(|| "it holds fewer pixels than it states".to_owned())
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
