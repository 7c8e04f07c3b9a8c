//! `recant app`: the whole job in the browser.

use crate::app::{AppOptions, Told, serve};
use crate::cli::Context;
use crate::cli::arguments::AppArgs;
use crate::cli::console::Console;
use crate::error::Result;

pub(super) fn run(context: &Context, arguments: &AppArgs) -> Result<()> {
    let options = AppOptions {
        folder: &arguments.folder,
        port: arguments.port,
        read_only: arguments.read_only,
        browser: !arguments.no_browser,
        seed: context.seed,
        threads: context.threads,
    };
    let console = context.console.another();
    serve(&options, context.console.stop(), Box::new(move |told| say(&console, told)))
}

fn say(console: &Console, told: &Told) {
    match told {
        Told::Open { address, link } => {
            console.result(&serde_json::json!({ "address": address, "link": link }));
            console.say(format!(
                "Recant is at {address}\n\nThis link opens it, once:\n  {link}\n\nCtrl-C ends it."
            ));
        }
        Told::AnotherLink(link) => {
            console.say(format!("\nOpened. For another browser, once:\n  {link}"));
        }
        Told::NoBrowser(why) => console.say(format!("\n{why}: open the link yourself.")),
    }
}
