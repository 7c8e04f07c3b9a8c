//! The report of a search for further wrong images: what the known ones have in common, and a contact sheet to look through.

use std::path::Path;

use maud::{Markup, html};

use crate::datasets::images::Images;
use crate::error::Result;
use crate::jobs::expand_images::{ImageExpansion, ListedImage};
use crate::label_errors::images::ImagesVerdict;
use crate::report::elements::{Card, Cell, Column, callout, cards, facts, prose, table, theirs};
use crate::report::page::{Page, Part};
use crate::report::pictures::picture;
use crate::report::{ReportPaths, footer, format, write_json, write_page};

/// Proposed images that a page shows.
const MOST_PROPOSED: usize = 400;
/// Known images that a page shows.
const MOST_KNOWN: usize = 100;
/// Longest sentence.
const LONGEST: usize = 400;

/// The report as one HTML file.
///
/// # Errors
/// Only by a fault of ours.
pub fn html(report: &ImageExpansion, images: &Images) -> Result<String> {
    let mut parts = Vec::new();
    if !report.proposed.is_empty() {
        parts.push(Part {
            id: "proposed",
            title: "Proposed images".to_owned(),
            body: proposed(report, images)?,
        });
    }
    parts.push(Part {
        id: "known",
        title: "Known images".to_owned(),
        body: known(report, images)?,
    });
    parts.push(Part {
        id: "classes",
        title: "By class".to_owned(),
        body: classes(report),
    });
    parts.push(Part {
        id: "how",
        title: "How they were found".to_owned(),
        body: how(report),
    });
    let page = Page {
        title: &format!("{}: {}", headline(report), report.set),
        kind: "Further wrong images",
        first_screen: first_screen(report),
        parts: &parts,
        footer: &footer(&report.recant_version),
    };
    Ok(page.render())
}

/// Writes `report.html` and `report.json` into a folder.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(folder: &Path, report: &ImageExpansion, images: &Images) -> Result<ReportPaths> {
    write_json(folder, report)?;
    write_page(folder, &html(report, images)?, &[], None)
}

fn headline(report: &ImageExpansion) -> String {
    let like = match report.known.len() {
        1 => "the known one".to_owned(),
        known => format!("the {known} known ones"),
    };
    match report.proposed.len() {
        0 => "No further image is proposed".to_owned(),
        1 => format!("1 more image is like {like}"),
        _ => format!("{} are like {like}", format::counted(report.proposed.len(), "more image")),
    }
}

fn first_screen(report: &ImageExpansion) -> Markup {
    let mut figures = vec![
        Card {
            name: "Images".to_owned(),
            before: None,
            value: format::counted(report.images, "image"),
            note: format!("in {}", format::visible(&report.set, 60)),
        },
        Card {
            name: "Known to be wrong".to_owned(),
            before: None,
            value: format::counted(report.known.len(), "image"),
            note: format!("{} of all", format::share(report.known.len(), report.images, 1)),
        },
    ];
    if !report.proposed.is_empty() {
        figures.push(Card {
            name: "Proposed".to_owned(),
            before: None,
            value: format::counted(report.proposed.len(), "image"),
            note: format!("by their chances about {} of them are wrong", report.expected_wrong.round()),
        });
    }
    html! {
        h1 { (headline(report)) }
        @if report.rules.is_empty() { p.lead { (report.sentence) } }
        @for rule in &report.rules { p.lead { (prose(rule, LONGEST)) } }
        (cards(&figures))
        @if report.verdict == ImagesVerdict::Pattern {
            (callout(html! {
                "Look through the pictures before anything is done with them. Set " code { "is_label_issue" } " in " code { "images.csv" }
                " to FALSE where an image is right. Then correct the wrong ones, or take them out of training, and train again."
            }))
        }
    }
}

/// Pictures in a grid, each with its name and its chance of being wrong.
fn sheet<'a>(listed: impl Iterator<Item = &'a ListedImage>, images: &Images) -> Result<Markup> {
    let mut items = Vec::new();
    for image in listed {
        let words = format!(
            "{}, recorded as {}",
            format::visible(&image.name, 80),
            format::visible(&image.label, 60)
        );
        let shown = picture(images, image.row as usize, &words)?;
        items.push(html! {
            li {
                (shown)
                @if let Some(chance) = image.chance { strong { (format::percent(chance, 0)) } " " }
                @if let (Some(_), Some(likeliest)) = (image.chance, &image.likeliest) { span.name { "likeliest " (theirs(likeliest)) } " " }
                span.name { (theirs(&image.name)) }
            }
        });
    }
    Ok(html! { ul.pictures { @for item in items { (item) } } })
}

fn proposed(report: &ImageExpansion, images: &Images) -> Result<Markup> {
    let all = &report.proposed;
    if all.len() <= MOST_PROPOSED {
        return Ok(html! {
            p { "Each with its chance of being wrong, the likeliest first." }
            (sheet(all.iter(), images)?)
        });
    }
    let half = MOST_PROPOSED / 2;
    Ok(html! {
        p { (format::counted(all.len(), "image")) " are proposed; " code { "images.csv" } " lists them all. Here are those that tell most, each with its chance of being wrong." }
        h3 { "The " (half) " least likely" }
        (sheet(all[all.len() - half..].iter(), images)?)
        h3 { "The " (half) " likeliest" }
        (sheet(all[..half].iter(), images)?)
    })
}

fn known(report: &ImageExpansion, images: &Images) -> Result<Markup> {
    let shown = report.known.len().min(MOST_KNOWN);
    Ok(html! {
        p {
            "Those that were named as wrong"
            @if shown < report.known.len() { "; the first " (shown) " of " (format::counted(report.known.len(), "image")) }
            "."
        }
        (sheet(report.known[..shown].iter(), images)?)
    })
}

fn classes(report: &ImageExpansion) -> Markup {
    let columns = [
        Column::text("Recorded as"),
        Column::figures("Images"),
        Column::figures("Known to be wrong"),
        Column::figures("Proposed"),
    ];
    let row = |counts: &crate::jobs::expand_images::ClassCounts| {
        let figure = |count: usize| Cell::Figure(format::decimal(count as f64, 0));
        vec![
            Cell::Theirs(counts.class.clone()),
            figure(counts.images),
            figure(counts.known),
            figure(counts.proposed),
        ]
    };
    table(
        "Classes that known images are recorded as",
        &columns,
        report.classes.iter().map(row).collect(),
    )
}

fn how(report: &ImageExpansion) -> Markup {
    html! {
        p {
            "Only images recorded as a class that known ones are recorded as more often than chance explains are looked at. A network was trained on all "
            "images with their recorded classes. Images are ranked by how much likelier to it the classes are that known ones are taken for, by what it "
            "sees in them, by their pixels, and by values that are the same in nearly all known ones. Known images are scored by what was learned without them."
        }
        p {
            "A chance says how much likelier it is that an image is like the known ones than like the rest of its class. Nobody has looked at these "
            "images: the chances rest on the known ones alone, and where known ones and the rest are much alike they are rather too high."
        }
        (facts(vec![
            ("Network", html! { (theirs(&report.network)) ", which gives " (format::percent(report.learned, 1)) " of the images their recorded class" }),
            ("Seed", html! { (report.seed) }),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::expand_images::ClassCounts;
    use crate::nn::images::ImageShape;

    fn report(proposed: usize) -> (ImageExpansion, Images) {
        let total = proposed + 6;
        let images = Images {
            shape: ImageShape::new(3, 4, 4),
            pixels: (0..total * 48).map(|at| (at % 251) as u8).collect(),
            labels: vec![0; total],
            sub_labels: None,
        };
        let listed = |row: usize, chance: Option<f64>| ListedImage {
            row: row as u32,
            name: format!("<b>cat/{row}.png"),
            label: "cat".to_owned(),
            chance,
            likeliest: Some("<i>dog".to_owned()),
        };
        let verdict = if proposed > 0 {
            ImagesVerdict::Pattern
        } else {
            ImagesVerdict::AtRandom
        };
        let report = ImageExpansion {
            recant_version: "0.2.0".to_owned(),
            set: "photos".to_owned(),
            images: total,
            verdict,
            sentence: verdict.sentence(),
            rules: Vec::new(),
            classes: vec![ClassCounts {
                class: "cat".to_owned(),
                images: total,
                known: 6,
                proposed,
            }],
            known: (0..6).map(|row| listed(row, None)).collect(),
            proposed: (6..total).map(|row| listed(row, Some(0.9))).collect(),
            expected_wrong: 0.9 * proposed as f64,
            network: "fast".to_owned(),
            learned: 0.93,
            seed: 1,
        };
        (report, images)
    }

    #[test]
    fn every_image_is_shown_once_and_names_are_no_markup() {
        let (report, images) = report(3);
        let page = html(&report, &images).unwrap();
        assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), 9);
        assert!(!page.contains("<b>cat") && page.contains("&lt;b&gt;cat/7.png, recorded as cat"));
        assert!(page.contains("3 more images are like the 6 known ones") && page.contains("img-src data:"));
        assert_eq!((page.matches("likeliest ").count() >= 3, page.contains("<i>dog")), (true, false));
        assert!(page.contains("&lt;i&gt;dog") && !page.contains("likeliest none"));
        assert!(page.contains("about 3 of them are wrong"), "{}", report.expected_wrong);
    }

    #[test]
    fn of_many_the_likeliest_and_the_least_likely_are_shown_and_of_none_the_reason() {
        let (many, images) = report(450);
        let page = html(&many, &images).unwrap();
        assert_eq!(page.matches("<img ").count(), 406);
        assert!(page.contains("The 200 least likely") && page.contains("450 images are proposed"));
        let (none, images) = report(0);
        let page = html(&none, &images).unwrap();
        assert!(page.contains("No further image is proposed") && page.contains("as mistakes at random would be"));
        assert!(!page.contains("id=\"proposed\"") && !page.contains("Look through the pictures"));
    }
}
