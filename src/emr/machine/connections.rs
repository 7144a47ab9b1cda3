//! The connections of the simulated EMR by their numbers, which drivers give out from 1 upwards.
//!
//! Every message looks its connection up many times, so a number is a position: a connection that
//! is gone leaves an empty place of eight bytes.

use crate::emr::machine::connection::Connection;
use crate::history::ConnectionId;

/// Connections that are open or not yet read to their end.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    places: Vec<Option<Box<Connection>>>,
    taken: usize,
}

impl Connections {
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.places.get(id as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.places.get_mut(id as usize)?.as_deref_mut()
    }

    pub(crate) fn insert(&mut self, id: ConnectionId, connection: Connection) {
        let place = id as usize;
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        let before = self.places[place].replace(Box::new(connection));
        self.taken += usize::from(before.is_none());
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        let gone = self.places.get_mut(id as usize).and_then(Option::take);
        self.taken -= usize::from(gone.is_some());
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.taken
    }

    /// Their numbers, in order.
    pub(crate) fn numbers(&self) -> Vec<ConnectionId> {
        (0..).zip(&self.places).filter(|(_, place)| place.is_some()).map(|(id, _)| id).collect()
    }

    /// All of them, in the order of their numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Connection> {
        self.places.iter().filter_map(Option::as_deref)
    }
}
