//! Kinds of values, by their numbers in the format.

pub const FLOAT: i64 = 1;
pub const UINT8: i64 = 2;
pub const INT8: i64 = 3;
pub const UINT16: i64 = 4;
pub const INT16: i64 = 5;
pub const INT32: i64 = 6;
pub const INT64: i64 = 7;
pub const STRING: i64 = 8;
pub const BOOL: i64 = 9;
pub const FLOAT16: i64 = 10;
pub const DOUBLE: i64 = 11;
pub const UINT32: i64 = 12;
pub const UINT64: i64 = 13;
pub const BFLOAT16: i64 = 16;

pub fn is_float(kind: i64) -> bool {
    [FLOAT, FLOAT16, DOUBLE, BFLOAT16].contains(&kind)
}

/// A value as a tensor of this kind holds it.
pub fn rounded(kind: i64, value: f32) -> f32 {
    match kind {
        FLOAT16 => half::f16::from_f32(value).to_f32(),
        BFLOAT16 => half::bf16::from_f32(value).to_f32(),
        _ => value,
    }
}

/// Bytes of a value, where they are fixed.
pub fn size(kind: i64) -> Option<usize> {
    match kind {
        FLOAT | INT32 | UINT32 => Some(4),
        DOUBLE | INT64 | UINT64 => Some(8),
        FLOAT16 | BFLOAT16 | INT16 | UINT16 => Some(2),
        INT8 | UINT8 | BOOL => Some(1),
        _ => None,
    }
}
