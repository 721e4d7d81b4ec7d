//! The two text formats that scrapers read.

/// The type of OpenMetrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The type of the older format, which everything reads.
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The label that names a tenant.
const TENANT: &str = "tenant=";

/// Whether a request's `Accept` asks for OpenMetrics. Who doesn't, such as curl, gets the older format.
pub(super) fn wants_open_metrics(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| accept.contains("application/openmetrics-text"))
}

/// OpenMetrics in the older format: counters are described under their whole name; exemplars, units and
/// the mark of the end are left out.
pub(super) fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut put = |parts: &[&str]| {
        parts.iter().for_each(|part| text.push_str(part));
        text.push('\n');
    };
    // The help of a metric stands before its type.
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else {
                continue;
            };
            let end = if kind == "counter" { "_total" } else { "" };
            if let Some(help) = help.take() {
                put(&["# HELP ", name, end, " ", help]);
            }
            put(&["# TYPE ", name, end, " ", kind]);
        } else if !line.starts_with('#') {
            put(&[without_exemplar(line)]);
        }
    }
    text
}

/// A sample without what follows its value. A `#` in the value of a label is none of it.
fn without_exemplar(line: &str) -> &str {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, character) in line.char_indices() {
        match character {
            '#' if !is_quoted => return line[..at].trim_end(),
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    line
}

/// What is told without the series of other tenants. Comments stay, and series of nobody's.
pub(super) fn of_tenant(text: &str, tenant: &str) -> String {
    let own = format!("{TENANT}\"{tenant}\"");
    let is_told = |line: &&str| {
        line.starts_with('#') || !line.contains(TENANT) || line.contains(own.as_str())
    };
    text.split_inclusive('\n').filter(is_told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_has_what_it_knows_of() {
        let told = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total{x=\"a \\\" # b\"} 3.0\n\
                    # HELP d_seconds Time.\n# TYPE d_seconds histogram\n# UNIT d_seconds seconds\n\
                    d_seconds_bucket{le=\"1.0\",x=\"y\"} 1 # {trace_id=\"07\"} 0.5\n# EOF\n";
        let wanted = "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{x=\"a \\\" # b\"} 3.0\n\
                      # HELP d_seconds Time.\n# TYPE d_seconds histogram\nd_seconds_bucket{le=\"1.0\",x=\"y\"} 1\n";
        assert_eq!(plain(told), wanted);
    }

    #[test]
    fn who_asks_for_open_metrics_gets_it() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4";
        assert!(wants_open_metrics(Some(prometheus)));
        assert!(!wants_open_metrics(Some("*/*")));
        assert!(!wants_open_metrics(None));
    }

    #[test]
    fn a_tenant_reads_its_own_series_and_those_of_nobody() {
        let all = "# TYPE calls counter\ncalls_total{tool=\"a\",tenant=\"one\"} 1 # {trace_id=\"x\"} 1\n\
                   calls_total{tenant=\"one-more\"} 2\nmemory 3\n# EOF\n";
        let one = "# TYPE calls counter\ncalls_total{tool=\"a\",tenant=\"one\"} 1 # {trace_id=\"x\"} 1\nmemory 3\n# EOF\n";
        assert_eq!(of_tenant(all, "one"), one);
    }
}
