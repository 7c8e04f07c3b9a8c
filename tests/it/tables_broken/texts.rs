//! Broken delimited text, files of other programs, damaged gzip.

use super::{Broken, SHEET, broken, gzip, noise, with};

pub fn texts() -> Vec<Broken> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let many = |separator: &str| vec!["x"; 1_000_000].join(separator);
    let ten_megabytes = "x".repeat(10_000_000);
    vec![
        broken("empty file", "a.csv", "", &["empty"]),
        broken("only blank lines", "a.csv", "\n \n\r\n", &["no text"]),
        broken("only a byte order mark", "a.csv", "\u{feff}", &["no text"]),
        broken("a byte order mark and blank lines", "a.csv", "\u{feff}\n\n", &["no text"]),
        broken(
            "a quote that is never closed",
            "a.csv",
            "a,b\n1,2\n3,\"4\n5,6\n",
            &["quotation mark", "row 3", "never closed"],
        ),
        broken(
            "a quote opened by the last character",
            "a.csv",
            "a,b\n1,\"",
            &["quotation mark", "row 2"],
        ),
        broken(
            "a quote in the header that is never closed",
            "a.csv",
            "\"a,b\n1,2\n",
            &["quotation mark", "row 1"],
        ),
        broken(
            "a row with one cell too many",
            "a.csv",
            "a,b\n1,2\n3,4,5\n",
            &["3 cells", "header has 2", "row 3"],
        ),
        broken(
            "decimal commas between commas",
            "a.csv",
            "a,b,c\n1,2,3\n1,5,2,5,3\n",
            &["5 cells", "row 3", "comma"],
        ),
        broken(
            "a row too long for its semicolons",
            "a.csv",
            "a;b\n1;2\n3;4;5\n",
            &["3 cells", "row 3"],
        ),
        broken("a NUL byte", "a.csv", "a,b\n1,2\n3,\x004\n", &["NUL", "line 3"]),
        broken("zeros", "a.csv", vec![0; 5000], &["not text"]),
        broken("random bytes", "a.csv", noise(5000), &["not text"]),
        broken("random bytes named .parquet", "a.parquet", noise(300), &["not text"]),
        broken(
            "UTF-32",
            "a.csv",
            [0xff, 0xfe, 0, 0, b'a', 0, 0, 0, b'\n', 0, 0, 0],
            &["UTF-32", "CSV UTF-8"],
        ),
        broken(
            "UTF-16 of control characters",
            "a.csv",
            utf16(&"\u{feff}\u{1}\u{2}\u{3}\u{4}\n".repeat(50)),
            &["not text"],
        ),
        broken(
            "UTF-16 with a NUL",
            "a.csv",
            utf16("\u{feff}a,b\n1,\u{0}2\n3,4\n5,6\n7,8\n9,10\n11,12\n"),
            &["NUL", "line 2"],
        ),
        broken("a million columns", "a.csv", format!("{}\n", many(",")), &["16,384", "row 1"]),
        broken(
            "a million columns below the header",
            "a.csv",
            format!("a,b\n1,2\n{}\n", many(",")),
            &["16,384", "row 3"],
        ),
        broken("a million quoted columns", "a.csv", format!("{}\n", many("\",\"")), &["16,384"]),
        broken(
            "a cell of ten megabytes",
            "a.csv",
            format!("a,b\n1,2\n3,{ten_megabytes}\n"),
            &["10,000,000 bytes", "row 3", "32,767"],
        ),
        broken(
            "a quoted cell of ten megabytes",
            "a.csv",
            format!("a,b\n1,\"{ten_megabytes}\"\n"),
            &["bytes", "row 2", "not closed"],
        ),
        broken(
            "a header of ten megabytes",
            "a.csv",
            format!("{ten_megabytes}\n1\n"),
            &["bytes", "row 1"],
        ),
        broken(
            "ten megabytes after an open quote",
            "a.csv",
            format!("a,b\n1,\"{ten_megabytes}"),
            &["bytes", "row 2", "not closed"],
        ),
        with(
            broken("an unknown encoding", "a.csv", SHEET, &["uft-8", "closest match is `utf-8`"]),
            |options| options.encoding = Some("uft-8".into()),
        ),
        with(
            broken("latin-1 said to be UTF-8", "a.csv", b"a,b\n1,2\n\xfc,3\n", &["not UTF-8", "line 3"]),
            |options| {
                options.encoding = Some("utf-8".into());
            },
        ),
        with(broken("header row 0", "a.csv", SHEET, &["row 0", "from 1"]), |options| {
            options.header_row = Some(0)
        }),
        with(broken("a header row below the end", "a.csv", SHEET, &["row 99"]), |options| {
            options.header_row = Some(99)
        }),
        with(broken("a blank header row", "a.csv", "a,b\n\n1,2\n", &["row 2"]), |options| {
            options.header_row = Some(2)
        }),
        with(
            broken("a sheet of a text file", "a.csv", SHEET, &["no sheet `Orders`", "no sheets"]),
            |options| options.sheet = Some("Orders".into()),
        ),
        with(broken("a quote as delimiter", "a.csv", SHEET, &["cannot separate"]), |options| {
            options.delimiter = Some(b'"')
        }),
        with(broken("a line end as delimiter", "a.csv", SHEET, &["cannot separate"]), |options| {
            options.delimiter = Some(b'\n')
        }),
    ]
}

pub fn strangers() -> Vec<Broken> {
    let page = "<html><body><table><tr><td>1</td></tr></table></body></html>";
    let padded = |magic: &[u8]| [magic, &noise(200)].concat();
    vec![
        broken("a web page named .xls", "a.xls", page, &["HTML", "table"]),
        broken(
            "a web page with a doctype",
            "a.csv",
            "\u{feff}\n<!DOCTYPE html><p>Sign in",
            &["HTML"],
        ),
        broken(
            "an XML Spreadsheet 2003",
            "a.xls",
            "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>",
            &["XML spreadsheet"],
        ),
        broken("some XML", "a.xml", "<?xml version=\"1.0\"?><orders/>", &["XML"]),
        broken("JSON", "a.json", "{\"a\": [1, 2]}", &["JSON"]),
        broken("a JSON list", "a.csv", "[\n  {\"a\": 1},\n  {\"a\": 2}\n]", &["JSON"]),
        broken("a web archive", "a.xls", "MIME-Version: 1.0\nX: y\n", &["MHTML"]),
        broken("a PDF", "a.xlsx", padded(b"%PDF-1.7\n"), &["PDF", "export"]),
        broken("a PNG", "a.csv", padded(b"\x89PNG\r\n\x1a\n"), &["PNG"]),
        broken("a JPEG", "a.csv", padded(b"\xff\xd8\xff\xe0"), &["JPEG"]),
        broken("a GIF", "a.csv", padded(b"GIF89a"), &["GIF"]),
        broken("rich text", "a.csv", padded(b"{\\rtf1"), &["rich-text"]),
        broken("a SQLite database", "a.csv", padded(b"SQLite format 3\0"), &["SQLite"]),
        broken("a 7z archive", "a.csv", padded(b"7z\xbc\xaf\x27\x1c"), &["7z", "unpack"]),
        broken("a RAR archive", "a.csv", padded(b"Rar!\x1a\x07"), &["RAR"]),
        broken("zstd", "a.csv.zst", padded(b"\x28\xb5\x2f\xfd"), &["zstd", "unpack"]),
        broken("bzip2", "a.csv.bz2", padded(b"BZh91AY"), &["bzip2"]),
        broken("xz", "a.csv.xz", padded(b"\xfd7zXZ\0"), &["xz"]),
        broken("a program", "a.csv", padded(b"\x7fELF"), &["program"]),
        broken(
            "an Arrow file that holds nothing",
            "a.feather",
            padded(b"ARROW1\0\0"),
            &["Arrow", "damaged"],
        ),
        broken("an HDF5 file", "a.h5", padded(b"\x89HDF\r\n\x1a\n"), &["HDF5"]),
        broken("a pickle", "a.pkl", padded(b"\x80\x04\x95"), &["pickle"]),
        broken("an encrypted Parquet file", "a.parquet", padded(b"PARE"), &["encrypted"]),
    ]
}

pub fn packed() -> Vec<Broken> {
    let whole = gzip(SHEET.repeat(50).as_bytes());
    let mut flipped = whole.clone();
    let last = flipped.len();
    flipped[last - 6] ^= 0xff;
    vec![
        broken("gzip cut off", "a.csv.gz", &whole[..whole.len() / 2], &["cut off"]),
        broken("gzip without its end", "a.csv.gz", &whole[..whole.len() - 3], &["cut off"]),
        broken("gzip with a wrong checksum", "a.csv.gz", flipped, &["damaged"]),
        broken(
            "gzip of noise",
            "a.csv.gz",
            [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &noise(100)].concat(),
            &["damaged"],
        ),
        broken("only the beginning of gzip", "a.csv.gz", [0x1f, 0x8b], &["cut off"]),
        broken("gzip of nothing", "a.csv.gz", gzip(b""), &["empty"]),
        broken("gzip twice", "a.csv.gz", gzip(&whole), &["twice"]),
        broken("gzip of a picture", "a.csv.gz", gzip(b"\x89PNG\r\n\x1a\n0000"), &["PNG"]),
        broken(
            "a gzip bomb",
            "a.csv.gz",
            gzip(&[b"a,b\n1,".to_vec(), vec![b' '; 80_000_000]].concat()),
            &["absurd"],
        ),
    ]
}
