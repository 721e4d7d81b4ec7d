//! The tools on offer, page by page (P10).

use callboard_proto::message::{Announce, ToolsHead};
use callboard_proto::{ToolName, ToolSpec, codec};
use callboard_worker_core::OfferedTool;

use crate::tool::Tools;

/// The tools on offer, as the core knows them.
pub(super) fn offered(tools: &Tools) -> Vec<OfferedTool> {
    let offers = tools.offers().iter();
    let offered = offers.map(|offer| OfferedTool {
        name: offer.spec().name.clone(),
        digest: offer.digest,
        effect: offer.spec().manifest.effect,
        slots: offer.tool.slots(),
    });
    offered.collect()
}

/// A tool that no page can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the description and schema of {name} take {bytes} bytes, and the server takes messages of {max}; raise its max_payload"
)]
pub(super) struct PageTooSmall {
    name: ToolName,
    bytes: usize,
    max: usize,
}

/// Bytes of a batch besides its head and items, generously.
const ENVELOPE_BYTES: usize = 64;
/// Bytes that a digest takes in a page's head.
const DIGEST_BYTES: usize = 34;

/// The page that begins with tool `from`: as many as fit into `bytes_max`, none beyond the end.
pub(super) fn page<'a>(
    announce: &Announce,
    tools: &'a Tools,
    from: u32,
    bytes_max: usize,
) -> Result<(ToolsHead, Vec<&'a ToolSpec>), PageTooSmall> {
    let offers = tools.offers();
    let first = usize::try_from(from)
        .unwrap_or(usize::MAX)
        .min(offers.len());
    let mut head = ToolsHead {
        announce: Announce {
            tools: Vec::new(),
            ..announce.clone()
        },
        from,
        total: u32::try_from(offers.len()).unwrap_or(u32::MAX),
        digests: Vec::new(),
    };
    let mut bytes = codec::item_bytes(&head) + ENVELOPE_BYTES;
    let mut specs = Vec::new();
    for offer in &offers[first..] {
        let more = codec::item_bytes(offer.spec()) + DIGEST_BYTES;
        if bytes + more > bytes_max || specs.len() == callboard_proto::limit::BATCH_ITEMS_MAX {
            if specs.is_empty() {
                return Err(PageTooSmall {
                    name: offer.spec().name.clone(),
                    bytes: bytes + more,
                    max: bytes_max,
                });
            }
            break;
        }
        bytes += more;
        specs.push(offer.spec());
        head.digests.push(offer.digest);
    }
    Ok((head, specs))
}
