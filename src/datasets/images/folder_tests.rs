//! Folders with images of every format, and broken ones.

use std::io::Write;

use image::Rgb;

#[derive(Clone, Copy)]
enum ImageFormat {
    Png,
    Jpeg,
    WebP,
}

use super::*;

/// An image whose left half has one colour and whose right half has another.
fn halves(height: u32, width: u32, left: [u8; 3], right: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| Rgb(if x < width / 2 { left } else { right }))
}

/// A PNG file of 8-bit values, with 1 (grey), 2 (grey and transparency), 3 or 4 channels.
fn png((height, width): (u32, u32), channels: usize, values: &[u8]) -> Vec<u8> {
    let mut file = PNG_SIGNATURE.to_vec();
    let mut chunk = |name: &[u8], content: &[u8]| {
        file.extend((content.len() as u32).to_be_bytes());
        let body = [name, content].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&body);
        file.extend(&body);
        file.extend(sum.sum().to_be_bytes());
    };
    let kind = [0, 4, 2, 6][channels - 1];
    chunk(
        b"IHDR",
        &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, kind, 0, 0, 0]].concat(),
    );
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for row in values.chunks(width as usize * channels) {
        packed.write_all(&[0]).unwrap();
        packed.write_all(row).unwrap();
    }
    chunk(b"IDAT", &packed.finish().unwrap());
    chunk(b"IEND", &[]);
    file
}

fn write(path: &Path, image: &RgbImage, format: ImageFormat) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    match format {
        ImageFormat::Png => std::fs::write(path, png((image.height(), image.width()), 3, image.as_raw())).unwrap(),
        ImageFormat::Jpeg => image.save_with_format(path, image::ImageFormat::Jpeg).unwrap(),
        ImageFormat::WebP => image.save_with_format(path, image::ImageFormat::WebP).unwrap(),
    }
}

#[test]
fn grey_and_transparent_pictures_become_red_green_and_blue() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.png");
    for (channels, values, expected) in [
        (1, &[5, 9][..], &[5, 5, 5, 9, 9, 9][..]),
        (2, &[5, 0, 9, 255], &[5, 5, 5, 9, 9, 9]),
        (4, &[1, 2, 3, 0, 4, 5, 6, 255], &[1, 2, 3, 4, 5, 6]),
    ] {
        std::fs::write(&file, png((1, 2), channels, values)).unwrap();
        assert_eq!(decode(&file).unwrap().as_raw(), expected);
    }
}

#[test]
fn a_cut_or_changed_picture_is_refused_or_read_and_never_ends_the_program() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.img");
    let image = halves(6, 10, [10, 20, 30], [200, 100, 50]);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        write(&file, &image, format);
        let bytes = std::fs::read(&file).unwrap();
        let mut refused = 0;
        for end in (0..bytes.len()).step_by(3) {
            std::fs::write(&file, &bytes[..end]).unwrap();
            refused += usize::from(decode(&file).is_err());
        }
        assert!(refused > bytes.len() / 6, "{refused} of {}", bytes.len());
        for index in (0..bytes.len()).step_by(2) {
            for change in [1, 0x80] {
                let mut changed = bytes.clone();
                changed[index] ^= change;
                std::fs::write(&file, &changed).unwrap();
                if let Ok(image) = decode(&file) {
                    assert!(image.as_raw().len() as u64 == 3 * u64::from(image.width()) * u64::from(image.height()));
                }
            }
        }
    }
}

/// Three classes with four images each of 8 x 8 pixels, whose red channel tells class and number.
fn three_classes(folder: &Path) {
    for (class, name) in ["ann", "bob", "eve"].into_iter().enumerate() {
        for number in 0..4 {
            let colour = [(class * 40 + number) as u8, 100, 200];
            write(
                &folder.join(name).join(format!("{number}.png")),
                &halves(8, 8, colour, colour),
                ImageFormat::Png,
            );
        }
    }
}

fn read(folder: &ImageFolder, path: &Path) -> Result<(ImageSet, Notes)> {
    let mut notes = Notes::new();
    folder.read(path, &mut notes).map(|set| (set, notes))
}

#[test]
fn classes_are_folders_and_a_seeded_share_of_each_is_for_testing() {
    let place = tempfile::tempdir().unwrap();
    three_classes(place.path());
    std::fs::write(place.path().join("bob/notes.txt"), "no image").unwrap();
    std::fs::write(place.path().join("bob/.hidden"), "no image").unwrap();
    let folder = ImageFolder {
        test_share: 0.25,
        ..ImageFolder::default()
    };
    let (set, notes) = read(&folder, place.path()).unwrap();
    assert_eq!(set.classes, ["ann", "bob", "eve"]);
    assert_eq!(
        (set.train.labels.as_slice(), set.test.labels.as_slice()),
        (&[0, 0, 0, 1, 1, 1, 2, 2, 2][..], &[0, 1, 2][..])
    );
    assert_eq!(set.train.shape, ImageShape::new(3, 8, 8));
    // Every image is there once, with its own label; planes lie one after another.
    let mut reds = Vec::new();
    for images in [&set.train, &set.test] {
        for (index, label) in images.labels.iter().enumerate() {
            let image = images.image(index);
            assert_eq!((image[0] / 40, image[64], image[191]), (*label, 100, 200));
            reds.push(image[0]);
        }
    }
    reds.sort_unstable();
    assert_eq!(reds, [0, 1, 2, 3, 40, 41, 42, 43, 80, 81, 82, 83]);
    assert!(
        notes
            .iter()
            .any(|note| note.code == "other-files" && note.found.starts_with("1 files"))
    );
    assert!(read(&folder, place.path()).unwrap().0 == set, "the same seed draws the same images");
    let drawn = |seed| {
        let other = ImageFolder {
            seed: Seed(seed),
            ..folder
        };
        read(&other, place.path()).unwrap().0.test.pixels
    };
    assert!((1..5).any(|seed| drawn(seed) != set.test.pixels), "another seed draws others");
}

#[test]
fn folders_of_training_and_test_images_are_the_split() {
    let place = tempfile::tempdir().unwrap();
    three_classes(&place.path().join("train"));
    let colour = [41, 100, 200];
    write(
        &place.path().join("val/bob/deeper/a.PNG"),
        &halves(8, 8, colour, colour),
        ImageFormat::Png,
    );
    write(&place.path().join("val/ann/b.png"), &halves(8, 8, [7; 3], [7; 3]), ImageFormat::Png);
    let (set, notes) = read(&ImageFolder::default(), place.path()).unwrap();
    assert_eq!(
        (set.train.len(), set.test.labels.as_slice(), set.test.image(1)[0]),
        (12, &[0, 1][..], 41)
    );
    assert!(
        notes
            .iter()
            .any(|note| note.code == "untested-class" && note.found.ends_with("eve"))
    );
    write(&place.path().join("val/zoe/b.png"), &halves(8, 8, [7; 3], [7; 3]), ImageFormat::Png);
    let error = read(&ImageFolder::default(), place.path()).unwrap_err();
    assert!(
        error.to_string().contains("class `zoe` has test images and no training images"),
        "{error}"
    );
}

#[test]
fn every_format_is_read_and_resized_to_the_same_image() {
    let place = tempfile::tempdir().unwrap();
    let (dark, light) = ([10, 60, 110], [200, 150, 120]);
    for (name, height, width, format) in [
        ("a.png", 8, 8, ImageFormat::Png),
        ("b.jpg", 32, 64, ImageFormat::Jpeg),
        ("c.webp", 16, 16, ImageFormat::WebP),
        // The name is wrong, and the content counts.
        ("d.jpeg", 24, 8, ImageFormat::Png),
    ] {
        for class in ["x", "y"] {
            write(&place.path().join(class).join(name), &halves(height, width, dark, light), format);
        }
    }
    let folder = ImageFolder {
        size: Some(4),
        ..ImageFolder::default()
    };
    let (set, _) = read(&folder, place.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.train.shape), (6, 2, ImageShape::new(3, 4, 4)));
    for images in [&set.train, &set.test] {
        for index in 0..images.len() {
            for (channel, plane) in images.image(index).chunks(16).enumerate() {
                for row in plane.chunks(4) {
                    // The outer columns see one colour only; JPEG may be off by a little.
                    assert!(
                        row[0].abs_diff(dark[channel]) <= 4 && row[3].abs_diff(light[channel]) <= 4,
                        "{row:?}"
                    );
                }
            }
        }
    }
    let error = read(&ImageFolder::default(), place.path()).unwrap_err();
    assert!(error.to_string().contains("pixels, and `"), "{error}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("resized")));
}

#[test]
fn pixels_that_fall_together_are_averaged() {
    let place = tempfile::tempdir().unwrap();
    let stripes = RgbImage::from_fn(64, 64, |x, _| Rgb([if x % 2 == 0 { 0 } else { 200 }; 3]));
    for file in ["a/1.png", "a/2.png", "b/1.png", "b/2.png"] {
        write(&place.path().join(file), &stripes, ImageFormat::Png);
    }
    let folder = ImageFolder {
        size: Some(8),
        ..ImageFolder::default()
    };
    let (set, _) = read(&folder, place.path()).unwrap();
    assert!(
        set.train.pixels.iter().all(|value| value.abs_diff(100) <= 8),
        "{:?}",
        set.train.image(0)
    );
}

#[test]
fn what_cannot_be_read_ends_in_an_error_that_names_file_and_remedy() {
    let fails = |spoil: &dyn Fn(&Path), cause: &str, file: &str| {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("set");
        three_classes(&root);
        spoil(&root);
        let error = read(&ImageFolder::default(), &root).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(cause), "{cause}: {error}");
        assert!(error.to_string().contains(file), "{file}: {error}");
        assert!(error.hint_text().is_some() && !error.to_string().contains('\n'), "{cause}: {error}");
    };
    let overwrite = |name: &'static str, bytes: Vec<u8>| move |root: &Path| std::fs::write(root.join(name), &bytes).unwrap();
    fails(&overwrite("bob/2.png", Vec::new()), "empty (0 bytes)", "2.png");
    fails(
        &overwrite("eve/0.png", b"hello, I am a text".to_vec()),
        "cannot be read as a PNG",
        "0.png",
    );
    fails(
        &|root| {
            let bytes = std::fs::read(root.join("ann/1.png")).unwrap();
            std::fs::write(root.join("ann/1.png"), &bytes[..bytes.len() / 2]).unwrap();
        },
        "cannot be read as a PNG",
        "1.png",
    );
    fails(
        &|root| std::fs::create_dir(root.join("carl")).unwrap(),
        "class `carl` has no image",
        "carl",
    );
    fails(
        &|root| {
            for number in 0..3 {
                std::fs::remove_file(root.join(format!("eve/{number}.png"))).unwrap();
            }
        },
        "class `eve` has a single image",
        "set",
    );
    fails(
        &|root| {
            for class in ["ann", "bob"] {
                std::fs::remove_dir_all(root.join(class)).unwrap();
            }
        },
        "1 folder of classes here",
        "set",
    );
    fails(
        &|root| write(&root.join("bob/1.png"), &halves(8, 6, [0; 3], [0; 3]), ImageFormat::Png),
        "8 x 6 pixels",
        "1.png",
    );
    fails(
        &|root| std::fs::rename(root.join("ann"), root.join("train")).unwrap(),
        "no folder `test`",
        "set",
    );
    let missing = read(&ImageFolder::default(), Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(missing.exit_code(), 2);
    for folder in [
        ImageFolder {
            size: Some(0),
            ..ImageFolder::default()
        },
        ImageFolder {
            size: Some(MOST_SIZE + 1),
            ..ImageFolder::default()
        },
        ImageFolder {
            test_share: 1.0,
            ..ImageFolder::default()
        },
        ImageFolder {
            test_share: f64::NAN,
            ..ImageFolder::default()
        },
    ] {
        assert!(read(&folder, Path::new(".")).unwrap_err().hint_text().is_some());
    }
}
