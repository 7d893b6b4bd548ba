//! The synthetic shop as files: the same that a real shop would export. Invariant: files are whole, and equal for equal
//! shops.

use super::{Product, Shop, CURRENCY, TITLE};
use crate::error::{Error, Result};
use crate::output;
use crate::picture::picture;
use crate::progress::Progress;
use serde_json::{json, Value};
use std::path::Path;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Lines of the catalogue.
    pub products: usize,
    /// Lines of the events.
    pub events: usize,
    /// Visits.
    pub sessions: usize,
    /// Pictures.
    pub pictures: usize,
}

pub(super) fn write(shop: &Shop, folder: &Path, progress: &Progress) -> Result<Written> {
    let mut stage = progress.stage("drawing pictures", shop.products.len() as u64);
    for product in &shop.products {
        let path = folder.join("images").join(format!("{}.svg", product.slug));
        output::write(
            &path,
            picture(&product.name, product.category, product.brand).as_bytes(),
        )?;
        stage.add(1);
    }
    lines(&folder.join("catalogue.jsonl"), shop.products.iter().map(product))?;
    let events: usize = shop.visits.iter().map(|visit| visit.lines.len()).sum();
    lines(&folder.join("events.jsonl"), by_time(shop))?;
    Ok(Written {
        products: shop.products.len(),
        events,
        sessions: shop.visits.len(),
        pictures: shop.products.len(),
    })
}

fn lines(path: &Path, values: impl Iterator<Item = Value>) -> Result<()> {
    output::write_with(path, |file| {
        for value in values {
            serde_json::to_writer(&mut *file, &value)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
    .map_err(|e| match e {
        Error::Io { .. } => e,
        other => Error::Internal(other.to_string()),
    })
}

/// schema.org Product.
fn product(product: &Product) -> Value {
    let stock = if product.in_stock { "InStock" } else { "OutOfStock" };
    json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": product.id,
        "name": product.name,
        "description": product.description,
        "category": product.category,
        "brand": { "@type": "Brand", "name": product.brand },
        "url": format!("/product/{}", product.slug),
        "image": format!("/images/{}.svg", product.slug),
        "releaseDate": day(product.since),
        "offers": {
            "@type": "Offer",
            "price": format!("{:.2}", product.price),
            "priceCurrency": CURRENCY,
            "seller": { "@type": "Organization", "name": TITLE },
            "availability": format!("https://schema.org/{stock}"),
        },
    })
}

fn day(number: u32) -> String {
    let at = super::BEGIN + i64::from(number) * 86_400;
    crate::ingest::time::rfc3339(at).chars().take(10).collect()
}

/// Every event of every visit, by time.
fn by_time(shop: &Shop) -> impl Iterator<Item = Value> + '_ {
    let mut all: Vec<_> = shop
        .visits
        .iter()
        .flat_map(|visit| visit.lines.iter().map(move |line| (line.at, visit, line)))
        .collect();
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(at, visit, line)| {
        let items: Vec<Value> = line
            .items
            .iter()
            .filter_map(|(place, quantity)| {
                let product = shop.products.get(*place)?;
                Some(json!({ "item_id": product.id, "price": product.price, "quantity": quantity }))
            })
            .collect();
        json!({
            "event_name": line.kind.name(),
            "event_timestamp": at,
            "user_pseudo_id": visit.visitor,
            "ga_session_id": visit.session,
            "currency": CURRENCY,
            "items": items,
        })
    })
}
