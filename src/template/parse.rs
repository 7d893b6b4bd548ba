//! Mustache's tags, as its specification has them: interpolation, sections, inverted sections, comments, delimiters, partials.
//!
//! Invariant: tags but interpolation that stand alone on a line take the line with them; text is otherwise as it was written.

/// A part of a template, from its offset in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<'s> {
    pub(super) at: usize,
    pub(super) token: Token<'s>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'s> {
    Text(&'s str),
    Value {
        name: &'s str,
        raw: bool,
    },
    Open {
        name: &'s str,
        inverted: bool,
    },
    Close(&'s str),
    Partial {
        name: &'s str,
        indent: &'s str,
    },
    /// Comments and delimiters.
    Nothing,
}

/// What is wrong, and where in the source.
pub(super) type Wrong = (usize, String);

/// The parts of a template; sections in it are closed, in their order.
pub(super) fn parse(source: &str) -> Result<Vec<Piece<'_>>, Wrong> {
    let mut pieces = tags(source)?;
    balance(&pieces)?;
    pieces.retain(|piece| !matches!(piece.token, Token::Nothing | Token::Text("")));
    Ok(pieces)
}

fn tags(source: &str) -> Result<Vec<Piece<'_>>, Wrong> {
    let mut pieces = vec![];
    let (mut left, mut right) = ("{{", "}}");
    // Where text begins, and where its line does; past it if there is something else on the line.
    let (mut from, mut line) = (0, Some(0));
    loop {
        let rest = source.get(from..).unwrap_or_default();
        let Some(start) = rest.find(left).map(|at| from + at) else {
            pieces.push(text(source, from, source.len()));
            return Ok(pieces);
        };
        let inside = start + left.len();
        let body = source.get(inside..).unwrap_or_default();
        let kind = body.chars().next().unwrap_or(' ');
        let closing = match kind {
            '{' => format!("}}{right}"),
            '=' => format!("={right}"),
            _ => right.to_owned(),
        };
        let marked = kind.is_ascii_punctuation() && !matches!(kind, '_' | '.' | '-') && !body.starts_with(right);
        let skip = usize::from(marked);
        let length = body.get(skip..).and_then(|body| body.find(&closing));
        let length = length.ok_or_else(|| (start, format!("the tag is not closed; `{closing}` is missing")))?;
        let content = body.get(skip..skip + length).unwrap_or_default();
        let end = inside + skip + length + closing.len();
        let name = content.trim();
        let checked = || check_name(name).map_err(|why| (start, why));
        let token = match kind {
            '!' => Token::Nothing,
            '=' => {
                (left, right) = delimiters(content).ok_or((
                    start,
                    String::from("delimiters are two texts without blanks and `=`: {{=<% %>=}}"),
                ))?;
                Token::Nothing
            }
            '#' | '^' => Token::Open {
                name: checked()?,
                inverted: kind == '^',
            },
            '/' => Token::Close(checked()?),
            '>' if name.starts_with('*') => {
                return Err((start, "the name of a partial is fixed; choose between sections".into()))
            }
            '>' => Token::Partial { name, indent: "" },
            '{' | '&' => Token::Value {
                name: checked()?,
                raw: true,
            },
            '<' | '$' => return Err((start, "blocks and parents are not supported; use partials".into())),
            _ if marked => return Err((start, format!("`{kind}` begins no tag that is known"))),
            _ => Token::Value {
                name: checked()?,
                raw: false,
            },
        };
        let before = source.get(from..start).unwrap_or_default();
        // The line begins where text did, or behind the last end of a line in it.
        line = before.rfind('\n').map(|at| from + at + 1).or(line);
        let alone = line.filter(|_| !matches!(token, Token::Value { .. }));
        let lone = alone.and_then(|line| Some((line, lone(source, line, start, end)?)));
        let (text_end, next) = lone.unwrap_or((start, end));
        pieces.push(text(source, from, text_end));
        let token = match token {
            Token::Partial { name, .. } => Token::Partial {
                name,
                indent: source.get(text_end..start).unwrap_or_default(),
            },
            token => token,
        };
        pieces.push(Piece { at: start, token });
        // Behind a tag that does not stand alone its line goes on.
        (from, line) = (next, lone.map(|_| next));
    }
}

fn text(source: &str, from: usize, to: usize) -> Piece<'_> {
    Piece {
        at: from,
        token: Token::Text(source.get(from..to).unwrap_or_default()),
    }
}

/// Where the next line begins, if a tag is alone on its own.
fn lone(source: &str, line: usize, start: usize, end: usize) -> Option<usize> {
    let blank = |text: &str| text.bytes().all(|byte| byte == b' ' || byte == b'\t');
    let rest = source.get(end..)?;
    let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let after = rest.get(..length)?;
    let after = after
        .strip_suffix('\n')
        .map_or(after, |after| after.strip_suffix('\r').unwrap_or(after));
    (blank(source.get(line..start)?) && blank(after)).then_some(end + length)
}

fn delimiters(content: &str) -> Option<(&str, &str)> {
    let mut parts = content.split_whitespace();
    let pair = (parts.next()?, parts.next()?);
    let valid = |part: &str| !part.contains('=');
    (parts.next().is_none() && valid(pair.0) && valid(pair.1)).then_some(pair)
}

fn check_name(name: &str) -> Result<&str, String> {
    let valid = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if name == "." || name.split('.').all(valid) {
        return Ok(name);
    }
    Err(match name {
        "" => "the tag has no name".into(),
        name => format!("`{name}` is no name; names have letters, digits, `_` and `-`, and dots between"),
    })
}

/// Checks that sections are closed in their order.
fn balance(pieces: &[Piece<'_>]) -> Result<(), Wrong> {
    let mut open: Vec<(usize, &str)> = vec![];
    for piece in pieces {
        match piece.token {
            Token::Open { name, .. } => open.push((piece.at, name)),
            Token::Close(name) => match open.pop() {
                Some((_, opened)) if opened == name => {}
                Some((_, opened)) => {
                    return Err((
                        piece.at,
                        format!("{{{{/{name}}}}} while the section `{opened}` is open"),
                    ))
                }
                None => return Err((piece.at, format!("{{{{/{name}}}}} closes nothing"))),
            },
            _ => {}
        }
    }
    let unclosed = open.pop();
    unclosed.map_or(Ok(()), |(at, name)| {
        Err((
            at,
            format!("the section `{name}` is not closed; {{{{/{name}}}}} is missing"),
        ))
    })
}
