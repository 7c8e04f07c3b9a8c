//! The sheet plots are drawn on: plotters' SVG backend with our inks and text sizes, and what makes the result fit a page.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, ShapeStyle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::{Error, Result};
use crate::report::format::visible;

/// Width of every plot in its own units; a page scales it.
pub const WIDTH: f64 = 800.0;
/// Text size in the same units.
pub const TEXT: f64 = 25.0;
/// Size of tick labels and asides.
pub const SMALL: f64 = 23.0;

/// What a thing is drawn in. On a page each is a variable of the style sheet, so that dark mode can lighten it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text and main lines.
    Ink,
    /// Asides and tick labels.
    Muted,
    /// Grid lines.
    Grid,
    /// Shaded areas.
    Band,
    /// The ground.
    Paper,
    /// The model before the repair (vermilion, hollow marks).
    Before,
    /// The model after the repair (blue, filled marks).
    After,
    /// One of the series of a plot with several, by place; colours repeat after seven, so marks or labels must differ too.
    Series(usize),
}

/// Okabe and Ito's colours, which colour-blind readers tell apart, with grey for yellow (illegible on white).
const SERIES: [(u8, u8, u8); 7] = [
    (0x00, 0x72, 0xB2),
    (0xD5, 0x5E, 0x00),
    (0x00, 0x9E, 0x73),
    (0xCC, 0x79, 0xA7),
    (0xE6, 0x9F, 0x00),
    (0x56, 0xB4, 0xE9),
    (0x7A, 0x7F, 0x87),
];

impl Ink {
    /// The colour on white paper. Every style variable has a colour of its own, by which [`Plot::inline`] finds it.
    fn colour(self) -> RGBColor {
        let (red, green, blue) = match self {
            Ink::Ink => (0x1A, 0x1D, 0x21),
            Ink::Muted => (0x56, 0x5D, 0x66),
            Ink::Grid => (0xD5, 0xDA, 0xE0),
            Ink::Band => (0xE6, 0xE9, 0xEE),
            Ink::Paper => (0xFF, 0xFF, 0xFF),
            Ink::Before => SERIES[1],
            Ink::After => SERIES[0],
            Ink::Series(place) => SERIES[place % SERIES.len()],
        };
        RGBColor(red, green, blue)
    }

    fn variable(self) -> String {
        match self {
            Ink::Ink => "--ink".to_owned(),
            Ink::Muted => "--muted".to_owned(),
            Ink::Grid => "--grid".to_owned(),
            Ink::Band => "--band".to_owned(),
            Ink::Paper => "--paper".to_owned(),
            Ink::Before => "--before".to_owned(),
            Ink::After => "--after".to_owned(),
            Ink::Series(place) => format!("--s{}", place % SERIES.len() + 1),
        }
    }

    fn all() -> impl Iterator<Item = Ink> {
        let named = [Ink::Ink, Ink::Muted, Ink::Grid, Ink::Band, Ink::Paper, Ink::Before, Ink::After];
        named.into_iter().chain((0..SERIES.len()).map(Ink::Series))
    }
}

/// How text stands to its point.
#[derive(Debug, Clone, Copy)]
pub enum Align {
    /// Starts there.
    Start,
    /// Is centred there.
    Middle,
    /// Ends there.
    End,
}

/// A finished plot.
#[derive(Debug, Clone)]
pub struct Plot {
    /// File stem and anchor, kebab-case; unique within a report.
    pub name: String,
    /// What it shows, for the list of files and for people who do not see it.
    pub title: String,
    /// What there is to see, in a sentence with its figures, for people who do not see it.
    pub description: String,
    height: f64,
    drawing: String,
}

impl Plot {
    /// Draws a plot of the given height (units of [`WIDTH`]).
    ///
    /// # Errors
    /// Only where plotters itself fails, which is a fault of ours.
    pub fn draw(name: &str, title: &str, description: &str, height: f64, paint: impl FnOnce(&Canvas<'_>) -> Result<()>) -> Result<Self> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, height as u32)).into_drawing_area();
            let canvas = Canvas { area };
            paint(&canvas)?;
            canvas.area.present().map_err(|error| fault(&error))?;
        }
        // Only what stands between the outer tags is kept: the tags differ between page and file.
        let inner = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        let (drawing, _) = inner.ok_or_else(|| Error::internal("plotters wrote no SVG element"))?;
        Ok(Self {
            name: name.to_owned(),
            title: visible(title, 200).into_owned(),
            description: visible(description, 1000).into_owned(),
            height,
            // Half an x-height is unknown to several programs that people put plots into; this is the same in em.
            drawing: drawing.replace("dy=\"0.5ex\"", "dy=\"0.35em\""),
        })
    }

    /// The plot as a part of a page; colours are the page's.
    pub fn inline(&self) -> Markup {
        let mut drawing = self.drawing.clone();
        for ink in Ink::all() {
            let RGBColor(red, green, blue) = ink.colour();
            drawing = drawing.replace(
                &format!("\"#{red:02X}{green:02X}{blue:02X}\""),
                &format!("\"var({})\"", ink.variable()),
            );
        }
        html! {
            svg viewBox={ "0 0 " (WIDTH) " " (self.height) } role="img" aria-labelledby={ (self.name) "-plot-title " (self.name) "-plot-words" } {
                title id={ (self.name) "-plot-title" } { (self.title) }
                desc id={ (self.name) "-plot-words" } { (self.description) }
                (PreEscaped(drawing))
            }
        }
    }

    /// The plot with a caption under it.
    pub fn figure(&self, caption: &str) -> Markup {
        html! { figure { (self.inline()) @if !caption.is_empty() { figcaption { (caption) } } } }
    }

    /// The plot as a file of its own, on white paper.
    pub fn file(&self) -> String {
        let mut svg = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let height = self.height;
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">"
        );
        svg.push_str(&html! { title { (self.title) } desc { (self.description) } }.into_string());
        let _ = writeln!(svg, "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#FFFFFF\"/>");
        svg.push_str(&self.drawing);
        svg.push_str("</svg>\n");
        svg
    }
}

/// Where plots are painted. Positions are in units from the top left corner.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

type Point = (f64, f64);

impl<'a> Canvas<'a> {
    /// A straight line.
    pub fn line(&self, from: Point, to: Point, ink: Ink, width: u32) -> Result<()> {
        self.path(&[from, to], ink, width)
    }

    /// A line through several points.
    pub fn path(&self, points: &[Point], ink: Ink, width: u32) -> Result<()> {
        let pixels: Vec<(i32, i32)> = points.iter().map(|point| pixel(*point)).collect();
        self.put(&PathElement::new(pixels, ink.colour().stroke_width(width)))
    }

    /// A dashed line through several points; dashes run on over corners.
    pub fn dashes(&self, points: &[Point], ink: Ink, width: u32) -> Result<()> {
        const DASH: f64 = 10.0;
        const GAP: f64 = 8.0;
        let mut drawn = 0.0;
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(y1 - y0);
            let mut from = 0.0;
            while from < length {
                let phase = drawn % (DASH + GAP);
                let step = if phase < DASH { DASH - phase } else { DASH + GAP - phase }
                    .max(0.5)
                    .min(length - from)
                    .max(1e-6);
                if phase < DASH {
                    let at = |distance: f64| (x0 + (x1 - x0) * distance / length, y0 + (y1 - y0) * distance / length);
                    self.line(at(from), at(from + step), ink, width)?;
                }
                from += step;
                drawn += step;
            }
        }
        Ok(())
    }

    /// A filled rectangle.
    pub fn block(&self, from: Point, to: Point, ink: Ink) -> Result<()> {
        self.put(&Rectangle::new([pixel(from), pixel(to)], ShapeStyle::from(ink.colour()).filled()))
    }

    /// The outline of a rectangle.
    pub fn outline(&self, from: Point, to: Point, ink: Ink, width: u32) -> Result<()> {
        let ((x0, y0), (x1, y1)) = (from, to);
        self.path(&[(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], ink, width)
    }

    /// A filled polygon.
    pub fn shape(&self, points: &[Point], ink: Ink) -> Result<()> {
        let pixels: Vec<(i32, i32)> = points.iter().map(|point| pixel(*point)).collect();
        self.put(&Polygon::new(pixels, ShapeStyle::from(ink.colour()).filled()))
    }

    /// A filled dot.
    pub fn dot(&self, at: Point, radius: u32, ink: Ink) -> Result<()> {
        self.put(&Circle::new(pixel(at), radius, ShapeStyle::from(ink.colour()).filled()))
    }

    /// A ring on the ground's colour: hides what lies under it.
    pub fn ring(&self, at: Point, radius: u32, ink: Ink) -> Result<()> {
        self.dot(at, radius, Ink::Paper)?;
        self.circle(at, radius, ink)
    }

    /// A circle that is not filled.
    pub fn circle(&self, at: Point, radius: u32, ink: Ink) -> Result<()> {
        self.put(&Circle::new(pixel(at), radius, ink.colour().stroke_width(4)))
    }

    /// Text, vertically centred on its point.
    pub fn text(&self, at: Point, text: &str, align: Align, size: f64, ink: Ink) -> Result<()> {
        let horizontal = match align {
            Align::Start => HPos::Left,
            Align::Middle => HPos::Center,
            Align::End => HPos::Right,
        };
        // plotters divides sizes by 1.24 on the way out.
        let style = ("sans-serif", size * 1.24)
            .into_font()
            .color(&ink.colour())
            .pos(Pos::new(horizontal, VPos::Center));
        self.put(&Text::new(visible(text, 200).into_owned(), pixel(at), style))
    }

    fn put<'e, E>(&self, element: &'e E) -> Result<()>
    where
        &'e E: PointCollection<'e, (i32, i32)>,
        E: Drawable<SVGBackend<'a>>,
    {
        self.area.draw(element).map_err(|error| fault(&error))
    }
}

fn pixel((x, y): Point) -> (i32, i32) {
    // Casts saturate, so that a far-off value cannot wrap around into the picture.
    (x.round() as i32, y.round() as i32)
}

fn fault(error: &impl std::fmt::Display) -> Error {
    Error::internal(format!("a plot could not be drawn: {error}"))
}

/// About how wide text comes out in a sans-serif face, in the units of `size`. Erring on the wide side by a little.
pub fn text_width(text: &str, size: f64) -> f64 {
    let width_of = |letter: char| match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.28,
        'f' | 't' | 'r' | 'I' | ' ' | '\u{a0}' | '(' | ')' | '[' | ']' | '/' | '-' => 0.36,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.88,
        'A'..='Z' | '0'..='9' | '−' | '+' | '=' | '→' | '–' => 0.66,
        letter if (letter as u32) < 0x0300 => 0.6,
        letter if (letter as u32) < 0x1100 => 0.62,
        _ => 1.05,
    };
    text.chars().map(width_of).sum::<f64>() * size
}

/// Text cut with `…` so that it fits into a width.
pub fn fit(text: &str, size: f64, width: f64) -> String {
    let text = visible(text, 200);
    if text_width(&text, size) <= width {
        return text.into_owned();
    }
    let mut shown = String::new();
    for letter in text.chars() {
        shown.push(letter);
        if text_width(&shown, size) + size > width {
            break;
        }
    }
    shown.pop();
    shown.truncate(shown.trim_end().len());
    shown.push('…');
    shown
}
