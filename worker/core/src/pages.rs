//! Encoded results, page by page: each is written once, leaves from here in a message, and is kept
//! here for those who ask again.
//!
//! A page holds what was written between two flushes. It goes as a whole when its last result is
//! forgotten, so forgetting touches no memory that has long been cold.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use callboard_proto::codec;
use callboard_proto::message::ResultItem;

/// Most room that is made for a page before it is written, in bytes (chosen, not measured).
const OPEN_BYTES: usize = 256 * 1024;

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
    open: Vec<u8>,
}

impl Pages {
    /// Writes a result to the open page.
    pub(crate) fn write(&mut self, result: &ResultItem) -> Place {
        let at = self.open.len();
        let bytes = codec::append_item(&mut self.open, result);
        Place {
            page: self.open_number(),
            range: at..at + bytes,
        }
    }

    /// Closes the open page and gives it.
    pub(crate) fn close(&mut self) -> Bytes {
        if self.open.is_empty() {
            return Bytes::new();
        }
        // The next is mostly about as long.
        let room = self.open.len().min(OPEN_BYTES);
        let mut page = std::mem::replace(&mut self.open, Vec::with_capacity(room));
        // No page keeps more room than it needs.
        page.shrink_to_fit();
        let page = Bytes::from(page);
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
