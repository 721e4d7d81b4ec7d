//! Results that are larger than may travel (P24): texts are cut to head and tail and say so; what
//! can't be cut fails.

use callboard_proto::{Completed, Part};

/// Most parts of one answer (chosen, not measured: MCP servers give a handful).
const PARTS_MAX: usize = 1024;
/// Bytes that each part costs beyond its payload: the names of its fields.
const PART_BYTES: usize = 32;
/// Room for the note in a text that is cut.
const NOTE_BYTES: usize = 160;

/// An answer that can't be made to fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooLarge {
    /// There are too many parts.
    #[error(
        "the tool's answer has {parts} parts, more than the {PARTS_MAX} that can be sent; ask for less at once"
    )]
    Parts {
        /// Parts that it has.
        parts: usize,
    },
    /// Its images and documents are too large.
    #[error(
        "the tool's answer holds {bytes} bytes of images, documents or references, more than the {max} that can be sent, and those can't be cut; ask for less or for a smaller form"
    )]
    Whole {
        /// Bytes that can't be cut.
        bytes: usize,
        /// Bytes that can be sent.
        max: usize,
    },
}

/// Makes an answer fit into `bytes_max`.
pub(super) fn fit(mut completed: Completed, bytes_max: usize) -> Result<Completed, TooLarge> {
    let parts = completed.content.len();
    if parts > PARTS_MAX {
        return Err(TooLarge::Parts { parts });
    }
    let total: usize = completed.content.iter().map(cost).sum();
    if total <= bytes_max {
        return Ok(completed);
    }
    let mut texts = Vec::new();
    let mut whole = 0;
    for (index, part) in completed.content.iter().enumerate() {
        match part {
            Part::Text(_) | Part::Json(_) => {
                whole += PART_BYTES;
                texts.push((part.bytes(), index));
            }
            Part::Image { .. }
            | Part::Document { .. }
            | Part::Resource { .. }
            | Part::Unknown { .. } => whole += cost(part),
        }
    }
    // Each cut text needs room for its note at least.
    if whole + texts.len() * NOTE_BYTES > bytes_max {
        return Err(TooLarge::Whole {
            bytes: whole,
            max: bytes_max,
        });
    }
    let mut left = bytes_max - whole;
    // From the smallest: what a small text doesn't use, the larger ones share.
    texts.sort_unstable();
    let mut sharers = texts.len();
    for (bytes, index) in texts {
        let share = left / sharers;
        if bytes > share {
            let part = &mut completed.content[index];
            if let Part::Text(whole) | Part::Json(whole) = part {
                *part = Part::Text(text(whole, share));
            }
        }
        left -= bytes.min(share);
        sharers -= 1;
    }
    Ok(completed)
}

fn cost(part: &Part) -> usize {
    part.bytes() + PART_BYTES
}

/// A text of at most `bytes_max` bytes: whole, or head and tail around a note that says what is
/// missing. A bound below the note's own size is taken as that size.
pub(super) fn text(whole: &str, bytes_max: usize) -> String {
    if whole.len() <= bytes_max {
        return whole.to_owned();
    }
    let room = bytes_max.saturating_sub(NOTE_BYTES);
    let head = &whole[..whole.floor_char_boundary(room - room / 4)];
    let tail = &whole[whole.ceil_char_boundary(whole.len() - room / 4)..];
    let missing = whole.len() - head.len() - tail.len();
    format!(
        "{head}\n\n[{missing} of {} bytes are left out here: the result was too large to send whole; ask for less at once]\n\n{tail}",
        whole.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(content: Vec<Part>) -> Completed {
        Completed {
            content,
            is_error: false,
        }
    }

    fn bytes(completed: &Completed) -> usize {
        completed.content.iter().map(Part::bytes).sum()
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let small = answer(vec![Part::Json("{}".to_owned())]);
        assert_eq!(fit(small.clone(), 1024), Ok(small));
    }

    #[test]
    fn a_large_text_keeps_head_and_tail_and_says_what_is_missing() {
        let text = format!("HEAD{}TAIL", "x".repeat(10_000));
        let cut = fit(answer(vec![Part::Json(text)]), 1024).expect("texts can be cut");
        assert!(bytes(&cut) <= 1024, "{} bytes are left", bytes(&cut));
        let [Part::Text(text)] = &cut.content[..] else {
            panic!("cut JSON is no JSON any more, so it is a text: {cut:?}");
        };
        assert!(text.starts_with("HEADxxx") && text.ends_with("xxxTAIL"));
        insta::assert_snapshot!(text.replace("xxxx", ""), @"
        HEAD

        [9176 of 10008 bytes are left out here: the result was too large to send whole; ask for less at once]

        TAIL
        ");
    }

    #[test]
    fn a_small_text_beside_a_large_one_stays_whole() {
        let cut = fit(
            answer(vec![
                Part::Text("y".repeat(9_000)),
                Part::Text("small".to_owned()),
                Part::Text("z".repeat(9_000)),
            ]),
            4096,
        )
        .expect("texts can be cut");
        assert_eq!(cut.content[1], Part::Text("small".to_owned()));
        assert!(bytes(&cut) <= 4096);
        assert!(cut.content[0].bytes().abs_diff(cut.content[2].bytes()) < 64);
    }

    #[test]
    fn characters_are_never_split() {
        let cut = text(&"ü€😀".repeat(1_000), 1_001);
        assert!(cut.len() <= 1_001);
        assert!(!cut.contains('\u{fffd}'));
    }

    #[test]
    fn an_image_is_sent_whole_or_not_at_all() {
        let image = |bytes| Part::Image {
            media_type: "image/png".to_owned(),
            data: vec![0; bytes],
        };
        let with_text = answer(vec![image(500), Part::Text("t".repeat(5_000))]);
        let cut = fit(with_text, 1024).expect("the text gives way");
        assert_eq!(cut.content[0], image(500));
        let error = fit(answer(vec![image(2_000)]), 1024).expect_err("it can't be cut");
        insta::assert_snapshot!(error, @"the tool's answer holds 2041 bytes of images, documents or references, more than the 1024 that can be sent, and those can't be cut; ask for less or for a smaller form");
    }

    #[test]
    fn too_many_parts_are_refused() {
        let parts = vec![Part::Text(String::new()); PARTS_MAX + 1];
        let error = fit(answer(parts), usize::MAX).expect_err("too many");
        insta::assert_snapshot!(error, @"the tool's answer has 1025 parts, more than the 1024 that can be sent; ask for less at once");
    }
}
