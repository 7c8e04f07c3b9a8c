//! Tables in memory: Arrow arrays, as other programs hand them over.

use std::collections::BTreeSet;
use std::path::Path;

use polars::prelude::{ArrayRef, ArrowField, Column as PolarsColumn, DataFrame, DataType, Series};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::column::Column;
use super::frame;
use super::panics::caught_on_own_stack;
use super::source::{Format, Source};
use super::table::Table;
use crate::error::{Error, Result};
use crate::files::hex;
use crate::notes::Notes;

/// A table in memory: `fields` and, of each batch of rows, an array per field. Its columns are read as those of an Arrow file would be; its
/// rows are taken one by one, and the first is row 2. Its SHA-256 is that of names and cells, so that the same content is known again.
///
/// # Errors
/// Where the batches do not fit the fields or cannot be read, for a table without columns of plain values, and beyond the limits.
pub(crate) fn of_batches(file_name: &str, fields: &[ArrowField], batches: Vec<Vec<ArrayRef>>, notes: &mut Notes) -> Result<Table> {
    let misfit = || Error::input("the batches of the table do not fit its columns").in_file(file_name);
    let heights: Vec<usize> = batches.iter().map(|batch| batch.first().map_or(0, |array| array.len())).collect();
    let fits = |(batch, height): (&Vec<ArrayRef>, &usize)| batch.len() == fields.len() && batch.iter().all(|array| array.len() == *height);
    if !batches.iter().zip(&heights).all(fits) {
        return Err(misfit());
    }
    let height = heights.iter().sum();
    frame::check_size(height, fields.len())?;
    let (places, left_out) = frame::plain_places(fields.iter());
    let unreadable = |field: &ArrowField, reason: String| {
        Error::input(format!("the column cannot be read: {reason}"))
            .in_file(file_name)
            .in_column(field.name.as_str())
            .hint("hand in plain columns: texts, numbers, dates")
    };
    let series = |place: &usize| {
        let field = &fields[*place];
        if batches.is_empty() {
            return Ok(Series::new_empty(field.name.clone(), &DataType::from_arrow_field(field)));
        }
        let chunks: Vec<ArrayRef> = batches.iter().map(|batch| batch[*place].clone()).collect();
        Series::try_from((field, chunks)).map_err(|error| unreadable(field, error.to_string()))
    };
    let read = || {
        places
            .iter()
            .map(|place| Ok(PolarsColumn::from(series(place)?)))
            .collect::<Result<Vec<_>>>()
    };
    let columns = caught_on_own_stack(read).map_err(|_| misfit())??;
    let mut taken = BTreeSet::new();
    if let Some(twice) = places
        .iter()
        .map(|place| fields[*place].name.as_str())
        .find(|name| !taken.insert(*name))
    {
        return Err(Error::input(format!("two columns are called `{twice}`"))
            .in_file(file_name)
            .in_column(twice)
            .hint("give each column a name of its own, or leave one of them out"));
    }
    let made = match DataFrame::new(height, columns) {
        Ok(frame) => frame,
        Err(error) => return Err(Error::input(format!("the table cannot be read: {error}")).in_file(file_name)),
    };
    let source = Source::named(Path::new(file_name), Format::Memory);
    let table = frame::sheet(made, left_out, source, notes).map_err(|error| error.in_file(file_name))?;
    let sha256 = content_hash(&table);
    let source = Source {
        sha256,
        ..table.source().clone()
    };
    Ok(table.with_source(source))
}

/// SHA-256 of the names and of the cells as a person reads them, column by column.
fn content_hash(table: &Table) -> String {
    let of_column = |column: Column| {
        let mut hash = Sha256::new();
        for row in 0..table.height() {
            match column.get(row).shown() {
                Some(text) => {
                    hash.update((text.len() as u64 + 1).to_le_bytes());
                    hash.update(text.as_bytes());
                }
                None => hash.update(0_u64.to_le_bytes()),
            }
        }
        hash.finalize()
    };
    let columns: Vec<_> = table.columns().into_par_iter().map(of_column).collect();
    let mut whole = Sha256::new();
    for (name, column) in table.names().iter().zip(columns) {
        whole.update((name.len() as u64).to_le_bytes());
        whole.update(name.as_bytes());
        whole.update(column);
    }
    hex(&whole.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{ArrowDataType, CompatLevel, NamedFrom};

    /// The batches of a frame of two columns, cut after the given rows.
    fn table(cuts: &[usize], modes: &[&str]) -> Result<Table> {
        let ids = Series::new("Id".into(), (0..modes.len() as i32).collect::<Vec<_>>());
        let modes = Series::new("Mode".into(), modes);
        let fields: Vec<ArrowField> = [&ids, &modes].map(|series| series.field().to_arrow(CompatLevel::oldest())).to_vec();
        let mut from = 0;
        let ends = cuts.iter().copied().chain([ids.len()]);
        let batches = ends.map(|cut| {
            let part = (from as i64, cut - from);
            from = cut;
            [&ids, &modes]
                .map(|series| series.slice(part.0, part.1).rechunk().to_arrow(0, CompatLevel::oldest()))
                .to_vec()
        });
        Table::from_arrow("orders", &fields, batches.collect(), &mut Notes::new())
    }

    #[test]
    fn batches_are_one_table_that_is_known_again_by_its_content() {
        let (whole, cut) = (
            table(&[], &["air", "sea", "air"]).unwrap(),
            table(&[1], &["air", "sea", "air"]).unwrap(),
        );
        assert_eq!((cut.height(), cut.names()), (3, &["Id".to_owned(), "Mode".to_owned()][..]));
        assert_eq!((cut.cell(1, "Mode").unwrap().as_deref(), cut.row_number(0)), (Some("sea"), 2));
        assert_eq!(cut.cell(2, "Id").unwrap().as_deref(), Some("2"));
        assert_eq!(whole.source().sha256, cut.source().sha256);
        assert_eq!(whole.source().sha256.len(), 64);
        let other = table(&[], &["air", "sea", "sea"]).unwrap();
        assert_ne!(whole.source().sha256, other.source().sha256);
    }

    #[test]
    fn columns_of_no_plain_type_are_left_out_and_two_of_one_name_refused() {
        let ids: ArrayRef = Series::new("Id".into(), [1_i64, 2]).to_arrow(0, CompatLevel::oldest());
        let fields = [
            ArrowField::new("Id".into(), DataType::Int64.to_arrow(CompatLevel::oldest()), true),
            ArrowField::new("Amount".into(), ArrowDataType::Decimal256(50, 2), true),
        ];
        let mut notes = Notes::new();
        // The second column is never looked at.
        let table = Table::from_arrow("orders", &fields, vec![vec![ids.clone(), ids.clone()]], &mut notes).unwrap();
        assert_eq!(table.names(), ["Id"]);
        assert!(notes.has("unreadable-columns"));
        let twice = [fields[0].clone(), fields[0].clone()];
        let error = Table::from_arrow("orders", &twice, vec![vec![ids.clone(), ids]], &mut Notes::new()).unwrap_err();
        assert!(error.message().contains("two columns are called `Id`"), "{error}");
    }

    #[test]
    fn batches_that_do_not_fit_the_columns_are_refused() {
        let field = ArrowField::new("Id".into(), DataType::Int64.to_arrow(CompatLevel::oldest()), true);
        let one: ArrayRef = Series::new("Id".into(), [1_i64, 2]).to_arrow(0, CompatLevel::oldest());
        let text: ArrayRef = Series::new("Id".into(), ["a", "b"]).to_arrow(0, CompatLevel::oldest());
        let read = |batches| Table::from_arrow("orders", std::slice::from_ref(&field), batches, &mut Notes::new());
        assert_eq!(read(vec![vec![one.clone()]]).unwrap().height(), 2);
        assert_eq!(read(Vec::new()).unwrap().height(), 0);
        for broken in [vec![vec![one.clone(), one.clone()]], vec![vec![]], vec![vec![one], vec![text]]] {
            let error = read(broken).unwrap_err();
            assert_eq!(error.file(), Some(Path::new("orders")), "{error}");
        }
    }
}
