//! What calls cost: tokens times a dated price table that is data.

use serde::Deserialize;

use super::TokenUsage;
use crate::{
    enums::AiProvider,
    error::{Error, Result},
    time::Timestamp,
};

/// The built-in table. It is data to be checked against the providers' price pages.
const BUILT_IN: &str = include_str!("../../data/ai_prices.json");

/// Prices are per so many tokens.
const TOKENS: i128 = 1_000_000;

/// A price, in micro-units (millionths of the currency unit, US dollars in the built-in table) per
/// million tokens, from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The provider's word, lower case.
    pub provider: String,
    /// The model, or the start of its name followed by `*`.
    pub model: String,
    /// The first day it holds, `YYYY-MM-DD`.
    pub valid_from: String,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from the provider's own cache.
    pub cached: u64,
}

/// All prices known here.
#[derive(Debug)]
pub(crate) struct PriceTable(Vec<Price>);

/// The file of the built-in table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What a reader of the file should know.
    #[serde(rename = "note")]
    _note: String,
    /// The day the table was written.
    #[serde(rename = "written")]
    _written: String,
    prices: Vec<Price>,
}

impl PriceTable {
    /// Returns the built-in table with `own` prices. All built-in prices of a provider and model
    /// that `own` names are replaced.
    ///
    /// # Errors
    /// `Invalid` for a price with an unknown provider, an empty model or a day of another form.
    pub(crate) fn new(own: &[Price]) -> Result<Self> {
        for price in own {
            let wrong = |what: &str| Error::invalid(&["ai", "prices"], "format", what);
            if provider(price).is_none() {
                return Err(wrong("provider must be anthropic, openai or openai_compatible"));
            }
            if price.model.is_empty() {
                return Err(wrong("model must not be empty"));
            }
            if !is_day(&price.valid_from) {
                return Err(wrong("valid_from must be a day such as 2026-01-31"));
            }
        }
        let file: File =
            serde_json::from_str(BUILT_IN).map_err(|e| Error::internal("read the prices", e))?;
        let is_replaced = |price: &Price| {
            own.iter().any(|own| own.provider == price.provider && own.model == price.model)
        };
        let built_in = file.prices.into_iter().filter(|price| !is_replaced(price));
        Ok(Self(built_in.chain(own.iter().cloned()).collect()))
    }

    /// Returns the cost of a call at `at` in micro-units, half a unit rounded up; `None` when there
    /// is no price or the sum is beyond all bounds. Never 0 for an unknown price.
    pub(crate) fn cost(
        &self,
        provider: AiProvider,
        model: &str,
        usage: &TokenUsage,
        at: Timestamp,
    ) -> Option<i64> {
        let rfc3339 = at.to_rfc3339();
        let Price { input, output, cached, .. } = self.find(provider, model, rfc3339.get(..10)?)?;
        let from_cache = usage.cached.min(usage.input);
        let parts =
            [(usage.input - from_cache, *input), (from_cache, *cached), (usage.output, *output)];
        let sum = parts.into_iter().try_fold(0_i128, |sum, (tokens, price)| {
            sum.checked_add(i128::from(tokens).checked_mul(i128::from(price))?)
        })?;
        i64::try_from(sum.checked_add(TOKENS / 2)? / TOKENS).ok()
    }

    /// Returns the price that holds on `day`: of those begun, the longest name that fits; of its
    /// prices the newest.
    fn find(&self, from: AiProvider, model: &str, day: &str) -> Option<&Price> {
        self.0
            .iter()
            .filter(|price| provider(price) == Some(from) && price.valid_from.as_str() <= day)
            .filter_map(|price| Some((fit(&price.model, model)?, price)))
            .max_by_key(|(fit, price)| (*fit, price.valid_from.as_str()))
            .map(|(_, price)| price)
    }
}

fn provider(price: &Price) -> Option<AiProvider> {
    let provider = AiProvider::parse(&price.provider.to_ascii_uppercase())?;
    (provider != AiProvider::Local).then_some(provider)
}

/// Returns how well a pattern fits: its length, a whole name before the start of one.
fn fit(pattern: &str, model: &str) -> Option<(usize, bool)> {
    match pattern.strip_suffix('*') {
        Some(start) => model.starts_with(start).then_some((start.len(), false)),
        None => (pattern == model).then_some((pattern.len(), true)),
    }
}

fn is_day(day: &str) -> bool {
    day.len() == 10 && Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(model: &str, valid_from: &str, input: u64) -> Price {
        Price {
            provider: "openai_compatible".to_owned(),
            model: model.to_owned(),
            valid_from: valid_from.to_owned(),
            input,
            output: 2 * input,
            cached: input / 10,
        }
    }

    fn cost(own: &[Price], model: &str, day: &str, usage: TokenUsage) -> Option<i64> {
        let at = Timestamp::parse_rfc3339(&format!("{day}T12:00:00Z")).unwrap();
        let table = PriceTable::new(own).unwrap();
        table.cost(AiProvider::OpenAiCompatible, model, &usage, at)
    }

    fn read(input: u64) -> TokenUsage {
        TokenUsage { input, ..TokenUsage::default() }
    }

    #[test]
    fn the_built_in_table_is_sound() {
        let PriceTable(prices) = PriceTable::new(&[]).unwrap();

        assert!(PriceTable::new(&prices).is_ok());
        for (n, price) in prices.iter().enumerate() {
            assert!(price.cached <= price.input && price.input <= price.output, "{price:?}");
            let twice = prices.iter().skip(n + 1).any(|other| {
                (&other.provider, &other.model, &other.valid_from)
                    == (&price.provider, &price.model, &price.valid_from)
            });
            assert!(!twice, "{price:?}");
        }
    }

    #[test]
    fn tokens_cost_what_the_table_says() {
        let table = PriceTable::new(&[]).unwrap();
        let at = Timestamp::parse_rfc3339("2026-01-05T00:00:00Z").unwrap();
        let usage = TokenUsage { input: 12_000, output: 800, cached: 10_000, estimated: false };
        let cost = |provider, model| table.cost(provider, model, &usage, at);

        // 2,000 × 3 + 10,000 × 0.30 + 800 × 15 dollars per million.
        assert_eq!(cost(AiProvider::Anthropic, "claude-sonnet-4-5-20250929"), Some(21_000));
        // 2,000 × 0.15 + 10,000 × 0.075 + 800 × 0.60.
        assert_eq!(cost(AiProvider::OpenAi, "gpt-4o-mini"), Some(1_530));
        assert_eq!(cost(AiProvider::OpenAi, "claude-sonnet-4-5"), None);
        assert_eq!(cost(AiProvider::Local, "jotrack-1"), None);
    }

    #[test]
    fn an_unknown_price_is_none_and_a_known_zero_is_zero() {
        assert_eq!(cost(&[], "mistral", "2026-01-05", read(10)), None);
        assert_eq!(
            cost(&[price("*", "2026-01-01", 0)], "mistral", "2026-01-05", read(10)),
            Some(0)
        );
    }

    #[test]
    fn half_a_unit_is_rounded_up() {
        let own = [price("m", "2026-01-01", 1)];

        assert_eq!(cost(&own, "m", "2026-01-05", read(499_999)), Some(0));
        assert_eq!(cost(&own, "m", "2026-01-05", read(500_000)), Some(1));
        assert_eq!(cost(&own, "m", "2026-01-05", read(1_499_999)), Some(1));
    }

    #[test]
    fn the_longest_name_wins_then_the_newest_day_that_has_come() {
        let million = |model: &str, day: &str| {
            let own = [
                price("a*", "2026-01-01", 1),
                price("a-b*", "2026-01-01", 2),
                price("a-b*", "2026-02-01", 3),
                price("a-b-c", "2026-03-01", 4),
                price("a-b-c*", "2026-03-01", 5),
            ];
            cost(&own, model, day, read(1_000_000))
        };

        assert_eq!(million("a-x", "2026-04-01"), Some(1));
        assert_eq!(million("a-b", "2026-01-31"), Some(2));
        assert_eq!(million("a-b", "2026-02-01"), Some(3));
        assert_eq!(million("a-b-c", "2026-02-28"), Some(3));
        assert_eq!(million("a-b-c", "2026-03-01"), Some(4));
        assert_eq!(million("a-b-c-d", "2026-03-01"), Some(5));
        assert_eq!(million("a-b", "2025-12-31"), None);
    }

    #[test]
    fn own_prices_replace_all_built_in_ones_of_a_model() {
        let own = Price {
            provider: "openai".to_owned(),
            ..price("gpt-4o-mini", "2024-01-01", 7_000_000)
        };
        let table = PriceTable::new(&[own]).unwrap();
        let at = Timestamp::parse_rfc3339("2026-01-05T00:00:00Z").unwrap();

        let cost = table.cost(AiProvider::OpenAi, "gpt-4o-mini", &read(1_000_000), at);

        assert_eq!(cost, Some(7_000_000));
    }

    #[test]
    fn sums_beyond_all_bounds_are_none() {
        let own = [price("m", "2026-01-01", u64::MAX / 4)];

        assert_eq!(cost(&own, "m", "2026-01-05", read(u64::MAX)), None);
    }

    #[test]
    fn more_cached_tokens_than_read_ones_cost_no_less_than_nothing() {
        let own = [price("m", "2026-01-01", 1_000_000)];
        let usage = TokenUsage { input: 5, cached: 50, ..TokenUsage::default() };

        assert_eq!(cost(&own, "m", "2026-01-05", usage), Some(1));
    }

    #[test]
    fn broken_own_prices_are_refused() {
        let local = Price { provider: "local".to_owned(), ..price("m", "2026-01-01", 1) };
        for broken in [price("", "2026-01-01", 1), price("m", "2026-13-01", 1), local] {
            assert!(matches!(PriceTable::new(&[broken]), Err(Error::Invalid(_))));
        }
    }
}
