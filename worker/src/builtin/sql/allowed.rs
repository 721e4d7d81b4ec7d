//! What a statement may do: reading, with functions and pragmas that are known to do nothing else.

use rusqlite::hooks::AuthAction;

/// Pragmas that only tell something.
const PRAGMAS: [&str; 10] = [
    "collation_list",
    "compile_options",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Functions of SQLite that only compute: core, aggregate, window, date, math, JSON and full-text search.
const FUNCTIONS: &str = "-> ->> abs acos acosh asin asinh atan atan2 atanh avg bm25 ceil ceiling changes char coalesce concat \
     concat_ws cos cosh count cume_dist current_date current_time current_timestamp date datetime degrees \
     dense_rank exp first_value floor format glob group_concat hex highlight if ifnull iif instr json json_array \
     json_array_length json_each json_error_position json_extract json_group_array json_group_object json_insert \
     json_object json_patch json_pretty json_quote json_remove json_replace json_set json_tree json_type \
     json_valid jsonb jsonb_array jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object \
     jsonb_patch jsonb_remove jsonb_replace jsonb_set julianday lag last_insert_rowid last_value lead length like \
     likelihood likely ln log log10 log2 lower ltrim match max median min mod nth_value ntile nullif octet_length \
     offsets percent_rank percentile percentile_cont percentile_disc pi pow power printf quote radians random \
     randomblob rank regexp replace round row_number rtreecheck rtrim sign sin sinh snippet soundex \
     sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version sqrt strftime \
     string_agg substr substring subtype sum tan tanh time timediff total total_changes trim trunc typeof unhex \
     unicode unistr unistr_quote unixepoch unlikely upper zeroblob";

/// Says what is refused about an action, if it is.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else SQLite can do, or will, changes something"
)]
pub(super) fn refused(action: &AuthAction<'_>) -> Option<String> {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => None,
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            let is_known = FUNCTIONS.split(' ').any(|known| known == name);
            (!is_known).then(|| format!("the function {function_name} may not be called"))
        }
        AuthAction::Pragma { pragma_name, .. } => {
            let name = pragma_name.to_ascii_lowercase();
            let is_known = PRAGMAS.contains(&name.as_str());
            (!is_known).then(|| format!("PRAGMA {pragma_name} may not be used"))
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Some("no other database may be attached".to_owned())
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Some(
            "transactions may not be used; each query sees one state of the database".to_owned(),
        ),
        _ => Some("the database may only be read".to_owned()),
    }
}
