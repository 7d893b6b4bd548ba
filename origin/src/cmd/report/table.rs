//! Tables, once for the page and once for a pull request. Invariant: every cell is escaped for where it goes, and every row has as
//! many cells as the head.

use super::escaped;
use std::fmt::Write;

/// A table. The first cell of a row names it.
pub struct Table {
    caption: String,
    head: Vec<String>,
    /// Columns of words, which begin at the left and may wrap; the others are figures.
    words: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    pub fn new(caption: impl Into<String>, head: &[&str]) -> Self {
        Table {
            caption: caption.into(),
            head: head.iter().map(|&name| name.to_owned()).collect(),
            words: vec![],
            rows: vec![],
        }
    }

    /// The same with words in these columns.
    #[must_use]
    pub fn words(mut self, columns: &[usize]) -> Self {
        self.words = columns.to_vec();
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.head.len(), String::new());
        self.rows.push(cells);
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For the page: a wide one can be scrolled, by keyboard too.
    pub fn html(&self) -> String {
        let caption = escaped(&self.caption);
        let class = |at: usize| {
            if self.words.contains(&at) {
                " class=\"words\""
            } else {
                ""
            }
        };
        let mut out = format!(
            "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\"><table><caption>{caption}</caption><thead><tr>"
        );
        for (at, name) in self.head.iter().enumerate() {
            let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(at), escaped(name));
        }
        out.push_str("</tr></thead><tbody>");
        for row in &self.rows {
            out.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let cell = escaped(cell);
                let _ = match at {
                    0 => write!(out, "<th scope=\"row\"{}>{cell}</th>", class(at)),
                    at => write!(out, "<td{}>{cell}</td>", class(at)),
                };
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }

    /// For a pull request: a heading and a table of GitHub's Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("### {}\n\n|", marked(&self.caption));
        self.head.iter().for_each(|name| _ = write!(out, " {} |", marked(name)));
        out.push_str("\n|");
        for at in 0..self.head.len() {
            let figures = at > 0 && !self.words.contains(&at);
            out.push_str(if figures { "--:|" } else { ":--|" });
        }
        for row in &self.rows {
            out.push_str("\n|");
            row.iter().for_each(|cell| _ = write!(out, " {} |", marked(cell)));
        }
        out.push_str("\n\n");
        out
    }
}

/// Text for Markdown on one line: no markup, no tag and no cell's end is in it.
pub fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // At the beginning of a word it would call somebody.
            '@' if !before.is_alphanumeric() => out.push_str("@\u{200b}"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '$' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd() -> Table {
        let mut table = Table::new("a | b", &["name", "n", "why"]).words(&[2]);
        table.row(["x|y\n<b>".to_owned(), "1".into()]);
        table
    }

    #[test]
    fn markdown_cells_end_where_they_should() {
        assert_eq!(
            odd().markdown(),
            "### a \\| b\n\n| name | n | why |\n|:--|--:|:--|\n| x\\|y &lt;b&gt; | 1 |  |\n\n"
        );
        assert_eq!(marked("@all `a` ndcg@10"), "@\u{200b}all \\`a\\` ndcg@10");
    }

    #[test]
    fn html_says_what_heads_what() {
        let html = odd().html();
        assert!(
            html.contains("<caption>a | b</caption>") && html.contains("<th scope=\"col\">n</th>"),
            "{html}"
        );
        assert!(
            html.contains("<th scope=\"row\">x|y\n&lt;b&gt;</th><td>1</td><td class=\"words\"></td>"),
            "{html}"
        );
    }
}
