//! Codes of category, brand and price band.

use crate::dataset::Dataset;
use pocketrank::{AttributeRow, Labels, MAX_LABEL};
use std::collections::BTreeSet;

/// Price bands hold about the same number of items.
const PRICE_BANDS: usize = 5;

/// Codes of the shipped items (indices into the dataset's) and the names behind them.
pub fn fit(dataset: &Dataset, items: &[u32]) -> (Vec<AttributeRow>, Labels) {
    let shipped = || items.iter().map(|item| &dataset.items[*item as usize]);
    let names = |name: fn(&crate::dataset::Item) -> Option<&String>| -> Vec<String> {
        let distinct: BTreeSet<&String> = shipped().filter_map(name).filter(|name| !name.is_empty()).collect();
        distinct.into_iter().take(usize::from(u16::MAX)).cloned().collect()
    };
    let categories = names(|item| item.category.as_ref());
    let brands = names(|item| item.brand.as_ref());
    let prices: Vec<f64> = shipped().filter_map(|item| item.price).collect();
    let bounds = bounds(prices);
    let code = |names: &[String], name: &Option<String>| -> u16 {
        name.as_ref()
            .and_then(|name| names.binary_search(name).ok())
            .map_or(0, |at| at as u16 + 1)
    };
    let rows = shipped()
        .map(|item| AttributeRow {
            category: code(&categories, &item.category),
            brand: code(&brands, &item.brand),
            price_band: item
                .price
                .map_or(0, |price| 1 + bounds.partition_point(|bound| *bound <= price) as u8),
        })
        .collect();
    let price_bands = if bounds.is_empty() { vec![] } else { band_names(&bounds) };
    let has_price = shipped().any(|item| item.price.is_some());
    let price_bands = if price_bands.is_empty() && has_price {
        vec!["any price".into()]
    } else {
        price_bands
    };
    (
        rows,
        Labels {
            categories: shorten(categories),
            brands: shorten(brands),
            price_bands,
        },
    )
}

/// Names that the format can hold. Two that become the same keep their codes.
fn shorten(mut names: Vec<String>) -> Vec<String> {
    for name in &mut names {
        name.truncate(name.floor_char_boundary(MAX_LABEL));
    }
    names
}

/// Prices at which a new band begins, ascending and distinct.
fn bounds(mut prices: Vec<f64>) -> Vec<f64> {
    prices.sort_unstable_by(f64::total_cmp);
    let mut bounds: Vec<f64> = (1..PRICE_BANDS)
        .filter_map(|band| prices.get(band * prices.len() / PRICE_BANDS))
        .copied()
        .collect();
    bounds.dedup();
    bounds.retain(|bound| prices.first().is_some_and(|least| bound > least));
    bounds
}

fn band_names(bounds: &[f64]) -> Vec<String> {
    let mut names = vec![format!("under {:.2}", bounds[0])];
    names.extend(
        bounds
            .windows(2)
            .map(|pair| format!("{:.2} to {:.2}", pair[0], pair[1])),
    );
    names.push(format!("{:.2} and more", bounds[bounds.len() - 1]));
    names
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let names = shorten(vec!["Tea".into(), "ä".repeat(128), "xä".repeat(100)]);
        assert_eq!(names, ["Tea".into(), "ä".repeat(128), "xä".repeat(85) + "x"]);
    }
}
