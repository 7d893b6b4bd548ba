//! Quality against bytes: what was measured here, and the shapes that training tried. Invariant: only what was asked the same
//! questions is compared, so each of the two has a front of its own.

use super::super::evaluate::{Measured, Model};
use super::distributions::framed;
use super::plot::{scatter, Axes, Cloud, Place, COLOURS};
use super::table::Table;
use pocketrank_origin::train::trials::Record;

/// The plot, and the table that its numbers point into.
pub fn html(measured: &Measured, log: &[Record]) -> String {
    let model = |model: &Model| {
        let (x, y) = (model.bytes_per_item, model.evaluation.ndcg());
        Place {
            x,
            y,
            label: model.model.to_owned(),
            title: format!("{}: {x:.1} bytes an item, NDCG@20 {y:.4}", model.model),
        }
    };
    let mut clouds = vec![Cloud {
        name: "models, on the questions of this page".into(),
        colour: COLOURS[0],
        places: measured.report.models.iter().map(model).collect(),
    }];
    let shapes: Vec<Shape<'_>> = log
        .iter()
        .filter(|record| record.is_shape())
        .zip(1..)
        .map(|(record, number)| Shape { record, number })
        .collect();
    let tried = Cloud {
        name: "shapes tried in training, on validation".into(),
        colour: COLOURS[1],
        places: shapes.iter().filter_map(Shape::place).collect(),
    };
    let table = (!shapes.is_empty()).then(|| shapes_table(&shapes, &tried).html());
    let axes = Axes {
        title: "NDCG@20 against bytes an item",
        x: "bytes an item of the model's own sections, logarithmic",
        y: "NDCG@20",
    };
    let mut alone = String::new();
    let mut caption = "Filled points are on the front: none is better with as few bytes.".to_owned();
    if !tried.places.is_empty() {
        caption = "Filled points are on the front of their kind: none is better with as few bytes. Shapes were fitted on less and asked \
                   other questions, so compare them with one another."
            .into();
        // Many lie within a few bytes, so their numbers stand where they have room.
        let nameless = tried.places.iter().map(|place| Place {
            label: String::new(),
            ..place.clone()
        });
        clouds.push(Cloud {
            name: tried.name.clone(),
            colour: tried.colour,
            places: nameless.collect(),
        });
        let plot = scatter(&axes, &[tried]);
        alone = framed(
            &plot,
            "The shapes alone, enlarged. Numbers are those of the table below.",
        );
    }
    framed(&scatter(&axes, &clouds), &caption) + &alone + &table.unwrap_or_default()
}

/// A shape and its number in plot and table.
struct Shape<'a> {
    record: &'a Record,
    number: usize,
}

impl Shape<'_> {
    /// Where it stands, if the log tells.
    fn place(&self) -> Option<Place> {
        let (x, y) = (self.record.bytes_per_item?, self.record.validation?);
        Some(Place {
            x,
            y,
            label: self.number.to_string(),
            title: format!(
                "{}: {} bits, {} neighbours, rows {}: {x:.1} bytes an item, NDCG@20 {y:.4}",
                self.number,
                self.value("code_bits"),
                self.value("entries"),
                self.rows()
            ),
        })
    }

    fn value(&self, name: &str) -> String {
        self.record.values.get(name).to_string()
    }

    fn rows(&self) -> &'static str {
        if self.record.values.get("even") == 1.0 {
            "even"
        } else {
            "by need"
        }
    }
}

fn shapes_table(shapes: &[Shape<'_>], tried: &Cloud) -> Table {
    let head = [
        "number",
        "bits of a weight",
        "neighbours an item",
        "rows",
        "bytes an item",
        "NDCG@20, validation",
        "on the front",
    ];
    let mut table = Table::new("Shapes that training tried, each made to fit the bytes allowed", &head).words(&[3, 6]);
    let front: Vec<&Place> = tried
        .places
        .iter()
        .zip(tried.front())
        .filter_map(|(place, on)| on.then_some(place))
        .collect();
    for shape in shapes {
        let place = shape.place();
        table.row([
            shape.number.to_string(),
            shape.value("code_bits"),
            shape.value("entries"),
            shape.rows().to_owned(),
            shape
                .record
                .bytes_per_item
                .map_or_else(|| "not logged".to_owned(), |bytes| format!("{bytes:.1}")),
            shape
                .record
                .validation
                .map_or_else(String::new, |worth| format!("{worth:.4}")),
            match place {
                Some(place) if front.contains(&&place) => "yes".to_owned(),
                _ => String::new(),
            },
        ]);
    }
    table
}
