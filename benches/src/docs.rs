//! `docs/performance.md` and its plot, from measured numbers.
//!
//! The page is written by people but for what lies between two marks, one pair for each
//! build profile: that is replaced, the rest is kept.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use plotters::prelude::*;

use crate::rounds::{Results, Times, decimal, milliseconds};

/// Puts the results of a build profile into the page; those of `release` also make the
/// plot.
///
/// # Errors
///
/// When a file cannot be read or written, or the page has no place for the profile.
pub(crate) fn write(results: &Results, profile: &str) -> anyhow::Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let path = folder.join("performance.md");
    let page = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let page = replaced(&page, profile, &section(results, &machine()))?;
    fs::write(&path, page).with_context(|| format!("{}", path.display()))?;
    if profile == "release" {
        plot(results, &folder.join("performance.svg"))?;
    }
    Ok(())
}

/// The page with another text between the profile's marks.
fn replaced(page: &str, profile: &str, section: &str) -> anyhow::Result<String> {
    let begin = format!("<!-- {profile}: written by `cargo xtask bench --write-docs` -->");
    let end = format!("<!-- end of {profile} -->");
    let marks = || format!("expected the lines `{begin}` and `{end}` in the page");
    let (before, rest) = page.split_once(&begin).with_context(marks)?;
    let (_, after) = rest.split_once(&end).with_context(marks)?;
    Ok(format!("{before}{begin}\n\n{section}\n{end}{after}"))
}

/// What the numbers belong to.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or(std::env::consts::ARCH, |rest| {
            rest.trim_matches([' ', '\t', ':'])
        });
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("{model}, {}", rustc.unwrap_or_default())
}

fn section(results: &Results, machine: &str) -> String {
    let Results { engines, workloads } = results;
    let rounds = workloads.first().map_or(0, |times| times.seconds[0].len());
    let mut text = format!("{machine}; {rounds} rounds.\n\n");
    let mut rule = String::from("|---|---:|---:|");
    let _ = write!(text, "| Workload | {} | per operator |", engines[0]);
    for engine in &engines[1..] {
        let _ = write!(text, " {engine} | min | median |");
        rule.push_str("---:|---:|---:|");
    }
    let _ = writeln!(text, "\n{rule}");
    for times in workloads {
        let own = milliseconds(times.minimum(0));
        let density = decimal(times.density());
        let _ = write!(text, "| {} | {own} | {density} |", times.workload.name);
        for engine in 1..engines.len() {
            let _ = write!(
                text,
                " {} | {} | {} |",
                milliseconds(times.minimum(engine)),
                decimal(times.ratio(engine)),
                decimal(times.median_ratio(engine))
            );
        }
        text.push('\n');
    }
    let density = decimal(results.mean(Times::density));
    let _ = write!(text, "| **geometric mean** | | {density} |");
    for engine in 1..engines.len() {
        let least = decimal(results.mean(|times| times.ratio(engine)));
        let median = decimal(results.mean(|times| times.median_ratio(engine)));
        let _ = write!(text, " | **{least}** | **{median}** |");
    }
    text.push('\n');
    text
}

const ROW: i32 = 26;
const LEFT: i32 = 150;
const WIDTH: i32 = 560;
const TOP: i32 = 60;
/// Ratios beyond this end at the edge.
const MOST: f64 = 1.4;

/// Bars for the first peer, dots for the others; a line where both are equally fast.
fn plot(results: &Results, path: &Path) -> anyhow::Result<()> {
    let Results { engines, workloads } = results;
    let size = (LEFT + WIDTH + 60, TOP + ROW * workloads.len() as i32 + 30);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (size.0 as u32, size.1 as u32));
        let area = area.into_drawing_area();
        draw(&area, engines, workloads, size.1).map_err(|error| anyhow!("{error}"))?;
    }
    fs::write(path, svg).with_context(|| format!("{}", path.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(
    area: &Area<'_>,
    engines: &[&str],
    workloads: &[Times],
    bottom: i32,
) -> Result<(), Box<dyn std::error::Error>> {
    let x = |ratio: f64| LEFT + (ratio.min(MOST) / MOST * f64::from(WIDTH)) as i32;
    let text = ("sans-serif", 14).into_font();
    area.fill(&WHITE)?;
    let title = "Damson's time over that of others (less than 1: Damson is faster)";
    area.draw(&Text::new(title, (LEFT, 8), ("sans-serif", 16).into_font()))?;
    let mut at = LEFT;
    for (engine, name) in engines.iter().enumerate().skip(1) {
        let color = Palette99::pick(engine);
        area.draw(&Circle::new((at + 5, 42), 5, color.filled()))?;
        area.draw(&Text::new((*name).to_owned(), (at + 16, 35), text.clone()))?;
        at += 110;
    }
    for tenths in (0..=14).step_by(2) {
        let ratio = f64::from(tenths) / 10.0;
        let color = if tenths == 10 {
            BLACK
        } else {
            RGBColor(215, 215, 215)
        };
        let line = vec![(x(ratio), TOP - 4), (x(ratio), bottom - 26)];
        area.draw(&PathElement::new(line, color))?;
        let label = format!("{ratio:.1}");
        area.draw(&Text::new(
            label,
            (x(ratio) - 10, bottom - 22),
            text.clone(),
        ))?;
    }
    for (row, times) in workloads.iter().enumerate() {
        let y = TOP + ROW * row as i32;
        area.draw(&Text::new(times.workload.name, (8, y + 4), text.clone()))?;
        for engine in (1..engines.len()).rev() {
            let Some(ratio) = times.ratio(engine) else {
                continue;
            };
            let color = Palette99::pick(engine);
            if engine == 1 {
                let bar = [(x(0.0), y + 4), (x(ratio), y + ROW - 6)];
                area.draw(&Rectangle::new(bar, color.mix(0.6).filled()))?;
            } else {
                area.draw(&Circle::new((x(ratio), y + ROW / 2 - 1), 5, color.filled()))?;
            }
        }
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::tests::results;

    #[test]
    fn only_the_text_between_the_marks_changes() {
        let page = "A\n<!-- lto: written by `cargo xtask bench --write-docs` -->\nold\n\
                    <!-- end of lto -->\nB\n";
        let new = replaced(page, "lto", "new\n").unwrap();
        assert!(new.starts_with("A\n<!-- lto") && new.ends_with("<!-- end of lto -->\nB\n"));
        assert!(new.contains("\nnew\n") && !new.contains("old"), "{new}");
        assert_eq!(replaced(&new, "lto", "new\n").unwrap(), new);
        assert!(replaced(page, "release", "new").is_err());
    }

    #[test]
    fn the_committed_page_has_a_place_for_both_profiles() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
        let page = fs::read_to_string(path).unwrap();
        for profile in ["release", "lto"] {
            replaced(&page, profile, "").unwrap();
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_workload() {
        let text = section(&results(), "a machine");
        assert!(
            text.contains("| fib | 10.00 | 0.250 | 20.00 | 0.500 | 0.500 |"),
            "{text}"
        );
        assert!(
            text.contains("| **geometric mean** | | 0.250 | | **1.000** |"),
            "{text}"
        );
        let cells: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert!(cells.iter().all(|count| *count == cells[0]), "{cells:?}");
    }

    #[test]
    fn a_plot_names_every_workload() {
        let path = std::env::temp_dir().join(format!("plot-{}.svg", std::process::id()));
        plot(&results(), &path).unwrap();
        let svg = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for name in ["fib", "json", "peer"] {
            assert!(svg.contains(name), "{name}");
        }
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }
}
