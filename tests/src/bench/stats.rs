//! Statistics of a run: quantiles, and the bootstrap interval of a median ratio.

use serde::{Deserialize, Serialize};

/// Resamples of the bootstrap; chosen, not measured.
const RESAMPLES: usize = 10_000;
/// Seed of the bootstrap, so that the same run gives the same interval.
const SEED: u64 = 0x0063_616c_6c62_6f61;

/// The value at `permille` of the sorted values, by nearest rank.
///
/// # Panics
/// When there are no values or `permille` is above 1000.
#[must_use]
pub fn quantile<T: Copy>(sorted: &[T], permille: usize) -> T {
    assert!(permille <= 1000, "a quantile is at most 1000 permille");
    let rank = (sorted.len() * permille).div_ceil(1000).max(1);
    sorted[rank - 1]
}

/// Median and 99th percentile of samples, in the samples' unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Samples.
    pub samples: usize,
    /// Median.
    pub p50: u64,
    /// 99th percentile; of fewer than 100 samples it is the largest.
    pub p99: u64,
}

impl Spread {
    /// Sorts and reads; `None` of nothing.
    #[must_use]
    pub fn of(mut samples: Vec<u64>) -> Option<Self> {
        samples.sort_unstable();
        (!samples.is_empty()).then(|| Self {
            samples: samples.len(),
            p50: quantile(&samples, 500),
            p99: quantile(&samples, 990),
        })
    }
}

/// Median ratio of pairs, with the 95 % bootstrap interval of that median.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Pairs.
    pub pairs: usize,
    /// Median of the pairs' ratios.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Ratio {
    /// Reads the ratios of pairs; `None` of nothing.
    #[must_use]
    pub fn of(ratios: &[f64]) -> Option<Self> {
        if ratios.is_empty() {
            return None;
        }
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut resample = vec![0.0; ratios.len()];
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                for slot in &mut resample {
                    *slot = ratios[random.usize(..ratios.len())];
                }
                median(&mut resample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Some(Self {
            pairs: ratios.len(),
            median: median(&mut ratios.to_vec()),
            low: quantile(&medians, 25),
            high: quantile(&medians, 975),
        })
    }

    /// Whether the ratio is within `target`: the interval's upper end decides.
    #[must_use]
    pub fn verdict(&self, target: f64) -> Verdict {
        if self.high <= target {
            Verdict::Holds
        } else if self.low > target {
            Verdict::Missed
        } else {
            Verdict::NotShown
        }
    }
}

/// What a run says about a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval is within the target.
    Holds,
    /// The target is inside the interval: this run can't tell, which counts as not held.
    NotShown,
    /// The whole interval is beyond the target.
    Missed,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let spread = Spread::of((1..=200).rev().collect()).unwrap();
        assert_eq!((spread.p50, spread.p99), (100, 198));
        assert_eq!(Spread::of(vec![7]).unwrap().p99, 7);
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_steady_ratio_has_a_narrow_interval() {
        let ratios: Vec<f64> = (0..30).map(|i| 0.5 + 0.001 * f64::from(i % 5)).collect();
        let ratio = Ratio::of(&ratios).unwrap();
        assert!(ratio.low >= 0.5 && ratio.high <= 0.504, "{ratio:?}");
        assert_eq!(ratio.verdict(0.8), Verdict::Holds);
        assert_eq!(ratio.verdict(0.4), Verdict::Missed);
    }

    #[test]
    fn a_target_inside_the_interval_is_not_shown() {
        let ratios: Vec<f64> = (0..30)
            .map(|i| if i % 2 == 0 { 0.7 } else { 0.9 })
            .collect();
        assert_eq!(Ratio::of(&ratios).unwrap().verdict(0.8), Verdict::NotShown);
    }
}
