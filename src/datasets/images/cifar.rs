//! CIFAR-10, CIFAR-100 and CIFAR-20 (the superclasses of CIFAR-100) from their official files, binary or for Python, packed or unpacked.
//!
//! A record of CIFAR-10 is one label byte and 3,072 bytes of pixels (red, green and blue plane of 32 x 32), of CIFAR-100 a
//! superclass byte, a class byte and the pixels. The files for Python hold the same in pickles. Nothing is ever downloaded.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::cifar_names::{HUNDRED, SUPERCLASS, TEN, TWENTY};
use super::pickle::Pickle;
use super::{ImageSet, Images};
use crate::error::{Error, Result, closest};
use crate::files::{self, hex};
use crate::nn::images::ImageShape;
use crate::notes::Notes;

/// Where the official files are.
pub const OFFICIAL_ADDRESS: &str = "https://www.cs.toronto.edu/~kriz/cifar.html";

/// Which of the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cifar {
    /// 10 classes.
    Ten,
    /// The 100 classes of CIFAR-100, in 20 superclasses.
    Twenty,
    /// 100 classes.
    Hundred,
}

/// A file that belongs to a set, with its MD5 where that is known.
struct Part {
    name: &'static str,
    md5: &'static str,
}

const fn part(name: &'static str, md5: &'static str) -> Part {
    Part { name, md5 }
}

/// One of the two forms in which a set is published.
struct Layout {
    archive: Part,
    folder: &'static str,
    train: &'static [Part],
    test: Part,
    form: Form,
}

/// How a file holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One after another.
    Binary,
    /// In pickles, which have a file beside them that says what the labels mean.
    Python(&'static str),
}

/// The archives' MD5s are those their authors publish; those of the binary files within are taken from archives that have them, those of
/// the pickles are the ones torchvision checks.
static TEN_LAYOUTS: [Layout; 2] = [
    Layout {
        archive: part("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
        folder: "cifar-10-batches-bin",
        train: &[
            part("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
            part("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
            part("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
            part("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
            part("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
        ],
        test: part("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"),
        form: Form::Binary,
    },
    Layout {
        archive: part("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
        folder: "cifar-10-batches-py",
        train: &[
            part("data_batch_1", "c99cafc152244af753f735de768cd75f"),
            part("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
            part("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
            part("data_batch_4", "634d18415352ddfa80567beed471001a"),
            part("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        ],
        test: part("test_batch", "40351d587109b95175f43aff81a1287e"),
        form: Form::Python("batches.meta"),
    },
];

static HUNDRED_LAYOUTS: [Layout; 2] = [
    Layout {
        archive: part("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
        folder: "cifar-100-binary",
        train: &[part("train.bin", "6172c7755cfe09b2fe270c85cebc1b15")],
        test: part("test.bin", "4499cfba6c016c1be1438163640a0898"),
        form: Form::Binary,
    },
    Layout {
        archive: part("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
        folder: "cifar-100-python",
        train: &[part("train", "16019d7e3df5f24257cddd939b257f8d")],
        test: part("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),
        form: Form::Python("meta"),
    },
];

/// Training images of each set.
const TRAINING_IMAGES: usize = 50_000;
/// Test images of each set.
const TEST_IMAGES: usize = 10_000;
/// No file of a set is larger; an archive that claims more is not one of theirs.
const MOST_BYTES: u64 = 400_000_000;

impl Cifar {
    /// All of them.
    pub const ALL: [Cifar; 3] = [Cifar::Ten, Cifar::Twenty, Cifar::Hundred];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ten => "cifar10",
            Self::Twenty => "cifar20",
            Self::Hundred => "cifar100",
        }
    }

    /// The set of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|set| set.name() == name).ok_or_else(|| {
            let hint = match closest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("data sets: {}", names.join(", ")),
            };
            Error::input(format!("there is no data set `{name}`")).hint(hint)
        })
    }

    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Ten => TEN.len(),
            Self::Twenty => TWENTY.len(),
            Self::Hundred => HUNDRED.len(),
        }
    }

    fn layouts(self) -> &'static [Layout; 2] {
        match self {
            Self::Ten => &TEN_LAYOUTS,
            Self::Twenty | Self::Hundred => &HUNDRED_LAYOUTS,
        }
    }

    /// Labels of a record: CIFAR-100 has the superclass first.
    fn label_bytes(self) -> usize {
        if self == Self::Ten { 1 } else { 2 }
    }

    /// Reads the set from `path`: an official archive (binary or for Python), a folder that holds one, or the folder it unpacks to (or
    /// the one above). A set that is smaller than the official one, or whose checksum is another, is read all the same, with a note.
    ///
    /// # Errors
    /// Where nothing of the kind is there, a file is cut short, or a label is out of range.
    pub fn read(self, path: &Path, notes: &mut Notes) -> Result<ImageSet> {
        let (layout, files, place) = match find(path, self.layouts())? {
            Found::Archive(archive) => {
                let (layout, files) = unpack(&archive, self.layouts(), notes)?;
                (layout, files, archive)
            }
            Found::Folder(layout, folder) => (layout, read_folder(&folder, layout, notes)?, folder),
        };
        let mut set = ImageSet {
            name: self.name().to_owned(),
            classes: owned(match self {
                Self::Ten => &TEN,
                Self::Twenty => &TWENTY,
                Self::Hundred => &HUNDRED,
            }),
            sub_classes: if self == Self::Twenty { owned(&HUNDRED) } else { Vec::new() },
            train: self.images(),
            test: self.images(),
        };
        for (name, bytes) in &files {
            let into = if *name == layout.test.name { &mut set.test } else { &mut set.train };
            // An archive's own path does not say which of its files is at fault.
            let file = place.join(name);
            let added = match layout.form {
                Form::Binary => self.add_records(bytes, into),
                Form::Python(meta) if *name == meta => self.check_names(bytes),
                Form::Python(_) => self.records_of_pickle(bytes).and_then(|records| self.add_records(&records, into)),
            };
            added.map_err(|error| error.in_file(file))?;
        }
        let (train, test) = (set.train.len(), set.test.len());
        if train == 0 || test == 0 {
            return Err(Error::input(format!("{} holds {train} training and {test} test images", self.name())).in_file(place));
        }
        if (train, test) != (TRAINING_IMAGES, TEST_IMAGES) {
            notes.add(
                "cifar-incomplete",
                format!(
                    "{} has {train} training and {test} test images here, and 50000 and 10000 officially",
                    self.name()
                ),
                "these were used; results cannot be compared with those of the whole set",
            );
        }
        set.note_empty_classes(notes);
        Ok(set)
    }

    fn images(self) -> Images {
        let mut images = Images::empty(ImageShape::CIFAR);
        if self == Self::Twenty {
            images.sub_labels = Some(Vec::new());
        }
        images
    }

    /// Adds the records of one file.
    fn add_records(self, bytes: &[u8], images: &mut Images) -> Result<()> {
        let label_bytes = self.label_bytes();
        let record = label_bytes + ImageShape::CIFAR.len();
        if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
            let error = Error::input(format!(
                "{} bytes are no whole number of records of {record} bytes, so the file is cut short or of another data set",
                bytes.len()
            ));
            return Err(error.hint(format!("get it again from {OFFICIAL_ADDRESS}")));
        }
        images.pixels.reserve(bytes.len() / record * ImageShape::CIFAR.len());
        for (index, record) in bytes.chunks_exact(record).enumerate() {
            let (labels, pixels) = record.split_at(label_bytes);
            let checked = |label: u8, classes: usize| match usize::from(label) < classes {
                true => Ok(label),
                false => Err(Error::input(format!(
                    "record {} has the label {label}, and the classes go from 0 to {}",
                    index + 1,
                    classes - 1
                ))
                .hint("the file is damaged, or of another data set")),
            };
            match (self, labels) {
                (Self::Ten, [label]) => images.labels.push(checked(*label, TEN.len())?),
                (Self::Twenty, [superclass, class]) => {
                    let class = checked(*class, HUNDRED.len())?;
                    let superclass = checked(*superclass, TWENTY.len())?;
                    if SUPERCLASS[usize::from(class)] != superclass {
                        return Err(Error::input(format!(
                            "record {} says that class {class} is of superclass {superclass}, and it is of {}",
                            index + 1,
                            SUPERCLASS[usize::from(class)]
                        ))
                        .hint("the file is damaged"));
                    }
                    images.labels.push(superclass);
                    images.sub_labels.get_or_insert_default().push(class);
                }
                (Self::Hundred, [_, class]) => images.labels.push(checked(*class, HUNDRED.len())?),
                _ => return Err(Error::internal("a record has another number of labels than its layout says")),
            }
            images.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }

    /// The records of a file for Python, as a binary file has them.
    fn records_of_pickle(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let pickle = Pickle::read(bytes)?;
        let pixels = pickle.array("data")?;
        let names: &[&str] = match self {
            Self::Ten => &["labels"],
            Self::Twenty | Self::Hundred => &["coarse_labels", "fine_labels"],
        };
        if pixels.columns != ImageShape::CIFAR.len() {
            return Err(Error::input(format!(
                "`data` has {} values for every image, and a CIFAR image has {}",
                pixels.columns,
                ImageShape::CIFAR.len()
            ))
            .hint(format!("get it again from {OFFICIAL_ADDRESS}")));
        }
        let mut labels = Vec::new();
        for name in names {
            let own = pickle.numbers(name)?;
            if own.len() != pixels.rows {
                return Err(
                    Error::input(format!("there are {} images and {} labels in `{name}`", pixels.rows, own.len()))
                        .hint(format!("get it again from {OFFICIAL_ADDRESS}")),
                );
            }
            labels.push(own);
        }
        let mut records = Vec::with_capacity(pixels.rows * (names.len() + pixels.columns));
        for (row, image) in pixels.bytes.chunks_exact(pixels.columns).enumerate() {
            for (own, name) in labels.iter().zip(names) {
                let label = u8::try_from(own[row]);
                records.push(label.map_err(|_| {
                    Error::input(format!("record {} has the label {} in `{name}`", row + 1, own[row]))
                        .hint("the file is damaged, or of another data set")
                })?);
            }
            records.extend_from_slice(image);
        }
        Ok(records)
    }

    /// That a file for Python means by its labels what this set means.
    fn check_names(self, bytes: &[u8]) -> Result<()> {
        let pickle = Pickle::read(bytes)?;
        let lists: &[(&str, &[&str])] = match self {
            Self::Ten => &[("label_names", &TEN)],
            Self::Twenty | Self::Hundred => &[("fine_label_names", &HUNDRED), ("coarse_label_names", &TWENTY)],
        };
        for (key, expected) in lists {
            let found = pickle.texts(key)?;
            if found != **expected {
                let pairs = found.iter().map(String::as_str).zip(expected.iter().copied());
                let other = pairs.enumerate().find(|(_, (found, expected))| found != expected);
                let what = match other {
                    Some((class, (found, expected))) => format!("calls class {class} `{found}`, which is `{expected}` in the official set"),
                    None => format!("names {} classes, and the official set has {}", found.len(), expected.len()),
                };
                return Err(Error::input(format!("`{key}` {what}")).hint(format!("get the set again from {OFFICIAL_ADDRESS}")));
            }
        }
        Ok(())
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

enum Found {
    Archive(PathBuf),
    Folder(&'static Layout, PathBuf),
}

/// Looks for the set at `path`; where it is there in both forms, the binary one is taken.
fn find(path: &Path, layouts: &'static [Layout; 2]) -> Result<Found> {
    let [binary, python] = layouts;
    let absent = |what: String| {
        Error::input(what).hint(format!(
            "get `{}` or `{}` from {OFFICIAL_ADDRESS} and give its path",
            binary.archive.name, python.archive.name
        ))
    };
    let about = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => absent(format!("there is no file or folder `{}`", path.display())),
        _ => Error::io("read", path, &error),
    })?;
    if about.is_file() {
        return Ok(Found::Archive(path.to_path_buf()));
    }
    for layout in layouts {
        for folder in [path.to_path_buf(), path.join(layout.folder)] {
            if folder.join(layout.train[0].name).is_file() || folder.join(layout.test.name).is_file() {
                return Ok(Found::Folder(layout, folder));
            }
        }
        let archive = path.join(layout.archive.name);
        if archive.is_file() {
            return Ok(Found::Archive(archive));
        }
    }
    Err(absent(format!(
        "`{}` holds none of `{}`, `{}`, `{}` and `{}`",
        path.display(),
        binary.archive.name,
        binary.train[0].name,
        python.archive.name,
        python.train[0].name
    )))
}

/// The set's files by name, training files first and in order.
type Files = Vec<(&'static str, Vec<u8>)>;

impl Layout {
    /// The files of records.
    fn parts(&'static self) -> impl Iterator<Item = &'static Part> {
        self.train.iter().chain([&self.test])
    }

    /// The names of all files to read: those of records, then the one that says what labels mean.
    fn names(&'static self) -> impl Iterator<Item = &'static str> {
        let meta = match self.form {
            Form::Python(meta) => Some(meta),
            Form::Binary => None,
        };
        self.parts().map(|part| part.name).chain(meta)
    }
}

fn read_folder(folder: &Path, layout: &'static Layout, notes: &mut Notes) -> Result<Files> {
    let mut files = Files::new();
    let mut other = Vec::new();
    for name in layout.names() {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let bytes = files::read("read", &path, files::RESULTS)?;
        if layout
            .parts()
            .any(|part| part.name == name && hex(&Md5::digest(&bytes)) != part.md5)
        {
            other.push(name);
        }
        files.push((name, bytes));
    }
    complete(&files, layout).map_err(|error| error.in_file(folder))?;
    if !other.is_empty() {
        unverified(notes, &other.join(", "));
    }
    Ok(files)
}

fn unverified(notes: &mut Notes, what: &str) {
    notes.add(
        "unverified-data",
        format!("the checksum of {what} is not that of the official file"),
        "the data was read as it is; results with it are not results on the official set",
    );
}

/// That the training files present are the leading ones, and that the test file is there.
fn complete(files: &Files, layout: &'static Layout) -> Result<()> {
    let has = |part: &Part| files.iter().any(|(name, _)| *name == part.name);
    let leading = layout.train.iter().take_while(|part| has(part)).count();
    let gap = leading == 0 || layout.train[leading..].iter().any(&has);
    let missing = if gap {
        layout.train.get(leading)
    } else {
        Some(&layout.test).filter(|part| !has(part))
    };
    match missing {
        Some(part) => Err(Error::input(format!("`{}` is missing", part.name)).hint(format!("get the set again from {OFFICIAL_ADDRESS}"))),
        None => Ok(()),
    }
}

/// Counts what it hands on into a checksum.
struct Hashing<R> {
    inner: R,
    hash: Md5,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

fn unpack(path: &Path, layouts: &'static [Layout; 2], notes: &mut Notes) -> Result<(&'static Layout, Files)> {
    let (file, _) = files::open("read", path)?;
    let mut source = Hashing {
        inner: file,
        hash: Md5::new(),
    };
    let (layout, files) = read_archive(&mut source, layouts).map_err(|error| match error {
        Broken::Archive(reason) => Error::input(format!("the archive cannot be unpacked to the end: {reason}"))
            .in_file(path)
            .hint(format!(
                "it may have been cut short on the way: get `{}` or `{}` again from {OFFICIAL_ADDRESS}",
                layouts[0].archive.name, layouts[1].archive.name
            )),
        Broken::Content(error) => error.in_file(path),
    })?;
    io::copy(&mut source, &mut io::sink()).map_err(|error| Error::io("read", path, &error))?;
    if hex(&source.hash.finalize()) != layout.archive.md5 {
        unverified(notes, &path.file_name().unwrap_or_default().to_string_lossy());
    }
    Ok((layout, files))
}

enum Broken {
    Archive(io::Error),
    Content(Error),
}

/// Reads the files of whichever form the archive holds; of both, the binary one.
fn read_archive(source: &mut impl Read, layouts: &'static [Layout; 2]) -> Result<(&'static Layout, Files), Broken> {
    let mut found: Files = Vec::new();
    let unpacked = flate2::read::GzDecoder::new(BufReader::with_capacity(1 << 18, source));
    let mut archive = tar::Archive::new(unpacked);
    let names = || layouts.iter().flat_map(Layout::names);
    for entry in archive.entries().map_err(Broken::Archive)? {
        let mut entry = entry.map_err(Broken::Archive)?;
        let path = entry.path().map_err(Broken::Archive)?;
        let Some(name) = names().find(|known| path.file_name().is_some_and(|name| name == *known)) else {
            continue;
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if entry.size() > MOST_BYTES || found.iter().any(|(other, _)| *other == name) {
            let name = path.display().to_string();
            return Err(Broken::Content(Error::input(format!(
                "the archive holds `{name}` twice or in a size no official file has"
            ))));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(Broken::Archive)?;
        found.push((name, bytes));
    }
    // To the end of the packed stream, whose own checksum comes last.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(Broken::Archive)?;
    let has = |layout: &&'static Layout| layout.parts().any(|part| found.iter().any(|(name, _)| *name == part.name));
    let layout = layouts.iter().find(has).unwrap_or(&layouts[0]);
    let place = |name: &str| layout.names().position(|own| own == name);
    found.retain(|(name, _)| place(name).is_some());
    found.sort_by_key(|(name, _)| place(name));
    complete(&found, layout).map_err(Broken::Content)?;
    Ok((layout, found))
}

#[cfg(test)]
#[path = "cifar_tests.rs"]
mod tests;
