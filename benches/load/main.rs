//! Asks for one page at a fixed arrival rate, as wrk2 does: a request is due when the clock says, whether or not those before it were
//! answered, and its time counts from then to the last byte of the answer. A server that stops for a second shows in all that was due in it.
//!
//! It is here because none of the generators that are packaged (wrk, hey, autocannon, h2load, oha) has both arrivals of that kind and
//! headers that differ from request to request.
//!
//! ```text
//! bench-load ADDRESS PATH RATE SECONDS CONNECTIONS COOKIES MARK TIMES
//! ```
//! `COOKIES` is a file with a `Cookie` header a line, which requests take by turns; an empty line is a request without. An answer counts if its
//! status is 200 and `MARK` is in it `TIMES` times. It prints one JSON object; times are in microseconds.

#![allow(clippy::indexing_slicing)]

mod http;
mod schedule;

use http::Connection;
use schedule::{quantile, Schedule};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How long after the last request was due what has not been answered is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections are made before the first request is due.
const LEAD: Duration = Duration::from_millis(100);

struct Job {
    address: SocketAddr,
    /// Whole requests, taken by turns.
    requests: Vec<Vec<u8>>,
    mark: String,
    times: usize,
    schedule: Schedule,
}

/// What a connection has seen.
#[derive(Default)]
struct Seen {
    /// Microseconds of each answer that counts.
    latencies: Vec<u64>,
    /// Requests without one, with a reason of the last.
    lost: u64,
    why: Option<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: [String; 8] = args
        .try_into()
        .map_err(|_| "usage: ADDRESS PATH RATE SECONDS CONNECTIONS COOKIES MARK TIMES")?;
    let [address, path, rate, seconds, connections, cookies, mark, times] = args;
    let rate: f64 = number(&rate, "RATE")?;
    let seconds: f64 = number(&seconds, "SECONDS")?;
    let connections: usize = number(&connections, "CONNECTIONS")?;
    let cookies = std::fs::read_to_string(&cookies).map_err(|error| format!("{cookies}: {error}"))?;
    let job = Job {
        requests: cookies
            .lines()
            .map(|cookie| http::request(&address, &path, cookie))
            .collect(),
        address: address.parse().map_err(|error| format!("{address}: {error}"))?,
        mark,
        times: number(&times, "TIMES")?,
        schedule: Schedule::new(Instant::now() + LEAD, rate, seconds)?,
    };
    if job.requests.is_empty() || connections == 0 {
        return Err("at least one line of cookies and one connection".into());
    }
    let seen: Vec<Seen> = thread::scope(|scope| {
        let asking: Vec<_> = (0..connections).map(|_| scope.spawn(|| ask(&job))).collect();
        asking.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    if seen.len() < connections {
        return Err("a thread panicked".into());
    }
    Ok(summary(seen))
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name}: `{text}` is no number"))
}

/// Takes the next request that is due, until none is left.
fn ask(job: &Job) -> Seen {
    let mut seen = Seen::default();
    let mut connection = None;
    while let Some((number, due)) = job.schedule.take() {
        let request = &job.requests[number as usize % job.requests.len()];
        let answer = connection
            .take()
            .map_or_else(|| Connection::open(job.address, job.schedule.end() + PATIENCE), Ok)
            .and_then(|mut open: Connection| {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let status = open.ask(request)?;
                Ok((open, status, due.elapsed()))
            });
        match answer {
            Ok((open, status, latency)) => {
                let marks = open.body().matches(&job.mark).count();
                if status == 200 && marks == job.times {
                    seen.latencies.push(latency.as_micros() as u64);
                } else {
                    seen.lost += 1;
                    seen.why = Some(format!("status {status}, {marks} marks"));
                }
                connection = Some(open);
            }
            Err(error) => {
                seen.lost += 1;
                seen.why = Some(error.to_string());
            }
        }
    }
    seen
}

fn summary(seen: Vec<Seen>) -> String {
    let lost: u64 = seen.iter().map(|seen| seen.lost).sum();
    let why = seen.iter().find_map(|seen| seen.why.as_deref()).unwrap_or_default();
    let mut latencies: Vec<u64> = seen.iter().flat_map(|seen| seen.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    let at = |share| quantile(&latencies, share).unwrap_or(0);
    format!(
        "{{\"answered\":{},\"lost\":{lost},\"why\":{why:?},\"p50\":{},\"p90\":{},\"p99\":{},\"max\":{}}}",
        latencies.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    )
}
