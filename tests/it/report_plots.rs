//! Plots: every one is sound, and nothing is drawn outside of it.

use std::fs;

use recant::report::plots::{BoxGroup, BoxPlot, CurvePlot, IntervalPlot, IntervalRow, Marker, Plot, RatioPlot, Series, WIDTH, text_width};

use super::report::{pages, preview};

pub(super) fn parses(xml: &str, what: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut depth = 0i32;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{what}: {error}")) {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{what}: an element is left open");
}

/// Plots of kinds that no report has yet, and of data at the edge of what can be drawn.
fn extreme_plots() -> Vec<Plot> {
    let interval = |label: &str, estimate: f64, low: f64, high: f64| IntervalRow {
        label: label.to_owned(),
        estimate,
        low,
        high,
        main: true,
    };
    let intervals = |name: &'static str, rows: Vec<IntervalRow>| {
        IntervalPlot {
            name,
            title: "t",
            axis: "a",
            minimum_effect: Some(0.001),
            sides: ("worse", "better"),
            rows,
        }
        .draw()
        .unwrap()
    };
    let groups = ["0.25 %", "1 %", "10 %"].into_iter().enumerate().map(|(place, label)| BoxGroup {
        label: label.to_owned(),
        five: [-0.003, -0.001, 0.0005, 0.002, 0.006].map(|value: f64| value * (1.0 + place as f64)),
        outliers: vec![-0.01, 0.013],
    });
    let line = |label: &str, of: &dyn Fn(f64) -> f64| Series {
        label: label.to_owned(),
        points: (0..100)
            .map(|place| (10f64.powf(f64::from(place) / 20.0 - 2.0), of(f64::from(place))))
            .collect(),
    };
    let curves = CurvePlot {
        name: "curves",
        title: "t",
        across: "alpha",
        up: "accuracy on test rows",
        logarithmic: true,
        percent: true,
        series: vec![
            line("baseline", &|_| 0.871),
            line("repaired", &|place| if place < 40.0 { 0.3 + place / 100.0 } else { 0.876 }),
            line("retrained", &|place| if place == 50.0 { f64::NAN } else { 0.874 + place / 1e5 }),
        ],
        marker: Some(Marker {
            label: "what ASSD picks".to_owned(),
            x: 12.5,
        }),
    };
    let empty = CurvePlot {
        name: "empty-curves",
        series: Vec::new(),
        marker: None,
        ..curves.clone()
    };
    let ratios = |name: &'static str, alpha: f64, bins: Vec<(f64, f64, usize)>| {
        RatioPlot {
            name,
            title: "t",
            bins,
            alpha,
        }
        .draw()
        .unwrap()
    };
    vec![
        intervals("one-far-off", vec![interval(&"long ".repeat(60), 0.9, 0.8, 1.0)]),
        intervals("not-finite", vec![interval("x", f64::NAN, f64::NEG_INFINITY, f64::INFINITY)]),
        intervals("no-rows", Vec::new()),
        intervals("nothing", vec![interval("x", 0.0, 0.0, 0.0)]),
        BoxPlot {
            name: "boxes",
            title: "t",
            axis: "a",
            minimum_effect: Some(0.001),
            groups: groups.collect(),
        }
        .draw()
        .unwrap(),
        curves.draw().unwrap(),
        empty.draw().unwrap(),
        ratios("cut-far-right", 1e12, vec![(-1.0, 0.0, 3), (0.0, 1.0, usize::MAX / 2)]),
        ratios("cut-at-nothing", 0.0, vec![(-1.0, 0.0, 3)]),
        ratios("cut-not-finite", f64::NAN, vec![(f64::NAN, 0.0, 3)]),
        ratios("no-bins", 1.0, Vec::new()),
    ]
}

#[test]
fn every_plot_is_sound_and_nothing_is_drawn_outside_of_it() {
    let mut seen = 0;
    let of_pages = pages()
        .into_iter()
        .flat_map(|(name, _, plots)| plots.into_iter().map(move |plot| (name, plot)));
    for (name, plot) in of_pages.chain(extreme_plots().into_iter().map(|plot| ("extreme", plot))) {
        let file = plot.file();
        fs::create_dir_all(preview(name).join("plots")).unwrap();
        fs::write(preview(name).join("plots").join(format!("{}.svg", plot.name)), &file).unwrap();
        let what = format!("{name}/{}", plot.name);
        parses(&file, &what);
        parses(&plot.inline().into_string(), &what);
        assert!(
            !plot.description.is_empty() || plot.name.starts_with("no-") || plot.name.starts_with("empty"),
            "{what}: no words"
        );
        inside(&file, &what);
        seen += 1;
    }
    assert!(seen > 25);
}

/// Checks that every text and mark lies within the sheet. Texts by their estimated width.
fn inside(svg: &str, what: &str) {
    let outer: Vec<f64> = svg
        .split_once("viewBox=\"0 0 ")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap()
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    let (width, height) = (outer[0], outer[1]);
    assert_eq!(width, WIDTH);
    let drawn = svg.split_once("</desc>").unwrap().1;
    for element in drawn.split('<').filter(|element| !element.starts_with('/')) {
        let number = |key: &str| {
            element
                .split_once(&format!(" {key}=\""))
                .map(|(_, rest)| rest.split('"').next().unwrap().parse::<f64>().unwrap())
        };
        for (key, limit) in [
            ("x1", width),
            ("x2", width),
            ("y1", height),
            ("y2", height),
            ("cx", width),
            ("cy", height),
        ] {
            assert!(
                number(key).is_none_or(|value| (0.0..=limit).contains(&value)),
                "{what}: {key} of <{element}"
            );
        }
        if element.starts_with("text") {
            let text = element.split_once('>').unwrap().1.trim();
            let text = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
                .replace("&quot;", "\"")
                .replace("&apos;", "'");
            let wide = text_width(&text, number("font-size").unwrap());
            let x = number("x").unwrap();
            let (left, right) = match element.split_once("text-anchor=\"").unwrap().1.split('"').next().unwrap() {
                "start" => (x, x + wide),
                "middle" => (x - wide / 2.0, x + wide / 2.0),
                _ => (x - wide, x),
            };
            assert!(left >= -1.0 && right <= width + 1.0, "{what}: {text:?} from {left} to {right}");
            assert!((8.0..=height - 8.0).contains(&number("y").unwrap()), "{what}: {text:?}");
        }
    }
}
