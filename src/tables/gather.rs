//! Chosen rows of a frame.

use polars::prelude::{
    ChunkTake, Column, DataFrame, DataType, IdxCa, IdxSize, IntoColumn, NewChunkedArray, PlSmallStr, PolarsResult, StringChunked,
};
use rayon::prelude::*;

/// The given rows of a frame, in the given order. Of texts in several pieces, rising rows are taken piece by piece, and others from one piece that shares
/// their texts, where Polars would write all texts anew.
///
/// # Errors
/// Where a row is beyond the end.
pub(super) fn gather(frame: &DataFrame, rows: &[IdxSize]) -> PolarsResult<DataFrame> {
    let places = IdxCa::from_slice(PlSmallStr::EMPTY, rows);
    let rising = rows.is_sorted() && rows.last().is_none_or(|last| (*last as usize) < frame.height());
    let of_column = |column: &Column| {
        if column.dtype() == &DataType::String {
            let texts = column.str()?;
            if texts.chunks().len() > 1 {
                return if rising {
                    by_piece(texts, rows)
                } else {
                    Ok(texts.rechunk().take(&places)?.into_column())
                };
            }
        }
        column.take(&places)
    };
    let columns = frame.columns().par_iter().map(of_column).collect::<PolarsResult<Vec<_>>>()?;
    DataFrame::new(rows.len(), columns)
}

fn by_piece(texts: &StringChunked, rows: &[IdxSize]) -> PolarsResult<Column> {
    let name = texts.name().clone();
    let mut whole: Option<StringChunked> = None;
    let (mut start, mut rest) = (0, rows);
    for array in texts.downcast_iter() {
        let end = start + array.len() as IdxSize;
        let (own, after) = rest.split_at(rest.partition_point(|row| *row < end));
        rest = after;
        if !own.is_empty() {
            let local: Vec<IdxSize> = own.iter().map(|row| row - start).collect();
            let piece = StringChunked::with_chunk(name.clone(), array.clone());
            let taken = piece.take(&IdxCa::from_vec(PlSmallStr::EMPTY, local))?;
            match &mut whole {
                None => whole = Some(taken),
                Some(whole) => whole.append_owned(taken)?,
            }
        }
        start = end;
    }
    Ok(whole.unwrap_or_else(|| texts.clear()).into_column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&[Option<&str>]]) -> StringChunked {
        let mut whole = StringChunked::from_slice_options("text".into(), &[] as &[Option<&str>]);
        for piece in texts {
            whole.append_owned(StringChunked::from_slice_options("text".into(), piece)).unwrap();
        }
        whole
    }

    #[test]
    fn rows_of_several_pieces_are_those_that_polars_takes() {
        let long = "a text of more than twelve bytes";
        let texts = pieces(&[&[Some("a"), None, Some(long)], &[], &[Some("b")], &[Some("c"), Some(long), None]]);
        let numbers = Column::new("number".into(), (0..texts.len() as i64).collect::<Vec<_>>());
        let frame = DataFrame::new(texts.len(), vec![texts.into_column(), numbers]).unwrap();
        for rows in [&[0, 1, 2, 3, 4, 5, 6][..], &[2, 2, 3, 6], &[], &[4], &[6, 0, 3]] {
            let expected = frame.take(&IdxCa::from_slice(PlSmallStr::EMPTY, rows)).unwrap();
            let found = gather(&frame, rows).unwrap();
            assert!(found.equals_missing(&expected), "{rows:?}: {found:?}");
        }
        assert!(gather(&frame, &[7]).is_err());
    }
}
