//! The few statistics that noisy times allow.

/// The median; of an even number the mean of both in the middle.
///
/// # Panics
///
/// When there are no numbers.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 {
        numbers[middle]
    } else {
        (numbers[middle - 1] + numbers[middle]) / 2.0
    }
}

/// The least.
///
/// # Panics
///
/// When there are no numbers.
pub(crate) fn minimum(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let least = numbers.into_iter().min_by(f64::total_cmp);
    least.expect("at least one number")
}

/// The geometric mean, which is the right one for ratios: it does not depend on which
/// side is the divisor.
pub(crate) fn geometric_mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = numbers
        .into_iter()
        .fold((0.0, 0.0), |(sum, count), x| (sum + x.ln(), count + 1.0));
    (sum / count).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_does_not_mind_outliers() {
        assert_eq!(median([3.0, 1000.0, 1.0]), 3.0);
        assert_eq!(median([4.0, 2.0, 1.0, 99.0]), 3.0);
    }

    #[test]
    fn the_minimum_is_the_least() {
        assert_eq!(minimum([3.0, 0.5, 7.0]), 0.5);
    }

    #[test]
    fn the_geometric_mean_of_a_ratio_and_its_inverse_is_one() {
        assert!((geometric_mean([4.0, 0.25]) - 1.0).abs() < 1e-12);
        assert!((geometric_mean([2.0, 8.0]) - 4.0).abs() < 1e-12);
    }
}
