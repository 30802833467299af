//! Texts as TOML and CSV files have them.

use std::fmt::Write;

/// A TOML string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A list of TOML strings, a line for every few.
#[must_use]
pub fn quoted_list(texts: &[String]) -> String {
    const LINE: usize = 120;
    let (mut out, mut width) = (String::from("["), 0);
    for (at, text) in texts.iter().enumerate() {
        let text = quoted(text);
        if at > 0 {
            out.push(',');
            if width + text.len() > LINE {
                out.push_str("\n    ");
                width = 0;
            } else {
                out.push(' ');
            }
        }
        width += text.len() + 2;
        out.push_str(&text);
    }
    out.push(']');
    out
}

/// A field of a table beside the tariff.
#[must_use]
pub fn field(text: &str) -> String {
    if text.contains(',') || text.starts_with('#') { format!("\"{text}\"") } else { text.to_owned() }
}
