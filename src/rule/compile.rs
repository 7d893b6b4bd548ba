//! Compiles a shop's file of rules. A rule that is wrong is left out, and told with what to do; the others go on.

use super::{Action, Matching, Rule, Workflow, MAX_LIFT};
use crate::condition::compile::{condition, Groups};
use crate::condition::{Condition, Refusal, Value};
use crate::event::{item_hash, EventKind, DAY};

type Compiling<T> = std::result::Result<T, Refusal>;

/// What was compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledRules {
    /// The rules that are right.
    pub rules: Vec<Rule>,
    /// What is wrong with those that are left out: where, and what to do.
    pub broken: Vec<Refusal>,
}

/// Compiles `{ "rules": [...] }`; docs/RULES.md says what is in it.
///
/// # Errors
/// Where the file is no such JSON. What is wrong with a single rule is no error.
pub fn compile_rules(json: &str) -> Compiling<CompiledRules> {
    let file = Value::from_json(json).map_err(|error| Refusal::new(format!("this is no JSON: {error}")))?;
    let Some(Value::List(list)) = file.get("rules") else {
        return Err(Refusal::new("an object with a list `rules` is needed"));
    };
    let mut compiled = CompiledRules {
        rules: vec![],
        broken: vec![],
    };
    for (at, json) in list.iter().enumerate() {
        let id = match json.get("id") {
            Some(Value::Text(id)) if !id.is_empty() => Some(id),
            _ => None,
        };
        let place = id.map_or_else(|| format!("rule {}", at + 1), |id| format!("rule `{id}`"));
        let known = compiled.rules.iter().any(|rule| Some(&rule.id) == id);
        let rule = match (id, known) {
            (None, _) => Err(Refusal::new("it needs an `id`, a text")),
            (_, true) => Err(Refusal::new("another one has this `id`; rename one")),
            (Some(id), false) => rule(json, id),
        };
        match rule {
            Ok(rule) => compiled.rules.push(rule),
            Err(refusal) => compiled.broken.push(refusal.within(place)),
        }
    }
    Ok(compiled)
}

const FIELDS: &str = "id, slot, priority, start, end, condition, after and actions";

fn rule(json: &Value, id: &str) -> Compiling<Rule> {
    let Value::Object(fields) = json else {
        return Err(Refusal::new("an object is needed"));
    };
    let known = [
        "id",
        "slot",
        "priority",
        "start",
        "end",
        "condition",
        "after",
        "actions",
    ];
    if let Some((name, _)) = fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Refusal::new(format!(
            "`{name}` is no field of a rule; those are {FIELDS}"
        )));
    }
    let visitor = ["id".to_owned()];
    let condition = match json.get("condition") {
        None => Condition::default(),
        Some(json) => {
            condition(json, &mut Groups::new(&[], &visitor)).map_err(|refusal| refusal.within("condition"))?
        }
    };
    let after = match json.get("after") {
        None => vec![],
        Some(Value::List(list)) => list.iter().map(workflow).collect::<Compiling<_>>()?,
        Some(json) => vec![workflow(json)?],
    };
    let Some(Value::List(actions)) = json.get("actions") else {
        return Err(Refusal::new("it needs a list `actions`"));
    };
    let actions: Vec<Action> = actions.iter().map(action).collect::<Compiling<_>>()?;
    if actions.is_empty() {
        return Err(Refusal::new("`actions` is empty; say what it does, or take it out"));
    }
    let rule = Rule {
        id: id.into(),
        slot: text(json, "slot")?.unwrap_or_default(),
        priority: whole(json, "priority", 0, 1_000)?,
        start: time(json, "start")?.unwrap_or_default(),
        end: time(json, "end")?.unwrap_or(u32::MAX),
        condition,
        after,
        actions,
    };
    if rule.start >= rule.end {
        return Err(Refusal::new("`start` is not before `end`; it would never apply"));
    }
    Ok(rule)
}

fn workflow(json: &Value) -> Compiling<Workflow> {
    let kind = |name| match text(json, name)? {
        None => Ok(None),
        Some(kind) => match EventKind::from_name(&kind) {
            Ok(kind) => Ok(Some(kind as u8)),
            Err(error) => Err(Refusal::new(error.to_string()).within(format_args!("`{name}`"))),
        },
    };
    let workflow = || {
        Ok(Workflow {
            event: kind("event")?.ok_or_else(|| Refusal::new("it needs an `event`"))?,
            then: kind("then")?,
            unless: kind("unless")?,
            within: whole(json, "within", 30, 3_650)?,
        })
    };
    workflow().map_err(|refusal: Refusal| refusal.within("after"))
}

fn action(json: &Value) -> Compiling<Action> {
    let Value::Object(fields) = json else {
        return Err(Refusal::new("an action is an object").within("actions"));
    };
    let known = "an action is one of pin, boost, bury, exclude, template and list, with `place` or `by` beside it";
    let names = ["pin", "boost", "bury", "exclude", "template", "list"];
    let mut what = fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let (Some((name, value)), None) = (what.next(), what.next()) else {
        return Err(Refusal::new(known).within("actions"));
    };
    let beside = match name.as_str() {
        "pin" => "place",
        "boost" | "bury" => "by",
        _ => "",
    };
    if let Some((field, _)) = fields.iter().find(|(field, _)| field != name && field != beside) {
        return Err(Refusal::new(format!("`{field}` does not go with `{name}`; {known}")).within("actions"));
    }
    let compiled = match (name.as_str(), value) {
        ("pin", value) => {
            // Places are counted from 1 by people.
            let place = whole(json, "place", 1, 1_000)?;
            if place == 0 {
                return Err(Refusal::new("the first place is 1").within("`place`"));
            }
            items(value).map(|items| Action::Pin(items, place - 1))
        }
        ("boost", value) => matching(value).and_then(|matching| Ok(Action::Lift(matching, by(json)?))),
        ("bury", value) => matching(value).and_then(|matching| Ok(Action::Lift(matching, -by(json)?))),
        ("exclude", value) => matching(value).map(Action::Exclude),
        ("template", Value::Text(name)) => Ok(Action::Template(name.clone())),
        ("list", Value::Text(name)) => Ok(Action::List(name.clone())),
        _ => Err(Refusal::new("a name is needed, a text")),
    };
    compiled.map_err(|refusal| refusal.within(format_args!("actions, `{name}`")))
}

fn by(json: &Value) -> Compiling<f32> {
    match json.get("by") {
        None => Ok(1.0),
        Some(Value::Number(by, _)) if *by > 0.0 && *by <= f64::from(MAX_LIFT) => Ok(*by as f32),
        Some(_) => Err(Refusal::new(
            "a number above 0 and at most 10 is needed: 1 is the range from the least score to the greatest",
        )
        .within("`by`")),
    }
}

fn matching(json: &Value) -> Compiling<Matching> {
    let Value::Object(fields) = json else {
        return Err(Refusal::new(
            "an object with items, categories, brands or price_bands is needed",
        ));
    };
    let mut matching = Matching::default();
    for (name, value) in fields {
        let names = || texts(value).map_err(|refusal| refusal.within(format_args!("`{name}`")));
        match name.as_str() {
            "items" => matching.items = items(value).map_err(|refusal| refusal.within("`items`"))?,
            "categories" => matching.categories = names()?,
            "brands" => matching.brands = names()?,
            "price_bands" => matching.price_bands = names()?,
            _ => {
                return Err(Refusal::new(format!(
                    "`{name}` is none of items, categories, brands and price_bands"
                )))
            }
        }
    }
    if matching == Matching::default() {
        return Err(Refusal::new(
            "it is about nothing; name items, categories, brands or price_bands",
        ));
    }
    Ok(matching)
}

fn items(json: &Value) -> Compiling<Vec<[u8; 8]>> {
    let items = texts(json)?;
    if items.is_empty() {
        return Err(Refusal::new("a list of item ids is needed"));
    }
    Ok(items.iter().map(|id| item_hash(id).0.to_le_bytes()).collect())
}

fn texts(json: &Value) -> Compiling<Vec<String>> {
    let Value::List(list) = json else {
        return Err(Refusal::new("a list of texts is needed"));
    };
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(Refusal::new("a list of texts is needed")),
    };
    list.iter().map(text).collect()
}

fn text(json: &Value, name: &str) -> Compiling<Option<String>> {
    match json.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::new("a text is needed").within(format_args!("`{name}`"))),
    }
}

fn whole(json: &Value, name: &str, usual: u16, most: u16) -> Compiling<u16> {
    match json.get(name) {
        None => Ok(usual),
        Some(Value::Number(number, _)) if number.fract() == 0.0 && (0.0..=f64::from(most)).contains(number) => {
            Ok(*number as u16)
        }
        Some(_) => {
            Err(Refusal::new(format!("a whole number from 0 to {most} is needed")).within(format_args!("`{name}`")))
        }
    }
}

/// A day, `2026-06-01`, which begins at midnight UTC, or seconds since 1970-01-01 UTC.
fn time(json: &Value, name: &str) -> Compiling<Option<u32>> {
    let seconds = match json.get(name) {
        None => return Ok(None),
        Some(Value::Number(number, _)) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number) => {
            Some(*number as u32)
        }
        Some(Value::Text(day)) => days(day).and_then(|days| days.checked_mul(DAY)),
        Some(_) => None,
    };
    let needed = "a day from 1970 to 2105 is needed, as 2026-06-01, or seconds since 1970-01-01 UTC";
    seconds
        .map(Some)
        .ok_or_else(|| Refusal::new(needed).within(format_args!("`{name}`")))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days(date: &str) -> Option<u32> {
    let mut parts = date.split('-');
    let mut part = |length: usize| {
        let part = parts
            .next()
            .filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() || !(1970..=2105).contains(&year) {
        return None;
    }
    let leap = |year: u32| u32::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)));
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(month.checked_sub(1)? as usize)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    let years: u32 = (1970..year).map(|year| 365 + leap(year)).sum();
    let months: u32 = lengths.iter().take(month as usize - 1).sum();
    Some(years + months + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days() {
        for (date, expected) in [
            ("1970-01-01", 0),
            ("2000-03-01", 11_017),
            ("2023-11-14", 19_675),
            ("2024-02-29", 19_782),
            ("2105-12-31", 49_672),
        ] {
            assert_eq!(days(date), Some(expected), "{date}");
        }
        for wrong in [
            "1969-12-31",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-1-1",
            "2024-01-01T00:00",
            "tomorrow",
            "2024-01-32",
            "",
        ] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }
}
