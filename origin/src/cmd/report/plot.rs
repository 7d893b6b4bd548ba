//! Plots as inline SVG. Invariant: colours are the page's variables, every plot has a title that is read out, and nothing in it is
//! loaded or run.

mod scatter;

use super::escaped;
use std::fmt::Write;

pub use scatter::{scatter, Cloud, Place};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;
/// Height of a legend.
const LEGEND: f64 = 14.0;
/// Colours of series, in their order.
pub const COLOURS: [&str; 3] = ["var(--one)", "var(--two)", "var(--three)"];

/// Colours and lines of plots, and the colours of the page about them.
pub const CSS: &str = include_str!("plot.css");

/// A plot as a file of its own.
pub fn alone(plot: &str) -> String {
    let style = format!("</title><style>{CSS}svg{{background:var(--paper);font-family:system-ui,sans-serif}}</style>");
    let named = plot.replacen("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"", 1);
    named.replacen("</title>", &style, 1) + "\n"
}

/// A line.
pub struct Series {
    /// Its name, for the legend.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// What stands at the axes.
pub struct Axes<'a> {
    /// What is read out.
    pub title: &'a str,
    /// Below.
    pub x: &'a str,
    /// At the left.
    pub y: &'a str,
}

/// Lines with a dot at each point.
pub fn lines(axes: &Axes<'_>, series: &[Series]) -> String {
    let mut frame = Frame::around(series.iter().flat_map(|one| &one.points).copied()).below_a_legend();
    frame.begin(axes);
    for (series, colour) in series.iter().zip(COLOURS) {
        let path: Vec<String> = series.points.iter().map(|point| frame.place(*point)).collect();
        let _ = write!(
            frame.out,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            path.join(" ")
        );
        for (x, y) in &series.points {
            frame.dot(*x, *y, colour, &format!("{}: {}", series.name, number(*y)));
        }
    }
    frame.legend(series.iter().map(|series| series.name.as_str()).zip(COLOURS));
    frame.end()
}

/// Bars that lie, each with its name at the left.
pub fn bars(title: &str, values: &[(String, f64)]) -> String {
    let values: Vec<&(String, f64)> = values.iter().filter(|(_, value)| value.is_finite()).collect();
    let most = values.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let height = 26.0 * values.len() as f64 + 8.0;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\"><title>{}</title>",
        escaped(title)
    );
    for (at, (name, value)) in values.iter().enumerate() {
        let y = 26.0 * at as f64 + 4.0;
        let width = (WIDTH - 260.0) * (value / most).clamp(0.0, 1.0);
        let _ = write!(
            out,
            "<text x=\"150\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect x=\"160\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" \
             fill=\"{}\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            y + 14.0,
            escaped(name),
            COLOURS[0],
            168.0 + width,
            y + 14.0,
            number(*value)
        );
    }
    out + "</svg>"
}

/// How many values lie in each of the ranges that the bounds part; the labels are those of the ranges.
pub fn histogram(axes: &Axes<'_>, counts: &[(String, f64)]) -> String {
    let most = counts.iter().map(|(_, count)| *count).fold(1.0, f64::max);
    let mut frame = Frame::around([(0.0, 0.0), (counts.len() as f64, most)]);
    frame.ticks_below = false;
    frame.begin(axes);
    // As many labels as have room beside one another.
    let widest = counts.iter().map(|(label, _)| wide(label)).fold(0.0, f64::max) + 10.0;
    let room = (WIDTH - LEFT - RIGHT) / counts.len().max(1) as f64;
    let every = libm::ceil(widest / room).max(1.0) as usize;
    for (at, (label, count)) in counts.iter().enumerate() {
        let (from, to) = (frame.x(at as f64), frame.x(at as f64 + 1.0));
        let (top, bottom) = (frame.y(*count), frame.y(0.0));
        let _ = write!(
            frame.out,
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{}: {}</title></rect>",
            from + 0.5,
            (to - from - 1.0).max(0.5),
            bottom - top,
            COLOURS[0],
            escaped(label),
            number(*count)
        );
        if at % every == 0 {
            let _ = write!(
                frame.out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                (from + to) / 2.0,
                HEIGHT - BOTTOM + 16.0,
                escaped(label)
            );
        }
    }
    frame.end()
}

/// How wide a text is, about, and rather too wide: fonts differ.
fn wide(text: &str) -> f64 {
    6.4 * text.chars().count() as f64
}

/// Scales and what is drawn so far.
struct Frame {
    low: (f64, f64),
    high: (f64, f64),
    top: f64,
    ticks_below: bool,
    out: String,
}

impl Frame {
    fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        for (x, y) in points {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        if low.0 > high.0 {
            (low, high) = ((0.0, 0.0), (1.0, 1.0));
        }
        if high.0 <= low.0 {
            high.0 = low.0 + 1.0;
        }
        // One value alone, such as the NDCG of one model, stands in the middle and not on a scale of its neighbours in whole numbers.
        if high.1 <= low.1 {
            let about = if low.1 == 0.0 { 1.0 } else { low.1.abs() * 0.05 };
            (low.1, high.1) = ((low.1 - about).max(low.1.min(0.0)), high.1 + about);
        }
        // Room above and below lines that would lie on the frame; counts begin at their axis.
        let room = if low.1 == 0.0 { 0.0 } else { (high.1 - low.1) * 0.06 };
        Frame {
            low: (low.0, low.1 - room),
            high: (high.0, high.1 + (high.1 - low.1) * 0.06),
            top: TOP,
            ticks_below: true,
            out: String::new(),
        }
    }

    /// The same with room for a legend.
    fn below_a_legend(mut self) -> Self {
        self.top = TOP + LEGEND;
        self
    }

    fn x(&self, x: f64) -> f64 {
        LEFT + (x - self.low.0) / (self.high.0 - self.low.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y - self.low.1) / (self.high.1 - self.low.1) * (HEIGHT - self.top - BOTTOM)
    }

    fn place(&self, (x, y): (f64, f64)) -> String {
        format!("{:.1},{:.1}", self.x(x), self.y(y))
    }

    fn begin(&mut self, axes: &Axes<'_>) {
        let _ = write!(
            self.out,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>{}</title>",
            escaped(axes.title)
        );
        for tick in ticks(self.low.1, self.high.1) {
            let y = self.y(tick);
            let _ = write!(
                self.out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                number(tick)
            );
        }
        if self.ticks_below {
            for tick in ticks(self.low.0, self.high.0) {
                let _ = write!(
                    self.out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    self.x(tick),
                    HEIGHT - BOTTOM + 16.0,
                    number(tick)
                );
            }
        }
        let _ = write!(
            self.out,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"axis\" transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
            escaped(axes.x),
            (self.top + HEIGHT - BOTTOM) / 2.0,
            escaped(axes.y)
        );
    }

    fn dot(&mut self, x: f64, y: f64, colour: &str, title: &str) {
        let _ = write!(
            self.out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"><title>{}</title></circle>",
            self.x(x),
            self.y(y),
            escaped(title)
        );
    }

    /// Above the frame, where no point lies.
    fn legend<'n>(&mut self, names: impl Iterator<Item = (&'n str, &'n str)>) {
        let mut x = LEFT;
        for (name, colour) in names {
            let _ = write!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"4\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"14\">{}</text>",
                x + 18.0,
                escaped(name)
            );
            x += 42.0 + wide(name);
        }
    }

    fn end(self) -> String {
        self.out + "</svg>"
    }
}

/// Round numbers between two, about five.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let first = libm::ceil(low / step);
    (0..12)
        .map(|at| (first + f64::from(at)) * step)
        .take_while(|tick| *tick <= high)
        .collect()
}

/// A number as short as it can be told.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let digits = (3.0 - libm::floor(libm::log10(value.abs()))).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(0.0, 10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let found: Vec<String> = ticks(0.2441, 0.2652).into_iter().map(number).collect();
        assert_eq!(found, ["0.245", "0.25", "0.255", "0.26", "0.265"]);
        assert_eq!(
            [number(1234.0), number(0.000_12), number(-2.5)],
            ["1234", "0.00012", "-2.5"]
        );
    }

    #[test]
    fn names_are_escaped_and_odd_data_drawn() {
        let series = Series {
            name: "<b>".into(),
            points: vec![],
        };
        let axes = Axes {
            title: "a & b",
            x: "x",
            y: "y",
        };
        let drawn = lines(&axes, &[series])
            + &bars("t", &[("\"<i>".into(), 1.0), ("odd".into(), f64::NAN)])
            + &histogram(&axes, &[]);
        assert!(
            !drawn.contains("<b>") && !drawn.contains("<i>") && drawn.contains("a &amp; b"),
            "{drawn}"
        );
        assert!(!drawn.contains("NaN") && !drawn.contains("odd"), "{drawn}");
    }

    #[test]
    fn labels_below_have_room() {
        let axes = Axes {
            title: "t",
            x: "x",
            y: "y",
        };
        let counts: Vec<(String, f64)> = (0..90).map(|day| (format!("2011-01-{day:02}"), 1.0)).collect();
        let drawn = histogram(&axes, &counts);
        let labels = drawn.matches(">2011-01-").count() - counts.len();
        assert!((3..=8).contains(&labels), "{labels} labels of ten letters");
    }
}
