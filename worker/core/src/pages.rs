//! Encoded results, page by page: each is written once, leaves from here in a message, and is kept
//! here for those who ask again.
//!
//! A page holds what was written between two flushes. It goes as a whole when its last result is
//! forgotten, so forgetting touches no memory that has long been cold. Pages are cut from blocks, which
//! keeps their memory apart from that of what comes and goes: else whatever is allocated next would
//! get the coldest memory there is.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use callboard_proto::codec;
use callboard_proto::message::ResultItem;

/// Bytes of a block, unless one page needs more: where one ends in the middle of a page, the page is copied.
/// Chosen: a quarter of it took a worker at full load two hundredths of its time.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Room for one result that is kept, in bytes (chosen, not measured).
const DESK_BYTES: usize = 64 * 1024;

/// Where a result stands. Numbers of pages wrap around; far fewer exist at a time.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    page: u32,
    range: Range<usize>,
}

impl Place {
    /// Its size, envelope included.
    pub(crate) fn bytes(&self) -> usize {
        self.range.len()
    }

    /// Where in its page it is.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

/// The pages.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    closed: VecDeque<Bytes>,
    /// The number of the oldest.
    first: u32,
    open: BytesMut,
    /// Where a result is written before it is moved to its page; kept for its room.
    desk: Vec<u8>,
}

impl Pages {
    /// Writes a result to the open page.
    pub(crate) fn write(&mut self, result: &ResultItem) -> Place {
        self.desk.clear();
        let bytes = codec::append_item(&mut self.desk, result);
        self.make_room(bytes);
        let at = self.open.len();
        self.open.extend_from_slice(&self.desk);
        self.desk.shrink_to(DESK_BYTES);
        Place {
            page: self.open_number(),
            range: at..at + bytes,
        }
    }

    /// Makes room for more on the open page: it moves to a new block where this one is full.
    fn make_room(&mut self, bytes: usize) {
        if self.open.capacity() - self.open.len() < bytes {
            let room = 2 * self.open.len() + bytes;
            let mut block = BytesMut::with_capacity(room.max(BLOCK_BYTES));
            block.extend_from_slice(&self.open);
            self.open = block;
        }
    }

    /// Closes the open page and gives it.
    pub(crate) fn close(&mut self) -> Bytes {
        if self.open.is_empty() {
            return Bytes::new();
        }
        let page = self.open.split().freeze();
        self.closed.push_back(page.clone());
        page
    }

    /// The bytes of a result.
    pub(crate) fn bytes(&self, place: &Place) -> &[u8] {
        match self.page(place) {
            Some(page) => &page[place.range()],
            None => &self.open[place.range()],
        }
    }

    /// A result by itself, if its page is closed.
    pub(crate) fn closed(&self, place: &Place) -> Option<Bytes> {
        self.page(place).map(|page| page.slice(place.range()))
    }

    /// Drops the closed pages that are older than a result's, or all of them.
    pub(crate) fn drop_before(&mut self, oldest: Option<&Place>) {
        let end = oldest.map_or_else(|| self.open_number(), |place| place.page);
        while self.first != end && self.closed.pop_front().is_some() {
            self.first = self.first.wrapping_add(1);
        }
    }

    fn page(&self, place: &Place) -> Option<&Bytes> {
        self.closed
            .get(place.page.wrapping_sub(self.first) as usize)
    }

    fn open_number(&self) -> u32 {
        let count =
            u32::try_from(self.closed.len()).expect("fewer pages are kept than a u32 counts");
        self.first.wrapping_add(count)
    }
}
