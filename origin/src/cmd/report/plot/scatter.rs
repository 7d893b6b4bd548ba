//! Points on a logarithmic scale of bytes, with the front of those that no other beats. Invariant: no label lies over another or
//! over a point; one that has no room near its point stands farther off with a line to it.

use super::{escaped, number, ticks, wide, Axes, Frame, BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH};
use pocketrank_origin::train::pack::front;
use std::fmt::Write;

/// A point.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Bytes, above 0.
    pub x: f64,
    /// How good, more is better.
    pub y: f64,
    /// What stands beside it; may be empty.
    pub label: String,
    /// What a pointer on it tells.
    pub title: String,
}

/// Points that can be compared with one another.
pub struct Cloud {
    /// For the legend.
    pub name: String,
    /// Of its points and their front.
    pub colour: &'static str,
    /// The points.
    pub places: Vec<Place>,
}

impl Cloud {
    /// Of each point, whether none is better for as few bytes or as good for fewer.
    pub fn front(&self) -> Vec<bool> {
        front(&self.places.iter().map(|place| (place.x, place.y)).collect::<Vec<_>>())
    }
}

const HIGH: f64 = 12.0;
const DOT: f64 = 5.0;
/// The least range of bytes that is drawn, as a logarithm: a tenth.
const LEAST_RANGE: f64 = 0.041;
/// Below this range, a factor of four, powers of ten are too far apart to be ticks.
const FEW_POWERS: f64 = 0.6;
/// Label places are looked for at so many distances from a point.
const RINGS: u32 = 24;

#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn meets(&self, other: &Area) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn within(&self, other: &Area) -> bool {
        self.left >= other.left && self.right <= other.right && self.top >= other.top && self.bottom <= other.bottom
    }
}

/// The points, each cloud in a colour: those of its front filled and joined, the others hollow.
pub fn scatter(axes: &Axes<'_>, clouds: &[Cloud]) -> String {
    let scaled = |place: &Place| (libm::log10(place.x.max(1e-3)), place.y);
    let mut frame = Frame::around(clouds.iter().flat_map(|cloud| &cloud.places).map(scaled)).below_a_legend();
    // Models of nearly the same size are not drawn as if they differed.
    let margin = ((LEAST_RANGE - (frame.high.0 - frame.low.0)) / 2.0).max((frame.high.0 - frame.low.0) * 0.05);
    (frame.low.0, frame.high.0) = (frame.low.0 - margin, frame.high.0 + margin);
    frame.ticks_below = false;
    frame.begin(axes);
    ticks_below(&mut frame);
    let whole = Area {
        left: LEFT,
        right: WIDTH - RIGHT,
        top: frame.top,
        bottom: HEIGHT - BOTTOM,
    };
    let points: Vec<((f64, f64), &Place)> = clouds
        .iter()
        .flat_map(|cloud| &cloud.places)
        .map(|place| {
            let (x, y) = scaled(place);
            ((frame.x(x), frame.y(y)), place)
        })
        .collect();
    let mut taken: Vec<Area> = points
        .iter()
        .map(|((x, y), _)| Area {
            left: x - DOT,
            right: x + DOT,
            top: y - DOT,
            bottom: y + DOT,
        })
        .collect();
    let mut labels = String::new();
    for ((x, y), place) in points.iter().filter(|(_, place)| !place.label.is_empty()) {
        let Some((area, far)) = free(*x, *y, wide(&place.label), &whole, &taken) else {
            continue;
        };
        taken.push(area);
        if far {
            let _ = write!(
                labels,
                "<line class=\"leader\" x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
                x.clamp(area.left, area.right),
                y.clamp(area.top, area.bottom)
            );
        }
        let _ = write!(
            labels,
            "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            area.left,
            area.bottom - 2.5,
            escaped(&place.label)
        );
    }
    // The first lies on top.
    for cloud in clouds.iter().rev() {
        draw(&mut frame, cloud, scaled);
    }
    frame.out.push_str(&labels);
    frame.legend(clouds.iter().map(|cloud| (cloud.name.as_str(), cloud.colour)));
    frame.end()
}

fn draw(frame: &mut Frame, cloud: &Cloud, scaled: impl Fn(&Place) -> (f64, f64)) {
    let (colour, front) = (cloud.colour, cloud.front());
    let mut best: Vec<(f64, f64)> = cloud
        .places
        .iter()
        .zip(&front)
        .filter(|(_, on)| **on)
        .map(|(place, _)| scaled(place))
        .collect();
    best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let path: Vec<String> = best.into_iter().map(|point| frame.place(point)).collect();
    let _ = write!(
        frame.out,
        "<polyline class=\"front\" fill=\"none\" stroke=\"{colour}\" points=\"{}\"/>",
        path.join(" ")
    );
    for (place, on) in cloud.places.iter().zip(front) {
        let (x, y) = scaled(place);
        let fill = if on { colour } else { "var(--paper)" };
        let _ = write!(
            frame.out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"><title>{}</title></circle>",
            frame.x(x),
            frame.y(y),
            escaped(&place.title)
        );
    }
}

/// The nearest place for a label of that width about a point, and whether a line should lead to it.
fn free(x: f64, y: f64, width: f64, whole: &Area, taken: &[Area]) -> Option<(Area, bool)> {
    for ring in 0..RINGS {
        let away = DOT + 2.0 + f64::from(ring) * HIGH;
        let (middle, beside) = (x - width / 2.0, y - HIGH / 2.0);
        let (left, right, above, below) = (x - away - width, x + away, y - away - HIGH, y + away);
        let near = [
            (right, beside),
            (left, beside),
            (middle, above),
            (middle, below),
            (right, above),
            (right, below),
            (left, above),
            (left, below),
        ];
        for (left, top) in near {
            let area = Area {
                left,
                right: left + width,
                top,
                bottom: top + HIGH,
            };
            if area.within(whole) && !taken.iter().any(|other| other.meets(&area)) {
                return Some((area, ring > 0));
            }
        }
    }
    None
}

/// Bytes at which a line stands: 1, 2 and 5 times the powers of ten, or what is round where few of them are in sight.
fn ticks_below(frame: &mut Frame) {
    let (low, high) = (libm::pow(10.0, frame.low.0), libm::pow(10.0, frame.high.0));
    let chosen = if frame.high.0 - frame.low.0 < FEW_POWERS {
        ticks(low, high)
    } else {
        let steps = (-3..10).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * libm::pow(10.0, f64::from(power))));
        steps.filter(|tick| (low..=high).contains(tick)).collect()
    };
    for tick in &chosen {
        let x = frame.x(libm::log10(*tick));
        let _ = write!(
            frame.out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            frame.top,
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 16.0,
            number(*tick)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: f64, y: f64, label: &str) -> Place {
        Place {
            x,
            y,
            label: label.into(),
            title: label.into(),
        }
    }

    fn cloud(places: Vec<Place>) -> Cloud {
        Cloud {
            name: "c".into(),
            colour: super::super::COLOURS[0],
            places,
        }
    }

    #[test]
    fn the_front_is_what_none_beats() {
        let cloud = cloud(vec![
            place(10.0, 0.1, "small"),
            place(20.0, 0.1, "as good but larger"),
            place(30.0, 0.3, "best"),
            place(30.0, 0.2, "as large but worse"),
            place(30.0, 0.3, "the best's twin"),
        ]);
        assert_eq!(cloud.front(), [true, false, true, false, true]);
        let axes = Axes {
            title: "t",
            x: "x",
            y: "y",
        };
        let drawn = scatter(&axes, &[cloud]);
        assert_eq!(drawn.matches("fill=\"var(--paper)\"").count(), 2, "{drawn}");
    }

    #[test]
    fn labels_of_points_at_one_place_lie_apart() {
        let places: Vec<Place> = (0..16)
            .map(|at| place(64.0, 0.25 + 1e-6 * f64::from(at), &format!("{at}")))
            .chain(["this snapshot", "cosine item-kNN", "RP3beta"].map(|name| place(64.5, 0.25, name)))
            .chain([place(2.0, 0.1, "popularity")])
            .collect();
        let names = places.len();
        let axes = Axes {
            title: "t",
            x: "x",
            y: "y",
        };
        let drawn = scatter(&axes, &[cloud(places)]);
        let attribute = |tag: &str, name: &str| -> f64 {
            let rest = tag.split_once(&format!(" {name}=\"")).unwrap().1;
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        let mut areas: Vec<Area> = drawn
            .split("<text class=\"label\"")
            .skip(1)
            .map(|tag| {
                let text = tag.split_once('>').unwrap().1.split_once('<').unwrap().0;
                let (left, bottom) = (attribute(tag, "x"), attribute(tag, "y") + 2.5);
                Area {
                    left,
                    right: left + wide(text) - 0.2,
                    top: bottom - HIGH + 0.2,
                    bottom,
                }
            })
            .collect();
        assert_eq!(areas.len(), names, "all have a label");
        assert!(drawn.contains("class=\"leader\""), "lines lead to the farther ones");
        while let Some(area) = areas.pop() {
            assert!(!areas.iter().any(|other| other.meets(&area)), "{area:?} in {drawn}");
        }
    }
}
