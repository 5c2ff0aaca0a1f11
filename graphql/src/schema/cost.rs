//! What a field costs: 1 for a field, and its children once for each row that a page or a bounded
//! list may hold.

/// Most a single field may report. async-graphql adds costs without a check; this many times the
/// largest number of selections still fits.
const CEILING: usize = 500_000;

/// Rows of a page when the document names no size.
const DEFAULT_ROWS: usize = 20;

/// Rows of the largest page; a larger one is refused when it is resolved.
const MAX_ROWS: usize = 100;

/// Returns the cost of a page of `first` or `last` rows.
pub(super) fn page(first: Option<i32>, last: Option<i32>, children: usize) -> usize {
    let rows = first
        .or(last)
        .map_or(DEFAULT_ROWS, |rows| usize::try_from(rows).unwrap_or(0).clamp(1, MAX_ROWS));
    list(rows, children)
}

/// Returns the cost of a list of at most `bound` rows.
pub(super) fn list(bound: usize, children: usize) -> usize {
    bound.saturating_mul(children).saturating_add(1).min(CEILING)
}

/// Returns the cost of a field that is `extra` dearer than others.
pub(super) fn extra(extra: usize, cost: usize) -> usize {
    cost.saturating_add(extra).min(CEILING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_costs_its_rows() {
        assert_eq!(page(Some(10), None, 3), 31);
        assert_eq!(page(None, Some(5), 3), 16);
        assert_eq!(page(None, None, 1), 21);
    }

    #[test]
    fn sizes_out_of_range_neither_hide_nor_overflow() {
        assert_eq!(page(Some(-1), None, 3), 4);
        assert_eq!(page(Some(i32::MAX), None, 2), 201);
        assert_eq!(list(usize::MAX, usize::MAX), CEILING);
        assert_eq!(extra(usize::MAX, 1), CEILING);
    }
}
