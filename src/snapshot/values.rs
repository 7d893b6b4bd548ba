//! Reading `postcard` values: the small sections.
//!
//! By hand and not by way of serde, whose code for these few types takes 4 KB of the wasm as it travels; the tests hold both
//! together. Nothing here can panic, and nothing is reserved on the word of the bytes: whatever they claim, what is read is at
//! most as many values as there are bytes.

use super::attributes::Labels;
use super::blend::{Blend, BlendRow};
use super::meta::Meta;

/// A value that a section holds.
pub(super) trait Value: Sized {
    /// Reads it; `None` where the bytes are no such value.
    fn read(values: &mut Values<'_>) -> Option<Self>;
}

/// Reads values one after another.
pub(crate) struct Values<'a>(pub(crate) &'a [u8]);

impl<'a> Values<'a> {
    #[inline(never)]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// A whole number of at most so many bits, 32 at the most.
    pub(crate) fn varint(&mut self, bits: u32) -> Option<u32> {
        self.wide(bits).map(|number| number as u32)
    }

    /// A whole number of at most so many bits, 56 at the most: 7 of them a byte, the lowest first, and a bit that says that more follow.
    #[inline(never)]
    pub(crate) fn wide(&mut self, bits: u32) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..bits).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number).filter(|number| number >> bits == 0);
            }
        }
        None
    }

    fn u16(&mut self) -> Option<u16> {
        self.varint(16).map(|number| number as u16)
    }

    #[inline(never)]
    pub(crate) fn length(&mut self) -> Option<usize> {
        self.varint(32).map(|length| length as usize)
    }

    #[inline(never)]
    pub(crate) fn f32(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    #[inline(never)]
    pub(crate) fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).ok().map(String::from)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    #[inline(never)]
    pub(crate) fn double(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A list of what `read` reads.
    pub(crate) fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut list = Vec::new();
        for _ in 0..self.length()? {
            list.push(read(self)?);
        }
        Some(list)
    }

    /// What `read` reads, where there is something.
    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? {
            return read(self).map(Some);
        }
        Some(None)
    }

    #[inline(never)]
    fn table(&mut self) -> Option<Vec<u16>> {
        (0..self.length()?).try_fold(Vec::new(), |mut table, _| {
            table.push(self.u16()?);
            Some(table)
        })
    }

    #[inline(never)]
    fn texts(&mut self) -> Option<Vec<String>> {
        (0..self.length()?).try_fold(Vec::new(), |mut texts, _| {
            texts.push(self.text()?);
            Some(texts)
        })
    }
}

impl Value for Meta {
    #[inline(never)]
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Meta {
            items: values.varint(32)?,
            model: values.text()?,
            trained_until: values.varint(32)?,
            min_customers: values.u16()?,
            currency: values.text()?,
        })
    }
}

impl Value for Blend {
    #[inline(never)]
    fn read(values: &mut Values<'_>) -> Option<Self> {
        let mut blend = Blend::default();
        for kind in &mut blend.kinds {
            let number = values.u16()?;
            // Signs are in the lowest bit.
            *kind = (number >> 1) as i16 ^ -((number & 1) as i16);
        }
        let Blend {
            decay,
            newness,
            times,
            repeat_times,
            cold,
            ..
        } = &mut blend;
        for table in [decay, newness, times, repeat_times, cold] {
            *table = values.table()?;
        }
        let Blend {
            neighbour_unit,
            factor_unit,
            content_unit,
            ..
        } = &mut blend;
        for unit in [neighbour_unit, factor_unit, content_unit] {
            *unit = values.f32()?;
        }
        for _ in 0..values.length()? {
            blend.rows.push(BlendRow::read(values)?);
        }
        Some(blend)
    }
}

impl Value for BlendRow {
    #[inline(never)]
    fn read(values: &mut Values<'_>) -> Option<Self> {
        let mut row = BlendRow {
            min_history: values.u16()?,
            recency: values.table()?,
            repeat_recency: values.table()?,
            ..BlendRow::default()
        };
        for weight in row.weights_mut() {
            *weight = values.f32()?;
        }
        Some(row)
    }
}

impl Value for Labels {
    #[inline(never)]
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Labels {
            categories: values.texts()?,
            brands: values.texts()?,
            price_bands: values.texts()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::DeserializeOwned;
    use serde::Serialize;
    use std::fmt::Debug;

    /// What the module makes of the bytes must be what serde and `postcard` make of them.
    fn agrees<T: Value + DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
        let mut values = Values(bytes);
        let ours = T::read(&mut values).map(|value| (value, values.0));
        let theirs = postcard::take_from_bytes::<T>(bytes).ok();
        // By its bytes, for NaN differs from itself.
        let encoded = |read: Option<(T, &[u8])>| read.map(|(value, rest)| (postcard::to_allocvec(&value), rest.len()));
        assert_eq!(encoded(ours), encoded(theirs));
    }

    fn floats<const N: usize>() -> impl Strategy<Value = [f32; N]> {
        proptest::array::uniform::<_, N>(any::<u32>().prop_map(f32::from_bits))
    }

    fn tables() -> impl Strategy<Value = Vec<u16>> {
        proptest::collection::vec(any::<u16>(), 0..20)
    }

    fn row() -> impl Strategy<Value = BlendRow> {
        (any::<u16>(), tables(), tables(), floats::<10>()).prop_map(
            |(min_history, recency, repeat_recency, weights)| {
                let mut row = BlendRow {
                    min_history,
                    recency,
                    repeat_recency,
                    ..BlendRow::default()
                };
                row.weights_mut()
                    .into_iter()
                    .zip(weights)
                    .for_each(|(to, from)| *to = from);
                row
            },
        )
    }

    fn blend() -> impl Strategy<Value = Blend> {
        let tables = proptest::array::uniform5(tables());
        let rows = proptest::collection::vec(row(), 0..4);
        (any::<[i16; 9]>(), tables, floats::<3>(), rows).prop_map(|(kinds, tables, units, rows)| {
            let [decay, newness, times, repeat_times, cold] = tables;
            let [neighbour_unit, factor_unit, content_unit] = units;
            Blend {
                kinds,
                decay,
                newness,
                times,
                repeat_times,
                cold,
                neighbour_unit,
                factor_unit,
                content_unit,
                rows,
            }
        })
    }

    fn labels() -> impl Strategy<Value = Labels> {
        let names = proptest::collection::vec(".{0,9}", 0..5);
        proptest::array::uniform3(names).prop_map(|[categories, brands, price_bands]| Labels {
            categories,
            brands,
            price_bands,
        })
    }

    fn meta() -> impl Strategy<Value = Meta> {
        (any::<u32>(), ".{0,9}", any::<u32>(), any::<u16>(), ".{0,3}").prop_map(
            |(items, model, trained_until, min_customers, currency)| Meta {
                items,
                model,
                trained_until,
                min_customers,
                currency,
            },
        )
    }

    proptest! {
        #[test]
        fn reads_what_postcard_writes(blend in blend(), labels in labels(), meta in meta(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let encoded = [postcard::to_allocvec(&blend), postcard::to_allocvec(&labels), postcard::to_allocvec(&meta)];
            let [mut blend, mut labels, mut meta] = encoded.map(|bytes| bytes.unwrap());
            agrees::<Blend>(&blend);
            agrees::<Labels>(&labels);
            agrees::<Meta>(&meta);
            for bytes in [&mut blend, &mut labels, &mut meta] {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            agrees::<Blend>(&blend);
            agrees::<Labels>(&labels);
            agrees::<Meta>(&meta);
        }

        #[test]
        fn makes_of_any_bytes_what_postcard_makes_of_them(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0..4u8], 0..120)) {
            agrees::<Blend>(&bytes);
            agrees::<Labels>(&bytes);
            agrees::<Meta>(&bytes);
        }
    }
}
