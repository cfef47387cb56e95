//! One value for each side of a connection.

use std::ops::{Index, IndexMut};

use super::Side;

/// The client's and the server's value of something. Asking by [`Side`] cannot miss, as an index into an array could.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair<T> {
    /// The client's.
    pub(crate) client: T,
    /// The server's.
    pub(crate) server: T,
}

impl<T: Copy> Pair<T> {
    /// The same for both.
    pub(crate) const fn both(value: T) -> Self {
        Self {
            client: value,
            server: value,
        }
    }
}

impl<T> Pair<T> {
    /// Both values, the client's first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.client, &self.server].into_iter()
    }
}

impl<T> Index<Side> for Pair<T> {
    type Output = T;

    fn index(&self, side: Side) -> &T {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

impl<T> IndexMut<Side> for Pair<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}
