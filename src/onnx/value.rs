//! What flows along the edges of a graph: tensors of candle, whole numbers (shapes, indices, truth values) and texts.

use candle_core::{DType, Tensor};

/// What goes wrong in an operator, in words; the node is named by whoever calls it.
pub(super) type Computed<T> = Result<T, String>;

/// Row-major values with a shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array<T> {
    pub shape: Vec<usize>,
    pub data: Vec<T>,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Float(Tensor),
    Integer(Array<i64>),
    Text(Array<String>),
}

pub(super) fn words(error: candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

impl<T: Clone> Array<T> {
    pub fn new(shape: Vec<usize>, data: Vec<T>) -> Self {
        Self { shape, data }
    }

    /// Values at these flat places, in this shape.
    pub fn picked(&self, places: &[usize], shape: &[usize]) -> Self {
        Self::new(shape.to_vec(), places.iter().map(|place| self.data[*place].clone()).collect())
    }
}

impl Array<i64> {
    pub fn list(data: Vec<i64>) -> Self {
        Self::new(vec![data.len()], data)
    }
}

impl Value {
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Float(tensor) => tensor.dims().to_vec(),
            Self::Integer(array) => array.shape.clone(),
            Self::Text(array) => array.shape.clone(),
        }
    }

    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    pub fn float(&self) -> Computed<&Tensor> {
        match self {
            Self::Float(tensor) => Ok(tensor),
            Self::Integer(_) => Err("takes numbers with a point, and is given whole numbers".to_owned()),
            Self::Text(_) => Err("takes numbers, and is given texts".to_owned()),
        }
    }

    pub fn integers(&self) -> Computed<&Array<i64>> {
        match self {
            Self::Integer(array) => Ok(array),
            _ => Err("takes whole numbers, and is given others".to_owned()),
        }
    }

    pub fn texts(&self) -> Computed<&Array<String>> {
        match self {
            Self::Text(array) => Ok(array),
            _ => Err("takes texts, and is given numbers".to_owned()),
        }
    }

    /// Numbers of either kind as such with a point, out of the gradient's reach.
    pub fn numbers(&self) -> Computed<Vec<f64>> {
        match self {
            Self::Float(tensor) => flat(tensor),
            Self::Integer(array) => Ok(array.data.iter().map(|value| *value as f64).collect()),
            Self::Text(_) => Err("takes numbers, and is given texts".to_owned()),
        }
    }

    /// The same values in another shape of as many.
    pub fn reshaped(&self, shape: &[usize]) -> Computed<Self> {
        if shape.iter().product::<usize>() != self.len() {
            return Err(format!("cannot give {:?} values the shape {shape:?}", self.shape()));
        }
        Ok(match self {
            Self::Float(tensor) => Self::Float(tensor.reshape(shape).map_err(words)?),
            Self::Integer(array) => Self::Integer(Array::new(shape.to_vec(), array.data.clone())),
            Self::Text(array) => Self::Text(Array::new(shape.to_vec(), array.data.clone())),
        })
    }

    /// Values at these flat places, in this shape. Gradients are summed where a place is taken more than once.
    pub fn picked(&self, places: &[usize], shape: &[usize]) -> Computed<Self> {
        Ok(match self {
            Self::Float(tensor) => {
                let which: Vec<u32> = places.iter().map(|place| *place as u32).collect();
                let which = Tensor::from_vec(which, places.len(), tensor.device()).map_err(words)?;
                let flat = tensor.flatten_all().and_then(|all| all.contiguous()).map_err(words)?;
                let found = flat.index_select(&which, 0).and_then(|found| found.reshape(shape));
                Self::Float(found.map_err(words)?)
            }
            Self::Integer(array) => Self::Integer(array.picked(places, shape)),
            Self::Text(array) => Self::Text(array.picked(places, shape)),
        })
    }
}

/// All values of a tensor, row-major.
pub(super) fn flat(tensor: &Tensor) -> Computed<Vec<f64>> {
    let wide = tensor.flatten_all().and_then(|all| all.to_dtype(DType::F64));
    wide.and_then(|all| all.to_vec1()).map_err(words)
}

/// Steps in a flat vector along each axis.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// For every place of `shape`, in order, what `find` makes of its index along each axis.
pub(super) fn mapped(shape: &[usize], mut find: impl FnMut(&[usize]) -> usize) -> Vec<usize> {
    let count = shape.iter().product();
    let mut index = vec![0; shape.len()];
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        found.push(find(&index));
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    found
}

/// The shape that two shapes are broadcast to.
pub(super) fn broadcast(one: &[usize], other: &[usize]) -> Computed<Vec<usize>> {
    let rank = one.len().max(other.len());
    let size = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |place| shape[place]);
    (0..rank)
        .map(|axis| match (size(one, axis), size(other, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(format!("cannot bring the shapes {one:?} and {other:?} together")),
        })
        .collect()
}

/// Where each place of `shape` comes from in values of the smaller shape `from`.
pub(super) fn broadcast_places(from: &[usize], shape: &[usize]) -> Vec<usize> {
    let steps = strides(from);
    let skipped = shape.len() - from.len();
    mapped(shape, |index| {
        let along = from.iter().zip(&steps).zip(&index[skipped..]);
        along.map(|((size, step), at)| if *size == 1 { 0 } else { at * step }).sum()
    })
}

/// An axis that may count from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Computed<usize> {
    let counted = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    usize::try_from(counted)
        .ok()
        .filter(|found| *found < rank)
        .ok_or_else(|| format!("axis {axis} of {rank} dimensions does not exist"))
}
