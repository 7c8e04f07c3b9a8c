//! The shell that every report page shares: one file, no scripts, nothing loaded from anywhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::elements::words;

/// The policy a browser must hold the page to: no scripts, no network, no frames, no forms; inline styles and pictures that stand in the page alone.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// How pages look: of reports, and of the app.
pub const STYLE: &str = include_str!("style.css");

/// A part of a page with a heading that the contents list links to.
pub struct Part {
    /// Anchor, kebab-case.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// What stands under it.
    pub body: Markup,
}

/// A whole page.
pub struct Page<'a> {
    /// Title of the browser tab.
    pub title: &'a str,
    /// The line above the headline, such as "Repair report".
    pub kind: &'a str,
    /// The first screen: headline, verdict, main figures.
    pub first_screen: Markup,
    /// The sections below, in order.
    pub parts: &'a [Part],
    /// The last line.
    pub footer: &'a str,
}

impl Page<'_> {
    /// The page as one HTML file.
    pub fn render(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content={ "Recant " (env!("CARGO_PKG_VERSION")) };
                    title { (words(self.title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header.page { p.kind { (self.kind) } }
                    main id="content" {
                        section aria-label="Result" { (self.first_screen) }
                        @if self.parts.len() > 2 {
                            nav.contents aria-label="Contents" {
                                ul { @for part in self.parts { li { a href={ "#" (part.id) } { (part.title) } } } }
                            }
                        }
                        @for part in self.parts {
                            section id=(part.id) aria-labelledby={ (part.id) "-title" } {
                                h2 id={ (part.id) "-title" } { (part.title) }
                                (part.body)
                            }
                        }
                    }
                    footer.page { (self.footer) }
                }
            }
        };
        page.into_string()
    }
}
