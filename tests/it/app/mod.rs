//! `recant app`: what it does, and what it refuses.

mod browser;
mod http;
mod path;
mod safety;
mod strangers;
mod webdriver;
