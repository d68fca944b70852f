//! The keys that a plan names, as small numbers: one table for message objects, one for each wrapper in them.

/// Number of a key path of the plan.
pub(super) type KeyId = u16;

/// Keys of one object: open addressing, never more than half full.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Option<(Box<[u8]>, KeyId)>>,
    len: usize,
}

impl Table {
    fn new() -> Self {
        Self { slots: vec![None; 16], len: 0 }
    }

    /// FNV-1a: keys are short.
    #[inline]
    fn place(&self, key: &[u8]) -> usize {
        let mut hash: u32 = 0x811C_9DC5;
        for &byte in key {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        (hash ^ (hash >> 15)) as usize & (self.slots.len() - 1)
    }

    /// The number of `key`, if the plan names it.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<KeyId> {
        let mut at = self.place(key);
        while let Some((held, id)) = &self.slots[at] {
            if **held == *key {
                return Some(*id);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        None
    }

    fn insert(&mut self, key: Box<[u8]>, id: KeyId) {
        if (self.len + 1) * 2 > self.slots.len() {
            let doubled = vec![None; self.slots.len() * 2];
            let held = std::mem::replace(&mut self.slots, doubled);
            self.len = 0;
            for (key, id) in held.into_iter().flatten() {
                self.insert(key, id);
            }
        }
        let mut at = self.place(&key);
        while self.slots[at].is_some() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Some((key, id));
        self.len += 1;
    }
}

/// All key paths of a plan.
#[derive(Debug)]
pub(super) struct Keys {
    /// Keys of message objects.
    pub top: Table,
    /// Wrappers: their own number, and their keys.
    pub wrappers: Vec<(KeyId, Table)>,
    count: KeyId,
}

impl Keys {
    /// No keys.
    pub fn new() -> Self {
        Self { top: Table::new(), wrappers: Vec::new(), count: 0 }
    }

    /// Key paths held.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// The number of a key path, given out on first sight; the error says what is wrong with it.
    pub fn add(&mut self, path: &str) -> Result<KeyId, String> {
        let mut parts = path.split('.');
        let (first, second, deeper) = (parts.next().unwrap_or(""), parts.next(), parts.next());
        if first.is_empty() || second == Some("") {
            return Err(format!("key {path:?} has an empty part"));
        }
        if deeper.is_some() {
            return Err(format!("key {path:?} goes deeper than one wrapper"));
        }
        let outer = if let Some(id) = self.top.get(first.as_bytes()) {
            id
        } else {
            let id = self.next()?;
            self.top.insert(first.as_bytes().into(), id);
            id
        };
        let Some(second) = second else { return Ok(outer) };
        let at = self.wrappers.iter().position(|(id, _)| *id == outer).unwrap_or_else(|| {
            self.wrappers.push((outer, Table::new()));
            self.wrappers.len() - 1
        });
        if let Some(id) = self.wrappers[at].1.get(second.as_bytes()) {
            return Ok(id);
        }
        let id = self.next()?;
        self.wrappers[at].1.insert(second.as_bytes().into(), id);
        Ok(id)
    }

    fn next(&mut self) -> Result<KeyId, String> {
        let id = self.count;
        self.count = id.checked_add(1).ok_or("more than 65535 keys")?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn paths_are_numbered_once() {
        let mut keys = Keys::new();
        let plain = keys.add("o").unwrap();
        let inner = keys.add("o.s").unwrap();
        assert_eq!((keys.add("o"), keys.add("o.s"), keys.len()), (Ok(plain), Ok(inner), 2));
        let (outer, inside) = &keys.wrappers[0];
        assert_eq!((*outer, inside.get(b"s")), (plain, Some(inner)));
        assert_eq!(keys.top.get(b"s"), None);
        for index in 0..300 {
            keys.add(&format!("k{index}")).unwrap();
        }
        assert_eq!((keys.add("k299"), keys.len()), (Ok(301), 302));
    }

    #[test]
    fn bad_paths_are_named() {
        for path in ["", ".a", "a.", "a.b.c"] {
            assert!(Keys::new().add(path).unwrap_err().contains(&format!("{path:?}")), "{path}");
        }
    }
}
