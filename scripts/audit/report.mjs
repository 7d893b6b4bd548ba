/** The audit as a privacy officer reads it: for each state of consent what was looked at, what was found, and what was held and sent. */

/**
 * @typedef {import("./verdict.mjs").Verdict} Verdict
 * @typedef {import("./visit.mjs").Visit} Visit
 */

const VISITORS = ["first", "second"];

/** @param {string[]} head @param {(string | number)[][]} lines */
function table(head, lines) {
  const line = (/** @type {(string | number)[]} */ cells) => `| ${cells.map((cell) => String(cell).replace(/[|\n]/g, " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}

/** @template A @param {A[]} list @param {(each: A) => string} keyOf @returns {[string, A[]][]} */
function grouped(list, keyOf) {
  /** @type {Map<string, A[]>} */
  const groups = new Map();
  for (const each of list) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** @param {Verdict} verdict */
function requests({ visits }) {
  const sent = visits.map(({ history, ending, between, path }) => [history, ending, between, path].flatMap(({ sent }) => sent));
  const lines = grouped(sent.flat(), ({ destination }) => destination || "not said").map(([destination, all]) => [
    destination,
    ...sent.map((each) => each.filter((request) => (request.destination || "not said") === destination).length),
    new Set(all.map(({ url }) => url)).size,
    all.filter(({ headers }) => headers.cookie).length,
    all.filter(({ body }) => body).length,
  ]);
  const hosts = grouped(sent.flat(), ({ url }) => (URL.canParse(url) ? new URL(url).host : url)).map(([host, all]) => `${host} (${all.length})`);
  return [
    table(["requests for", "first visitor", "second visitor", "addresses", "with a cookie", "with a body"], lines),
    `All went to: ${hosts.join(", ")}.`,
  ];
}

/** @param {Verdict} verdict */
function records({ state, visits }) {
  const [{ history, ended, path, left }] = visits;
  const looks = /** @type {[string, import("./held.mjs").Held[]][]} */ ([
    ["after the first part", history.held],
    ...(ended ? [["when consent had ended", ended]] : []),
    ["at the end", path.held],
    ...(left ? [["after the tab was closed", left]] : []),
  ]);
  const lines = looks.flatMap(([when, held]) => held.map(({ kind, name, bytes, text }) => [when, kind, name, bytes, text.slice(0, 120)]));
  const said = `What the first visitor's browser held (${looks.map(([when, held]) => `${when}: ${held.length} records`).join(", ")}):`;
  return lines.length === 0 ? [`Held: nothing, ${looks.map(([when]) => when).join(", ")}.`] : [said, table(["when", "where", "name", "bytes", "content"], lines), state.end ? "" : ""];
}

/** @param {Verdict} verdict */
function entries({ visits }) {
  const [{ history, ending, between, path }] = visits;
  const all = [history, ending, between, path].flatMap(({ entries }) => entries);
  const lines = (/** @type {string} */ act) =>
    grouped(all.filter((entry) => entry.act === act), ({ kind, name }) => `${kind} ${name}`).map(([, group]) => {
      const [{ kind, name, text } = { kind: "", name: "", text: "" }] = group;
      return [kind, name, group.length, group.reduce((sum, { bytes }) => sum + bytes, 0), text.slice(0, 120)];
    });
  const [writes, messages] = [lines("write"), lines("message")];
  return [
    writes.length === 0 ? "Written by scripts at any time: nothing." : `Written by scripts, erased again or not:\n\n${table(["where", "name", "times", "bytes", "first"], writes)}`,
    messages.length === 0 ? "Messages between tabs and workers: none." : `Messages between tabs and workers of this browser:\n\n${table(["by", "name", "times", "bytes", "first"], messages)}`,
  ];
}

/** @param {Verdict} verdict */
function section(verdict) {
  const { state, visits, rows, findings } = verdict;
  const pages = visits.map(({ history, path }, at) => `The ${VISITORS[at]} visitor opened ${history.pages.join(" ")}, clicked a card, and then ${path.pages.join(" ")}.`);
  return [
    `## ${state.id}: ${findings.length === 0 ? "as it should be" : `${findings.length} findings`}`,
    `In this state ${state.about}.`,
    ...(findings.length === 0 ? [] : [findings.map((finding) => `- ${finding}`).join("\n")]),
    table(["figure", "value", "is what was"], rows.map(({ id, value, unit, about }) => [id, `${value} ${unit}`, about])),
    ...pages,
    ...requests(verdict),
    ...records(verdict),
    ...entries(verdict),
  ];
}

/**
 * @param {Verdict[]} verdicts
 * @param {{ asked: number, findings: string[] }} upstream what the shop's own server was asked
 * @param {string} browser its version
 */
export function report(verdicts, upstream, browser) {
  const count = verdicts.reduce((sum, { findings }) => sum + findings.length, upstream.findings.length);
  return `${[
    "# Privacy audit",
    count === 0 ? "**Nothing was found that should not be.**" : `**${count} findings**: each is named below, in the state where it was found.`,
    `Two visitors with different tastes lived through each state of consent, in ${browser}, in the demo shop behind the real edge worker in workerd. Each looked at ` +
      "products of their own, put them into `dataLayer` as bought, saved them by `record()` and clicked a card. Then the caches of both were emptied, so that they are equal, and both " +
      "opened the same pages, asked for a reason and moved a shelf on. What the two sent then is compared, request by request: method, address, every header, body.",
    "Requests are as a proxy between browser and edge saw them, whoever made them: pages, frames, workers, Service Workers. Looked through for what is held: cookies, `localStorage`, " +
      "`sessionStorage`, IndexedDB, Cache Storage, the origin's private files, Service Workers, storage buckets, `window.name` and `history.state`. What scripts of pages write is also noted " +
      "when they do it. Not looked at: the browser's own HTTP cache, when things happen, what workers tell each other. Not compared, where the visitor " +
      "agreed: how often browsers look after the Service Worker, and whether ranking took so long that its own worker was fetched; their addresses are the same for all.",
    table(["state", "figure", "value"], verdicts.flatMap(({ state, rows }) => rows.map(({ id, value, unit }) => [state.id, id, `${value} ${unit}`]))),
    `The shop's own server was asked ${upstream.asked} times, ${upstream.findings.length === 0 ? "never with a cookie or the capsule" : `and saw:\n\n${upstream.findings.map((finding) => `- ${finding}`).join("\n")}`}.`,
    ...verdicts.flatMap(section),
    "Every request is in `requests.jsonl`, everything held, written and told in `records.jsonl`, beside this file.",
  ]
    .filter(Boolean)
    .join("\n\n")}\n`;
}

/**
 * Every request, and every record, entry and message, a JSON object each.
 * @param {Verdict[]} verdicts
 */
export function lists(verdicts) {
  const [requests, records] = [/** @type {object[]} */ ([]), /** @type {object[]} */ ([])];
  for (const { state, visits } of verdicts) {
    for (const [at, { history, ended = [], ending, between, path, left = [] }] of visits.entries()) {
      const of = { state: state.id, visitor: VISITORS[at] };
      for (const [part, { sent, entries }] of Object.entries({ history, ending, between, path })) {
        requests.push(...sent.map((request) => ({ ...of, part, ...request })));
        records.push(...entries.map((entry) => ({ ...of, part, ...entry })));
      }
      records.push(...Object.entries({ history: history.held, ended, path: path.held, left }).flatMap(([part, held]) => held.map((record) => ({ ...of, part, act: "held", ...record }))));
    }
  }
  const lines = (/** @type {object[]} */ all) => all.map((each) => `${JSON.stringify(each)}\n`).join("");
  return { requests: lines(requests), records: lines(records) };
}
