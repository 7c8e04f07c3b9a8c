//! Plots as SVG by plotters, one kind a file. They are drawn once and shown twice: inside the page, where colours follow
//! light and dark, and as a file of their own on white paper, for slides.
//!
//! All are [`WIDTH`] units wide with text of [`TEXT`] units, so that they stay legible on a phone (about 350 pixels wide).

mod axes;
mod boxes;
mod calibration;
mod canvas;
mod curves;
mod dots;
mod dumbbells;
mod grid;
mod intervals;
mod lanes;
mod ratios;

pub use axes::{Scale, extent};
pub use boxes::{BoxGroup, BoxPlot};
pub use calibration::CalibrationPlot;
pub use canvas::{Align, Canvas, Ink, Plot, TEXT, WIDTH, fit, text_width};
pub use curves::{CurvePlot, Marker, Series};
pub use dots::{DotPlot, Dots};
pub use dumbbells::{DumbbellPlot, DumbbellRow};
pub use grid::{GridPlot, Panel};
pub use intervals::{IntervalPlot, IntervalRow};
pub use ratios::RatioPlot;
