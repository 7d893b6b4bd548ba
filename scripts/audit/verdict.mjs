/** What two visits in one state of consent show: what was written, what differs between the visitors, and what should not have been. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { capsuleChoice } from "../../dist/npm/node.js";
import { root } from "../process.mjs";

/**
 * @typedef {import("./visit.mjs").Visit} Visit
 * @typedef {import("./wire.mjs").Sent} Sent
 * @typedef {import("./states.mjs").State} State
 *
 * @typedef {object} Verdict
 * @property {State} state
 * @property {[Visit, Visit]} visits
 * @property {{ id: string, value: number, unit: string, about: string }[]} rows
 * @property {string[]} findings what should not have been; empty if all is well
 *
 * @typedef {object} Known what may differ, where the state lets a page show what the visitor likes
 * @property {string} shop origin
 * @property {ReadonlySet<string>} pictures addresses of the catalogue's pictures
 */

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** The Service Worker's address, which says the same of everybody. */
const WORKER = `/pocketrank-worker.js?cache=pocketrank-${version}&scripts=%2Fpocketrank%2F&lists=%2Fpocketrank%2Fcandidates%2F`;
/** What is asked for where ranking took long, which a busy machine makes happen. */
const SLOW = /^\/pocketrank\/(offload|scorer)-[0-9a-f]{16}\.js$/;
/** What browsers say of themselves and of what they have, as where a cache goes on with what broke off; `sec-...` no script can set. */
const HEADERS =
  /^(host|user-agent|accept|accept-encoding|accept-language|cache-control|connection|cookie|if-modified-since|if-none-match|if-range|origin|pragma|priority|purpose|range|referer|sec-.+|service-worker|upgrade-insecure-requests)$/;
/** What scripts ask for: the runtime's files, and the shop's own. Pages, by contrast, are visited. */
const ASSETS = /^\/(pocketrank|assets)\//;
/** Of text, for a line of the report. */
const LONGEST = 200;

/**
 * @param {State} state
 * @param {[Visit, Visit]} visits
 * @param {Known} known
 * @returns {Verdict}
 */
export function judge(state, visits, { shop, pictures }) {
  const written = visits.flatMap((visit) => unexpected(state, visit));
  const bytes = written.reduce((sum, { bytes }) => sum + bytes, 0);
  const isPicture = (/** @type {Sent} */ { url, destination }) => destination === "image" && pictures.has(url);
  const [one, two] = visits.map(({ path }) => path.sent.filter((sent) => !(state.knows && (isPicture(sent) || followsFromTime(sent, shop)))).map((sent) => canonical(sent, state.capsule)));
  const distinct = differences(once(one ?? []), once(two ?? []));
  const told = differences(...pair(visits.map(({ path }) => path.entries.filter(({ act }) => act === "message").map((entry) => JSON.stringify(entry)))));
  const all = visits.flatMap((visit) => partsOf(visit).flatMap(({ sent }) => sent));
  const sent = all.flatMap((request) => leaks(request, shop, state).map((what) => `${what}: ${request.method} ${request.url}`));
  const connections = visits.flatMap((visit) => partsOf(visit).flatMap(({ entries }) => entries.filter(({ act }) => act === "connection")));
  const held = visits.flatMap(({ ended, path, left }) => (state.end ? [...(ended ?? []), ...path.held] : (left ?? [])));
  const [cards, others] = visits.map(({ cards }) => cards.join(" "));

  const findings = [
    ...written.map(({ when, kind, name, bytes, text }) => `${when} ${kind} "${name}", ${bytes} bytes: ${text}`),
    ...distinct.map((request) => `a request that only one of two visitors made: ${request}`),
    ...new Set(sent),
    ...connections.map(({ kind, name }) => `a connection past HTTP: ${kind} ${name}`),
    ...visits.flatMap(({ given }) => given.map((cookie) => `the shop sent a cookie: ${cookie}`)),
    ...(state.knows ? [] : told.map((message) => `a message that only one of two visitors' pages sent: ${message}`)),
    ...(state.knows || cards === others ? [] : ["two visitors saw different items"]),
    ...(state.leaves ? held.map(({ kind, name }) => `left behind by a closed tab: ${kind} "${name}"`) : []),
  ].map((finding) => finding.slice(0, 3 * LONGEST));
  if ((one?.length ?? 0) < 5) findings.push(`only ${one?.length} requests were seen: the audit is blind`);
  if (state.knows && cards === others) findings.push("two visitors of different tastes saw the same: the histories are none, and the audit proves nothing");
  const isOffline = visits.every(({ history }) => ["serviceWorker", "cache"].every((kind) => history.held.some((held) => held.kind === kind)));
  if ((state.end || state.offline) && !isOffline) findings.push("there was no Service Worker, or it had nothing to give: what becomes of it was not seen");
  const rows = [
    { id: `${state.id}-distinct-requests`, value: distinct.length, unit: "requests", about: "that only one of two visitors with equal caches and different histories made" },
    ...(state.end
      ? [{ id: `${state.id}-bytes-held`, value: sum(held), unit: "bytes", about: "held anywhere once consent had ended, and at the end of the visit" }]
      : [{ id: `${state.id}-bytes-written`, value: bytes, unit: "bytes", about: state.holds.length === 0 ? "written anywhere at any time" : "written elsewhere than said" }]),
    ...(state.leaves ? [{ id: `${state.id}-bytes-left`, value: sum(held), unit: "bytes", about: "held once the tab was closed" }] : []),
    ...(state.knows ? [{ id: `${state.id}-requests-elsewhere`, value: sent.length, unit: "requests", about: "to others than the shop, or with what should not go along" }] : []),
  ];
  return { state, visits, rows, findings: [...new Set(findings)] };
}

/** All of a visit. @param {Visit} visit */
function partsOf({ history, ending, between, path }) {
  return [history, ending, between, path];
}

/**
 * What a visit wrote or held that its state does not allow at that time.
 * @param {State} state @param {Visit} visit
 */
function unexpected(state, { history, ended = [], ending, between, path }) {
  const allowed = (/** @type {{ kind: string, name: string }} */ { kind, name }) => state.holds.some((holds) => holds.test(`${kind} ${name}`));
  const none = () => false;
  const after = state.end ? none : allowed;
  const wrote = (/** @type {Pick<import("./visit.mjs").Part, "entries">} */ { entries }) => entries.filter(({ act }) => act === "write");
  const parts = [
    { when: "written:", records: wrote(history), may: allowed },
    { when: "written while consent ended:", records: wrote(ending), may: allowed },
    { when: "written:", records: [...wrote(between), ...wrote(path)], may: after },
    { when: "held:", records: history.held, may: allowed },
    { when: "held when consent had ended:", records: ended, may: after },
    { when: "held:", records: path.held, may: after },
  ];
  return parts.flatMap(({ when, records, may }) => records.filter((record) => !may(record)).map((record) => ({ when, ...record })));
}

/**
 * What is wrong with a request by itself.
 * @param {Sent} sent @param {string} shop @param {State} state
 */
function leaks({ method, url, headers, body, destination, status }, shop, state) {
  const unknown = Object.keys(headers).filter((name) => !HEADERS.test(name));
  const address = URL.canParse(url) ? new URL(url) : undefined;
  const referrer = headers.referer === undefined ? undefined : new URL(headers.referer);
  const cookies = (headers.cookie ?? "").split("; ").filter((cookie) => cookie && !(maySendCapsule(state) && cookie.startsWith("__Host-pocketrank=")));
  const checks = /** @type {[unknown, string][]} */ ([
    [address?.origin !== shop, "sent elsewhere"],
    [method !== "GET", `sent by ${method}`],
    [body, `sent with a body, ${body.slice(0, LONGEST)}`],
    [address?.search && url !== shop + WORKER, "sent with a query"],
    [cookies.length > 0, `sent with ${cookies.join("; ").slice(0, LONGEST)}`],
    [unknown.length > 0, `sent with the headers ${unknown.join(" ")}`],
    // The shop's files are what they were before the visit: an address that is made of what a visitor did is none of them.
    [address?.origin === shop && ![0, 200, 304].includes(status), `asked for what the shop has not, ${status}`],
    [destination === "empty" && !ASSETS.test(address?.pathname ?? ""), "asked for by a script"],
    [isForged(headers.cookie), "sent with a capsule that is none"],
    [referrer && (referrer.origin !== shop || (referrer.search && referrer.href !== shop + WORKER)), `sent with the referrer ${referrer?.href}`],
    [headers.cookie && /\/pocketrank\/.+\.(json|pkrm?|wasm|delta)$/.test(url), "the runtime asked with a cookie"],
  ]);
  return checks.filter(([holds]) => holds).map(([, what]) => what);
}

/**
 * What is the same for all, and is asked for sooner, later or not at all as the machine has time: what ranks beside the page, and the Service
 * Worker, after which browsers look when they like.
 * @param {Sent} sent @param {string} shop
 */
function followsFromTime({ url }, shop) {
  return url === shop + WORKER || (url.startsWith(shop) && SLOW.test(url.slice(shop.length)));
}

/** Whether something else goes along by the capsule's name. @param {string | undefined} cookie */
function isForged(cookie) {
  const [, capsule] = /(?:^|; )__Host-pocketrank=([^;]*)/.exec(cookie ?? "") ?? [];
  if (capsule === undefined) return false;
  try {
    capsuleChoice(capsule, Math.floor(Date.now() / 1000));
    return false;
  } catch {
    return true;
  }
}

/** What ends later may have been until then. @param {State} state */
function maySendCapsule({ capsule, end }) {
  return capsule || end !== undefined;
}

/** With what a cache asks whether a picture is still the same. */
const VALIDATORS = new Set(["if-none-match", "if-modified-since"]);

/**
 * A request as text; what may go along is left out. A picture that stands on a page twice is asked for once or twice, the second time with
 * its tag, as Chromium's memory cache and lazy loading happen to meet: that follows from time, not from the visitor.
 * @param {Sent} sent @param {boolean} capsule
 */
function canonical({ method, url, headers, body, destination }, capsule) {
  const shown = Object.entries(headers).filter(([name]) => !(capsule && name === "cookie") && !(destination === "image" && VALIDATORS.has(name)));
  return { text: `${method} ${url} ${JSON.stringify(Object.fromEntries(shown))}${body && ` ${body}`}`, isPicture: destination === "image" };
}

/**
 * What is more often in one list than in the other.
 * @param {string[]} one @param {string[]} two
 */
function differences(one, two) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const each of one) counts.set(each, (counts.get(each) ?? 0) + 1);
  for (const each of two) counts.set(each, (counts.get(each) ?? 0) - 1);
  return [...counts].flatMap(([each, count]) => /** @type {string[]} */ (Array(Math.abs(count)).fill(each)));
}

/** Requests, those for pictures each once. @param {{ text: string, isPicture: boolean }[]} requests */
function once(requests) {
  const texts = (/** @type {boolean} */ picture) => requests.filter(({ isPicture }) => isPicture === picture).map(({ text }) => text);
  return [...texts(false), ...new Set(texts(true))];
}

/** @template A @param {A[]} list @returns {[A, A]} */
function pair([one, two]) {
  if (one === undefined || two === undefined) throw new Error("two visitors are compared");
  return [one, two];
}

/** @param {{ bytes: number }[]} records */
function sum(records) {
  return records.reduce((total, { bytes }) => total + bytes, 0);
}
