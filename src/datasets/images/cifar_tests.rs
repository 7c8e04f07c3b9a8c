//! Made-up files in the official form, and the real ones where they are at hand.

use std::io::Write;

use super::*;

/// A record whose pixels all have the value `pixel`.
fn record(labels: &[u8], pixel: u8) -> Vec<u8> {
    let mut bytes = labels.to_vec();
    bytes.extend(std::iter::repeat_n(pixel, ImageShape::CIFAR.len()));
    bytes
}

fn ten_files() -> Vec<(&'static str, Vec<u8>)> {
    let mut second = record(&[9], 30);
    second[1..=4].copy_from_slice(&[1, 2, 3, 4]);
    vec![
        ("data_batch_1.bin", [record(&[0], 10), record(&[3], 20)].concat()),
        ("data_batch_2.bin", second),
        ("test_batch.bin", record(&[5], 40)),
    ]
}

fn hundred_files() -> Vec<(&'static str, Vec<u8>)> {
    // Class 69 is `rocket`, of superclass 19, `vehicles_2`; class 0 is `apple`, of superclass 4.
    let train = [record(&[19, 69], 10), record(&[4, 0], 20)].concat();
    vec![("train.bin", train), ("test.bin", record(&[19, 69], 30))]
}

fn packed(folder: &str, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    // Not in the order of the set, as nothing promises that.
    for (name, bytes) in files.iter().rev() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn write_all(folder: &Path, files: &[(&str, Vec<u8>)]) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

fn read(set: Cifar, path: &Path) -> Result<(ImageSet, Notes)> {
    let mut notes = Notes::new();
    set.read(path, &mut notes).map(|set| (set, notes))
}

#[test]
fn archive_folder_and_the_folder_above_give_the_same_images() {
    let place = tempfile::tempdir().unwrap();
    write_all(&place.path().join("a/cifar-10-batches-bin"), &ten_files());
    let archive = place.path().join("b/cifar-10-binary.tar.gz");
    write_all(
        &place.path().join("b"),
        &[("cifar-10-binary.tar.gz", packed("cifar-10-batches-bin", &ten_files()))],
    );
    let (set, notes) = read(Cifar::Ten, &place.path().join("a")).unwrap();
    assert_eq!(set.train.labels, [0, 3, 9]);
    assert_eq!(set.test.labels, [5]);
    assert_eq!(set.train.image(2)[..5], [1, 2, 3, 4, 30]);
    assert_eq!(
        (set.train.image(1)[7], set.test.image(0)[3_071], set.classes[3].as_str()),
        (20, 40, "cat")
    );
    assert!(notes.has("unverified-data") && notes.has("cifar-incomplete") && notes.has("empty-class"));
    for path in [place.path().join("a/cifar-10-batches-bin"), place.path().join("b"), archive] {
        let (same, notes) = read(Cifar::Ten, &path).unwrap();
        assert_eq!(same, set, "{}", path.display());
        assert!(notes.has("unverified-data"));
    }
}

#[test]
fn superclasses_keep_the_classes_as_sub_classes() {
    let place = tempfile::tempdir().unwrap();
    write_all(place.path(), &hundred_files());
    let (hundred, _) = read(Cifar::Hundred, place.path()).unwrap();
    assert_eq!(
        (hundred.train.labels.as_slice(), hundred.classes[69].as_str()),
        (&[69, 0][..], "rocket")
    );
    assert_eq!(hundred.train.sub_labels, None);
    let (twenty, _) = read(Cifar::Twenty, place.path()).unwrap();
    assert_eq!(
        (twenty.train.labels.as_slice(), twenty.train.sub_labels.clone()),
        (&[19, 4][..], Some(vec![69, 0]))
    );
    assert_eq!(twenty.class("rocket", true).unwrap(), 69);
    assert_eq!(twenty.class("Vehicles 2", false).unwrap(), 19);
    assert_eq!(twenty.train.pixels, hundred.train.pixels);
}

#[test]
fn the_forgetting_tasks_find_their_classes() {
    for name in ["baby", "lamp", "mushroom", "rocket", "sea"] {
        assert!(HUNDRED.contains(&name), "{name}");
    }
    let superclasses = [
        "household_electrical_devices",
        "large_natural_outdoor_scenes",
        "people",
        "fruit_and_vegetables",
        "vehicles_2",
    ];
    assert!(superclasses.iter().all(|name| TWENTY.contains(name)));
    assert_eq!((HUNDRED[47], HUNDRED[52], HUNDRED[53]), ("maple_tree", "oak_tree", "orange"));
    for superclass in 0..20 {
        assert_eq!(SUPERCLASS.iter().filter(|of| **of == superclass).count(), 5);
    }
}

#[test]
fn broken_sets_end_in_an_error_that_names_the_fault() {
    let place = tempfile::tempdir().unwrap();
    let fails = |name: &str, files: &[(&str, Vec<u8>)], set: Cifar, cause: &str| {
        let folder = place.path().join(name);
        write_all(&folder, files);
        let error = read(set, &folder).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(cause), "{name}: {error}");
        assert!(error.hint_text().is_some(), "{name}: no hint");
    };
    let with = |place: usize, bytes: Vec<u8>| {
        let mut files = ten_files();
        files[place].1 = bytes;
        files
    };
    fails(
        "empty",
        &[],
        Cifar::Ten,
        "holds none of `cifar-10-binary.tar.gz`, `data_batch_1.bin`, `cifar-10-python.tar.gz` and `data_batch_1`",
    );
    fails("zero", &with(0, Vec::new()), Cifar::Ten, "0 bytes are no whole number of records");
    fails("short", &with(1, record(&[1], 0)[..3_000].to_vec()), Cifar::Ten, "data_batch_2.bin");
    fails(
        "label",
        &with(1, record(&[10], 0)),
        Cifar::Ten,
        "record 1 has the label 10, and the classes go from 0 to 9",
    );
    fails("test", &ten_files()[..2], Cifar::Ten, "`test_batch.bin` is missing");
    fails(
        "gap",
        &[ten_files()[1].clone(), ten_files()[2].clone()],
        Cifar::Ten,
        "`data_batch_1.bin` is missing",
    );
    let mut renamed = ten_files();
    renamed[1].0 = "data_batch_3.bin";
    fails("hole", &renamed, Cifar::Ten, "`data_batch_2.bin` is missing");
    let mut fine = hundred_files();
    fine[0].1 = record(&[19, 100], 0);
    fails("fine", &fine, Cifar::Hundred, "label 100");
    fine[0].1 = record(&[3, 69], 0);
    fails("coarse", &fine, Cifar::Twenty, "class 69 is of superclass 3, and it is of 19");
    let archive = packed("cifar-10-batches-bin", &ten_files());
    for (name, cut) in [
        ("tail", archive.len() - 4),
        ("half", archive.len() / 2),
        ("head", 5),
        ("nothing", 0),
    ] {
        fails(
            name,
            &[("cifar-10-binary.tar.gz", archive[..cut].to_vec())],
            Cifar::Ten,
            "cannot be unpacked to the end",
        );
    }
    fails(
        "text",
        &[("cifar-10-binary.tar.gz", b"<html>not found</html>".to_vec())],
        Cifar::Ten,
        "cannot be unpacked",
    );
    let other = packed("cifar-100-binary", &hundred_files());
    fails(
        "other",
        &[("cifar-10-binary.tar.gz", other)],
        Cifar::Ten,
        "`data_batch_1.bin` is missing",
    );
    let error = read(Cifar::Ten, &place.path().join("nowhere")).unwrap_err();
    assert!(error.hint_text().is_some_and(|hint| hint.contains(OFFICIAL_ADDRESS)), "{error}");
    assert!(Cifar::named("cifar1000").unwrap_err().hint_text().is_some());
    assert_eq!(Cifar::named("cifar20").unwrap().classes(), 20);
}

fn text(text: &str) -> Vec<u8> {
    [&[b'U', text.len() as u8], text.as_bytes()].concat()
}

fn list(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    [b"](".to_vec(), items.collect::<Vec<_>>().concat(), b"e".to_vec()].concat()
}

/// What Python 2 makes of a dictionary, protocol 2, as the official files have it: texts in `U`, array by `_reconstruct`.
fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = entries.iter().map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"\x80\x02}q\x01(".to_vec(), entries.concat(), b"u.".to_vec()].concat()
}

fn array(rows: &[u8], columns: usize) -> Vec<u8> {
    let size = |size: usize| [b"M".as_slice(), &(size as u16).to_le_bytes()].concat();
    let bytes: Vec<u8> = rows.iter().flat_map(|row| std::iter::repeat_n(*row, columns)).collect();
    [
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09(K\x01".to_vec(),
        size(rows.len()),
        size(columns),
        b"\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T".to_vec(),
        (bytes.len() as u32).to_le_bytes().to_vec(),
        bytes,
        b"tb".to_vec(),
    ]
    .concat()
}

fn labels(labels: &[u8]) -> Vec<u8> {
    list(labels.iter().map(|label| vec![b'K', *label]))
}

fn names(names: &[&str]) -> Vec<u8> {
    list(names.iter().map(|name| text(name)))
}

fn pickled(own: &[(&str, &[u8])], pixels: &[u8]) -> Vec<u8> {
    let mut entries: Vec<(&str, Vec<u8>)> = own.iter().map(|(key, own)| (*key, labels(own))).collect();
    entries.push(("data", array(pixels, 3_072)));
    entries.push(("filenames", names(&["a.png", "b.png"])));
    dictionary(&entries)
}

fn ten_pickles() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("data_batch_1", pickled(&[("labels", &[0, 3])], &[10, 20])),
        ("data_batch_2", pickled(&[("labels", &[9])], &[30])),
        ("test_batch", pickled(&[("labels", &[5])], &[40])),
        (
            "batches.meta",
            dictionary(&[("label_names", names(&TEN)), ("num_vis", vec![b'M', 0, 12])]),
        ),
    ]
}

fn hundred_pickles() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "train",
            pickled(&[("coarse_labels", &[19, 4]), ("fine_labels", &[69, 0])], &[10, 20]),
        ),
        ("test", pickled(&[("coarse_labels", &[19]), ("fine_labels", &[69])], &[30])),
        (
            "meta",
            dictionary(&[("fine_label_names", names(&HUNDRED)), ("coarse_label_names", names(&TWENTY))]),
        ),
    ]
}

#[test]
fn files_for_python_give_the_same_images_as_binary_files() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let mut binary = ten_files();
    binary[1].1 = record(&[9], 30);
    write_all(&at("binary"), &binary);
    write_all(&at("a/cifar-10-batches-py"), &ten_pickles());
    write_all(
        &at("b"),
        &[("cifar-10-python.tar.gz", packed("cifar-10-batches-py", &ten_pickles()))],
    );
    let (expected, _) = read(Cifar::Ten, &at("binary")).unwrap();
    for path in ["a", "a/cifar-10-batches-py", "b", "b/cifar-10-python.tar.gz"] {
        let (set, notes) = read(Cifar::Ten, &at(path)).unwrap();
        assert!(set == expected, "{path}");
        assert!(notes.has("unverified-data"));
    }
    write_all(&at("c"), &hundred_files());
    write_all(&at("d"), &hundred_pickles());
    write_all(
        &at("e"),
        &[("cifar-100-python.tar.gz", packed("cifar-100-python", &hundred_pickles()))],
    );
    for set in [Cifar::Twenty, Cifar::Hundred] {
        let (expected, _) = read(set, &at("c")).unwrap();
        assert!(read(set, &at("d")).unwrap().0 == expected && read(set, &at("e")).unwrap().0 == expected);
    }
}

#[test]
fn broken_files_for_python_end_in_an_error_that_names_the_fault() {
    let place = tempfile::tempdir().unwrap();
    let fails = |name: &str, set: Cifar, file: usize, bytes: Vec<u8>, cause: &str| {
        let folder = place.path().join(name);
        let mut files = if set == Cifar::Ten { ten_pickles() } else { hundred_pickles() };
        files[file].1 = bytes;
        write_all(&folder, &files);
        let error = read(set, &folder).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().contains(cause) && error.to_string().contains(files[file].0),
            "{name}: {error}"
        );
        assert!(error.hint_text().is_some(), "{name}: no hint");
    };
    let good = &ten_pickles()[0].1;
    fails("short", Cifar::Ten, 0, good[..good.len() - 100].to_vec(), "cut short");
    fails("zero", Cifar::Ten, 1, Vec::new(), "does not begin as one");
    fails(
        "label",
        Cifar::Ten,
        0,
        pickled(&[("labels", &[10])], &[1]),
        "record 1 has the label 10",
    );
    fails(
        "few",
        Cifar::Ten,
        0,
        pickled(&[("labels", &[1, 2])], &[1]),
        "there are 1 images and 2 labels",
    );
    fails(
        "other",
        Cifar::Ten,
        0,
        pickled(&[("fine_labels", &[1])], &[1]),
        "it has no `labels`",
    );
    fails(
        "empty",
        Cifar::Ten,
        2,
        pickled(&[("labels", &[])], &[]),
        "0 bytes are no whole number",
    );
    let narrow = dictionary(&[("labels", labels(&[1])), ("data", array(&[1], 3_071))]);
    fails("narrow", Cifar::Ten, 0, narrow, "3071 values for every image");
    let mut renamed = TEN;
    renamed[3] = "dog";
    let meta = dictionary(&[("label_names", names(&renamed))]);
    fails("names", Cifar::Ten, 3, meta, "calls class 3 `dog`, which is `cat`");
    let coarse = pickled(&[("coarse_labels", &[3]), ("fine_labels", &[69])], &[1]);
    fails("coarse", Cifar::Twenty, 0, coarse, "class 69 is of superclass 3");
    let evil = b"\x80\x02cposix\nsystem\nU\x04true\x85R.".to_vec();
    fails("evil", Cifar::Hundred, 0, evil, "asks to call `posix.system`");
}

/// A mosaic of the shared data holds 2,000 images in record order, 40 rows of 50.
fn mosaic_records(path: &Path, labels: &[u8]) -> Vec<u8> {
    let file = BufReader::new(std::fs::File::open(path).unwrap());
    let mut decoder = image_webp::WebPDecoder::new(io::BufReader::new(file)).unwrap();
    assert_eq!(decoder.dimensions(), (50 * 32, 40 * 32));
    let mut mosaic = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut mosaic).unwrap();
    let depth = if decoder.has_alpha() { 4 } else { 3 };
    let mut records = Vec::with_capacity(labels.len() * 3_073);
    for (index, label) in labels.iter().enumerate() {
        records.push(*label);
        let (down, right) = (index / 50 * 32, index % 50 * 32);
        for channel in 0..3 {
            for y in 0..32 {
                let row = &mosaic[((down + y) * 1_600 + right) * depth..][..32 * depth];
                records.extend(row.chunks_exact(depth).map(|pixel| pixel[channel]));
            }
        }
    }
    records
}

#[test]
fn the_real_test_images_are_those_of_the_official_file() {
    let folder =
        std::env::var_os("RECANT_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let folder = folder.join("cifar10");
    if !folder.join("test_04.webp").is_file() {
        println!(
            "skipped: there are no CIFAR-10 mosaics in {} (name the data folder in RECANT_DATA)",
            folder.display()
        );
        return;
    }
    let read_mosaics = |split: &str, count: usize| {
        let labels = std::fs::read(folder.join(format!("{split}_labels.bin"))).unwrap();
        let each = (0..count).map(|index| {
            let path = folder.join(format!("{split}_{index:02}.webp"));
            mosaic_records(&path, &labels[index * 2_000..][..2_000])
        });
        each.collect::<Vec<_>>().concat()
    };
    let place = tempfile::tempdir().unwrap();
    let mut file = std::fs::File::create(place.path().join("test_batch.bin")).unwrap();
    file.write_all(&read_mosaics("test", 5)).unwrap();
    std::fs::write(place.path().join("data_batch_1.bin"), read_mosaics("train", 1)).unwrap();
    let (set, notes) = read(Cifar::Ten, place.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (2_000, 10_000));
    assert!(set.test.class_counts(10).iter().all(|count| *count == 1_000));
    let unverified = notes.iter().find(|note| note.code == "unverified-data").unwrap();
    assert!(
        unverified.found.contains("data_batch_1.bin") && !unverified.found.contains("test_batch"),
        "{unverified:?}"
    );
}
