//! What elements and attributes a template may have, and which of them values may go into.
//!
//! Invariant: an HTML parser makes of what is allowed here exactly the elements that are written: none is closed, moved, renamed or added
//! by it. Attributes that are not known to be harmless take no placeholder.

use super::url::Form;

/// Elements without content.
const VOID: &str = "area br col embed hr img input link source track wbr";

/// Elements that no slot can hold: parsers drop or move them, read on in another way, or they change the whole page.
const REFUSED: &str =
    "base body basefont bgsound frame frameset head html image isindex keygen listing marquee math meta nobr \
    noembed noframes noscript param plaintext template xmp";

/// Elements within `svg`.
const SVG: &str =
    "a circle clippath defs desc ellipse g image line lineargradient marker mask path pattern polygon polyline \
    radialgradient rect stop svg symbol text title tspan";

/// Elements that close a paragraph that is open.
const CLOSES_P: &str =
    "address article aside blockquote center details dialog dd dir div dl dt fieldset figcaption figure footer form \
    h1 h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre search section summary ul";

/// Elements whose attributes take no value: what they load or do is more than showing it.
const ACTIVE: &str = "applet embed iframe link object script style";

/// Attributes that are shown, or name things.
const PLAIN: &str =
    "abbr accesskey align alt autocomplete checked class color cols colspan controls coords datetime decoding dir \
    disabled download draggable fetchpriority fill for headers height hidden hreflang id inert inputmode itemprop \
    itemscope label lang list loading max maxlength media min minlength name open pattern placeholder \
    popovertarget property readonly rel required role rows rowspan scope selected sizes span start step stroke \
    tabindex title \
    translate type value width wrap x y cx cy r rx ry d points transform viewbox x1 x2 y1 y2 dx dy";

/// Attributes that hold an address.
const URLS: &str =
    "action background cite classid codebase data dynsrc formaction href icon itemid itemtype longdesc lowsrc \
    manifest poster profile src usemap xlink:href";

/// Whether a name is one of those in a list, with blanks between.
fn lists(list: &str, name: &str) -> bool {
    list.split(' ').any(|listed| listed == name)
}

/// What an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Any text.
    Text,
    /// Addresses.
    Url(Form),
    /// No value, for this reason.
    Nothing(&'static str),
}

/// What an attribute takes, both names in small letters.
pub(super) fn takes(element: &str, attribute: &str) -> Takes {
    use Takes::{Nothing, Text, Url};
    if lists(ACTIVE, element) {
        return Nothing("the element loads, runs or styles; write its attributes in the template");
    }
    match attribute {
        "style" => return Nothing("it is style; use a class"),
        "srcdoc" => return Nothing("it is a whole page"),
        "srcset" | "imagesrcset" => return Url(Form::Set),
        "ping" => return Url(Form::Blanks),
        _ => {}
    }
    if attribute.starts_with("on") || attribute.starts_with("data-on") {
        return Nothing("it is script; use a data- attribute and a listener");
    }
    let named = attribute.strip_prefix("data-");
    // As their names say, scripts take these for addresses.
    let leads = named.is_some_and(|name| ["href", "src", "uri", "url"].iter().any(|part| name.contains(part)));
    if named.is_some_and(|name| name.contains("srcset")) {
        Url(Form::Set)
    } else if lists(URLS, attribute) || leads {
        Url(Form::One)
    } else if named.is_some() || attribute.starts_with("aria-") || lists(PLAIN, attribute) {
        Text
    } else {
        Nothing("it is not known to be harmless; use a data- attribute")
    }
}

/// How an element's content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// It has none.
    Void,
    /// Elements and text.
    Normal,
    /// Text alone, in which references are resolved.
    Text,
    /// Text as it is.
    Raw,
}

/// How a start tag's content is read. `open` are the elements around it, the innermost last; all names in small letters.
///
/// # Errors
/// Why a parser would not leave it there.
pub(super) fn inside(element: &str, open: &[&str]) -> Result<Inside, String> {
    let parent = open.last().copied();
    let has = |names: &[&str]| open.iter().any(|open| names.contains(open));
    if has(&["svg"]) {
        if matches!(parent, Some("title" | "desc")) || !lists(SVG, element) {
            return Err(format!("<{element}> cannot be in <{}>", parent.unwrap_or("svg")));
        }
        if element == "a" && has(&["a"]) {
            return Err("a link cannot be in a link".into());
        }
        return Ok(Inside::Normal);
    }
    if lists(REFUSED, element) {
        return Err(format!("<{element}> cannot be in a slot"));
    }
    if let Some(why) = misplaced(element, parent, open) {
        return Err(why);
    }
    Ok(match element {
        "iframe" | "script" | "style" => Inside::Raw,
        "textarea" | "title" => Inside::Text,
        _ if lists(VOID, element) => Inside::Void,
        _ => Inside::Normal,
    })
}

/// Why a parser would close something before an element, or move it elsewhere.
fn misplaced(element: &str, parent: Option<&str>, open: &[&str]) -> Option<String> {
    let has = |name: &str| open.contains(&name);
    // Where what is open further out does not count: as parsers look for a paragraph, an item, a button.
    let scope = |ends: &[&str]| {
        let near: Vec<&str> = open
            .iter()
            .rev()
            .copied()
            .take_while(|open| !ends.contains(open))
            .collect();
        move |name: &str| near.contains(&name)
    };
    let in_button = scope(&["button", "caption", "object", "table", "td", "th"]);
    if in_button("p") && (lists(CLOSES_P, element) || element == "table") {
        return Some(format!(
            "<{element}> ends the paragraph around it; use <span>, or <div> for <p>"
        ));
    }
    for alone in ["a", "button", "form", "option", "optgroup", "rp", "rt"] {
        if element == alone && has(alone) {
            return Some(format!("<{element}> cannot be in another"));
        }
    }
    let in_list = scope(&[
        "ol", "ul", "menu", "dl", "section", "article", "td", "th", "button", "fieldset", "figure",
    ]);
    if (element == "li" && in_list("li")) || (matches!(element, "dt" | "dd") && (in_list("dt") || in_list("dd"))) {
        return Some(format!("<{element}> ends the one around it; put a list between"));
    }
    let heading = |name: &str| matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
    if heading(element) && parent.is_some_and(heading) {
        return Some("a heading cannot be in another".into());
    }
    let needs: Option<&[&str]> = match element {
        "tr" => Some(&["tbody", "thead", "tfoot"]),
        "td" | "th" => Some(&["tr"]),
        "tbody" | "thead" | "tfoot" | "caption" | "colgroup" => Some(&["table"]),
        "col" => Some(&["colgroup"]),
        "optgroup" => Some(&["select"]),
        "option" => Some(&["select", "optgroup", "datalist"]),
        _ => None,
    };
    if let Some(needs) = needs.filter(|needs| !parent.is_some_and(|parent| needs.contains(&parent))) {
        return Some(format!("<{element}> must be in <{}>", needs.join("> or <")));
    }
    parent
        .filter(|parent| (takes_no_text(parent) && needs.is_none()) || *parent == "option")
        .map(|parent| format!("<{element}> cannot be in <{parent}>"))
}

/// Whether an element holds other elements alone, so that parsers put text elsewhere.
pub(super) fn takes_no_text(element: &str) -> bool {
    matches!(
        element,
        "colgroup" | "optgroup" | "select" | "table" | "tbody" | "tfoot" | "thead" | "tr"
    )
}

/// The character of a named reference that templates may use.
pub(super) fn reference(name: &str) -> Option<char> {
    const NAMED: [(&str, char); 40] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("shy", '\u{ad}'),
        ("copy", '©'),
        ("reg", '®'),
        ("trade", '™'),
        ("euro", '€'),
        ("pound", '£'),
        ("yen", '¥'),
        ("cent", '¢'),
        ("middot", '·'),
        ("bull", '•'),
        ("hellip", '…'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("lsquo", '‘'),
        ("rsquo", '’'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("laquo", '«'),
        ("raquo", '»'),
        ("times", '×'),
        ("deg", '°'),
        ("larr", '←'),
        ("rarr", '→'),
        ("uarr", '↑'),
        ("darr", '↓'),
        ("check", '✓'),
        ("star", '☆'),
        ("hearts", '♥'),
        ("thinsp", '\u{2009}'),
        ("ensp", '\u{2002}'),
        ("emsp", '\u{2003}'),
        ("zwj", '\u{200d}'),
        ("zwnj", '\u{200c}'),
        ("frac12", '½'),
    ];
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        // Parsers read 128 to 159 as another character set, and make others of 0 and of controls.
        return code.ok().and_then(char::from_u32).filter(|char| !char.is_control());
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, char)| *char)
}
