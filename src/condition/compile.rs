//! Compiles conditions from JSON. What GrowthBook's SDK would take for never, with a message to the console, or what only a regex engine can
//! do, is refused here, with where it is and what to write instead.

use super::value::{folded, folds, MAX_DEPTH};
use super::{version, Condition, Pattern, Value};
use std::fmt;

/// Why something is not compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it is, the outermost first: ``feature `banner`, rule 2, condition``.
    pub place: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Refusal {
            place: String::new(),
            reason: reason.into(),
        }
    }

    /// The same, further in.
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Self {
        self.place = if self.place.is_empty() {
            place.to_string()
        } else {
            format!("{place}, {}", self.place)
        };
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.place, self.reason)
        }
    }
}

impl std::error::Error for Refusal {}

type Compiled<T> = std::result::Result<T, Refusal>;

/// Saved groups, and the lists of them that conditions refer to.
#[derive(Default)]
pub(crate) struct Groups<'a> {
    /// GrowthBook's `savedGroups`.
    pub(crate) saved: &'a [(String, Value)],
    /// Lists in use, by the group's name.
    pub(crate) used: Vec<(&'a str, &'a [Value])>,
    /// Attributes that are the visitor's number, about which no condition can say anything.
    pub(crate) visitor: &'a [String],
    /// Groups that are being resolved.
    resolving: Vec<&'a str>,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(saved: &'a [(String, Value)], visitor: &'a [String]) -> Self {
        Groups {
            saved,
            visitor,
            ..Groups::default()
        }
    }

    fn find(&self, name: &str) -> Option<(&'a str, &'a Value)> {
        let group = self.saved.iter().find(|(known, _)| known == name)?;
        Some((&group.0, &group.1))
    }

    /// The number of a list.
    fn number(&mut self, name: &'a str, list: &'a [Value]) -> Compiled<Condition> {
        primitives(list).map_err(|refusal| refusal.within(format_args!("saved group `{name}`")))?;
        let at = self.used.iter().position(|(known, _)| *known == name);
        let at = at.unwrap_or_else(|| {
            self.used.push((name, list));
            self.used.len() - 1
        });
        Ok(Condition::InGroup(at as u32))
    }

    /// A list of values, by the id of a group.
    fn list(&mut self, expected: &Value) -> Compiled<Condition> {
        let Value::Text(name) = expected else {
            return Err(Refusal::new("the id of a saved group is needed, a text"));
        };
        let unknown = || {
            Refusal::new(format!(
                "there is no saved group `{name}` in `savedGroups`; export the payload with its groups"
            ))
        };
        let (name, group) = self.find(name).ok_or_else(unknown)?;
        match (group, group.get("type"), group.get("values")) {
            (Value::List(list), ..) => self.number(name, list),
            (_, Some(Value::Text(kind)), Some(Value::List(list))) if kind == "list" => self.number(name, list),
            _ => Err(Refusal::new(format!(
                "saved group `{name}` is no list; refer to it by $savedGroup"
            ))),
        }
    }

    /// What `$savedGroup` stands for.
    fn saved(&mut self, reference: &Value, depth: usize) -> Compiled<Condition> {
        let Some(Value::Text(id)) = reference.get("id") else {
            return Err(Refusal::new("an object with the `id` of a saved group is needed"));
        };
        let unknown = || {
            Refusal::new(format!(
                "there is no saved group `{id}` in `savedGroups`; export the payload with its groups"
            ))
        };
        let (name, group) = self.find(id).ok_or_else(unknown)?;
        if self.resolving.contains(&name) {
            return Err(Refusal::new(format!(
                "saved group `{name}` refers to itself; take one of the references out"
            )));
        }
        let kind = match group.get("type") {
            Some(Value::Text(kind)) => kind.as_str(),
            _ => "",
        };
        match (kind, group.get("values"), group.get("condition")) {
            ("list", Some(Value::List(list)), _) => {
                let key = reference.get("attributeKey").or(group.get("attributeKey"));
                let Some(Value::Text(key)) = key else {
                    return Err(Refusal::new(format!("saved group `{name}` needs an `attributeKey`")));
                };
                let condition = self.number(name, list)?;
                self.at(key, condition)
            }
            ("condition", _, Some(condition)) => {
                self.resolving.push(name);
                let compiled = object(condition, self, depth)
                    .map_err(|refusal| refusal.within(format_args!("saved group `{name}`")));
                self.resolving.pop();
                compiled
            }
            _ => Err(Refusal::new(format!(
                "saved group `{name}` is neither a list nor a condition"
            ))),
        }
    }

    fn at(&self, path: &str, condition: Condition) -> Compiled<Condition> {
        let path: Vec<String> = path.split('.').map(String::from).collect();
        if path.first().is_some_and(|first| self.visitor.contains(first)) {
            return Err(Refusal::new(
                "this is the visitor's random number, by which experiments assign and nobody is known; use attributes of the page or of behaviour",
            ));
        }
        Ok(Condition::At(path, Box::new(condition)))
    }
}

/// A condition over attributes.
pub(crate) fn condition<'a>(json: &'a Value, groups: &mut Groups<'a>) -> Compiled<Condition> {
    object(json, groups, MAX_DEPTH)
}

/// Paths and what holds there, or `$and` and the like.
fn object<'a>(json: &'a Value, groups: &mut Groups<'a>, depth: usize) -> Compiled<Condition> {
    let depth = deeper(depth)?;
    let Value::Object(fields) = json else {
        return Err(Refusal::new("an object of attributes and conditions is needed"));
    };
    let mut all = vec![];
    for (name, value) in fields {
        let compiled = match name.as_str() {
            "$or" => objects(value, groups, depth).map(any),
            "$nor" => objects(value, groups, depth).map(any).map(not),
            "$and" => objects(value, groups, depth).map(Condition::All),
            "$not" => object(value, groups, depth).map(not),
            "$savedGroup" => groups.saved(value, depth),
            name if name.starts_with('$') => Err(Refusal::new(
                "this stands where an attribute's name must; only $and, $or, $nor, $not and $savedGroup may",
            )),
            path => check(value, groups, depth).and_then(|condition| groups.at(path, condition)),
        };
        all.push(compiled.map_err(|refusal| refusal.within(format_args!("`{name}`")))?);
    }
    Ok(Condition::All(all))
}

/// One of none holds always: that is GrowthBook's `$or`.
fn any(conditions: Vec<Condition>) -> Condition {
    if conditions.is_empty() {
        Condition::default()
    } else {
        Condition::Any(conditions)
    }
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn objects<'a>(json: &'a Value, groups: &mut Groups<'a>, depth: usize) -> Compiled<Vec<Condition>> {
    let list = list(json, "a list of conditions is needed")?;
    list.iter().map(|json| object(json, groups, depth)).collect()
}

fn list<'a>(json: &'a Value, needed: &str) -> Compiled<&'a [Value]> {
    match json {
        Value::List(list) => Ok(list),
        _ => Err(Refusal::new(needed)),
    }
}

fn deeper(depth: usize) -> Compiled<usize> {
    // What is compiled nests up to three times as deep as what is written: `At`, `All` and the operator's own.
    depth
        .checked_sub(3)
        .ok_or_else(|| Refusal::new(format!("conditions nest over {} deep; join some", MAX_DEPTH / 3)))
}

/// Whether an object is one of operators.
fn operators(json: &Value) -> Option<&[(String, Value)]> {
    match json {
        Value::Object(fields) if !fields.is_empty() && fields.iter().all(|(name, _)| name.starts_with('$')) => {
            Some(fields)
        }
        _ => None,
    }
}

/// What must hold of one value.
fn check<'a>(json: &'a Value, groups: &mut Groups<'a>, depth: usize) -> Compiled<Condition> {
    let depth = deeper(depth)?;
    Ok(match json {
        Value::Null => Condition::Is(Value::Null),
        Value::Flag(flag) => Condition::Flag(*flag),
        Value::Number(number, _) => Condition::Number(*number),
        Value::Text(text) => Condition::Text(text.clone()),
        json => match operators(json) {
            None => Condition::Json(json.json()),
            Some(fields) => {
                let mut all = vec![];
                for (name, expected) in fields {
                    let compiled = operator(name, expected, groups, depth);
                    all.push(compiled.map_err(|refusal| refusal.within(format_args!("`{name}`")))?);
                }
                match all.pop() {
                    Some(only) if all.is_empty() => only,
                    last => {
                        all.extend(last);
                        Condition::All(all)
                    }
                }
            }
        },
    })
}

const OPERATORS: &str = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $ini, $nini, $all, $alli, $elemMatch, $size, $exists, $type, $not, $regex, \
                         $regexi, $veq, $vne, $vgt, $vgte, $vlt, $vlte, $inGroup and $notInGroup";

fn operator<'a>(name: &str, expected: &'a Value, groups: &mut Groups<'a>, depth: usize) -> Compiled<Condition> {
    let values = || list(expected, "a list of values is needed");
    Ok(match name {
        "$eq" => Condition::Is(primitive(expected)?),
        "$ne" => not(Condition::Is(primitive(expected)?)),
        "$lt" | "$lte" | "$gt" | "$gte" => {
            if !matches!(expected, Value::Number(..) | Value::Text(_)) {
                return Err(Refusal::new("a number or a text is needed"));
            }
            Condition::Compares(ways(name.trim_start_matches('$')), expected.clone())
        }
        "$veq" | "$vne" | "$vgt" | "$vgte" | "$vlt" | "$vlte" => {
            if !matches!(expected, Value::Number(..) | Value::Text(_)) {
                return Err(Refusal::new("a version is needed, as a text"));
            }
            Condition::Version(ways(name.trim_start_matches("$v")), version::padded(expected))
        }
        "$exists" if expected.is_truthy() => not(Condition::Is(Value::Null)),
        "$exists" => Condition::Is(Value::Null),
        "$in" => Condition::In(primitives(values()?)?),
        "$nin" => not(Condition::In(primitives(values()?)?)),
        "$ini" => Condition::InFolded(small(values()?)?),
        "$nini" => not(Condition::InFolded(small(values()?)?)),
        "$inGroup" => groups.list(expected)?,
        "$notInGroup" => not(groups.list(expected)?),
        "$not" => not(check(expected, groups, depth)?),
        "$size" => Condition::Length(Box::new(check(expected, groups, depth)?)),
        "$elemMatch" => {
            let condition = match operators(expected) {
                Some(_) => check(expected, groups, depth)?,
                None => object(expected, groups, depth)?,
            };
            Condition::Element(Box::new(condition))
        }
        "$all" => Condition::Elements(each(values()?, groups, depth)?),
        "$alli" => {
            let mut conditions = each(values()?, groups, depth)?;
            for condition in &mut conditions {
                if let Condition::Text(text) = condition {
                    *condition = Condition::Folded(small_text(text)?);
                }
            }
            Condition::Elements(conditions)
        }
        "$type" => {
            let Value::Text(kind) = expected else {
                return Err(Refusal::new("the name of a type is needed"));
            };
            let kinds = ["null", "boolean", "number", "string", "array", "object"];
            let kind = kinds.iter().position(|known| known == kind);
            let kind = kind.ok_or_else(|| Refusal::new(format!("the types are {}", kinds.join(", "))))?;
            Condition::Kind(kind as u8)
        }
        "$regex" => Condition::Matches(patterns(expected, false)?),
        "$regexi" => Condition::Matches(patterns(expected, true)?),
        _ => return Err(Refusal::new(format!("this operator is not known; use {OPERATORS}"))),
    })
}

fn each<'a>(list: &'a [Value], groups: &mut Groups<'a>, depth: usize) -> Compiled<Vec<Condition>> {
    list.iter().map(|json| check(json, groups, depth)).collect()
}

/// The ways to compare of an operator's name.
fn ways(name: &str) -> u8 {
    match name {
        "lt" => 1,
        "lte" => 3,
        "gt" => 4,
        "gte" => 6,
        "ne" => 5,
        _ => 2,
    }
}

fn primitive(json: &Value) -> Compiled<Value> {
    match json {
        Value::List(_) | Value::Object(_) => Err(Refusal::new(
            "no list and no object is another one; write it without an operator to compare its content",
        )),
        value => Ok(value.clone()),
    }
}

fn primitives(list: &[Value]) -> Compiled<Vec<Value>> {
    list.iter().map(primitive).collect()
}

fn small(list: &[Value]) -> Compiled<Vec<Value>> {
    let small = |value: &Value| match value {
        Value::Text(text) => small_text(text).map(Value::Text),
        value => primitive(value),
    };
    list.iter().map(small).collect()
}

fn small_text(text: &str) -> Compiled<String> {
    match folded(text).chars().find(|char| !folds(*char)) {
        None => Ok(folded(text)),
        Some(char) => Err(Refusal::new(format!(
            "`{char}` is beyond the letters that are compared without regard to size (ASCII, Latin-1 and Cyrillic); list the spellings in an \
             operator without `i`"
        ))),
    }
}

/// The patterns of a regular expression that needs no engine: texts, at the start, at the end or anywhere, and a choice among such.
fn patterns(expected: &Value, folded: bool) -> Compiled<Vec<Pattern>> {
    let Value::Text(regex) = expected else {
        return Err(Refusal::new("a regular expression is needed, as a text"));
    };
    let refused = |what: &str| {
        Refusal::new(format!(
            "{what}: a regular expression may have texts, `^` at the start, `$` at the end and `|` between such alone, for no engine ships to the \
             page; use $in, $gt or $vgt, or a list of texts as `^one|two$|three`"
        ))
    };
    let mut patterns = vec![];
    let mut pattern = Pattern {
        from_start: false,
        to_end: false,
        folded,
        text: String::new(),
    };
    let blank = pattern.clone();
    let mut chars = regex.chars().peekable();
    while let Some(char) = chars.next() {
        if pattern.to_end && char != '|' {
            return Err(refused("`$` stands before other text"));
        }
        match char {
            '^' if pattern == blank => pattern.from_start = true,
            '$' => pattern.to_end = true,
            '|' => patterns.push(std::mem::replace(&mut pattern, blank.clone())),
            '\\' => match chars.next() {
                Some(escaped) if !escaped.is_alphanumeric() => pattern.text.push(escaped),
                _ => return Err(refused("a letter stands after `\\`")),
            },
            // What may follow or not, at an end that is open, changes nothing.
            '.' if chars.peek() == Some(&'*') && !pattern.from_start && pattern.text.is_empty() => _ = chars.next(),
            '.' if chars.peek() == Some(&'*') && matches!(chars.clone().nth(1), None | Some('|')) => _ = chars.next(),
            '^' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' => {
                return Err(refused(&format!("`{char}` stands in it")))
            }
            char => pattern.text.push(char),
        }
    }
    patterns.push(pattern);
    for pattern in patterns.iter_mut().filter(|_| folded) {
        if !pattern.text.is_ascii() {
            return Err(refused(
                "there are letters beyond ASCII in it, whose sizes are not compared",
            ));
        }
        pattern.text.make_ascii_lowercase();
    }
    Ok(patterns)
}
