//! Tables that fit the terminal: what matters least goes first, the last column is cut, nothing wraps.

/// Narrowest last column; with less room another column goes (chosen).
const LAST_WIDTH_MIN: usize = 16;
/// Between two columns.
const GAP: usize = 2;

/// A column: its heading, and its rank; the column with the highest rank goes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) rank: u8,
}

/// Lays rows out below their headings, in at most `width` columns of a terminal, or as wide as they are.
pub(crate) fn fit(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let heading = columns
        .iter()
        .map(|column| column.heading.to_owned())
        .collect();
    let all: Vec<Vec<String>> = std::iter::once(heading)
        .chain(rows.iter().cloned())
        .collect();
    let wide = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    // A column of which nothing is known says nothing.
    let mut shown: Vec<usize> = (0..columns.len())
        .filter(|column| rows.iter().any(|row| !row[*column].is_empty()))
        .collect();
    let width = width.unwrap_or(usize::MAX);
    while let Some((last, before)) = shown.split_last() {
        let taken: usize = before.iter().map(|column| wide(*column) + GAP).sum();
        let needed = taken + wide(*last).min(LAST_WIDTH_MIN);
        let least = (0..shown.len()).max_by_key(|at| columns[shown[*at]].rank);
        match least {
            Some(at) if needed > width && shown.len() > 1 => {
                shown.remove(at);
            }
            Some(_) | None => break,
        }
    }
    let lines: Vec<String> = all
        .iter()
        .map(|row| {
            let cells = shown.iter().map(|column| {
                let wide = wide(*column);
                format!("{:<wide$}", row[*column])
            });
            let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
            cut(line.trim_end(), width)
        })
        .collect();
    lines.join("\n")
}

/// A text of at most so many characters; what is cut off is marked.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept.truncate(kept.trim_end().len());
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column {
            heading: "TOOL",
            rank: 0,
        },
        Column {
            heading: "EFFECT",
            rank: 2,
        },
        Column {
            heading: "NOTE",
            rank: 9,
        },
        Column {
            heading: "DESCRIPTION",
            rank: 1,
        },
    ];

    fn rows(note: &str) -> Vec<Vec<String>> {
        [
            [
                "fs_read",
                "read",
                note,
                "Reads a text file below the root folder.",
            ],
            ["é", "write", "", "Writes."],
        ]
        .map(|row| row.map(str::to_owned).to_vec())
        .to_vec()
    }

    #[test]
    fn it_is_as_wide_as_it_may_be() {
        let text: Vec<String> = [None, Some(50), Some(36), Some(30), Some(10), Some(3)]
            .map(|width| {
                let text = fit(&COLUMNS, &rows("old"), width);
                for line in text.lines() {
                    assert!(
                        line.chars().count() <= width.unwrap_or(usize::MAX),
                        "{line}"
                    );
                }
                text
            })
            .to_vec();
        insta::assert_snapshot!(text.join("\n\n"), @r#"
        TOOL     EFFECT  NOTE  DESCRIPTION
        fs_read  read    old   Reads a text file below the root folder.
        é        write         Writes.

        TOOL     EFFECT  NOTE  DESCRIPTION
        fs_read  read    old   Reads a text file below th…
        é        write         Writes.

        TOOL     EFFECT  DESCRIPTION
        fs_read  read    Reads a text file…
        é        write   Writes.

        TOOL     DESCRIPTION
        fs_read  Reads a text file be…
        é        Writes.

        TOOL
        fs_read
        é

        TO…
        fs…
        é
        "#);
    }

    #[test]
    fn an_empty_column_is_left_out() {
        insta::assert_snapshot!(fit(&COLUMNS, &rows(""), None), @r#"
        TOOL     EFFECT  DESCRIPTION
        fs_read  read    Reads a text file below the root folder.
        é        write   Writes.
        "#);
    }
}
