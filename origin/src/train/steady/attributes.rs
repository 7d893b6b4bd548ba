//! Codes of categories and brands as in the base: names that it has keep theirs, new ones come behind.

use pocketrank::{AttributeRow, Labels};

/// The rows and names, in the codes of the base.
pub fn beside(rows: &[AttributeRow], labels: &Labels, base: &Labels) -> (Vec<AttributeRow>, Labels) {
    let (categories, category) = merge(&labels.categories, &base.categories);
    let (brands, brand) = merge(&labels.brands, &base.brands);
    let code = |codes: &[u16], code: u16| match code.checked_sub(1) {
        Some(at) => codes.get(usize::from(at)).copied().unwrap_or_default(),
        None => 0,
    };
    let rows = rows.iter().map(|row| AttributeRow {
        category: code(&category, row.category),
        brand: code(&brand, row.brand),
        ..*row
    });
    let rows = rows.collect();
    let labels = Labels {
        categories,
        brands,
        price_bands: labels.price_bands.clone(),
    };
    (rows, labels)
}

/// The names of the base and the new ones behind them, and the code of each of `names`. A name that no item has any more keeps its code, for
/// it may come again; where there are too many codes, all are new.
fn merge(names: &[String], base: &[String]) -> (Vec<String>, Vec<u16>) {
    let mut all = base.to_vec();
    let codes: Vec<usize> = names
        .iter()
        .map(|name| {
            let known = all.iter().position(|known| known == name);
            known.unwrap_or_else(|| {
                all.push(name.clone());
                all.len() - 1
            })
        })
        .collect();
    if all.len() >= usize::from(u16::MAX) {
        return (names.to_vec(), (1..=names.len() as u16).collect());
    }
    (all, codes.into_iter().map(|at| at as u16 + 1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_codes() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let labels = |categories: &[&str], brands: &[&str]| Labels {
            categories: names(categories),
            brands: names(brands),
            price_bands: vec!["any price".into()],
        };
        let base = labels(&["cups", "lamps"], &["x"]);
        let new = labels(&["beds", "cups", "lamps"], &[]);
        let row = |category| AttributeRow {
            category,
            brand: 0,
            price_band: 1,
        };
        let (rows, all) = beside(&[row(1), row(2), row(3), row(0)], &new, &base);
        assert_eq!(all, labels(&["cups", "lamps", "beds"], &["x"]));
        assert_eq!(rows, [row(3), row(1), row(2), row(0)]);
    }
}
