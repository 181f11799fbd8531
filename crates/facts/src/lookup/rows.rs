//! A table of facts that costs nothing to copy.
//!
//! Trying a fix takes a copy of all facts and edits a few rows. In a Region with thousands of security groups
//! the copy would cost more than the checks. So copies share their rows until one of them is edited.

use alloc::{collections::BTreeMap, collections::btree_map, sync::Arc};
use core::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows by their key, in order. Most tables are empty, and an empty one allocates nothing.
#[derive(Clone, Debug)]
pub struct Table<K, V>(Option<Arc<BTreeMap<K, V>>>);

impl<K: 'static, V: 'static> Table<K, V> {
    const EMPTY: &BTreeMap<K, V> = &BTreeMap::new();

    /// For serde, which cannot name the method of the map.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        BTreeMap::is_empty(self)
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: 'static, V: 'static> Deref for Table<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        self.0.as_deref().unwrap_or(Self::EMPTY)
    }
}

impl<K: Clone + 'static, V: Clone + 'static> DerefMut for Table<K, V> {
    fn deref_mut(&mut self) -> &mut BTreeMap<K, V> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl<K, V> From<BTreeMap<K, V>> for Table<K, V> {
    fn from(rows: BTreeMap<K, V>) -> Self {
        Self((!rows.is_empty()).then(|| Arc::new(rows)))
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Table<K, V> {
    fn from(rows: [(K, V); N]) -> Self {
        BTreeMap::from(rows).into()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(rows: I) -> Self {
        BTreeMap::from_iter(rows).into()
    }
}

impl<K: PartialEq + 'static, V: PartialEq + 'static> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<K: Clone, V: Clone> IntoIterator for Table<K, V> {
    type Item = (K, V);
    type IntoIter = btree_map::IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default().into_iter()
    }
}

impl<'t, K: 'static, V: 'static> IntoIterator for &'t Table<K, V> {
    type Item = (&'t K, &'t V);
    type IntoIter = btree_map::Iter<'t, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'t, K: Clone + 'static, V: Clone + 'static> IntoIterator for &'t mut Table<K, V> {
    type Item = (&'t K, &'t mut V);
    type IntoIter = btree_map::IterMut<'t, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K: Serialize + 'static, V: Serialize + 'static> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Table<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(from).map(Self::from)
    }
}

#[cfg(feature = "schema")]
impl<K: schemars::JsonSchema, V: schemars::JsonSchema> schemars::JsonSchema for Table<K, V> {
    fn inline_schema() -> bool {
        BTreeMap::<K, V>::inline_schema()
    }
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        BTreeMap::<K, V>::schema_name()
    }
    fn schema_id() -> alloc::borrow::Cow<'static, str> {
        BTreeMap::<K, V>::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BTreeMap::<K, V>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_changes_no_copy() {
        let mut one: Table<u8, u8> = BTreeMap::from([(1, 10)]).into();
        let two = one.clone();
        one.insert(2, 20);
        assert_eq!((one.len(), two.len()), (2, 1));
        one.clear();
        assert_eq!(one, Table::default());
        assert!(one.is_empty() && !two.is_empty());
    }
}
