//! Plots as inline SVG. Invariant: colours are the page's variables, every plot has a title that is read out, and nothing in it is
//! loaded or run.

use super::escaped;
use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;
/// Colours of series, in their order.
const COLOURS: [&str; 3] = ["var(--one)", "var(--two)", "var(--three)"];

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
    let mut frame = Frame::around(series.iter().flat_map(|one| &one.points).copied());
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
    frame.legend(series);
    frame.end()
}

/// Points with their names beside them.
pub fn scatter(axes: &Axes<'_>, names: &[(f64, f64, String)]) -> String {
    let mut frame = Frame::around(names.iter().map(|(x, y, _)| (*x, *y)));
    frame.begin(axes);
    let mut taken = vec![];
    for (x, y, name) in names {
        frame.dot(*x, *y, COLOURS[0], name);
        let (px, mut py) = (frame.x(*x), frame.y(*y));
        // Names of points that lie together stand below one another.
        while taken.iter().any(|other: &f64| (other - py).abs() < 12.0) {
            py += 12.0;
        }
        taken.push(py);
        let (anchor, px) = if px > WIDTH * 0.7 {
            ("end", px - 8.0)
        } else {
            ("start", px + 8.0)
        };
        let _ = write!(
            frame.out,
            "<text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            py + 4.0,
            escaped(name)
        );
    }
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
    let every = counts.len().div_ceil(10).max(1);
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

/// Scales and what is drawn so far.
struct Frame {
    low: (f64, f64),
    high: (f64, f64),
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
        let wide = |low: f64, high: f64| if high > low { high } else { low + 1.0 };
        high = (wide(low.0, high.0), wide(low.1, high.1));
        // Room above and below lines that would lie on the frame; counts begin at their axis.
        let room = if low.1 == 0.0 { 0.0 } else { (high.1 - low.1) * 0.06 };
        Frame {
            low: (low.0, low.1 - room),
            high: (high.0, high.1 + (high.1 - low.1) * 0.06),
            ticks_below: true,
            out: String::new(),
        }
    }

    fn x(&self, x: f64) -> f64 {
        LEFT + (x - self.low.0) / (self.high.0 - self.low.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y - self.low.1) / (self.high.1 - self.low.1) * (HEIGHT - TOP - BOTTOM)
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
            (TOP + HEIGHT - BOTTOM) / 2.0,
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

    fn legend(&mut self, series: &[Series]) {
        for (at, (series, colour)) in series.iter().zip(COLOURS).enumerate() {
            let x = LEFT + 12.0 + 160.0 * at as f64;
            let _ = write!(
                self.out,
                "<rect x=\"{x}\" y=\"{TOP}\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\">{}</text>",
                x + 18.0,
                TOP + 11.0,
                escaped(&series.name)
            );
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
}
