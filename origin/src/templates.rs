//! A shop's templates, from a folder to the section of a snapshot. Invariant: what is wrong is told with file, line and column.

use crate::error::{Error, Result};
use pocketrank::template::{compile, Field, Kind, Source, Templates};
use pocketrank::Snapshot;
use std::collections::BTreeMap;
use std::path::Path;

/// The file of a folder that declares the fields of its shop's lists.
pub const FIELDS_FILE: &str = "fields.toml";
/// How the names of templates' files end.
const ENDING: &str = ".mustache";

/// Compiles the templates of a folder: `NAME.mustache` each, and `fields.toml` where they use fields of the shop's own.
///
/// # Errors
/// [`Error::Io`] for files that cannot be read; [`Error::Config`] for the first thing that is wrong in one.
pub fn read(folder: &Path) -> Result<Templates> {
    let reading = |source| Error::reading(folder, source);
    let mut sources = vec![];
    for entry in std::fs::read_dir(folder).map_err(reading)? {
        let path = entry.map_err(reading)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(|name| name.strip_suffix(ENDING)) {
            sources.push(Source {
                name: name.into(),
                text: text(&path)?,
            });
        }
    }
    if sources.is_empty() {
        return Err(Error::Config(format!(
            "{}: there is no file NAME{ENDING}; give the folder that has the templates",
            folder.display()
        )));
    }
    let fields = fields(&folder.join(FIELDS_FILE))?;
    compile(&sources, &fields).map_err(|error| {
        let place = folder.join(format!("{}{ENDING}", error.template));
        let (line, column) = (error.line, error.column);
        Error::Config(format!("{}:{line}:{column}: {}", place.display(), error.problem))
    })
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::reading(path, source))
}

/// The fields that a file declares: names, and `text` or `html`. None if there is no such file.
fn fields(path: &Path) -> Result<Vec<Field>> {
    if !path.exists() {
        return Ok(vec![]);
    }
    let wrong = |what: String| Error::Config(format!("{}: {what}", path.display()));
    let declared: BTreeMap<String, String> = toml::from_str(&text(path)?).map_err(|error| wrong(error.to_string()))?;
    let field = |(name, kind): (String, String)| {
        let kind = match kind.as_str() {
            "text" => Kind::Text,
            "html" => Kind::Html,
            other => return Err(wrong(format!("{name} = {other:?}; a field is \"text\" or \"html\""))),
        };
        Ok(Field { name, kind })
    };
    declared.into_iter().map(field).collect()
}

/// The snapshot with these templates in place of its own; as it is where none are given.
///
/// # Errors
/// [`Error::Snapshot`], with `path` for its name.
pub fn put(bytes: Vec<u8>, templates: Option<&Templates>, path: &Path) -> Result<Vec<u8>> {
    let Some(templates) = templates else {
        return Ok(bytes);
    };
    let put = Snapshot::open(bytes.as_slice()).and_then(|snapshot| snapshot.with_templates(Some(templates)));
    put.map_err(|source| Error::Snapshot {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn mistakes_are_told_with_their_file() {
        let folder = std::env::temp_dir().join(format!("pocketrank-templates-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let wrong = || read(&folder).unwrap_err().to_string();
        assert!(wrong().contains("there is no file NAME.mustache"));
        fs::write(
            folder.join("slot.mustache"),
            "{{#items}}\n <b>{{badge}}</b>{{{teaser}}}{{/items}}",
        )
        .unwrap();
        assert!(
            wrong().contains("slot.mustache:2:5: no field is named `badge`"),
            "{}",
            wrong()
        );
        fs::write(folder.join(FIELDS_FILE), "badge = \"text\"\nteaser = \"html\"\n").unwrap();
        assert!(read(&folder).unwrap().get("slot").is_some());
        fs::write(folder.join(FIELDS_FILE), "badge = \"text\"\nteaser = \"text\"\n").unwrap();
        assert!(
            wrong().contains("slot.mustache:2:18: `teaser` is not declared as HTML"),
            "{}",
            wrong()
        );
        fs::write(folder.join(FIELDS_FILE), "badge = \"number\"\n").unwrap();
        assert!(wrong().contains("fields.toml: badge = \"number\""), "{}", wrong());
        fs::write(folder.join(FIELDS_FILE), "badge = 1\n").unwrap();
        assert!(
            wrong().contains("fields.toml: TOML parse error at line 1"),
            "{}",
            wrong()
        );
        fs::remove_dir_all(&folder).unwrap();
        assert!(wrong().contains("cannot read"));
    }
}
