//! Small files to begin with, of every format that is read.

use std::fs;
use std::path::{Path, PathBuf};

use recant::features::Profile;
use recant::notes::Notes;
use recant::tables::{ReadOptions, read};

use crate::program::{contents, trial};
use crate::workbook_cases::made;

fn fixture(name: &str) -> Vec<u8> {
    of_folder("sheets", &[name]).remove(0)
}

/// Fixtures of a folder.
fn of_folder(folder: &str, names: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    names.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

/// Arrays of NumPy.
pub fn numpy() -> Vec<Vec<u8>> {
    of_folder("numpy", &["columns.npy", "rows.npy", "table.npy"])
}

/// Several arrays in one file.
pub fn numpy_archives() -> Vec<Vec<u8>> {
    of_folder("numpy", &["packed.npz", "stored.npz"])
}

/// Networks that other programs trained, preprocessing among them; those with a second file lack it.
pub fn onnx() -> Vec<Vec<u8>> {
    let names = [
        "mlp.onnx",
        "residual.onnx",
        "attention.onnx",
        "embeddings.onnx",
        "conv1d.onnx",
        "scikit_pipeline.onnx",
    ];
    of_folder("onnx", &names)
}

/// Weights alone.
pub fn weights() -> Vec<Vec<u8>> {
    of_folder("onnx/state_dicts", &["named.safetensors", "blocks.safetensors"])
}

/// Weights as PyTorch saves them.
pub fn pickled_weights() -> Vec<Vec<u8>> {
    of_folder("onnx/state_dicts", &["named.pt", "apart.pt", "checkpoint.pth"])
}

const ORDERS: &str = "Order Id,Market,Order Date,Days,Price,Status\n1,LATAM,2018-01-31,3,\"1,234.50\",late\n2,Europe,2018-02-01,4,5.25,on time\n\
    3,Europe,2018-02-02,5,,late\n4,\"Asia, East\",2018-02-03,2,7,early\n5,LATAM,2018-02-04,1,8,on time\n6,Africa,2018-02-05,9,9.75,late\n";

/// Delimited texts in several manners.
pub fn texts() -> Vec<Vec<u8>> {
    let many: String = (0..60)
        .map(|row| format!("{row},{},2018-03-{:02},{}\n", row % 4, row % 28 + 1, row % 3))
        .collect();
    let german = "Bestellnr;Ort;Preis;Lieferdatum\n0001;K\u{f6}ln;1.234,50;31.01.2018\n0002;Ulm;12,5;01.02.2018\n0003;Bonn;7;03.02.2018\n";
    let wide: Vec<u8> = ORDERS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ORDERS.as_bytes().to_vec(),
        german.as_bytes().to_vec(),
        format!("id,market,date,label\n{many}").into_bytes(),
        [&[0xff, 0xfe][..], &wide].concat(),
        ORDERS.replace(',', "\t").into_bytes(),
        format!("Report of orders\n\n{ORDERS}Total,,,,,\n").into_bytes(),
    ]
}

/// Excel workbooks of today.
pub fn xlsx() -> Vec<Vec<u8>> {
    let small = made::xlsx(&made::sheet(&[
        &["id", "market", "days"],
        &["1", "LATAM", "3"],
        &["2", "Europe", "4"],
    ]));
    vec![fixture("orders.xlsx"), small]
}

/// Binary ones.
pub fn xlsb() -> Vec<Vec<u8>> {
    vec![fixture("orders.xlsb")]
}

/// Old ones.
pub fn xls() -> Vec<Vec<u8>> {
    let cells = [
        made::label(0, 0, "id", false),
        made::label(0, 1, "market", true),
        made::number(1, 0, 1.0),
        made::label(1, 1, "LATAM", false),
        made::number(2, 0, 2.0),
    ];
    vec![fixture("orders.xls"), made::xls(&made::stream(&[], &cells.concat()))]
}

/// OpenDocument sheets.
pub fn ods() -> Vec<Vec<u8>> {
    vec![fixture("orders.ods")]
}

fn written(ending: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("orders.csv");
    fs::write(&from, ORDERS).unwrap();
    let to = folder.path().join(format!("orders.{ending}"));
    let table = read(&from, &ReadOptions::default(), &mut Notes::new()).unwrap();
    table.write(&to, &mut Notes::new()).unwrap();
    fs::read(&to).unwrap()
}

/// Parquet.
pub fn parquet() -> Vec<Vec<u8>> {
    vec![written("parquet")]
}

/// Arrow files.
pub fn arrow() -> Vec<Vec<u8>> {
    use polars::prelude::{DataFrame, IntoColumn, NamedFrom, Series};
    use polars_io::SerWriter;
    use polars_io::ipc::IpcWriter;
    let mut frame = DataFrame::new(
        3,
        vec![
            Series::new("id".into(), [1_i64, 2, 3]).into_column(),
            Series::new("market".into(), ["LATAM", "Europe", "Asia"]).into_column(),
            Series::new("price".into(), [1.5_f64, 2.5, 3.5]).into_column(),
        ],
    )
    .unwrap();
    let mut bytes = Vec::new();
    IpcWriter::new(&mut bytes).finish(&mut frame).unwrap();
    vec![bytes]
}

/// Packed text.
pub fn packed() -> Vec<Vec<u8>> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(ORDERS.as_bytes()).unwrap();
    vec![encoder.finish().unwrap()]
}

/// Flag files for the rows of the trial's model.
pub fn flags() -> Vec<Vec<u8>> {
    let own = fs::read(trial().join("trial/flags.csv")).unwrap();
    let head: Vec<u8> = own.split_inclusive(|byte| *byte == b'\n').take(12).flatten().copied().collect();
    vec![
        head,
        b"Order Item Id\n11\n12\n13\n14\n".to_vec(),
        b"row,is_label_issue,given_label,correct_label\n2,1,late,on time\n3,0,early,\n4,TRUE,late,early\n".to_vec(),
        b"5\n6\n7\n".to_vec(),
        b"row,score\n2,0.1\n3,0.9\n4,0.5\n".to_vec(),
    ]
}

/// Profiles.
pub fn profiles() -> Vec<Vec<u8>> {
    let builtin = ["dataco", "dataco-paper", "generic"].map(|name| Profile::load(name).unwrap().to_toml().unwrap().into_bytes());
    let settled = fs::read(trial().join("model/profile.toml")).unwrap();
    builtin.into_iter().chain([settled]).collect()
}

/// The files of a model folder that are read back, by name.
pub fn model() -> Vec<(PathBuf, Vec<u8>)> {
    let read = |name: &Path| name.components().count() == 1 && name != Path::new("MODEL_CARD.md");
    contents(&trial().join("model"))
        .into_iter()
        .filter(|(name, _)| read(name))
        .collect()
}
